//! A transfer in parts: what came is kept in the store part by part, and the row says how far. Whoever holds the item next goes
//! on from there, by `Range` where the host honours it, else past the bytes that are known, which are compared by digest.
//!
//! An upload is named in the row before its first part is sent, and dropped before the row forgets it: no part is ever an
//! orphan, unless its holder dies while another, who had stalled past its lease, stores the whole.

use async_trait::async_trait;
use attache_domain::diagnosis::Failure;
use attache_domain::journey::Item;
use attache_domain::time::Timestamp;
use attache_domain::transfer::{self, Announced, Checkpoint, Part};
use bytes::Bytes;

use super::open::{By, Opened};
use super::progress::{Changed, Progress};
use super::straight::LEAST_BYTES_PER_SECOND;
use super::{Attempt, Fetch, InParts, Term, broken};
use crate::guard::Left;
use crate::held::Held;
use crate::metered::Budget;
use crate::ports::{Answer, Arrival, Joined, Outage, Parts, Source, SourceError, Stored};

/// How often a download that breaks off is opened again before the item is put off.
const MOST_OPENED: u32 = 5;

/// How one body went.
enum Step {
    /// The file is whole.
    Whole,
    /// It broke off.
    Broken(Failure),
    /// It is another file than before.
    Changed,
    /// The store has lost the parts.
    PartsGone,
    /// It takes too long.
    TooSlow,
    LeaseLost,
    /// There is no use in going on.
    Failed(Failure),
}

impl From<Changed> for Step {
    fn from(_: Changed) -> Self {
        Self::Changed
    }
}

