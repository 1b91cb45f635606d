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
}

impl<'a> Held<'a> {
    /// Of whoever claimed it, for `lease` from then on.
    pub fn new(
        (items, clock): (&'a dyn Items, &'a dyn Clock),
        item: &'a mut Item,
        lease: Duration,
    ) -> Self {
        Self {
            item,
            items,
            clock,
            lease,
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Renews the lease once half of it has passed: since it was claimed or renewed, however long its holder did something else.
    ///
    /// # Errors
    /// As [`Held::save`].
    pub async fn keep(&mut self) -> Result<(), SourceError> {
        let left = self.left();
        if left.is_some_and(|left| left > self.lease / 2) {
            return Ok(());
        }
        self.save().await
    }

    /// Renews the lease before something that takes up to `span`, during which nothing can be renewed. What was claimed just now
    /// is not renewed for that.
    ///
    /// # Errors
    /// As [`Held::save`].
    pub async fn keep_for(&mut self, span: Duration) -> Result<(), SourceError> {
        let left = self.left();
        if left.is_some_and(|left| left >= span.min(self.lease * 3 / 4)) {
            return Ok(());
        }
        self.save().await
    }

    fn left(&self) -> Option<Duration> {
        let lease = self.item.gate.lease.as_ref()?;
        Some(lease.until.saturating_since(self.clock.now()))
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
            Ok(Saved::Done) => Ok(()),
            Ok(Saved::Overtaken) => Err(SourceError::LeaseLost),
            Err(outage) => Err(SourceError::Outage(outage.to_string())),
        }
    }
}
