//! Convert: makes the rendition that a plan asks for. It lies beside the original, which stays.
//!
//! A rendition's key is written once, and whoever finds an object there takes it: the same original makes the same
//! rendition. Only then is the row written, and only then is the item handed on. Dying between any two of these leaves an item that
//! the same job, received again, or `sweep` brings back here, and never one that is delivered without its rendition. If
//! none can be made, the item ends as if none had been planned, and whoever waits for it is told.

use std::io::Read;

use async_trait::async_trait;
use attache_domain::audit::Actor;
use attache_domain::digest::Sha256Digest;
use attache_domain::job::ItemJob;
use attache_domain::journey::{Item, Stage, StoredObject};
use attache_domain::notice;
use attache_domain::verdict::{Plan, Refusal};
use bytes::Bytes;

use crate::batch::Trouble;
use crate::ports::{
    Answer, Arrival, Clock, Items, Jobs, Objects, Outage, Saved, Source, SourceError, Stored,
};
use crate::retry;
use crate::telling::Telling;

/// What a rendition has to be like.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Its type.
    pub mime: &'a str,
    /// Its file name.
    pub name: &'a str,
    /// The most bytes it may have.
    pub max_bytes: u64,
}

/// Makes renditions.
pub trait Renderer {
    /// The rendition of these bytes; an error says in words why there is none. The same bytes and order, the same answer.
    ///
    /// # Errors
    /// If none can be made.
    fn render(&self, original: &[u8], order: &Order<'_>) -> Result<Vec<u8>, String>;
}

/// What convert needs.
#[derive(Clone, Copy)]
pub struct Convert<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The originals.
    pub originals: &'a dyn Objects,
    /// The renditions.
    pub renditions: &'a dyn Objects,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
    /// What makes them.
    pub renderer: &'a dyn Renderer,
}

impl Convert<'_> {
    /// Handles one message of the `convert` queue.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed, the message is no job, or what it is about is not there.
    pub async fn handle(&self, body: &str) -> Result<(), Trouble> {
        let job = ItemJob::parse(body)?;
        let dangling = |what: &str| Trouble::Dangling(format!("{what} (item {})", job.media));
        let Some(mut item) = self.items.load(&job.media).await? else {
            return Err(dangling("a job of an unknown item"));
        };
        match item.gate.stage {
            Stage::Converting => {}
            // Who converted it may have died between the write and the job.
            Stage::Waiting if item.gate.lease.is_none() => {
                return Ok(retry::hand_on(self.jobs, &item).await?);
            }
            stage => {
                tracing::info!(media.id = %item.id, media.stage = stage.as_str(), "converted already");
                return Ok(());
            }
        }
        let (Some(Plan::Converted { to, max_bytes, why }), Some(original)) =
            (item.record.plan.clone(), item.record.object.clone())
        else {
            return Err(dangling("no plan for a rendition"));
        };
        let Some(bytes) = self.read(&item, &original).await? else {
            return Err(dangling("the original is gone or another"));
        };
        let order = Order {
            mime: &to.mime,
            name: &to.name,
            max_bytes,
        };
        match self.renderer.render(&bytes, &order) {
            Ok(rendition) => Ok(self.keep(&mut item, &order, rendition).await?),
            Err(reason) => Ok(self.refuse(&mut item, why, &reason).await?),
        }
    }

    /// The original's bytes; `None`: they are not there, or others.
    async fn read(&self, item: &Item, original: &StoredObject) -> Answer<Option<Vec<u8>>> {
        let Some(mut stream) = self.originals.open(&item.id, &original.etag).await? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        // No plan asks for a rendition of what is too large to be read whole.
        stream
            .read_to_end(&mut bytes)
            .map_err(|e| Outage::new("reading the stored original", e))?;
        Ok(Some(bytes))
    }

    async fn keep(&self, item: &mut Item, order: &Order<'_>, bytes: Vec<u8>) -> Answer<()> {
        item.record.rendition = Some(self.store(item, order, bytes).await?);
        item.rest();
        item.cross(Stage::Waiting, Actor::Convert, self.clock.now());
        if self.items.save(item).await? == Saved::Overtaken {
            let changed = format!("row of item {} changed meanwhile", item.id);
            return Err(Outage::new("converting", changed));
        }
        tracing::info!(media.id = %item.id, rendition.kind = order.mime, "converted");
        retry::hand_on(self.jobs, item).await
    }

    /// Stores a rendition, or takes the one that is there.
    async fn store(&self, item: &Item, order: &Order<'_>, bytes: Vec<u8>) -> Answer<StoredObject> {
        let doing = || format!("storing the rendition of {}", item.id);
        let arrival = Arrival {
            id: item.id.clone(),
            size_bytes: bytes.len() as u64,
            digest: Some(Sha256Digest::of(&bytes)),
            declared_type: Some(order.mime.to_owned()),
            fence: item.gate.fence,
        };
        let mut source = Whole(Some(Bytes::from(bytes)));
        match self.renditions.store(&arrival, &mut source).await? {
            Stored::Whole(stored) => return Ok(stored),
            Stored::Aborted(error) => return Err(Outage::new(doing(), error)),
            Stored::Exists => {}
        }
        let head = self.renditions.head(&item.id).await?;
        let head = head.ok_or_else(|| Outage::new(doing(), "it was there, and is not"))?;
        // Another version of this code may have made it; not, though, of another plan: an item has one.
        let fits =
            head.size_bytes <= order.max_bytes && head.declared_type.as_deref() == Some(order.mime);
        match head.digest.filter(|_| fits) {
            Some(digest) => Ok(StoredObject {
                etag: head.etag,
                size_bytes: head.size_bytes,
                digest,
            }),
            None => Err(Outage::new(doing(), "another is there")),
        }
    }

    /// Ends an item of which no rendition can be made.
    async fn refuse(&self, item: &mut Item, why: Refusal, reason: &str) -> Answer<()> {
        tracing::warn!(media.id = %item.id, reason, "no rendition can be made");
        let plan = Plan::Rejected(why);
        if let Some(ending) = notice::of_plan(&plan) {
            let telling = Telling {
                items: self.items,
                jobs: self.jobs,
                clock: self.clock,
            };
            telling.of(item, &ending, Actor::Convert).await?;
        }
        item.record.plan = Some(plan);
        item.end(Stage::Rejected, Actor::Convert, self.clock.now());
        if self.items.save(item).await? == Saved::Overtaken {
            let changed = format!("row of item {} changed meanwhile", item.id);
            return Err(Outage::new("converting", changed));
        }
        Ok(())
    }
}

/// Bytes in one piece.
struct Whole(Option<Bytes>);

#[async_trait(?Send)]
impl Source for Whole {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}
