//! A download on its way into the store: counted, and its lease renewed while bytes flow.

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::time::Timestamp;
use bytes::Bytes;

use crate::held::Held;
use crate::ports::{Source, SourceError};

/// The time there is for something of known length.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// When it began.
    pub began: Timestamp,
    /// When it must be over.
    pub deadline: Timestamp,
    /// How long it runs before its end is projected.
    pub patience: Duration,
}

impl Budget {
    /// Whether `got` of `expected` bytes at `now` mean that the rest will not come in time.
    #[must_use]
    pub fn is_too_short(self, got: u64, expected: u64, now: Timestamp) -> bool {
        let passed = now.saturating_since(self.began);
        if passed < self.patience || got >= expected {
            return false;
        }
        let left = self.deadline.saturating_since(now).as_millis();
        // left/passed of what came so far must be enough for what is missing.
        left * u128::from(got) < u128::from(expected - got) * passed.as_millis()
    }
}

/// Wraps a body. It ends with an error as soon as more bytes come than announced, at the end if fewer came, and when
/// the lease is lost: a holder that was overtaken stores nothing.
pub struct Metered<'a> {
    body: Box<dyn Source>,
    expected: u64,
    got: u64,
    held: Held<'a>,
    budget: Budget,
}

impl<'a> Metered<'a> {
    /// Wraps `body`, of `expected` bytes, for the holder of an item.
    pub fn new(body: Box<dyn Source>, expected: u64, held: Held<'a>, budget: Budget) -> Self {
        Self {
            body,
            expected,
            got: 0,
            held,
            budget,
        }
    }
}

impl Metered<'_> {
    /// How many bytes came so far, and since when.
    #[must_use]
    pub fn came(&self) -> (u64, Timestamp) {
        (self.got, self.budget.began)
    }
}

#[async_trait(?Send)]
impl Source for Metered<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let piece = self.body.next().await?;
        self.got += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.got > self.expected || (piece.is_none() && self.got < self.expected) {
            return Err(SourceError::Length {
                expected: self.expected,
                got: self.got,
            });
        }
        let now = self.held.now();
        if self.budget.is_too_short(self.got, self.expected, now) {
            return Err(SourceError::TooSlow);
        }
        self.held.keep().await?;
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_not_be_over_in_time_is_seen_early() {
        let began = Timestamp::from_seconds(100);
        let budget = Budget {
            began,
            deadline: began + Duration::from_secs(8),
            patience: Duration::from_millis(1500),
        };
        let after = |millis| began + Duration::from_millis(millis);
        for (got, now, expected) in [
            (0, after(1499), false),
            (0, after(1500), true),
            (187, after(1500), true),
            (188, after(1500), false),
            (499, after(4000), true),
            (500, after(4000), false),
            (1000, after(9000), false),
            (999, after(9000), true),
        ] {
            assert_eq!(
                budget.is_too_short(got, 1000, now),
                expected,
                "{got} at {now}"
            );
        }
    }
}
