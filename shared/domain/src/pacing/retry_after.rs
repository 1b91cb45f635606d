//! Reads what a platform asks for when it says "slow down": the `Retry-After` header of RFC 9110 §10.2.3, in seconds
//! or as a date.
//!
//! A hint is a stranger's number. It is capped ([`LONGEST`]), so that a slip on the far side cannot park a customer's
//! file for a day, and what cannot be read counts as no hint: our own backoff then decides alone. Of the date forms
//! only the current one is read (`Sun, 06 Nov 1994 08:49:37 GMT`); the two forms obsolete since 1999 are not.

use std::time::Duration;

use crate::time::Timestamp;

/// The longest wait a hint can cause: what a queue can delay a message in one go.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A wait the platform asked for, at most [`LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// A hint that came in another form (a reset header, a field of an error body), capped.
    #[must_use]
    pub fn capped(wait: Duration) -> Self {
        Self(wait.min(LONGEST))
    }

    /// Reads a header value as seen at `now`. A date in the past means "at once"; `None` means there is nothing to
    /// go by: negative, fractional, empty, or no date either.
    #[must_use]
    pub fn parse(value: &str, now: Timestamp) -> Option<Self> {
        let value = value.trim_ascii();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // Only overflow can fail here, and a number that long is merely very long.
            return Some(Self::capped(Duration::from_secs(
                value.parse().unwrap_or(u64::MAX),
            )));
        }
        let then = Timestamp::parse_http_date(value)?;
        Some(Self::capped(then.saturating_since(now)))
    }

    /// The wait.
    #[must_use]
    pub const fn wait(self) -> Duration {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1994-11-06T08:49:37Z, the moment RFC 9110 uses in its examples.
    const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

    #[test]
    fn seconds_and_dates_are_read_and_capped() {
        for (value, expected_seconds) in [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("900", Some(900)),
            ("901", Some(900)),
            ("99999999999999999999999999", Some(900)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Thu, 01 Jan 1959 00:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 2077 23:59:59 GMT", Some(900)),
            ("", None),
            ("-1", None),
            ("+5", None),
            ("1.5", None),
            ("soon", None),
            ("5 seconds", None),
            ("٣", None),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ] {
            let read = RetryAfter::parse(value, NOW).map(|hint| hint.wait().as_secs());
            assert_eq!(read, expected_seconds, "{value:?}");
        }
    }

    #[test]
    fn a_date_is_measured_to_the_millisecond() {
        let now = Timestamp::from_millis(NOW.as_millis() + 400);
        let hint = RetryAfter::parse("Sun, 06 Nov 1994 08:49:38 GMT", now).unwrap();
        assert_eq!(hint.wait(), Duration::from_millis(600));
    }

    proptest! {
        #[test]
        fn no_value_panics_or_exceeds_the_cap(value in "\\PC{0,40}|[0-9]{1,40}", now in any::<u64>()) {
            if let Some(hint) = RetryAfter::parse(&value, Timestamp::from_millis(now)) {
                prop_assert!(hint.wait() <= LONGEST);
            }
        }
    }
}
