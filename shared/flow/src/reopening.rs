//! Reopening: a person sets going again what ended badly, or says what became of a message that nobody knows of. Each opens a
//! new epoch of the row by one conditional write; then the job is sent. Dying in between leaves a row that `sweep` finds.

use std::time::Duration;

use attache_domain::connection::Profile;
use attache_domain::event::FollowUp;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Stage, Unfit, Way};
use attache_domain::time::Timestamp;

use crate::ports::{Answer, Clock, Directories, Items, Jobs, Objects, Outage, Queue, Saved};
use crate::retry;

/// What reopening needs.
#[derive(Clone, Copy)]
pub struct Reopening<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The media bucket.
    pub objects: &'a dyn Objects,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The configuration.
    pub directories: &'a dyn Directories,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redriven {
    /// It is on its way again, from this stage.
    Now(Stage),
    /// It cannot be; it stays in this stage.
    Unfit(Stage, Unfit),
    /// There is no such item.
    Unknown,
}

/// What a person knows of a message that may have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Its recipient has it.
    Sent,
    /// It is to be sent again.
    Resend,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It is in this stage now.
    Now(Stage),
    /// It is not open, but in this stage.
    NotOpen(Stage),
    /// There is no such item.
    Unknown,
}

impl Reopening<'_> {
    /// Sets an item going again, and the words that belong to it.
    ///
    /// # Errors
    /// An outage. Done again, it finds what is on its way already.
    pub async fn redrive(&self, id: &MediaId, reason: &str) -> Answer<Redriven> {
        let Some(mut item) = self.items.load(id).await? else {
            return Ok(Redriven::Unknown);
        };
        let redriven = self.set_going(&mut item, reason).await?;
        match redriven {
            // Whoever set that going may have died since.
            Redriven::Now(_) | Redriven::Unfit(_, Unfit::OnItsWay | Unfit::Arrived) => {
                self.words_of(&item, reason).await?;
            }
            Redriven::Unfit(..) | Redriven::Unknown => {}
        }
        Ok(redriven)
    }

    /// Sets the words going that belong to a file: they do not go out without it, and were given up with it.
    ///
    /// # Errors
    /// As [`Reopening::redrive`].
    pub async fn words_of(&self, item: &Item, reason: &str) -> Answer<()> {
        if let Some(mut caption) = self.caption_of(item).await? {
            self.set_going(&mut caption, reason).await?;
        }
        Ok(())
    }

    async fn set_going(&self, item: &mut Item, reason: &str) -> Answer<Redriven> {
        let stage = item.gate.stage;
        let way = match self.reopen(item, reason).await? {
            Ok(way) => way,
            Err(unfit) => return Ok(Redriven::Unfit(stage, unfit)),
        };
        self.save(item).await?;
        self.send_on(item, way).await?;
        Ok(Redriven::Now(item.gate.stage))
    }

    /// Whether an item would be set going again; nothing is changed.
    ///
    /// # Errors
    /// An outage.
    pub async fn would_redrive(&self, id: &MediaId) -> Answer<Redriven> {
        let Some(mut item) = self.items.load(id).await? else {
            return Ok(Redriven::Unknown);
        };
        let stage = item.gate.stage;
        Ok(match self.reopen(&mut item, "").await? {
            Ok(_) => Redriven::Now(item.gate.stage),
            Err(unfit) => Redriven::Unfit(stage, unfit),
        })
    }

    /// Takes down what a person knows of a message that may have been sent.
    ///
    /// # Errors
    /// An outage.
    pub async fn resolve(&self, id: &MediaId, word: Word, reason: &str) -> Answer<Resolved> {
        let Some(mut item) = self.items.load(id).await? else {
            return Ok(Resolved::Unknown);
        };
        if item.gate.stage != Stage::Unconfirmed {
            return Ok(Resolved::NotOpen(item.gate.stage));
        }
        let now = self.clock.now();
        match word {
            Word::Sent => item.resolve_as_sent(reason, now),
            Word::Resend => item.resolve_by_sending(reason, now),
        }
        self.save(&mut item).await?;
        if word == Word::Resend {
            self.send_on(&item, Way::Deliver).await?;
        }
        Ok(Resolved::Now(item.gate.stage))
    }

    /// Opens the row's next epoch, in memory.
    async fn reopen(&self, item: &mut Item, reason: &str) -> Answer<Result<Way, Unfit>> {
        let until = self.had_until(item).await?;
        let way = match item.redrive(reason, until, self.clock.now()) {
            Ok(way) => way,
            Err(unfit) => return Ok(Err(unfit)),
        };
        // The bucket's lifecycle tells no row of what it removed.
        let needs_bytes = item.origin.file().is_some() && way != Way::Fetch;
        if needs_bytes && self.objects.head(&item.id).await?.is_none() {
            return Ok(Err(Unfit::NoBytes));
        }
        Ok(Ok(way))
    }

    /// For how long the item's platform can be asked for its bytes by its id. A link is gone with the attempt to follow it.
    async fn had_until(&self, item: &Item) -> Answer<Option<Timestamp>> {
        let directory = self.directories.knowing(&item.origin.connection).await?;
        let connection = directory.connection(&item.origin.connection);
        Ok(match connection.map(|it| it.profile()) {
            Some(profile @ Profile::WhatsApp) => Some(item.origin.sent_at + profile.file_life()),
            Some(
                Profile::GenesysOpenMessaging
                | Profile::GenesysMessageMedia
                | Profile::GenesysWebMessaging
                | Profile::GenesysWebChat
                | Profile::GenesysMediaUpload
                | Profile::GenesysAgent
                | Profile::Messenger
                | Profile::Instagram
                | Profile::CxoneByoc
                | Profile::CxoneConversations,
            )
            | None => None,
        })
    }

    async fn caption_of(&self, item: &Item) -> Answer<Option<Item>> {
        if item.origin.file().is_none() {
            return Ok(None);
        }
        let origin = &item.origin;
        let part = FollowUp::Caption.part(&origin.attachment);
        let id = MediaId::derive(&origin.connection, &origin.message, &part);
        self.items.load(&id).await
    }

    async fn save(&self, item: &mut Item) -> Answer<()> {
        match self.items.save(item).await? {
            Saved::Done => Ok(()),
            Saved::Overtaken => Err(Outage::new(
                format!("setting {} going again", item.id),
                "its row changed meanwhile; look at it again",
            )),
        }
    }

    async fn send_on(&self, item: &Item, way: Way) -> Answer<()> {
        let (queue, connection) = match way {
            Way::Fetch => (Queue::Fetch, Some(&item.origin.connection)),
            Way::Judge => (Queue::Judge, Some(&item.origin.connection)),
            Way::Deliver if item.origin.file().is_some() => {
                return retry::hand_on(self.jobs, item).await;
            }
            Way::Deliver => (Queue::Text, item.origin.target.as_ref()),
        };
        match connection {
            Some(connection) => {
                let job = item.job(connection);
                retry::send(self.jobs, queue, &job, Duration::ZERO).await
            }
            None => Ok(()),
        }
    }
}
