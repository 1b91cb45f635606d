//! Sweep: nothing stays stuck. Looks at every item whose due time has passed and puts it back where it belongs.

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::connection::Lane;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Overdue, Stage, overdue};
use attache_domain::notice::Ending;
use attache_domain::time::Timestamp;

use crate::batch::isolated;
use crate::ports::{Answer, Clock, Items, Jobs, Queue, Saved};
use crate::retry;
use crate::telling::Telling;

/// How many items one run looks at; the next run takes the rest.
const AT_MOST: usize = 500;

/// What sweep needs.
#[derive(Clone, Copy)]
pub struct Sweep<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
    /// How long after its deadline an open intent may be judged.
    pub grace: Duration,
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Items looked at.
    pub seen: usize,
    /// Items put back on their way.
    pub requeued: usize,
    /// Items that could not be looked at; the next run tries again.
    pub failed: usize,
}

impl Sweep<'_> {
    /// One run.
    ///
    /// # Errors
    /// An outage of the index; a single item's trouble is counted and left for the next run.
    pub async fn run(&self) -> Answer<Swept> {
        let due = self.items.overdue(self.clock.now(), AT_MOST).await?;
        let mut swept = Swept {
            seen: due.len(),
            ..Swept::default()
        };
        for id in due {
            let requeued = std::cell::Cell::new(false);
            let outcome = isolated(|| async {
                requeued.set(self.look(&id).await?);
                Ok(())
            });
            match outcome.await {
                Ok(()) => swept.requeued += usize::from(requeued.get()),
                Err(trouble) => {
                    swept.failed += 1;
                    tracing::error!(media.id = %id, error = %crate::batch::chain(&trouble), "could not be swept; the next run tries again");
                }
            }
        }
        Ok(swept)
    }

    /// Whether the item was put back on its way. The row is written first: two sweepers send one job between them,
    /// and a crash before the job is sent is what the row's new due time is for.
    async fn look(&self, id: &MediaId) -> Answer<bool> {
        let Some(mut item) = self.items.load(id).await? else {
            return Ok(false);
        };
        let now = self.clock.now();
        let step = overdue(&item, now, self.grace);
        let connection = match step {
            Overdue::Leave => return Ok(false),
            Overdue::Fetch | Overdue::Judge => Some(item.origin.connection.clone()),
            Overdue::Convert | Overdue::Deliver | Overdue::RepeatSend => item.origin.target.clone(),
            Overdue::Unconfirmed => return self.end_unconfirmed(item, now).await,
            Overdue::Tell => {
                self.telling().given_up(&mut item, Actor::Sweep).await?;
                return Ok(false);
            }
        };
        let queue = match step {
            Overdue::Leave | Overdue::Unconfirmed | Overdue::Tell => return Ok(false),
            Overdue::Fetch => Queue::Fetch,
            Overdue::Judge => Queue::Judge,
            Overdue::Convert => Queue::Convert,
            Overdue::Deliver | Overdue::RepeatSend => match item.lane() {
                Lane::Media => Queue::Media,
                Lane::Text => Queue::Text,
            },
        };
        let Some(connection) = connection else {
            return Ok(false);
        };
        item.swept(step, now);
        if self.items.save(&mut item).await? == Saved::Overtaken {
            return Ok(false);
        }
        retry::send(self.jobs, queue, &item.job(&connection), Duration::ZERO).await?;
        tracing::warn!(media.id = %id, media.stage = item.gate.stage.as_str(), step = ?step, sweeps = item.record.sweeps, "put back on its way");
        Ok(true)
    }

    fn telling(&self) -> Telling<'_> {
        Telling {
            items: self.items,
            jobs: self.jobs,
            clock: self.clock,
        }
    }

    /// Nobody knows whether the customer has it, and it is not sent again: the agent is told, a person decides.
    async fn end_unconfirmed(&self, mut item: Item, now: Timestamp) -> Answer<bool> {
        self.telling()
            .of(&item, &Ending::Unconfirmed, Actor::Sweep)
            .await?;
        item.end(Stage::Unconfirmed, Actor::Sweep, now);
        if self.items.save(&mut item).await? == Saved::Done {
            tracing::error!(media.id = %item.id, "unconfirmed: sent or not, nobody knows; not sent again");
        }
        Ok(false)
    }
}
