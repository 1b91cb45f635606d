//! What stands between the functions and the twins: eyes for what the twins do not report, a bucket that may take its
//! time, and, where a test asks for it, a planted bug.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::claim::{Refusal, Terms, Work};
use attache_domain::event::Content;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Stage};
use attache_domain::pull::GivenLink;
use attache_domain::time::Timestamp;
use attache_flow::memory::{Object, World};
use attache_flow::ports::{
    Announced, Answer, Arrival, Bytestream, Claimed, Credential, Head, Items, Objects, Saved,
    Source, SourceError, Stored,
};
use bytes::Bytes;

use crate::faults::Fault;
use crate::sabotage::Sabotage;
use crate::scene::Scene;

/// The twins as the functions of a run see them.
pub struct Ports {
    /// What every part of the run shares.
    pub scene: Rc<Scene>,
    /// The twins themselves.
    pub world: Rc<World>,
    /// The planted bug.
    pub sabotage: Sabotage,
    /// The last token that went to Genesys, for the bug that keeps it.
    pub(crate) kept: RefCell<Credential>,
}

impl Ports {
    /// Stands before `world`.
    #[must_use]
    pub fn new(scene: Rc<Scene>, world: Rc<World>, sabotage: Sabotage) -> Self {
        Self {
            scene,
            world,
            sabotage,
            kept: RefCell::new(Credential::None),
        }
    }
}

impl Ports {
    /// Whether this write frees the lease of a transfer and changes nothing else.
    fn is_handed_over(&self, item: &Item) -> bool {
        let state = self.world.state.borrow();
        let held = state.items.get(&item.id).is_some_and(|held| {
            held.gate.lease.is_some() && held.gate.sequence == item.gate.sequence
        });
        held && item.gate.stage == Stage::Fetching && item.gate.lease.is_none()
    }

    /// Whether a planted bug keeps bytes that are to be removed.
    fn keeps(&self, id: &MediaId) -> bool {
        let state = self.world.state.borrow();
        let Some(item) = state.items.get(id) else {
            return false;
        };
        match self.sabotage {
            Sabotage::KeepLateStores => item.record.removed_at.is_some(),
            Sabotage::KeepReferences => item.gate.stage != Stage::Erased,
            _ => false,
        }
    }
}

/// A tombstone that lets itself be sent.
fn raised(claimed: Claimed, terms: &Terms) -> Claimed {
    let sends = matches!(terms.work, Work::Send { .. });
    match claimed {
        Claimed::Refused(mut item) if sends && item.gate.stage == Stage::Erased => {
            item.gate = terms.grant(&item.gate);
            Claimed::Granted(item)
        }
        claimed => claimed,
    }
}

#[async_trait(?Send)]
impl Items for Ports {
    async fn announce(&self, item: &Item) -> Answer<Announced> {
        if self.sabotage == Sabotage::AnnounceFromMemory && self.scene.agenda.dice.chance(100) {
            return Ok(Announced::New);
        }
        let left_out = match &item.origin.content {
            Content::Words(words) => words.notice && self.sabotage == Sabotage::SkipNotices,
            Content::Receipt(_) => self.sabotage == Sabotage::SkipReceipts,
            Content::File(_) => false,
        };
        if left_out {
            let mut there = item.clone();
            there.gate.stage = Stage::Sent;
            return Ok(Announced::Known(Box::new(there)));
        }
        self.world.announce(item).await
    }

    async fn claim(&self, id: &MediaId, terms: &Terms) -> Answer<Claimed> {
        if self.sabotage == Sabotage::SendTombstones {
            return Ok(raised(self.world.claim(id, terms).await?, terms));
        }
        if self.sabotage != Sabotage::StealClaims {
            return self.world.claim(id, terms).await;
        }
        if let Some(item) = self.world.state.borrow_mut().items.get_mut(id)
            && let Some(Refusal::Held(_) | Refusal::IntentOpen { .. }) = terms.refusal(&item.gate)
        {
            item.rest();
            item.gate.revision += 1;
        }
        self.world.claim(id, terms).await
    }

    async fn load(&self, id: &MediaId) -> Answer<Option<Item>> {
        Items::load(&*self.world, id).await
    }

    async fn save(&self, item: &mut Item) -> Answer<Saved> {
        if self.sabotage == Sabotage::IgnoreRevisions {
            let found = self.world.state.borrow().items.get(&item.id).cloned();
            item.gate.revision = found.map_or(0, |found| found.gate.revision);
        }
        if self.sabotage == Sabotage::CutLinks && item.record.bytes_until.is_some() {
            item.record.bytes_until = Some(self.scene.agenda.now());
            item.gate.due_at = item.record.bytes_until;
        }
        if self.sabotage == Sabotage::FreeLate && self.is_handed_over(item) {
            // The job goes out while the lease still runs.
            return Ok(Saved::Done);
        }
        Items::save(&*self.world, item).await
    }

    async fn overdue(
        &self,
        now: attache_domain::time::Timestamp,
        limit: usize,
    ) -> Answer<Vec<MediaId>> {
        self.world.overdue(now, limit).await
    }
}

/// A body that remembers what came, and after whose last byte the bucket may take long.
struct Commit<'a> {
    scene: &'a Scene,
    source: &'a mut dyn Source,
    came: Vec<u8>,
}

#[async_trait(?Send)]
impl Source for Commit<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let piece = self.source.next().await?;
        match &piece {
            Some(piece) => self.came.extend_from_slice(piece),
            None => {
                let strikes = [Fault::SlowCommit];
                if self.scene.faults.strike(self.scene, 6, &strikes).is_some() {
                    let agenda = &self.scene.agenda;
                    agenda.sleep(agenda.dice.millis(1_000, 250_000)).await;
                }
            }
        }
        Ok(piece)
    }
}

#[async_trait(?Send)]
impl Objects for Ports {
    async fn head(&self, id: &MediaId) -> Answer<Option<Head>> {
        self.world.head(id).await
    }

    async fn store(&self, arrival: &Arrival, source: &mut dyn Source) -> Answer<Stored> {
        let mut commit = Commit {
            scene: &self.scene,
            source,
            came: Vec::new(),
        };
        let stored = self.world.store(arrival, &mut commit).await?;
        match &stored {
            Stored::Aborted(_) if self.sabotage == Sabotage::KeepTornObjects => {
                let object = Object {
                    bytes: commit.came,
                    declared_type: arrival.declared_type.clone(),
                    fence: arrival.fence,
                    joined: false,
                };
                let mut state = self.world.state.borrow_mut();
                state.objects.entry(arrival.id.clone()).or_insert(object);
            }
            _ => {}
        }
        Ok(stored)
    }

    async fn open(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Bytestream>>> {
        Objects::open(&*self.world, id, etag).await
    }

    async fn stream(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Source>>> {
        self.world.stream(id, etag).await
    }

    async fn quarantine(&self, id: &MediaId) -> Answer<()> {
        self.world.quarantine(id).await
    }

    async fn erase(&self, id: &MediaId, upload: Option<&str>) -> Answer<()> {
        if self.keeps(id) {
            return Ok(());
        }
        self.world.erase(id, upload).await
    }

    async fn remove(&self, id: &MediaId) -> Answer<()> {
        self.world.remove(id).await
    }

    async fn link(
        &self,
        id: &MediaId,
        served: (&str, &str),
        (now, life): (Timestamp, Duration),
    ) -> Answer<GivenLink> {
        let scene = &self.scene;
        scene
            .reference
            .linked(scene, (id, life), &self.world.state.borrow());
        self.world.link(id, served, (now, life)).await
    }
}