impl Fetch<'_> {
    /// Goes on where the row left it; `first`: a download that is open already.
    pub(super) async fn carry_on(
        &self,
        item: &mut Item,
        by: By<'_>,
        first: Option<Opened>,
        term: Term,
    ) -> Answer<Attempt> {
        let version = by.version();
        let checkpoint = item.record.transfer.get_or_insert_default().clone();
        let begun_at = checkpoint.offset;
        let Some(mut progress) = Progress::of(checkpoint, item.origin.file()) else {
            return self.start_over(item, transfer::parts_gone(), version).await;
        };
        let (mut first, mut opened) = (first, 0);
        while !progress.is_whole() {
            opened += 1;
            let next = match first.take() {
                Some(first) => Ok(first),
                None => self.open(item, by, progress.rest().as_ref()).await?,
            };
            let step = match next {
                Ok(next) => self.take_in(item, &mut progress, next, term).await?,
                Err(failure) => Step::Failed(failure),
            };
            match step {
                Step::Whole => break,
                Step::Broken(_) if opened < MOST_OPENED => {}
                Step::Broken(failure) | Step::Failed(failure) => {
                    return Ok(Attempt::Failed(failure, version));
                }
                Step::Changed => {
                    return self.start_over(item, transfer::changed(), version).await;
                }
                Step::PartsGone => {
                    return self.start_over(item, transfer::parts_gone(), version).await;
                }
                Step::LeaseLost => return self.leave(&progress, item).await,
                // Whoever comes next finds more than was found here, or it is no use.
                Step::TooSlow if term.inline || progress.checkpoint.offset > begun_at => {
                    return Ok(Attempt::TooSlow);
                }
                Step::TooSlow => return Ok(Attempt::Failed(transfer::too_slow(), version)),
            }
        }
        let seams = begun_at > 0 || opened > 1;
        self.complete(item, progress, (version, seams)).await
    }

    /// Takes one body in.
    async fn take_in(
        &self,
        item: &mut Item,
        progress: &mut Progress,
        opened: Opened,
        term: Term,
    ) -> Answer<Step> {
        let Opened {
            announced,
            mut body,
            pass,
        } = opened;
        let began = (self.clock.now(), announced.starts_at);
        let step = self
            .take_body(item, progress, (announced, &mut *body), term)
            .await?;
        let left = match step {
            Step::Broken(_) => {
                let got = progress.position().saturating_sub(began.1);
                self.left((got, began.0))
            }
            Step::TooSlow if !term.inline => Left::Failed(None),
            _ => Left::Answered,
        };
        self.guard.left(&pass, left).await?;
        Ok(step)
    }

    async fn take_body(
        &self,
        item: &mut Item,
        progress: &mut Progress,
        (announced, body): (Announced, &mut dyn Source),
        term: Term,
    ) -> Answer<Step> {
        if progress.begin(announced).is_err() {
            return Ok(Step::Changed);
        }
        let began = (self.clock.now(), progress.position());
        let mut held = Held::new((self.items, self.clock), item, self.lease);
        if let Some(step) = step_of(held.keep().await)? {
            return Ok(step);
        }
        while !progress.is_whole() {
            let piece = match body.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => {
                    return Ok(match progress.end() {
                        Ok(None) => Step::Whole,
                        Ok(Some(failure)) => Step::Broken(failure),
                        Err(changed) => changed.into(),
                    });
                }
                Err(error) => return Ok(Step::Broken(broken(&error))),
            };
            if progress.take(piece).is_err() {
                return Ok(Step::Changed);
            }
            if let Some(failure) = progress.too_much() {
                return Ok(Step::Failed(failure));
            }
            while progress.buffer.len() >= self.part_bytes() {
                if let Some(step) = self.put(&mut held, progress).await? {
                    return Ok(step);
                }
            }
            if self.is_too_slow(progress, began, term) {
                return Ok(Step::TooSlow);
            }
            if let Some(step) = step_of(held.keep().await)? {
                return Ok(step);
            }
        }
        Ok(Step::Whole)
    }

    fn part_bytes(&self) -> usize {
        self.in_parts
            .map_or(transfer::PART_BYTES, |in_parts| in_parts.part_bytes)
    }

    fn is_too_slow(
        &self,
        progress: &Progress,
        (began, from): (Timestamp, u64),
        term: Term,
    ) -> bool {
        let now = self.clock.now();
        let got = progress.position().saturating_sub(from);
        let passed = now.saturating_since(began);
        if now >= term.deadline {
            return true;
        }
        if progress.checkpoint.size_bytes.is_none() {
            return passed >= 4 * term.look_on() && got < passed.as_secs() * LEAST_BYTES_PER_SECOND;
        }
        let budget = Budget {
            began,
            deadline: term.deadline,
            patience: term.look_on(),
        };
        budget.is_too_short(
            got,
            progress.until(self.part_bytes()).saturating_sub(from),
            now,
        )
    }

    /// Stores a part and writes down that it is there.
    async fn put(&self, held: &mut Held<'_>, progress: &mut Progress) -> Answer<Option<Step>> {
        let Some(InParts { store, part_bytes }) = self.in_parts else {
            return Ok(Some(Step::TooSlow));
        };
        let id = held.item.id.clone();
        let upload = match &progress.checkpoint.upload {
            Some(upload) => upload.clone(),
            None => {
                let declared = progress.declared_type.as_deref();
                let upload = store
                    .begin_parts(&id, declared, held.item.gate.fence)
                    .await?;
                progress.checkpoint.upload = Some(upload.clone());
                if let Some(step) = write_down(held, progress).await? {
                    // Nobody else can know of it.
                    store.discard_parts(&id, &upload).await?;
                    return Ok(Some(step));
                }
                upload
            }
        };
        let bytes = progress.part(part_bytes);
        match store
            .add_part(&id, &upload, number(&progress.checkpoint), bytes.clone())
            .await?
        {
            Some(part) => progress.stored(part, &bytes),
            None => return Ok(Some(Step::PartsGone)),
        }
        write_down(held, progress).await
    }

    /// The file is whole: it is compared, and becomes an object.
    async fn complete(
        &self,
        item: &mut Item,
        progress: Progress,
        (version, seams): (u32, bool),
    ) -> Answer<Attempt> {
        let digest = progress.digest_so_far();
        if progress.digest.is_some_and(|announced| announced != digest) {
            // Where it was put together from several bodies, they may have been of several files.
            let failure = if seams {
                transfer::changed()
            } else {
                transfer::other_bytes()
            };
            return self.start_over(item, failure, version).await;
        }
        match (self.in_parts, progress.checkpoint.upload.clone()) {
            (Some(in_parts), Some(upload)) => {
                self.join(item, progress, (in_parts.store, &upload), version)
                    .await
            }
            _ => {
                let size_bytes = progress.position();
                if size_bytes == 0 {
                    return Ok(Attempt::Failed(transfer::size_doubted(0), version));
                }
                let arrival = Arrival {
                    id: item.id.clone(),
                    size_bytes,
                    digest: Some(digest),
                    declared_type: progress.declared_type,
                    fence: item.gate.fence,
                };
                let mut whole = Once(Some(progress.buffer.freeze()));
                Ok(match self.objects.store(&arrival, &mut whole).await? {
                    Stored::Whole(_) => Attempt::Stored { by_event: true },
                    Stored::Exists => return self.exists(item, version).await,
                    Stored::Aborted(error) => Attempt::Failed(broken(&error), version),
                })
            }
        }
    }

    async fn join(
        &self,
        item: &mut Item,
        mut progress: Progress,
        (parts, upload): (&dyn Parts, &str),
        version: u32,
    ) -> Answer<Attempt> {
        let mut all = std::mem::take(&mut progress.checkpoint.parts);
        if !progress.buffer.is_empty() {
            let number = number_after(&all);
            let last = progress.buffer.freeze();
            match parts.add_part(&item.id, upload, number, last).await? {
                Some(part) => all.push(part),
                None => return self.gone(item, version).await,
            }
        }
        match parts.join_parts(&item.id, upload, &all).await? {
            Joined::Whole => Ok(Attempt::Stored { by_event: true }),
            Joined::Exists => self.exists(item, version).await,
            Joined::Gone => self.gone(item, version).await,
        }
    }

    /// The upload is over: most likely because it was joined, by us unnoticed or by who held the item before.
    async fn gone(&self, item: &mut Item, version: u32) -> Answer<Attempt> {
        match self.objects.head(&item.id).await? {
            Some(head) => self.adopt(item, &head).await,
            None => self.start_over(item, transfer::parts_gone(), version).await,
        }
    }

    /// Forgets what came, and fails for now.
    async fn start_over(&self, item: &mut Item, failure: Failure, version: u32) -> Answer<Attempt> {
        self.discard(item).await?;
        item.record.transfer = Some(Checkpoint::default());
        Ok(Attempt::Failed(failure, version))
    }

    /// Somebody else holds the item. Its parts are theirs, unless the object is there: then they are nobody's.
    async fn leave(&self, progress: &Progress, item: &Item) -> Answer<Attempt> {
        if let (Some(in_parts), Some(upload)) = (self.in_parts, &progress.checkpoint.upload)
            && self.objects.head(&item.id).await?.is_some()
        {
            in_parts.store.discard_parts(&item.id, upload).await?;
        }
        Ok(Attempt::LeaseLost)
    }

    /// Drops the parts that came, if any did.
    pub(super) async fn discard(&self, item: &Item) -> Answer<()> {
        match (self.in_parts, item.record.upload()) {
            (Some(in_parts), Some(upload)) => in_parts.store.discard_parts(&item.id, upload).await,
            _ => Ok(()),
        }
    }
}

async fn write_down(held: &mut Held<'_>, progress: &Progress) -> Answer<Option<Step>> {
    held.item.record.transfer = Some(progress.checkpoint.clone());
    step_of(held.save().await)
}

fn step_of(saved: Result<(), SourceError>) -> Answer<Option<Step>> {
    match saved {
        Ok(()) => Ok(None),
        Err(SourceError::LeaseLost) => Ok(Some(Step::LeaseLost)),
        Err(error) => Err(Outage::new("writing down how far a transfer came", error)),
    }
}

fn number(checkpoint: &Checkpoint) -> u32 {
    number_after(&checkpoint.parts)
}

fn number_after(parts: &[Part]) -> u32 {
    u32::try_from(parts.len() + 1).unwrap_or(u32::MAX)
}

/// What is in hand, as a source.
struct Once(Option<Bytes>);

#[async_trait(?Send)]
impl Source for Once {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}
