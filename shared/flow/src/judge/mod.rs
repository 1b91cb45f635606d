//! Judge: one verdict and one plan for each stored object; nothing leaves without it.
//!
//! Triggered by the object's own event (also twice, also before the row knows of the object), by a scanner's, or by `sweep`.
//! The row's arrows fetching → stored → planned → waiting are crossed in one write; only where a scan is waited for there is one
//! more (`scan`). A dangerous object is copied to the quarantine bucket, the verdict is written, and only then is the original
//! removed: dying between any two of these leaves work that `sweep` brings back here, and no moment in which the object could be
//! delivered.

mod condemned;
mod policy;
mod scan;

use std::io::{self, SeekFrom};
use std::rc::Rc;

use attache_domain::audit::Actor;
use attache_domain::channels::{self, Found, Known};
use attache_domain::connection::{Directory, FilePolicy};
use attache_domain::digest::{Hasher, Sha256Digest};
use attache_domain::event::{Content, FollowUp, Origin, Words};
use attache_domain::ids::MediaId;
use attache_domain::job::JudgeJob;
use attache_domain::journey::{Item, LATEST_STORE, Stage, StoredObject};
use attache_domain::notice::{self, Ending};
use attache_domain::scan::guardduty::ObjectScan;
use attache_domain::scan::{Outcome, Scanned, TARGET};
use attache_domain::verdict::{DELETED, Plan, Reason, Verdict};
use attache_inspect::{Claim, Findings, Hazard, HazardKind, Judgement, Policy};

use crate::batch::Trouble;
use crate::erasure::Tombs;
use crate::ports::{
    Answer, Bytestream, Clock, Directories, Head, Items, Jobs, Objects, Outage, Saved,
};
use crate::retry;
use crate::taken::Ledger;
use crate::telling::Telling;

pub use policy::{blocked, overlaid};
pub use scan::{Scanning, Scans};

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
    /// What turns findings into a verdict, where the owner says nothing else.
    pub standard: &'a Policy,
    /// Who looks for malware; `None`: nobody.
    pub scanning: Option<Scanning<'a>>,
    /// What the targets are known to take.
    pub ledger: Ledger<'a>,
}

