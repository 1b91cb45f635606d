//! How many calls each token has made in the present window.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::options::Allowance;

/// Where a token stands after a call: the values of the `inin-ratelimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) count: u32,
    pub(super) allowed: u32,
    /// Whole seconds until the window ends, rounded up.
    pub(super) reset_seconds: u64,
}

impl Standing {
    pub(super) fn over(&self) -> bool {
        self.count > self.allowed
    }
}

/// The windows of all tokens.
#[derive(Debug)]
pub(super) struct Windows {
    rule: Allowance,
    windows: HashMap<String, (OffsetDateTime, u32)>,
}

impl Windows {
    pub(super) fn new(rule: Allowance) -> Self {
        Self {
            rule,
            windows: HashMap::new(),
        }
    }

    /// Counts one call of `token`.
    pub(super) fn call(&mut self, token: &str, now: OffsetDateTime) -> Standing {
        let (started, count) = self.windows.entry(token.to_owned()).or_insert((now, 0));
        if *started + self.rule.window <= now {
            (*started, *count) = (now, 0);
        }
        *count += 1;
        let left = (*started + self.rule.window - now).as_seconds_f64().ceil();
        Standing {
            count: *count,
            allowed: self.rule.calls,
            reset_seconds: left.max(0.0) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn windows_fill_and_start_again() {
        let at = |ms| OffsetDateTime::UNIX_EPOCH + Duration::from_millis(ms);
        let rule = Allowance {
            calls: 2,
            window: Duration::from_secs(60),
        };
        let mut windows = Windows::new(rule);
        let rows = [
            ("a", 0, 1, 60, false),
            ("a", 500, 2, 60, false),
            ("a", 1000, 3, 59, true),
            ("b", 1000, 1, 60, false),
            ("a", 60_000, 1, 60, false),
        ];
        for (token, ms, count, reset_seconds, over) in rows {
            let standing = windows.call(token, at(ms));
            assert_eq!(
                standing,
                Standing {
                    count,
                    allowed: 2,
                    reset_seconds
                }
            );
            assert_eq!(standing.over(), over);
        }
    }
}
