//! An item in the hands of its holder, while bytes flow.

use std::time::Duration;

use attache_domain::journey::Item;
use attache_domain::time::Timestamp;

use crate::ports::{Clock, Items, Saved, SourceError};

/// An item whose lease is renewed for as long as there is something to do.
pub struct Held<'a> {
    /// The item.
    pub item: &'a mut Item,
    items: &'a dyn Items,
    clock: &'a dyn Clock,
    lease: Duration,
    renew_at: Timestamp,
}

impl<'a> Held<'a> {
    /// Of whoever claimed it just now, for `lease`.
    pub fn new(
        (items, clock): (&'a dyn Items, &'a dyn Clock),
        item: &'a mut Item,
        lease: Duration,
    ) -> Self {
        let renew_at = clock.now() + lease / 2;
        Self {
            item,
            items,
            clock,
            lease,
            renew_at,
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Renews the lease once half of it has passed.
    ///
    /// # Errors
    /// As [`Held::save`].
    pub async fn keep(&mut self) -> Result<(), SourceError> {
        if self.clock.now() < self.renew_at {
            return Ok(());
        }
        self.save().await
    }

    /// Writes the row down as it is in hand, the lease renewed.
    ///
    /// # Errors
    /// [`SourceError::LeaseLost`] if somebody else wrote meanwhile, [`SourceError::Outage`] if it could not be written.
    pub async fn save(&mut self) -> Result<(), SourceError> {
        let now = self.clock.now();
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
