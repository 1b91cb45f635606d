//! How many errors a platform may be made to answer with: a count over the last hour, shared by everybody who asks for one
//! tenant.
//!
//! A platform that is asked again and again for what it does not have shuts the whole number out. So errors are counted,
//! and once there were some, each question is charged before it is asked and given back if it was answered. What failed
//! before has a smaller share: one dead id cannot use up what the living need.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The span errors are counted over.
const SPAN: Duration = Duration::from_secs(3600);

/// The most errors in a span: what the project allows itself; Meta publishes no number.
const MOST: usize = 15;

/// The most after which something is asked again that failed before.
const MOST_AGAIN: usize = 8;

/// The errors of the last hour, and the questions that are out. The default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBudget {
    /// When each was charged, oldest first.
    #[serde(rename = "at", default)]
    charged: Vec<Timestamp>,
}

/// A question that may be asked; goes back with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Charge(Option<Timestamp>);

impl Charge {
    /// Of a question that was asked before anything was known to be wrong.
    pub const FREE: Self = Self(None);
}

impl ErrorBudget {
    /// Whether nothing was charged in the last hour.
    #[must_use]
    pub fn is_calm(&self, now: Timestamp) -> bool {
        self.charged.iter().all(|at| is_old(*at, now))
    }

    /// May a question be asked; `again`: one that was answered with an error before.
    ///
    /// # Errors
    /// When to come back.
    pub fn ask(&mut self, again: bool, now: Timestamp) -> Result<Charge, Timestamp> {
        self.charged.retain(|at| !is_old(*at, now));
        let most = if again { MOST_AGAIN } else { MOST };
        if let Some(over) = self.charged.len().checked_sub(most) {
            return Err(self.charged.get(over).map_or(now, |at| *at + SPAN));
        }
        if self.charged.is_empty() {
            return Ok(Charge::FREE);
        }
        self.charged.push(now);
        Ok(Charge(Some(now)))
    }

    /// Takes in how a question ended.
    pub fn settle(&mut self, charge: Charge, erred: bool, now: Timestamp) {
        match (charge.0, erred) {
            (None, true) => self.charged.push(now),
            (Some(at), false) => {
                if let Some(index) = self.charged.iter().position(|known| *known == at) {
                    self.charged.remove(index);
                }
            }
            (None, false) | (Some(_), true) => {}
        }
    }
}

fn is_old(at: Timestamp, now: Timestamp) -> bool {
    now.saturating_since(at) >= SPAN
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_dead_id_leaves_room_for_the_living() {
        let mut budget = ErrorBudget::default();
        let mut refused = None;
        for second in 0..20 {
            match budget.ask(second > 0, at(second)) {
                Ok(charge) => budget.settle(charge, true, at(second)),
                Err(until) => refused = refused.or(Some((second, until))),
            }
        }
        assert_eq!(
            refused,
            Some((8, at(3600))),
            "the first of eight is an hour old then"
        );
        for second in 20..100 {
            let charge = budget.ask(false, at(second)).expect("one that lives");
            budget.settle(charge, false, at(second));
        }
        assert!(!budget.is_calm(at(3606)));
        assert!(budget.is_calm(at(3607)));
    }

    #[test]
    fn while_nothing_is_wrong_nothing_is_charged() {
        let mut budget = ErrorBudget::default();
        let charge = budget.ask(false, at(1)).unwrap();
        budget.settle(charge, false, at(1));
        assert_eq!((charge, budget), (Charge::FREE, ErrorBudget::default()));
    }

    proptest! {
        /// One question after the other, each answered somehow: no hour has more errors than allowed.
        #[test]
        fn no_hour_has_more_errors_than_allowed(
            questions in prop::collection::vec((0_u64..400, any::<bool>(), any::<bool>()), 1..300),
        ) {
            let (mut budget, mut now, mut errors) = (ErrorBudget::default(), 0, Vec::new());
            for (passed, again, erred) in questions {
                now += passed;
                match budget.ask(again, at(now)) {
                    Ok(charge) => {
                        budget.settle(charge, erred, at(now));
                        if erred {
                            errors.push(now);
                        }
                    }
                    Err(until) => prop_assert!(until > at(now) && until <= at(now) + SPAN),
                }
                let recent = errors.iter().filter(|then| now - **then < SPAN.as_secs());
                prop_assert!(recent.count() <= MOST);
            }
        }
    }
}
