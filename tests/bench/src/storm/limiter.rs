//! What a platform does to one tenant's calls: a bucket that fills at its rate, a refusal for each call that finds it empty, and
//! a key that is locked after too many refusals.

use std::collections::VecDeque;
use std::time::Duration;

use attache_domain::time::Timestamp;

/// Refusals within [`LOCK_SPAN`] that lock a key, and for how long: the rule that the bench arms (`S0-39`: 15 to 30 minutes).
pub(super) const LOCK_REFUSALS: usize = 200;
const LOCK_SPAN: Duration = Duration::from_secs(10);
const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);

/// Parts of a call: a rate of so many calls a second fills as many of these in a millisecond.
const PARTS: u64 = 1000;

/// One key of the platform.
#[derive(Debug)]
pub(super) struct Limiter {
    /// Calls in a second; as many may come at once.
    rate: u64,
    /// When it becomes half of that, which nobody is told.
    halves_at: Option<Timestamp>,
    level: u64,
    filled_at: Timestamp,
    refusals: VecDeque<Timestamp>,
    locked_until: Timestamp,
    locks: bool,
    /// What was counted.
    pub(super) counted: Counted,
}

/// What was counted of one key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// Calls.
    pub(super) calls: usize,
    /// Of these, refused.
    pub(super) refused: usize,
    /// The most refusals within ten seconds.
    pub(super) most_refused: usize,
    /// How often the key was locked.
    pub(super) locks: usize,
}

impl Limiter {
    pub(super) fn new(rate: u64, halves_at: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            rate,
            halves_at,
            level: rate * PARTS,
            filled_at: now,
            refusals: VecDeque::new(),
            locked_until: now,
            locks: false,
            counted: Counted::default(),
        }
    }

    /// The same, with a lock on the key.
    pub(super) fn armed(self) -> Self {
        Self {
            locks: true,
            ..self
        }
    }

    /// A call comes in: it is taken, or refused, with the seconds after which it is to come again.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), u64> {
        self.fill(now);
        self.counted.calls += 1;
        if now < self.locked_until {
            self.counted.refused += 1;
            return Err(self.locked_until.saturating_since(now).as_secs() + 1);
        }
        if self.level >= PARTS {
            self.level -= PARTS;
            return Ok(());
        }
        self.refuse(now);
        Err(1)
    }

    fn fill(&mut self, now: Timestamp) {
        if let Some(at) = self.halves_at.filter(|at| *at <= now) {
            self.fill_until(at);
            self.rate /= 2;
            self.halves_at = None;
        }
        self.fill_until(now);
    }

    fn fill_until(&mut self, now: Timestamp) {
        let passed = now.saturating_since(self.filled_at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let more = passed.saturating_mul(self.rate);
        self.level = self.level.saturating_add(more).min(self.rate * PARTS);
        self.filled_at = self.filled_at.max(now);
    }

    fn refuse(&mut self, now: Timestamp) {
        self.counted.refused += 1;
        self.refusals.push_back(now);
        while self
            .refusals
            .front()
            .is_some_and(|at| *at + LOCK_SPAN <= now)
        {
            self.refusals.pop_front();
        }
        let recent = self.refusals.len();
        self.counted.most_refused = self.counted.most_refused.max(recent);
        if self.locks && recent >= LOCK_REFUSALS {
            self.locked_until = now + LOCKED_FOR;
            self.counted.locks += 1;
            self.refusals.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + ms)
    }

    fn taken(limiter: &mut Limiter, calls: usize, ms: u64) -> usize {
        (0..calls).filter(|_| limiter.take(at(ms)).is_ok()).count()
    }

    #[test]
    fn a_burst_then_the_rate_then_half_of_it() {
        let mut limiter = Limiter::new(10, Some(at(2000)), at(0));
        assert_eq!(taken(&mut limiter, 20, 0), 10);
        assert_eq!(taken(&mut limiter, 20, 1000), 10);
        assert_eq!(taken(&mut limiter, 20, 3000), 5, "from two seconds on half");
        assert_eq!(limiter.counted.refused, 10 + 10 + 15);
    }

    #[test]
    fn two_hundred_refusals_in_ten_seconds_lock_the_key_for_a_quarter_of_an_hour() {
        let mut limiter = Limiter::new(1, None, at(0)).armed();
        for n in 0..=199 {
            let _ = taken(&mut limiter, 1, n * 20);
        }
        assert_eq!(limiter.counted.locks, 0, "{:?}", limiter.counted);
        taken(&mut limiter, 10, 4000);
        assert_eq!(limiter.counted.locks, 1);
        assert_eq!(taken(&mut limiter, 1, 800_000), 0);
        assert_eq!(taken(&mut limiter, 1, 910_000), 1);
    }
}
