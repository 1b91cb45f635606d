//! How many failing look-ups are forgiven before the caller is blocked for a while.

use std::collections::VecDeque;

use time::OffsetDateTime;

use super::options::ErrorBudget;

/// Counts refused look-ups.
#[derive(Debug)]
pub(super) struct Budget {
    rule: Option<ErrorBudget>,
    errors: VecDeque<OffsetDateTime>,
    blocked_until: Option<OffsetDateTime>,
}

impl Budget {
    pub(super) fn new(rule: Option<ErrorBudget>) -> Self {
        Self {
            rule,
            errors: VecDeque::new(),
            blocked_until: None,
        }
    }

    /// Whether look-ups are refused at this moment.
    pub(super) fn blocked(&self, now: OffsetDateTime) -> bool {
        self.blocked_until.is_some_and(|until| now < until)
    }

    /// Counts a refused look-up.
    pub(super) fn refused(&mut self, now: OffsetDateTime) {
        let Some(rule) = self.rule else {
            return;
        };
        self.errors.push_back(now);
        while self
            .errors
            .front()
            .is_some_and(|&first| first + rule.window <= now)
        {
            self.errors.pop_front();
        }
        if self.errors.len() >= rule.errors {
            self.errors.clear();
            self.blocked_until = Some(now + rule.block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_errors_close_together_block_and_the_block_ends() {
        let rule = ErrorBudget {
            errors: 3,
            window: Duration::from_secs(60),
            block: Duration::from_secs(30),
        };
        let at = |second| OffsetDateTime::UNIX_EPOCH + Duration::from_secs(second);
        let mut budget = Budget::new(Some(rule));
        for second in [0, 50, 61] {
            budget.refused(at(second));
        }
        assert!(
            !budget.blocked(at(61)),
            "the first error is too old to count"
        );
        budget.refused(at(62));
        assert!(budget.blocked(at(62)) && budget.blocked(at(91)));
        assert!(!budget.blocked(at(92)));
    }
}
