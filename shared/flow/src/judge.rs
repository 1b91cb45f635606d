//! Judge: one verdict and one plan for each stored object; nothing leaves without it.
//!
//! Triggered by the object's own event (also twice, also before the row knows of the object) or by `sweep`. The row's
//! arrows fetching → stored → planned → waiting are crossed in one write. A dangerous object is copied to the
//! quarantine bucket, the verdict is written, and only then is the original removed: dying between any two of these
//! leaves work that `sweep` brings back here, and no moment in which the object could be delivered.

use std::io::{self, SeekFrom};
use std::rc::Rc;

use attache_domain::audit::Actor;
use attache_domain::channels::{self, Found, Known};
use attache_domain::connection::Directory;
use attache_domain::digest::{Hasher, Sha256Digest};
use attache_domain::event::{Content, FollowUp, Origin, Words};
use attache_domain::ids::MediaId;
use attache_domain::job::ItemJob;
use attache_domain::journey::{Item, LATEST_STORE, Stage, StoredObject};
use attache_domain::notice::{self, Ending};
use attache_domain::verdict::{Plan, Reason, Verdict};
use attache_inspect::{Claim, Findings, Judgement, Policy};

use crate::batch::Trouble;
use crate::erasure::Tombs;
use crate::ports::{
    Answer, Bytestream, Clock, Directories, Head, Items, Jobs, Objects, Outage, Saved,
};
use crate::retry;
use crate::taken::Ledger;
use crate::telling::Telling;

/// What judge needs.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The buckets.
    pub objects: &'a dyn Objects,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The configuration.
    pub directories: &'a dyn Directories,
    /// What turns findings into a verdict.
    pub policy: &'a Policy,
    /// What the targets are known to take.
    pub ledger: Ledger<'a>,
}

