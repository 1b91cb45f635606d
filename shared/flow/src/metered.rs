//! A download on its way into the store: counted, and its lease renewed while bytes flow.

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::journey::Item;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Announced;
use bytes::Bytes;

use crate::ports::{Clock, Items, Saved, Source, SourceError};

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
}

impl<'a> Metered<'a> {
    /// Wraps `body`, which was announced with this length, for the holder of `item`.
    pub fn new(
        body: Box<dyn Source>,
        announced: &Announced,
        (items, clock): (&'a dyn Items, &'a dyn Clock),
        (item, lease): (&'a mut Item, Duration),
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
        self.keep_lease().await?;
        Ok(piece)
    }
}
