//! The straight way: one stream of known length from the platform into the store.

use attache_domain::journey::Item;
use attache_domain::time::Timestamp;
use attache_domain::transfer::{self, Checkpoint};

use super::open::Opened;
use super::{Attempt, Fetch, Term, broken};
use crate::guard::Left;
use crate::held::Held;
use crate::metered::{Budget, Metered};
use crate::ports::{Answer, Arrival, Outage, SourceError, Stored};

impl Fetch<'_> {
    /// Stores a download of `size` bytes. What breaks off, or takes longer than this process has, comes in parts next time.
    pub(super) async fn straight(
        &self,
        item: &mut Item,
        (opened, size): (Opened, u64),
        version: u32,
        term: Term,
    ) -> Answer<Attempt> {
        let Opened {
            announced,
            body,
            pass,
        } = opened;
        let arrival = Arrival {
            id: item.id.clone(),
            size_bytes: size,
            digest: announced.digest,
            declared_type: announced.declared_type,
            fence: item.gate.fence,
        };
        let mut held = Held::new((self.items, self.clock), &mut *item, self.lease);
        match held.keep().await {
            Ok(()) => {}
            Err(SourceError::LeaseLost) => {
                self.guard.left(&pass, Left::Answered).await?;
                return Ok(Attempt::LeaseLost);
            }
            Err(error) => return Err(Outage::new("renewing a lease", error)),
        }
        let budget = Budget {
            began: self.clock.now(),
            deadline: term.deadline,
            patience: term.look_on(),
        };
        let mut source = Metered::new(body, size, held, budget);
        let stored = self.objects.store(&arrival, &mut source).await?;
        let left = match &stored {
            Stored::Aborted(SourceError::Broken(_)) => self.left(source.came()),
            Stored::Aborted(SourceError::TooSlow) if !term.inline => Left::Failed(None),
            Stored::Whole(_) | Stored::Exists | Stored::Aborted(_) => Left::Answered,
        };
        drop(source);
        self.guard.left(&pass, left).await?;
        Ok(match stored {
            Stored::Whole(_) => Attempt::Stored { by_event: true },
            Stored::Exists => return self.exists(item, version).await,
            Stored::Aborted(SourceError::LeaseLost) => Attempt::LeaseLost,
            Stored::Aborted(SourceError::TooSlow) => {
                if !term.inline {
                    item.record.transfer = Some(Checkpoint::default());
                }
                Attempt::TooSlow
            }
            Stored::Aborted(error) => {
                if let SourceError::Broken(_) | SourceError::Length { .. } = error {
                    item.record.transfer = Some(Checkpoint::default());
                }
                Attempt::Failed(broken(&error), version)
            }
        })
    }

    /// What a body that broke off says of its host, of which so many bytes came since then: one that gives bytes works, one that
    /// stalls does not.
    pub(super) fn left(&self, (got, began): (u64, Timestamp)) -> Left {
        let passed = self.clock.now().saturating_since(began);
        if got == 0 || got < passed.as_secs() * LEAST_BYTES_PER_SECOND {
            Left::Failed(None)
        } else {
            Left::Answered
        }
    }

    /// The store refused a second object.
    pub(super) async fn exists(&self, item: &Item, version: u32) -> Answer<Attempt> {
        match self.objects.head(&item.id).await? {
            Some(head) => self.adopt(item, &head).await,
            None => Ok(Attempt::Failed(transfer::vanished(), version)),
        }
    }
}

/// Whatever sends slower than this is not waited for.
pub(super) const LEAST_BYTES_PER_SECOND: u64 = 1024;