impl Judge<'_> {
    /// Handles one message of the `judge` queue.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed or the message is no job.
    pub async fn handle(&self, body: &str) -> Result<(), Trouble> {
        let job = ItemJob::parse(body)?;
        self.judge(&job.media).await
    }

    /// Handles the event of an object.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed, or an object lies there that no row knows (an orphan), or under a key that is
    /// no item's: Lambda repeats the event and parks it, where a person finds it.
    pub async fn object_created(&self, key: &str) -> Result<(), Trouble> {
        match MediaId::from_arrival_key(key) {
            Some(id) => self.judge(&id).await,
            None => Err(Trouble::Dangling(format!(
                "object key {key:?} is no item's"
            ))),
        }
    }

    async fn judge(&self, id: &MediaId) -> Result<(), Trouble> {
        let Some(mut item) = self.items.load(id).await? else {
            return Err(Trouble::Dangling(format!("object of unknown item {id}")));
        };
        if item.is_without_bytes(self.clock.now()) {
            return Ok(self.remove_bytes(&mut item).await?);
        }
        match (item.gate.stage, item.gate.verdict) {
            (Stage::Planned | Stage::Rejected, Verdict::Quarantined) => {
                return Ok(self.finish_quarantine(&mut item).await?);
            }
            // The judge before may have died between its write and the job.
            (Stage::Converting | Stage::Waiting, _) if item.gate.lease.is_none() => {
                return Ok(retry::hand_on(self.jobs, &item).await?);
            }
            (Stage::Announced | Stage::Fetching | Stage::Stored, _) => {}
            (stage, _) => {
                tracing::info!(media.id = %id, media.stage = stage.as_str(), "judged already");
                return Ok(());
            }
        }
        let Some(head) = self.objects.head(id).await? else {
            // Not stored (yet): whoever fetches it will bring the event.
            tracing::warn!(media.id = %id, "nothing stored to judge");
            return Ok(());
        };
        let Some(judged) = self.inspect(&item, &head).await? else {
            return Err(Trouble::Dangling(format!(
                "object of item {id} changed while it was read"
            )));
        };
        let directory = match &item.origin.target {
            Some(target) => self.directories.knowing(target).await?,
            None => self.directories.current().await?,
        };
        Ok(self.decide(&mut item, judged, &directory).await?)
    }

    async fn inspect(&self, item: &Item, head: &Head) -> Answer<Option<Judged>> {
        let Some(mut bytes) = self.objects.open(&item.id, &head.etag).await? else {
            return Ok(None);
        };
        let file = item.origin.file();
        let claim = Claim {
            declared: file
                .and_then(|file| file.declared_type.as_deref())
                .or(head.declared_type.as_deref()),
            file_name: file.and_then(|file| file.file_name.as_deref()),
        };
        let unread = |e| Outage::new("reading the stored original", e);
        let findings = attache_inspect::inspect(&mut bytes, &claim).map_err(unread)?;
        let digest = match head.digest {
            Some(digest) => digest,
            None => digest_of(&mut *bytes).map_err(unread)?,
        };
        let object = StoredObject {
            etag: head.etag.clone(),
            size_bytes: head.size_bytes,
            digest,
        };
        let judgement = self.policy.judge(&findings);
        // Else somebody stored the whole beside them: the parts are still to be dropped, by whoever takes the job they were sent
        // under once more.
        let is_alone = head.digest.is_none() || item.record.upload().is_none();
        Ok(Some((object, is_alone, findings, judgement)))
    }

    async fn decide(
        &self,
        item: &mut Item,
        (object, is_alone, findings, judgement): Judged,
        directory: &Directory,
    ) -> Answer<()> {
        let now = self.clock.now();
        let target = item
            .origin
            .target
            .as_ref()
            .and_then(|id| directory.connection(id));
        // What a person released stays so when it is planned anew.
        if !item.was_released() {
            item.gate.verdict = item.gate.verdict.worsen(verdict(judgement.verdict));
            item.record.reasons = judgement.reasons.iter().map(reason).collect();
        }
        if item.gate.verdict == Verdict::Quarantined {
            self.objects.quarantine(&item.id).await?;
        }
        let found = Found {
            content_type: findings.kind.content_type(),
            label: findings.kind.label(),
            animated: findings.kind.is_animated(),
            bytes: object.size_bytes,
        };
        let taken = match target {
            Some(target) => {
                let anew = item.record.refused.is_some();
                self.ledger.of(&target.id, anew).await
            }
            None => Rc::default(),
        };
        let known = Known {
            taken: &taken,
            refused: item.record.refused.as_ref(),
            before: item.record.plan.as_ref(),
            now,
        };
        let plan = channels::plan(&item.origin, target, known, found);
        item.record.object = Some(object);
        item.record.link = None;
        item.record.link_dies_at = None;
        if is_alone {
            item.record.transfer = None;
        }
        item.record.attempts = 0;
        item.record.token_floor = 0;
        item.record.wait_until = None;
        self.tell(item, &plan).await?;
        item.acknowledge_claim(Actor::Fetch);
        item.rest();
        item.cross(Stage::Stored, Actor::Validate, now);
        item.cross(Stage::Planned, Actor::Validate, now);
        item.record.plan = Some(plan);
        match item.gate.verdict {
            Verdict::Clean => item.proceed(Actor::Validate, now),
            // Until a person decides; nothing for `sweep` to do.
            Verdict::Held => item.gate.due_at = None,
            // `finish_quarantine` ends it, here or after a crash.
            Verdict::Quarantined | Verdict::Unjudged => {}
        }
        if self.items.save(item).await? == Saved::Overtaken {
            // A twin of this event, or a fetcher renewing its lease: the next event or `sweep` finds what is left.
            return Err(Outage::new(
                "judging",
                format!("row of item {} changed meanwhile", item.id),
            ));
        }
        tracing::info!(media.id = %item.id, verdict = item.gate.verdict.as_str(), media.stage = item.gate.stage.as_str(), media.kind = findings.kind.mime(), reasons = ?item.record.reasons, "judged");
        match (item.gate.stage, item.gate.verdict) {
            (Stage::Converting | Stage::Waiting, _) => retry::hand_on(self.jobs, item).await,
            (Stage::Planned, Verdict::Quarantined) => self.finish_quarantine(item).await,
            _ => Ok(()),
        }
    }

    /// Tells whoever waits for it what does not go out, and brings a caption on its way that goes out on its own.
    async fn tell(&self, item: &Item, plan: &Plan) -> Answer<()> {
        let telling = Telling {
            items: self.items,
            jobs: self.jobs,
            clock: self.clock,
        };
        let ending = match item.gate.verdict {
            Verdict::Held | Verdict::Quarantined => Some(Ending::KeptBack),
            Verdict::Clean | Verdict::Unjudged => notice::of_plan(plan),
        };
        if let Some(ending) = ending {
            telling.of(item, &ending, Actor::Validate).await?;
        }
        if item.gate.verdict == Verdict::Clean
            && let Some(caption) = caption_apart(item, plan)
        {
            telling.announce(caption, Actor::Validate).await?;
        }
        Ok(())
    }

    /// Removes everything of an item that is to have no bytes, as often as somebody stores some; of a tombstone also what was
    /// told of it.
    async fn remove_bytes(&self, item: &mut Item) -> Answer<()> {
        if item.gate.stage == Stage::Erased
            && let Some(why) = item.record.reasons.first()
        {
            // Whoever ended it while it was erased may have told of it since.
            let tombs = Tombs {
                items: self.items,
                clock: self.clock,
            };
            tombs.follow_ups(item, why, Actor::Validate).await?;
        }
        self.objects.erase(&item.id, item.record.upload()).await?;
        tracing::info!(media.id = %item.id, media.stage = item.gate.stage.as_str(), "bytes removed");
        if item.bytes_removed(self.clock.now()) && self.items.save(item).await? == Saved::Overtaken
        {
            tracing::info!(media.id = %item.id, "removed by somebody else as well");
        }
        Ok(())
    }

    /// Removes the original, and looks again once no late store can follow: a fetcher that stalled past its lease
    /// finds the key free again and may put the object back.
    async fn finish_quarantine(&self, item: &mut Item) -> Answer<()> {
        self.objects.remove(&item.id).await?;
        let now = self.clock.now();
        if item.gate.stage < Stage::Rejected {
            item.end(Stage::Rejected, Actor::Validate, now);
            item.record.wait_until = Some(now + LATEST_STORE);
            item.gate.due_at = item.record.wait_until;
        } else if item.gate.due_at.is_some() && item.record.wait_until.is_none() {
            // `sweep` sent it back for the last look.
            item.gate.due_at = None;
        } else {
            return Ok(());
        }
        if self.items.save(item).await? == Saved::Overtaken {
            tracing::info!(media.id = %item.id, "quarantine finished by somebody else");
        }
        Ok(())
    }
}

