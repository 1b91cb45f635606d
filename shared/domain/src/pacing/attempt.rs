//! The conditional write by which slots are reserved, as a value: what must hold of the stored `tat`, and what happens to
//! it then. The adapter of the `limits` table turns it into one update; [`Attempt::apply`] says what that update must do,
//! for twins of the table and for tests. When to make which write, and what follows, is [`gcra`](super::gcra)'s.

use std::time::Duration;

use crate::time::Timestamp;

/// Which of the two writes to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Branch {
    /// Add to a `tat` that lies ahead: the key is busy.
    Extend,
    /// Set `tat` afresh: the key is new or rested.
    #[default]
    Start,
}

/// What must hold of the stored `tat` for the write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `tat BETWEEN low AND high`, both ends included.
    Between {
        /// The caller's now.
        low: Timestamp,
        /// Now + horizon + burst tolerance.
        high: Timestamp,
    },
    /// `attribute_not_exists(tat) OR tat < now`.
    AbsentOrBefore(Timestamp),
}

/// What the write does to `tat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// `tat = tat + this`.
    Add(Duration),
    /// `tat = this`.
    Set(Timestamp),
}

/// One conditional write, ready to be turned into an update of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The branch this write belongs to; remember it for the next request if it succeeds.
    pub branch: Branch,
    /// Its condition.
    pub condition: Condition,
    /// Its effect.
    pub write: Write,
}

impl Attempt {
    /// What a store holding `tat` does with this write: the new `tat`, or the one found if the condition fails.
    ///
    /// # Errors
    /// The unchanged `tat` (`None`: absent), as a store returns the old item when a condition fails.
    pub fn apply(self, tat: Option<Timestamp>) -> Result<Timestamp, Option<Timestamp>> {
        let holds = match self.condition {
            Condition::Between { low, high } => tat.is_some_and(|at| low <= at && at <= high),
            Condition::AbsentOrBefore(now) => tat.is_none_or(|at| at < now),
        };
        match (holds, self.write, tat) {
            (true, Write::Set(at), _) => Ok(at),
            (true, Write::Add(span), Some(at)) => Ok(at + span),
            (false, ..) | (true, Write::Add(_), None) => Err(tat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_write_happens_if_its_condition_holds_and_else_shows_what_it_found() {
        let extend = Attempt {
            branch: Branch::Extend,
            condition: Condition::Between {
                low: at(10),
                high: at(20),
            },
            write: Write::Add(Duration::from_millis(5)),
        };
        let start = Attempt {
            branch: Branch::Start,
            condition: Condition::AbsentOrBefore(at(10)),
            write: Write::Set(at(15)),
        };
        for (attempt, found, expected) in [
            (extend, None, None),
            (extend, Some(9), None),
            (extend, Some(10), Some(15)),
            (extend, Some(20), Some(25)),
            (extend, Some(21), None),
            (start, None, Some(15)),
            (start, Some(9), Some(15)),
            (start, Some(10), None),
        ] {
            let found = found.map(at);
            assert_eq!(
                attempt.apply(found),
                expected.map(at).ok_or(found),
                "{attempt:?} on {found:?}"
            );
        }
    }
}
