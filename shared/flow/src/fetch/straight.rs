//! The straight way: one stream of known length from the platform into the store.

use attache_domain::journey::Item;
use attache_domain::transfer::{self, Checkpoint};

use super::open::Opened;
use super::{Attempt, Fetch, Term, broken};
use crate::held::Held;
use crate::metered::{Budget, Metered};
use crate::ports::{Answer, Arrival, SourceError, Stored};

impl Fetch<'_> {
    /// Stores a download of `size` bytes. What breaks off, or takes longer than this process has, comes in parts next time.
    pub(super) async fn straight(
        &self,
        item: &mut Item,
        ((announced, download), size): (Opened, u64),
        version: u32,
        term: Term,
    ) -> Answer<Attempt> {
        let arrival = Arrival {
            id: item.id.clone(),
            size_bytes: size,
            digest: announced.digest,
            declared_type: announced.declared_type,
            fence: item.gate.fence,
        };
        let held = Held::new((self.items, self.clock), &mut *item, self.lease);
        let budget = Budget {
            began: self.clock.now(),
            deadline: term.deadline,
            patience: term.look_on(),
        };
        let mut source = Metered::new(download.body, size, held, budget);
        Ok(match self.objects.store(&arrival, &mut source).await? {
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

    /// The store refused a second object.
    pub(super) async fn exists(&self, item: &Item, version: u32) -> Answer<Attempt> {
        match self.objects.head(&item.id).await? {
            Some(head) => self.adopt(item, &head).await,
            None => Ok(Attempt::Failed(transfer::vanished(), version)),
        }
    }
}
