//! Time as the stand-ins see it: the machine's clock plus an offset that a test can move.
//!
//! One [`Clock`] is shared by clones, so that moving it moves every platform built with it. Whatever waits for a moment (the
//! next try of a webhook, the release of a held fetch) wakes at once when the offset passes it: seven days of retries
//! take milliseconds. Waiting and reading only; nothing here stops the machine's own timers.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;

/// A movable clock. Clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    offset: std::sync::Arc<watch::Sender<time::Duration>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl Clock {
    /// A clock that shows the machine's time until it is moved.
    #[must_use]
    pub fn real() -> Self {
        Self {
            offset: std::sync::Arc::new(watch::Sender::new(time::Duration::ZERO)),
        }
    }

    /// The time on this clock, UTC.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + *self.offset.borrow()
    }

    /// The time on this clock in whole Unix seconds.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        self.now().unix_timestamp()
    }

    /// The present moment as Unix milliseconds.
    #[must_use]
    pub fn unix_millis(&self) -> i64 {
        let millis = self.now().unix_timestamp_nanos() / 1_000_000;
        i64::try_from(millis).unwrap_or(i64::MAX)
    }

    /// Moves the clock forward and wakes whoever waited for a moment that has now passed.
    pub fn advance(&self, by: Duration) {
        let by = time::Duration::try_from(by).unwrap_or(time::Duration::MAX);
        self.offset
            .send_modify(|offset| *offset = offset.saturating_add(by));
    }

    /// Sets the distance to the machine's clock; negative values show a clock that is slow.
    pub fn set_offset(&self, offset: time::Duration) {
        self.offset.send_replace(offset);
    }

    /// Waits until this clock shows `moment` or later.
    pub async fn sleep_until(&self, moment: OffsetDateTime) {
        let mut moved = self.offset.subscribe();
        loop {
            let left = moment - self.now();
            if !left.is_positive() {
                return;
            }
            let left = Duration::try_from(left).unwrap_or(Duration::MAX);
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                // The sender lives in `self`, so this cannot end with an error while we wait.
                _ = moved.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn advancing_wakes_a_sleeper_and_moves_every_clone() {
        let clock = Clock::real();
        let twin = clock.clone();
        let week = Duration::from_secs(7 * 24 * 3600);
        let due = clock.now() + week;
        let sleeper = tokio::spawn(async move {
            twin.sleep_until(due).await;
            twin.now()
        });
        tokio::task::yield_now().await;
        clock.advance(week);
        let woke = tokio::time::timeout(Duration::from_secs(5), sleeper).await;
        assert!(woke.expect("woken by the move").expect("ran") >= due);
    }

    #[tokio::test]
    async fn a_slow_clock_shows_the_past() {
        let clock = Clock::real();
        clock.set_offset(time::Duration::hours(-1));
        assert!(clock.now() < OffsetDateTime::now_utc() - time::Duration::minutes(59));
    }
}
