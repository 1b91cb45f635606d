//! How long to wait after a failed attempt, and when to stop trying.
//!
//! ```text
//! wait = max(Retry-After, min(cap, base · 2ⁿ)) + U(0, spread)        n = failed attempts so far − 1
//! ```
//!
//! The jitter is added *after* the cap: added before it, as the formula is often printed
//! (`min(1000·2ⁿ + random·1000, 30000)`), every client that reaches the cap waits exactly 30 s and they all come back
//! together. The spread is 1 s, and wider (3 to 5 s) once the key was throttled, because then many callers are known to be
//! waiting for the same moment. Jitter on top rather than full jitter, because the platform's `Retry-After` is a
//! floor: a wait drawn from 0 would ignore it.
//!
//! Attempts are counted, not retries: 4 means one try and three retries.

use std::time::Duration;

use rand::{Rng, RngExt};
use thiserror::Error;

use super::retry_after::RetryAfter;

/// A backoff policy. [`Backoff::default`] is the product's: 1 s doubling to 30 s, 4 attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    throttled_spread: Duration,
    attempts: u8,
}

/// Why a backoff policy was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BackoffError {
    /// A base of zero never grows.
    #[error("the base wait is longer than zero")]
    ZeroBase,
    /// The first wait would already be capped.
    #[error("the base wait is at most the cap")]
    BaseAboveCap,
    /// Outside 3–5 s.
    #[error("the spread of a throttled key is 3 to 5 s")]
    ThrottledSpread,
    /// Outside 1–6.
    #[error("attempts are 1 to 6 in all")]
    Attempts,
}

/// What is known about the limiter key of the failed call; it decides how wide the jitter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Never throttled within this job's attempts.
    Calm,
    /// Throttled at least once.
    Throttled,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again after this long.
    After(Duration),
    /// That was the last attempt: take the fallback path.
    Exhausted,
}

impl Backoff {
    /// The jitter of a key that was never throttled.
    pub const CALM_SPREAD: Duration = Duration::from_secs(1);

    /// A policy: first wait, longest wait before jitter, jitter of a throttled key, attempts in all.
    ///
    /// # Errors
    /// [`BackoffError`] unless 0 < `base` ≤ `cap`, 3 s ≤ `throttled_spread` ≤ 5 s and 1 ≤ `attempts` ≤ 6.
    pub fn new(
        base: Duration,
        cap: Duration,
        throttled_spread: Duration,
        attempts: u8,
    ) -> Result<Self, BackoffError> {
        if base.is_zero() {
            return Err(BackoffError::ZeroBase);
        }
        if base > cap {
            return Err(BackoffError::BaseAboveCap);
        }
        if !(Duration::from_secs(3)..=Duration::from_secs(5)).contains(&throttled_spread) {
            return Err(BackoffError::ThrottledSpread);
        }
        if !(1..=6).contains(&attempts) {
            return Err(BackoffError::Attempts);
        }
        Ok(Self {
            base,
            cap,
            throttled_spread,
            attempts,
        })
    }

    /// Decides after `failed` attempts (the first failure is 1; 0 is read as 1). The wait lies in
    /// `floor ..= floor + spread`, where `floor` is the longer of the hint and the capped exponential. Never panics.
    pub fn after(
        &self,
        failed: u32,
        hint: Option<RetryAfter>,
        key: Key,
        rng: &mut impl Rng,
    ) -> Retry {
        if failed >= u32::from(self.attempts) {
            return Retry::Exhausted;
        }
        let floor = hint
            .map_or(Duration::ZERO, RetryAfter::wait)
            .max(self.exponential(failed));
        let jitter_us = rng.random_range(0..=self.spread_us(key));
        Retry::After(floor + Duration::from_micros(jitter_us))
    }

    /// How many attempts there are in all, the first included.
    #[must_use]
    pub const fn attempts(&self) -> u8 {
        self.attempts
    }

