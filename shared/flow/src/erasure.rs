//! Erasure: what a customer took back, or a person asks to be removed, goes from every store; a tombstone stays.
//!
//! The row becomes the tombstone by one conditional write, so that whoever holds the item can write, send and store nothing
//! more; then `validate` is asked to remove the bytes. Dying in between leaves a row that `sweep` finds. Whoever ends the item at
//! that very moment may still tell of it; `validate` erases that too, whenever it looks.

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::event::FollowUp;
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, RETENTION, Stage};
use attache_domain::verdict::Reason;

use crate::ports::{Answer, Claims, Clock, Items, Jobs, Outage, Queue, Saved};
use crate::retry;

/// So many writers in a row that came first are not a race but a fault.
const TRIES: usize = 8;

/// What erasing needs.
#[derive(Clone, Copy)]
pub struct Erasure<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// Which items a message has.
    pub claims: &'a dyn Claims,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// It is a tombstone now.
    Now,
    /// It was one before.
    Before,
    /// There is no such item.
    Unknown,
}

impl Erasure<'_> {
    /// Notes which item a message begins with, so that it can be taken back; whether that was done already, before it came.
    pub async fn note(
        &self,
        (connection, message): (&ConnectionId, &MessageId),
        first: &MediaId,
    ) -> Answer<bool> {
        let expires_at = self.clock.now() + RETENTION;
        let name = name_of(connection, message);
        let holder = self.claims.name(&name, first, expires_at).await?;
        Ok(holder == Some(nothing(connection, message)))
    }

    /// Erases everything of a message that its sender took back. One that has not come yet will find that it was.
    ///
    /// # Errors
    /// An outage, also if the message is only just coming in: whoever told of it is to tell again.
    pub async fn take_back(&self, connection: &ConnectionId, message: &MessageId) -> Answer<()> {
        let nothing = nothing(connection, message);
        let expires_at = self.clock.now() + RETENTION;
        let name = name_of(connection, message);
        let Some(first) = self.claims.name(&name, &nothing, expires_at).await? else {
            tracing::info!(connection.id = %connection, message.id = %message, "taken back before it came");
            return Ok(());
        };
        if first == nothing {
            return Ok(());
        }
        let Some(item) = self.items.load(&first).await? else {
            let doing = format!("taking message {message} back");
            return Err(Outage::new(doing, "it is only just coming in"));
        };
        let mut members = item.origin.bundle.clone();
        if members.is_empty() {
            members.push(first);
        }
        let why = Reason {
            code: "unsent".to_owned(),
            evidence: "its sender took it back".to_owned(),
        };
        for member in &members {
            self.with_follow_ups(member, &why, Actor::Intake).await?;
        }
        Ok(())
    }

    /// Erases an item, and what Attaché itself said of it.
    pub async fn with_follow_ups(
        &self,
        id: &MediaId,
        why: &Reason,
        actor: Actor,
    ) -> Answer<Erased> {
        let Some(item) = self.items.load(id).await? else {
            return Ok(Erased::Unknown);
        };
        for follow_up in follow_ups_of(&item) {
            self.erase(&follow_up, why, actor).await?;
        }
        self.erase(id, why, actor).await
    }

    async fn erase(&self, id: &MediaId, why: &Reason, actor: Actor) -> Answer<Erased> {
        let tombs = Tombs {
            items: self.items,
            clock: self.clock,
        };
        let (erased, item) = tombs.erase(id, why, actor).await?;
        if let Some(item) = item.filter(|item| item.record.removed_at.is_none()) {
            self.ask_for_removal(&item).await?;
        }
        Ok(erased)
    }

    async fn ask_for_removal(&self, item: &Item) -> Answer<()> {
        let job = item.job(&item.origin.connection);
        retry::send(self.jobs, Queue::Judge, &job, Duration::ZERO).await
    }
}

/// What making tombstones needs.
#[derive(Clone, Copy)]
pub(crate) struct Tombs<'a> {
    pub(crate) items: &'a dyn Items,
    pub(crate) clock: &'a dyn Clock,
}

impl Tombs<'_> {
    /// Makes tombstones of what Attaché itself said of an item; it has no bytes.
    pub(crate) async fn follow_ups(&self, item: &Item, why: &Reason, actor: Actor) -> Answer<()> {
        for follow_up in follow_ups_of(item) {
            self.erase(&follow_up, why, actor).await?;
        }
        Ok(())
    }

    async fn erase(
        &self,
        id: &MediaId,
        why: &Reason,
        actor: Actor,
    ) -> Answer<(Erased, Option<Item>)> {
        for _ in 0..TRIES {
            let Some(mut item) = self.items.load(id).await? else {
                return Ok((Erased::Unknown, None));
            };
            if item.gate.stage == Stage::Erased {
                return Ok((Erased::Before, Some(item)));
            }
            item.erase(why.clone(), actor, self.clock.now());
            if self.items.save(&mut item).await? == Saved::Done {
                tracing::info!(media.id = %id, reason = %why.code, "erased");
                return Ok((Erased::Now, Some(item)));
            }
        }
        let doing = format!("erasing {id}");
        Err(Outage::new(doing, format!("{TRIES} writers came first")))
    }
}

fn follow_ups_of(item: &Item) -> Vec<MediaId> {
    let origin = &item.origin;
    let notices = (0..=item.gate.epoch).map(FollowUp::Notice);
    let once = [FollowUp::Caption, FollowUp::Warning, FollowUp::InPlace];
    let all = once.into_iter().chain(notices);
    all.map(|follow_up| {
        let part = follow_up.part(&origin.attachment);
        MediaId::derive(&origin.connection, &origin.message, &part)
    })
    .collect()
}

fn name_of(connection: &ConnectionId, message: &MessageId) -> String {
    format!("said/{connection}/{message}")
}

/// What a message begins with that was taken back before it came.
fn nothing(connection: &ConnectionId, message: &MessageId) -> MediaId {
    MediaId::derive(connection, message, &AttachmentId::new("attache:unsent"))
}
