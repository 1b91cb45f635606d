//! The machine's clock and chance.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use attache_domain::time::Timestamp;
use attache_flow::ports::Clock;
use rand::rngs::StdRng;
use rand::{Rng, make_rng};

/// The system clock, and a generator seeded by the operating system.
#[derive(Debug)]
pub struct SystemClock {
    rng: RefCell<StdRng>,
}

impl SystemClock {
    /// A clock with a generator of its own. One for each process, made after the process started: a generator that
    /// was frozen into a snapshot would draw the same holders in every copy of it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rng: RefCell::new(make_rng()),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The time by the machine. A clock before 1970 reads as 1970.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(0) + since
}

#[async_trait(?Send)]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn draw(&self) -> u64 {
        self.rng.borrow_mut().next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_this_century_and_draws_afresh() {
        let clock = SystemClock::new();
        assert!(clock.now() > Timestamp::parse_rfc3339("2025-01-01T00:00:00Z").unwrap());
        assert_ne!(clock.draw(), clock.draw());
        assert_ne!(clock.draw(), SystemClock::new().draw());
    }
}
