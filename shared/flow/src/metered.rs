//! A download on its way into the store: counted, and its lease renewed while bytes flow.

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::journey::Item;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Announced;
use bytes::Bytes;

use crate::ports::{Clock, Items, Saved, Source, SourceError};

/// For how long a transfer runs before its end is projected.
const PROJECT_AFTER: Duration = Duration::from_millis(1500);

/// The time somebody has who waits for the whole.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    began: Timestamp,
    deadline: Timestamp,
}

impl Budget {
    /// From `began` until `deadline`.
    #[must_use]
    pub fn new(began: Timestamp, deadline: Timestamp) -> Self {
        Self { began, deadline }
    }

    /// Whether `got` of `expected` bytes at `now` mean that the rest will not come in time.
    fn is_too_short(self, got: u64, expected: u64, now: Timestamp) -> bool {
        let passed = now.saturating_since(self.began);
        if passed < PROJECT_AFTER || got >= expected {
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
    items: &'a dyn Items,
    clock: &'a dyn Clock,
    item: &'a mut Item,
    lease: Duration,
    renew_at: Timestamp,
    budget: Option<Budget>,
}

impl<'a> Metered<'a> {
    /// Wraps `body`, which was announced with this length, for the holder of `item`.
    pub fn new(
        body: Box<dyn Source>,
        announced: &Announced,
        (items, clock): (&'a dyn Items, &'a dyn Clock),
        (item, lease): (&'a mut Item, Duration),
        budget: Option<Budget>,
    ) -> Self {
        let renew_at = clock.now() + lease / 2;
        Self {
            body,
            expected: announced.size_bytes,
            got: 0,
            items,
            clock,
            item,
            lease,
            renew_at,
            budget,
        }
    }

    /// Renews the lease once half of it has passed.
    async fn keep_lease(&mut self) -> Result<(), SourceError> {
        let now = self.clock.now();
        if now < self.renew_at {
            return Ok(());
        }
        if let Some(lease) = &mut self.item.gate.lease {
            lease.until = now + self.lease;
        }
        match self.items.save(self.item).await {
            Ok(Saved::Done) => {
                self.renew_at = now + self.lease / 2;
                Ok(())
            }
            Ok(Saved::Overtaken) => Err(SourceError::LeaseLost),
            Err(outage) => Err(SourceError::Outage(outage.to_string())),
        }
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
        let now = self.clock.now();
        if self
            .budget
            .is_some_and(|budget| budget.is_too_short(self.got, self.expected, now))
        {
            return Err(SourceError::TooSlow);
        }
        self.keep_lease().await?;
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_not_be_over_in_time_is_seen_early() {
        let began = Timestamp::from_seconds(100);
        let budget = Budget::new(began, began + Duration::from_secs(8));
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