impl Judge<'_> {
    /// Handles one message of the `judge` queue.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed or the message is no job.
    pub async fn handle(&self, body: &str) -> Result<(), Trouble> {
        match JudgeJob::parse(body)? {
            JudgeJob::Item(job) => self.judge(&job.media, None).await,
            JudgeJob::Malware(job) => {
                let scanned = Scanned::malware(TARGET, job.threat.as_deref());
                self.scanned_by_target(&job.malware, &scanned).await
            }
        }
    }

    /// Handles the event of an object.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed, or an object lies there that no row knows (an orphan), or under a key that is
    /// no item's: Lambda repeats the event and parks it, where a person finds it.
    pub async fn object_created(&self, key: &str) -> Result<(), Trouble> {
        self.judge(&item_of(key)?, None).await
    }

    /// Handles a scanner's event about an object, which comes before, after or instead of the object's own, and also twice.
    ///
    /// # Errors
    /// As [`Judge::object_created`]; and if it is about malware in a file that somebody is sending this very moment.
    pub async fn object_scanned(&self, scan: &ObjectScan) -> Result<(), Trouble> {
        self.judge(&item_of(&scan.key)?, Some(scan)).await
    }

    async fn judge(&self, id: &MediaId, scan: Option<&ObjectScan>) -> Result<(), Trouble> {
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
            (Stage::Announced | Stage::Fetching | Stage::Stored, _) => {}
            _ => return self.judged_before(item, scan).await,
        }
        let Some(head) = self.objects.head(id).await? else {
            // Not stored (yet): whoever fetches it will bring the event.
            tracing::warn!(media.id = %id, "nothing stored to judge");
            return Ok(());
        };
        let scanned = scan
            .filter(|scan| scan.is_of(&head.etag))
            .map(|scan| &scan.scanned);
        if scanned.is_none() && self.waits_for_scan(&item) {
            return Ok(self.wait_for_scan(&mut item, &head).await?);
        }
        let directory = match &item.origin.target {
            Some(target) => self.directories.knowing(target).await?,
            None => self.directories.current().await?,
        };
        if item.cannot_be_judged() {
            return Ok(self.leave_unjudged(&mut item, &head, &directory).await?);
        }
        if item.inspected_again() {
            // Written before, because a panic or a timeout leaves nobody to write it.
            self.save(&mut item).await?;
        }
        let inspected = self.inspect(&item, &head, directory.policy()).await;
        let noted = item.record.inspections > 0;
        item.inspection_ended(inspected.is_err());
        if inspected.is_err() && noted {
            self.save(&mut item).await?;
        }
        let Some((mut bytes, judged)) = inspected? else {
            return Err(Trouble::Dangling(format!(
                "object of item {id} changed while it was read"
            )));
        };
        match self
            .scanned(&mut item, &mut *bytes, scanned, judged)
            .await?
        {
            Some(judged) => Ok(self.decide(&mut item, judged, &directory).await?),
            // It is scanned again later.
            None => Ok(()),
        }
    }

    /// What is still to be done with an item that has its verdict.
    async fn judged_before(&self, item: Item, scan: Option<&ObjectScan>) -> Result<(), Trouble> {
        if let Some(scan) = scan {
            return self.scanned_late(item, scan).await;
        }
        if matches!(item.gate.stage, Stage::Converting | Stage::Waiting)
            && item.gate.lease.is_none()
        {
            // The judge before may have died between its write and the job.
            return Ok(retry::hand_on(self.jobs, &item).await?);
        }
        tracing::info!(media.id = %item.id, media.stage = item.gate.stage.as_str(), "judged already");
        Ok(())
    }

    /// A file whose inspection panics, or outlasts its time, would be inspected for ever: it is held instead, without another
    /// look, and those who wait for it are told. Whoever mends the inspection has it judged anew by `attache redrive`.
    async fn leave_unjudged(
        &self,
        item: &mut Item,
        head: &Head,
        directory: &Directory,
    ) -> Answer<()> {
        let digest = match head.digest {
            Some(digest) => digest,
            None => match self.objects.open(&item.id, &head.etag).await? {
                Some(mut bytes) => digest_of(&mut *bytes).map_err(unread)?,
                // Another object is there by now: its own event comes.
                None => return Ok(()),
            },
        };
        let times = item.record.inspections;
        let findings = Findings::not_judged(format!("inspecting it came to no end, {times} times"));
        let judged = weighed(
            self.standard,
            directory.policy(),
            (item, head),
            (findings, digest),
        )?;
        tracing::error!(media.id = %item.id, tries = times, "cannot be judged; held");
        self.decide(item, judged, directory).await
    }

    async fn inspect(
        &self,
        item: &Item,
        head: &Head,
        policy: &FilePolicy,
    ) -> Answer<Option<(Box<dyn Bytestream>, Judged)>> {
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
        let findings = attache_inspect::inspect(&mut bytes, &claim).map_err(unread)?;
        let digest = match head.digest {
            Some(digest) => digest,
            None => digest_of(&mut *bytes).map_err(unread)?,
        };
        let judged = weighed(self.standard, policy, (item, head), (findings, digest))?;
        Ok(Some((bytes, judged)))
    }

    async fn decide(&self, item: &mut Item, judged: Judged, directory: &Directory) -> Answer<()> {
        let now = self.clock.now();
        let target = item
            .origin
            .target
            .as_ref()
            .and_then(|id| directory.connection(id));
        let kind = judged.findings.kind;
        let found = Found {
            content_type: kind.content_type(),
            label: kind.label(),
            animated: kind.is_animated(),
            bytes: judged.object.size_bytes,
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
            converted: item.record.refused.is_some() && item.record.rendition.is_some(),
            before: item.record.plan.as_ref(),
            now,
        };
        let plan = channels::plan(&item.origin, target, known, found);
        let reasons = judged.judgement.reasons.iter().map(reason).collect();
        item.judged(verdict(judged.judgement.verdict), reasons);
        if item.gate.verdict == Verdict::Quarantined {
            self.put_away(item, directory.policy()).await?;
        }
        item.record.cleared_by = judged.cleared_by.map(str::to_owned);
        item.record.scan_since = None;
        brought(item, judged.object, judged.is_alone);
        self.tell(item, &plan).await?;
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
        self.save(item).await?;
        tracing::info!(media.id = %item.id, verdict = item.gate.verdict.as_str(), media.stage = item.gate.stage.as_str(), media.kind = kind.mime(), media.sha256 = item.record.object.as_ref().map(|it| it.digest.to_string()), reasons = ?item.record.reasons, cleared_by = item.record.cleared_by, "judged");
        match (item.gate.stage, item.gate.verdict) {
            (Stage::Converting | Stage::Waiting, _) => retry::hand_on(self.jobs, item).await,
            (Stage::Planned, Verdict::Quarantined) => self.finish_quarantine(item).await,
            _ => Ok(()),
        }
    }

    async fn save(&self, item: &mut Item) -> Answer<()> {
        match self.items.save(item).await? {
            Saved::Done => Ok(()),
            // A twin of this event, or a fetcher renewing its lease: the next event or `sweep` finds what is left.
            Saved::Overtaken => Err(Outage::new(
                "judging",
                format!("row of item {} changed meanwhile", item.id),
            )),
        }
    }

    /// Copies the original into quarantine, or notes that the owner wants no copy.
    async fn put_away(&self, item: &mut Item, policy: &FilePolicy) -> Answer<()> {
        if !policy.delete_now {
            return self.objects.quarantine(&item.id).await;
        }
        item.record.reasons.push(Reason {
            code: DELETED.to_owned(),
            evidence: "the policy keeps nothing of what is quarantined".to_owned(),
        });
        Ok(())
    }

    /// Tells whoever waits for it what does not go out, and brings a caption on its way that goes out on its own.
    async fn tell(&self, item: &Item, plan: &Plan) -> Answer<()> {
        let ending = match item.gate.verdict {
            Verdict::Held | Verdict::Quarantined => Some(Ending::KeptBack),
            Verdict::Clean | Verdict::Unjudged => notice::of_plan(plan),
        };
        if let Some(ending) = ending {
            self.telling().of(item, &ending, Actor::Validate).await?;
        }
        if item.gate.verdict == Verdict::Clean
            && let Some(caption) = caption_apart(item, plan)
        {
            self.telling().announce(caption, Actor::Validate).await?;
        }
        Ok(())
    }

    fn telling(&self) -> Telling<'_> {
        Telling {
            items: self.items,
            jobs: self.jobs,
            clock: self.clock,
        }
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

