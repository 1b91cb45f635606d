//! What a limit is: one call every interval T on average, and up to `burst` calls at once.
//!
//! A rate is checked when it is made, so that the arithmetic built on it needs no error paths. T is kept in whole
//! milliseconds and rounded *up*: a rate may turn out slightly slower than asked for, never faster. (300 in a second
//! become one every 4 ms, that is 250; the published limits, 10, 20, 25, 80, 100 and 1000 in a second and one in six
//! seconds, lose at most 4 %.)

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest interval between two calls a rate may ask for; the pacer's horizon would refuse the second call.
pub const SLOWEST_INTERVAL: Duration = Duration::from_secs(120);

/// A steady rate with a burst allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Rate {
    interval_ms: u64,
    burst: u32,
}

/// The stored shape of a [`Rate`]; read back through the same checks.
#[derive(Serialize, Deserialize)]
struct Stored {
    interval_ms: u64,
    burst: u32,
}

/// Why a rate cannot be paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RateError {
    /// No calls at all, or no time to make them in.
    #[error("a rate needs at least one call in a time longer than zero")]
    Empty,
    /// A burst counts the call itself, so it is at least one.
    #[error("a burst is at least 1: the call itself")]
    NoBurst,
    /// More than one call in a millisecond.
    #[error("more than 1000 calls in a second cannot be paced in milliseconds")]
    TooFast,
    /// Less than one call in [`SLOWEST_INTERVAL`].
    #[error("less than one call in {} s cannot be paced", SLOWEST_INTERVAL.as_secs())]
    TooSlow,
}

impl Rate {
    /// `calls` in every `per`, of which `burst` may come at once (1 spaces all calls evenly).
    ///
    /// # Errors
    /// [`RateError`] if there are no calls, no time or no burst, or if the interval between two calls leaves
    /// 1 ms ..= [`SLOWEST_INTERVAL`].
    pub fn new(calls: u32, per: Duration, burst: u32) -> Result<Self, RateError> {
        if calls == 0 || per.is_zero() {
            return Err(RateError::Empty);
        }
        let nanos_per_call = per.as_nanos().div_ceil(u128::from(calls));
        if nanos_per_call < 1_000_000 {
            return Err(RateError::TooFast);
        }
        let interval_ms = u64::try_from(nanos_per_call.div_ceil(1_000_000));
        Self::every(interval_ms.map_err(|_| RateError::TooSlow)?, burst)
    }

    fn every(interval_ms: u64, burst: u32) -> Result<Self, RateError> {
        match (interval_ms, burst) {
            (_, 0) => Err(RateError::NoBurst),
            (0, _) => Err(RateError::TooFast),
            (ms, _) if u128::from(ms) > SLOWEST_INTERVAL.as_millis() => Err(RateError::TooSlow),
            (interval_ms, burst) => Ok(Self { interval_ms, burst }),
        }
    }

    /// The same at `percent` of its pace (1 to 100), bursts too; never slower than [`SLOWEST_INTERVAL`].
    #[must_use]
    pub fn slowed(self, percent: u32) -> Self {
        let percent = u64::from(percent.clamp(1, 100));
        let slowest = SLOWEST_INTERVAL.as_secs() * 1000;
        let burst = u64::from(self.burst) * percent / 100;
        Self {
            interval_ms: (self.interval_ms * 100).div_ceil(percent).min(slowest),
            // No more than it was.
            burst: u32::try_from(burst).unwrap_or(self.burst).max(1),
        }
    }

    /// The same without bursts.
    #[must_use]
    pub const fn even(self) -> Self {
        Self { burst: 1, ..self }
    }

    /// T: the time between two calls in steady state.
    #[must_use]
    pub const fn interval(self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// How many calls may be made at once after a rest; at least 1.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// The time `calls` calls use up: n·T.
    #[must_use]
    pub const fn span(self, calls: u32) -> Duration {
        Duration::from_millis(self.interval_ms.saturating_mul(calls as u64))
    }

    /// How far ahead of the steady rate a burst may run: (burst − 1)·T.
    #[must_use]
    pub const fn tolerance(self) -> Duration {
        self.span(self.burst - 1)
    }
}

impl TryFrom<Stored> for Rate {
    type Error = RateError;

    fn try_from(stored: Stored) -> Result<Self, RateError> {
        Self::every(stored.interval_ms, stored.burst)
    }
}

impl From<Rate> for Stored {
    fn from(rate: Rate) -> Self {
        Self {
            interval_ms: rate.interval_ms,
            burst: rate.burst,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_rounded_up_never_down() {
        let second = Duration::from_secs(1);
        for (name, calls, per, expected_ms) in [
            ("even", 100, second, 10),
            ("the fastest", 1000, second, 1),
            ("80 in a second: 12.5 ms", 80, second, 13),
            ("thirds", 3, second, 334),
            ("300 in a minute", 300, Duration::from_secs(60), 200),
            (
                "WhatsApp pair: one in six seconds",
                1,
                Duration::from_secs(6),
                6000,
            ),
            ("the slowest", 1, SLOWEST_INTERVAL, 120_000),
            (
                "less than a millisecond over",
                1,
                Duration::from_micros(1001),
                2,
            ),
        ] {
            let rate = Rate::new(calls, per, 1).unwrap();
            assert_eq!(
                rate.interval(),
                Duration::from_millis(expected_ms),
                "{name}"
            );
        }
    }

    #[test]
    fn a_slowed_rate_is_a_rate() {
        let rate = Rate::new(20, Duration::from_secs(1), 5).unwrap();
        for (percent, interval_ms, burst) in [(100, 50, 5), (80, 63, 4), (10, 500, 1), (0, 5000, 1)]
        {
            let slowed = rate.slowed(percent);
            let expected = (Duration::from_millis(interval_ms), burst);
            assert_eq!((slowed.interval(), slowed.burst()), expected, "{percent}");
        }
        let slow = Rate::new(1, SLOWEST_INTERVAL, 1).unwrap();
        assert_eq!(slow.slowed(10), slow);
    }

    #[test]
    fn impossible_rates_are_refused() {
        let second = Duration::from_secs(1);
        for (name, calls, per, burst, expected) in [
            ("no calls", 0, second, 1, RateError::Empty),
            ("no time", 1, Duration::ZERO, 1, RateError::Empty),
            ("no burst", 1, second, 0, RateError::NoBurst),
            ("1001 in a second", 1001, second, 1, RateError::TooFast),
            (
                "slower than the horizon",
                1,
                Duration::from_secs(121),
                1,
                RateError::TooSlow,
            ),
            ("longest time", 1, Duration::MAX, 1, RateError::TooSlow),
        ] {
            assert_eq!(Rate::new(calls, per, burst), Err(expected), "{name}");
        }
    }

    #[test]
    fn a_stored_rate_passes_the_same_checks() {
        let rate = Rate::new(20, Duration::from_secs(1), 5).unwrap();
        let json = serde_json::to_string(&rate).unwrap();
        assert_eq!(json, r#"{"interval_ms":50,"burst":5}"#);
        assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate);
        for broken in [
            r#"{"interval_ms":0,"burst":5}"#,
            r#"{"interval_ms":50,"burst":0}"#,
        ] {
            assert!(serde_json::from_str::<Rate>(broken).is_err(), "{broken}");
        }
    }
}
