//! How a wait for a reserved slot is spent: in the queue, or in place.
//!
//! A function that sleeps is paid for sleeping, so a long wait is a delayed copy of the job in the queue. Queues delay by
//! whole seconds, hence the delay is rounded *down* and the fraction is waited out by the function that takes the
//! copy. The slot travels with the job and the split is simply asked for again on arrival: a queue that was late, or
//! a wait longer than the queue can hold, needs no special case.

use std::time::Duration;

use crate::time::Timestamp;

/// The longest wait spent inside a function.
pub const LONGEST_IN_PLACE: Duration = Duration::from_secs(2);

/// The longest delay SQS gives a message (`DelaySeconds`: 0 to 900,
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
pub const LONGEST_QUEUE_SECONDS: u16 = 900;

/// What to do about a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Wait this long (0 ..= [`LONGEST_IN_PLACE`]), then make the call.
    InPlace(Duration),
    /// Put a copy into the queue with this delay (1 ..= [`LONGEST_QUEUE_SECONDS`] seconds) and ask again when it comes
    /// out.
    Queue {
        /// Whole seconds, never past the slot.
        seconds: u16,
    },
}

impl Wait {
    /// How to get from `now` to `slot`. A slot in the past needs no wait.
    #[must_use]
    pub fn of(slot: Timestamp, now: Timestamp) -> Self {
        let wait = slot.saturating_since(now);
        if wait <= LONGEST_IN_PLACE {
            return Self::InPlace(wait);
        }
        let seconds = u16::try_from(wait.as_secs()).unwrap_or(LONGEST_QUEUE_SECONDS);
        Self::Queue {
            seconds: seconds.min(LONGEST_QUEUE_SECONDS),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_waits_stay_long_ones_queue() {
        let now = Timestamp::from_millis(1_000_000);
        for (wait_ms, expected) in [
            (0, Wait::InPlace(Duration::ZERO)),
            (1, Wait::InPlace(Duration::from_millis(1))),
            (2_000, Wait::InPlace(Duration::from_secs(2))),
            (2_001, Wait::Queue { seconds: 2 }),
            (3_999, Wait::Queue { seconds: 3 }),
            (900_999, Wait::Queue { seconds: 900 }),
            (901_000, Wait::Queue { seconds: 900 }),
            (u64::MAX / 2, Wait::Queue { seconds: 900 }),
        ] {
            let slot = now + Duration::from_millis(wait_ms);
            assert_eq!(Wait::of(slot, now), expected, "{wait_ms} ms");
        }
        assert_eq!(
            Wait::of(Timestamp::from_millis(1), now),
            Wait::InPlace(Duration::ZERO)
        );
    }

    proptest! {
        #[test]
        fn asked_again_after_each_delay_it_ends_exactly_at_the_slot(
            start in 0_u64..1 << 45, wait_ms in 0_u64..10_000_000, late_ms in 0_u64..50,
        ) {
            let slot = Timestamp::from_millis(start + wait_ms);
            let mut now = Timestamp::from_millis(start);
            for _ in 0..16 {
                match Wait::of(slot, now) {
                    Wait::Queue { seconds } => {
                        let arrival = now + Duration::from_secs(seconds.into());
                        prop_assert!(arrival <= slot, "the queue never overshoots by itself");
                        now = arrival + Duration::from_millis(late_ms);
                    }
                    Wait::InPlace(rest) => {
                        prop_assert!(rest <= LONGEST_IN_PLACE);
                        prop_assert_eq!(now + rest, slot.max(now));
                        return Ok(());
                    }
                }
            }
            prop_assert!(false, "never arrived");
        }
    }
}