/// An object, whether no parts of it are left beside it, what was found in it, and what that means.
type Judged = (StoredObject, bool, Findings, Judgement);

/// The digest of the whole, read from its beginning.
fn digest_of(bytes: &mut dyn Bytestream) -> io::Result<Sha256Digest> {
    bytes.seek(SeekFrom::Start(0))?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match bytes.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// The caption as words of their own, behind their file.
pub(crate) fn caption_apart(item: &Item, plan: &Plan) -> Option<Origin> {
    plan.leaves_caption().then_some(())?;
    let origin = &item.origin;
    let text = origin.file()?.caption.clone()?;
    let content = Content::Words(Words {
        text,
        notice: false,
    });
    let target = origin.target.clone();
    let mut caption = origin.follow_up(FollowUp::Caption, content, target, origin.direction);
    caption.bundle = vec![item.id.clone(), caption.media_id()];
    Some(caption)
}

fn verdict(judged: attache_inspect::Verdict) -> Verdict {
    match judged {
        attache_inspect::Verdict::Clean => Verdict::Clean,
        attache_inspect::Verdict::Held => Verdict::Held,
        attache_inspect::Verdict::Quarantined => Verdict::Quarantined,
    }
}

fn reason(judged: &attache_inspect::Reason) -> Reason {
    Reason {
        code: judged.code.as_str().to_owned(),
        evidence: judged.evidence.clone(),
    }
}
