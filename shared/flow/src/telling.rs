//! Bringing what has no bytes on its way: the words of a message, and what follows from an item's end (notices, receipts).
//!
//! What follows is made durable *before* the end it follows from is written: dying in between, whoever writes the end next
//! makes it again, under the same name.

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::event::Origin;
use attache_domain::journey::{Item, RETENTION, Stage};
use attache_domain::notice::{Ending, follow_ups};

use crate::ports::{Announced, Answer, Clock, Items, Jobs, Queue};
use crate::retry;

/// How long after it was announced `sweep` looks at an item without bytes that is not delivered.
const DUE_IN: Duration = Duration::from_secs(30);

/// What telling needs.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
}

impl Telling<'_> {
    /// Brings on its way what follows from `item` coming to this end.
    ///
    /// # Errors
    /// An outage of the table or the queue: the end must not be written then.
    pub async fn of(&self, item: &Item, ending: &Ending<'_>, actor: Actor) -> Answer<()> {
        for origin in follow_ups(item, ending) {
            tracing::info!(media.id = %item.id, follow_up.id = %origin.media_id(), part = %origin.attachment, "told");
            self.announce(origin, actor).await?;
        }
        Ok(())
    }

    /// Makes an item without bytes durable and asks for its delivery. `false`: it is known, and says something else.
    ///
    /// # Errors
    /// An outage of the table or the queue.
    pub async fn announce(&self, origin: Origin, actor: Actor) -> Answer<bool> {
        let item = Item::announce(origin, actor, self.clock.now(), (DUE_IN, RETENTION));
        match self.items.announce(&item).await? {
            Announced::New => self.begin(&item).await?,
            Announced::Known(known) if !known.origin.same_content(&item.origin) => {
                return Ok(false);
            }
            // Durable, but perhaps the process died before its job was sent.
            Announced::Known(known) => {
                if known.gate.stage == Stage::Waiting && known.gate.lease.is_none() {
                    self.begin(&known).await?;
                }
            }
        }
        Ok(true)
    }

    async fn begin(&self, item: &Item) -> Answer<()> {
        match (&item.origin.target, item.gate.stage) {
            (Some(target), Stage::Waiting) => {
                let job = item.job(target);
                retry::send(self.jobs, Queue::Text, &job, Duration::ZERO).await
            }
            _ => Ok(()),
        }
    }
}