/// What was found in an object, and what that means.
struct Judged {
    object: StoredObject,
    /// Whether no parts of it are left beside it.
    is_alone: bool,
    findings: Findings,
    policy: Policy,
    judgement: Judgement,
    /// The scanner that found nothing in it.
    cleared_by: Option<&'static str>,
}

impl Judged {
    /// What was found once a scan is added to it.
    fn with(mut self, scanned: &Scanned) -> Self {
        let kind = match scanned.outcome {
            Outcome::Clean => {
                self.cleared_by = Some(scanned.scanner);
                return self;
            }
            Outcome::Malware { .. } => HazardKind::Malware,
            Outcome::NotScanned { .. } => HazardKind::NotScanned,
        };
        let evidence = scanned.evidence();
        self.findings.hazards.push(Hazard { kind, evidence });
        self.judgement = self.policy.judge(&self.findings);
        self
    }
}

/// What findings mean by the standard policy and the owner's.
fn weighed(
    standard: &Policy,
    own: &FilePolicy,
    (item, head): (&Item, &Head),
    (mut findings, digest): (Findings, Sha256Digest),
) -> Answer<Judged> {
    findings.hazards.extend(blocked(own, &digest));
    let policy = overlaid(standard, own);
    let policy = policy.map_err(|e| Outage::new("reading the owner's policy", e))?;
    Ok(Judged {
        object: StoredObject {
            etag: head.etag.clone(),
            size_bytes: head.size_bytes,
            digest,
        },
        // Else somebody stored the whole beside them: the parts are still to be dropped, by whoever takes the job they were sent
        // under once more.
        is_alone: head.digest.is_none() || item.record.upload().is_none(),
        judgement: policy.judge(&findings),
        findings,
        policy: policy.into_owned(),
        cleared_by: None,
    })
}

fn unread(error: io::Error) -> Outage {
    Outage::new("reading the stored original", error)
}

/// Notes that the bytes are here, whole: whoever fetched them has nothing more to do.
fn brought(item: &mut Item, object: StoredObject, is_alone: bool) {
    item.record.object = Some(object);
    item.record.link = None;
    item.record.link_dies_at = None;
    if is_alone {
        item.record.transfer = None;
    }
    item.record.attempts = 0;
    item.record.forget_tokens();
    item.record.wait_until = None;
    item.acknowledge_claim(Actor::Fetch);
    item.rest();
}

fn item_of(key: &str) -> Result<MediaId, Trouble> {
    MediaId::from_arrival_key(key)
        .ok_or_else(|| Trouble::Dangling(format!("object key {key:?} is no item's")))
}

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