    fn exponential(&self, failed: u32) -> Duration {
        // Saturates: a factor that no longer fits is far beyond any cap.
        let factor = 1_u32
            .checked_shl(failed.saturating_sub(1))
            .unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The width of the jitter in whole microseconds; a spread is a few seconds, so it always fits.
    fn spread_us(&self, key: Key) -> u64 {
        let spread = match key {
            Key::Calm => Self::CALM_SPREAD,
            Key::Throttled => self.throttled_spread,
        };
        u64::try_from(spread.as_micros()).unwrap_or(u64::MAX)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            throttled_spread: Duration::from_secs(4),
            attempts: 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{SeedableRng, TryRng};

    use super::*;

    /// A generator stuck at one value: all bits clear draws the lowest jitter, all bits set the highest.
    struct Stuck(u64);

    impl TryRng for Stuck {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok((self.0 >> 32) as u32)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(self.0)
        }

        fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
            into.fill(self.0 as u8);
            Ok(())
        }
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn long() -> Backoff {
        Backoff::new(seconds(1), seconds(30), seconds(5), 6).unwrap()
    }

    #[test]
    fn lowest_and_highest_wait_of_each_attempt() {
        let hint = |secs| Some(RetryAfter::capped(seconds(secs)));
        for (name, failed, hint, key, lowest, highest) in [
            ("first", 1, None, Key::Calm, 1, 2),
            ("zero is read as first", 0, None, Key::Calm, 1, 2),
            ("second", 2, None, Key::Calm, 2, 3),
            ("third", 3, None, Key::Calm, 4, 5),
            ("fifth", 5, None, Key::Calm, 16, 17),
            ("throttled key", 1, None, Key::Throttled, 1, 6),
            (
                "a longer hint is the floor",
                1,
                hint(20),
                Key::Throttled,
                20,
                25,
            ),
            ("a shorter hint is not", 4, hint(2), Key::Calm, 8, 9),
            (
                "an absurd hint was capped",
                1,
                hint(86_400),
                Key::Calm,
                900,
                901,
            ),
        ] {
            let low = long().after(failed, hint, key, &mut Stuck(0));
            let high = long().after(failed, hint, key, &mut Stuck(u64::MAX));
            assert_eq!(low, Retry::After(seconds(lowest)), "{name}, lowest");
            assert_eq!(high, Retry::After(seconds(highest)), "{name}, highest");
        }
    }

    #[test]
    fn the_cap_holds_for_every_count_and_jitter_survives_it() {
        for failed in [6, 7, 31, 32, 33, 34, u32::MAX] {
            assert_eq!(long().exponential(failed), seconds(30), "{failed} failures");
        }
        let capped = Backoff {
            cap: seconds(1),
            ..long()
        };
        let mut rng = StdRng::seed_from_u64(1);
        let waits: std::collections::BTreeSet<_> = (0..100)
            .map(|_| format!("{:?}", capped.after(5, None, Key::Calm, &mut rng)))
            .collect();
        assert!(
            waits.len() > 90,
            "at the cap clients are still spread: {} of 100 differ",
            waits.len()
        );
    }

    #[test]
    fn four_attempts_are_one_try_and_three_retries() {
        let backoff = Backoff::default();
        let mut rng = StdRng::seed_from_u64(2);
        let retries = (1..=10)
            .take_while(|failed| {
                backoff.after(*failed, None, Key::Calm, &mut rng) != Retry::Exhausted
            })
            .count();
        assert_eq!(retries, 3);
        let hint = Some(RetryAfter::capped(seconds(1)));
        assert_eq!(
            backoff.after(4, hint, Key::Throttled, &mut rng),
            Retry::Exhausted
        );
        assert_eq!(
            backoff.after(u32::MAX, None, Key::Calm, &mut rng),
            Retry::Exhausted
        );
    }

    #[test]
    fn impossible_policies_are_refused() {
        for (name, base, cap, spread, attempts, expected) in [
            ("zero base", 0, 30, 4, 4, BackoffError::ZeroBase),
            ("base above cap", 31, 30, 4, 4, BackoffError::BaseAboveCap),
            ("narrow spread", 1, 30, 2, 4, BackoffError::ThrottledSpread),
            ("wide spread", 1, 30, 6, 4, BackoffError::ThrottledSpread),
            ("no attempts", 1, 30, 4, 0, BackoffError::Attempts),
            ("seven attempts", 1, 30, 4, 7, BackoffError::Attempts),
        ] {
            let made = Backoff::new(seconds(base), seconds(cap), seconds(spread), attempts);
            assert_eq!(made, Err(expected), "{name}");
        }
        assert_eq!(
            Backoff::new(seconds(1), seconds(30), seconds(4), 4),
            Ok(Backoff::default())
        );
    }

    proptest! {
        #[test]
        fn every_wait_is_within_its_bounds_and_a_seed_repeats_it(
            failed in 1_u32..6, hint_s in prop::option::of(0_u64..100_000), throttled: bool, seed: u64,
        ) {
            let hint = hint_s.map(|secs| RetryAfter::capped(seconds(secs)));
            let key = if throttled { Key::Throttled } else { Key::Calm };
            let draw = || long().after(failed, hint, key, &mut StdRng::seed_from_u64(seed));
            let Retry::After(wait) = draw() else { panic!("attempts are left") };
            let floor = seconds((1 << (failed - 1)).min(30)).max(seconds(hint_s.unwrap_or(0).min(900)));
            prop_assert!(wait >= floor && wait <= floor + Duration::from_micros(long().spread_us(key)), "{wait:?}");
            prop_assert_eq!(draw(), Retry::After(wait));
        }
    }
}
