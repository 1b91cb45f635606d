//! When each job of a batch may go out: after the item before it, and in its slot of the connection's rate, which is slower
//! while the platform tells that a limit is nearly used up.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use attache_domain::bundle::{self, LOOK_AGAIN};
use attache_domain::connection::Directory;
use attache_domain::event::FollowUp;
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::job::{ItemJob, TextJob};
use attache_domain::journey::Item;
use attache_domain::pacing::gcra;
use attache_domain::time::Timestamp;

use super::Deliver;
use crate::batch::Record;
use crate::ports::{Answer, Reserved};

/// When an item of the batch may go out.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    /// Its slot: it has been reserved.
    Slot(Timestamp),
    /// Not yet, and nothing was reserved: it comes back then, and asks again.
    ComeBack(Timestamp),
}

/// The turns of a batch, by record.
pub(super) type Turns = BTreeMap<String, Turn>;

impl Deliver<'_> {
    /// One reservation for each limiter key in the batch. Jobs that already have their slot keep it; those of which another
    /// goes first reserve nothing.
    pub(super) async fn turns(&self, records: &[Record], directory: &Directory) -> Answer<Turns> {
        let mut by_key: BTreeMap<ConnectionId, Vec<&str>> = BTreeMap::new();
        let mut turns = Turns::new();
        for record in records {
            // A malformed record is named by its own handler; typing waits for nothing.
            let Ok(TextJob::Item(job)) = TextJob::parse(&record.body) else {
                continue;
            };
            if let Some(slot) = job.slot {
                let slot = Turn::Slot(Timestamp::from_millis(slot));
                turns.insert(record.id.clone(), slot);
            } else if job.bundled && self.is_behind(&job).await? {
                let later = Turn::ComeBack(self.clock.now() + LOOK_AGAIN);
                turns.insert(record.id.clone(), later);
            } else {
                by_key.entry(job.connection).or_default().push(&record.id);
            }
        }
        for (connection, ids) in by_key {
            let granted = self.reserve(&connection, ids.len(), directory).await?;
            turns.extend(ids.into_iter().map(str::to_owned).zip(granted));
        }
        Ok(turns)
    }

    async fn reserve(
        &self,
        connection: &ConnectionId,
        count: usize,
        directory: &Directory,
    ) -> Answer<Vec<Turn>> {
        let rate = directory
            .connection(connection)
            .and_then(|connection| connection.send_rate(self.lane));
        let wanted = u32::try_from(count).ok().and_then(NonZeroU32::new);
        let Some((rate, wanted)) = rate.zip(wanted) else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        let usage = self.linked.usage.borrow().get(connection).copied();
        let rate = match usage.unwrap_or_default().rate(rate, now) {
            Ok(rate) => rate,
            Err(until) => return Ok(vec![Turn::ComeBack(until); count]),
        };
        let request = gcra::Request::new(rate, wanted, now);
        let key = format!("{}/{connection}", self.lane.as_str());
        Ok(match self.limits.reserve(&key, &request).await? {
            Reserved::Slots(slots) => slots.into_iter().map(Turn::Slot).collect(),
            Reserved::Full { retry_at } => vec![Turn::ComeBack(retry_at); count],
        })
    }

    /// Whether another item of the same message is still to go out before this one.
    async fn is_behind(&self, job: &ItemJob) -> Answer<bool> {
        let Some(item) = self.items.load(&job.media).await? else {
            return Ok(false);
        };
        let now = self.clock.now();
        for id in item.origin.before().iter().rev() {
            let before = self.items.load(id).await?;
            let notice = match &before {
                Some(before) => self.items.load(&notice_of(before)).await?,
                None => None,
            };
            if bundle::turn(&item, before.as_ref(), notice.as_ref(), now) == bundle::Turn::Later {
                return Ok(true);
            }
            if before.as_ref().is_some_and(bundle::had_its_turn) {
                return Ok(false);
            }
        }
        Ok(false)
    }
}

/// The notice that may stand in an item's place.
fn notice_of(item: &Item) -> MediaId {
    let origin = &item.origin;
    let part = FollowUp::Notice(item.gate.epoch).part(&origin.attachment);
    MediaId::derive(&origin.connection, &origin.message, &part)
}
