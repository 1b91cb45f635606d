//! Bringing what has no bytes on its way: the words of a message, and what follows from an item's end (notices, receipts).
//!
//! Where whoever comes next reaches the same end, what follows is made durable *before* the end it follows from is written:
//! dying in between, it is made again, under the same name. What is given up might go well the next time: that end is
//! written first, stays in the sweep index until it is told, and is told by `sweep` if need be.

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::connection::Lane;
use attache_domain::diagnosis::Diagnosis;
use attache_domain::event::Origin;
use attache_domain::journey::{Item, RETENTION, Stage};
use attache_domain::notice::{Ending, follow_ups};

use crate::ports::{Announced, Answer, Clock, Items, Jobs, Queue, Saved};
use crate::retry;

/// How long after it was announced `sweep` looks at an item without bytes that is not delivered, and how long after it was
/// given up at one that is not told.
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

    /// Gives an item up: writes its end down, then tells. `false`: somebody else took it over, and nothing was told.
    ///
    /// # Errors
    /// An outage; if the end is written, `sweep` tells it.
    pub async fn give_up(
        &self,
        item: &mut Item,
        (stage, diagnosis): (Stage, Diagnosis),
        actor: Actor,
    ) -> Answer<bool> {
        let now = self.clock.now();
        item.record.diagnosis = Some(diagnosis);
        item.acknowledge_claim(actor);
        item.end(stage, actor, now);
        item.record.wait_until = None;
        item.gate.due_at = Some(now + DUE_IN);
        if self.items.save(item).await? == Saved::Overtaken {
            tracing::warn!(media.id = %item.id, "given up, but somebody else took it over");
            return Ok(false);
        }
        self.given_up(item, actor).await?;
        Ok(true)
    }

    /// Tells of an item that was given up, and takes it out of the sweep index. Repeating it is harmless.
    ///
    /// # Errors
    /// An outage of the table or a queue: `sweep` comes again.
    pub async fn given_up(&self, item: &mut Item, actor: Actor) -> Answer<()> {
        if let Some(diagnosis) = item.record.diagnosis.clone() {
            let queue = match (item.gate.stage, item.lane()) {
                (Stage::Lost, _) => Queue::FetchDeadLetters,
                (_, Lane::Media) => Queue::MediaDeadLetters,
                (_, Lane::Text) => Queue::TextDeadLetters,
            };
            // A dead letter is an alarm; a test raises none.
            if !item.origin.synthetic {
                retry::bury(self.jobs, queue, item, &diagnosis).await?;
            }
            self.of(item, &Ending::Failed(&diagnosis), actor).await?;
        }
        item.gate.due_at = item.record.bytes_until;
        if self.items.save(item).await? == Saved::Overtaken {
            tracing::info!(media.id = %item.id, "told by somebody else");
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
            Announced::Known(known) if known.gate.stage == Stage::Erased => {}
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
