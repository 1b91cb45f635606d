//! Fetch: brings the bytes of one item into the media bucket, once, whole.
//!
//! Claim → find the link (`open`) → judge the link → download → store. The store refuses wrong lengths and wrong
//! digests, so a corrupt object never exists; it refuses a second object under the same key, and what lies there is
//! then compared, never assumed. Nothing is written to the row afterwards: the object's own event brings `judge`,
//! which completes it (one write fewer per item), and `sweep` covers a lost event.
//!
//! Two ways lead there. *Straight*: one stream of known length from the platform into the store. *In parts*: what has no known
//! length, what broke off before, and what takes longer than one process has. The row then says how far it came.

mod open;
mod parts;
mod progress;
mod room;
mod straight;
mod within;

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::claim::{Lease, Refusal, Terms, Work};
use attache_domain::connection::Connection;
use attache_domain::delivery::{self, Next};
use attache_domain::diagnosis::rules::ours;
use attache_domain::diagnosis::{Diagnosis, Disposition, Failure};
use attache_domain::job::ItemJob;
use attache_domain::journey::{Item, Stage};
use attache_domain::time::Timestamp;
use attache_domain::token::Purpose;
use attache_domain::transfer;
use futures_util::future::{Either, select};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::batch::Trouble;
use crate::bearer::Desk;
use crate::guard::{Guard, Left};
use crate::held::Held;
use crate::ports::{
    Answer, Claimed, Clock, Directories, Head, Http, Items, Jobs, Objects, Outage, Parts, Queue,
    SourceError,
};
use crate::retry;
use crate::telling::Telling;

use open::By;
pub use open::LINK_USED;
pub use room::{Place, Room};

/// The purpose under which links are sealed; grants of the data key are bound to it.
pub const LINK_SEALED_AS: &str = "link";

/// What fetch needs.
#[derive(Clone, Copy)]
pub struct Fetch<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The buckets.
    pub objects: &'a dyn Objects,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// The platforms.
    pub http: &'a dyn Http,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The configuration.
    pub directories: &'a dyn Directories,
    /// Bearer tokens.
    pub desk: Desk<'a>,
    /// How long a lease runs unless renewed.
    pub lease: Duration,
    /// How to take in parts what needs it; who cannot hands it over.
    pub in_parts: Option<InParts<'a>>,
    /// Keeps away from hosts and numbers in trouble.
    pub guard: Guard<'a>,
    /// What all transfers of the process may hold in memory.
    pub room: &'a Room,
}

/// Where parts go.
#[derive(Clone, Copy)]
pub struct InParts<'a> {
    /// The media bucket.
    pub store: &'a dyn Parts,
    /// How large a part is: [`transfer::PART_BYTES`], but in tests.
    pub part_bytes: usize,
}

/// For how long a transfer runs before its end is projected: while a sender waits, and while nobody does.
const PROJECT_INLINE: Duration = Duration::from_millis(1500);
const PROJECT_QUEUED: Duration = Duration::from_secs(15);

/// The time one attempt has.
#[derive(Clone, Copy, Debug)]
struct Term {
    deadline: Timestamp,
    /// A sender waits for the answer.
    inline: bool,
}

impl Term {
    /// How long to look on before the end is projected.
    fn look_on(self) -> Duration {
        if self.inline {
            PROJECT_INLINE
        } else {
            PROJECT_QUEUED
        }
    }
}

/// How one attempt went.
enum Attempt {
    /// The bytes are in the bucket; `by_event` says whether the store's own event will bring the judge.
    Stored { by_event: bool },
    /// No token is fit; a renewal was asked for.
    NoToken,
    /// It failed; with the version of the token that was used.
    Failed(Failure, u32),
    /// It would not be over in time; somebody with more of it carries on.
    TooSlow,
    /// Somebody else holds the item now.
    LeaseLost,
}

/// How far the bytes came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// They are in the bucket, or the item is past that.
    Stored,
    /// A job in the queue carries on.
    Later,
    /// They cannot be had any more; the agent was told.
    Lost,
    /// Somebody else is at it.
    Busy,
}

impl Fetch<'_> {
    /// Handles one message of the `fetch` queue, for `patience` at the most: the process must live longer.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed or the message is no job; the queue delivers it again.
    pub async fn handle(&self, body: &str, patience: Duration) -> Result<(), Trouble> {
        let job = ItemJob::parse(body)?;
        let term = Term {
            deadline: self.clock.now() + patience,
            inline: false,
        };
        self.bring(&job, self.clock.draw(), term).await.map(drop)
    }

    /// Brings the bytes in, as `holder`, as far as it comes in time.
    async fn bring(&self, job: &ItemJob, holder: u64, term: Term) -> Result<Brought, Trouble> {
        let mut item = match self.claim(job, holder).await? {
            Ok(item) => item,
            Err(brought) => return Ok(brought),
        };
        if self.in_parts.is_none() && item.record.upload().is_some() {
            // Only who can go on with the parts can also drop them.
            return Ok(self.wait(&mut item, Duration::ZERO).await?);
        }
        let directory = self.directories.knowing(&item.origin.connection).await?;
        let Some(connection) = directory.connection(&item.origin.connection) else {
            let failure = Failure::removed(&item.origin.connection);
            return Ok(self.give_up(&mut item, *failure.diagnosis).await?);
        };
        Ok(match self.attempt(&mut item, connection, term).await? {
            Attempt::Stored { by_event } => {
                if by_event {
                    tracing::info!(media.id = %item.id, "stored");
                } else {
                    self.ask_for_judge(&item).await?;
                }
                Brought::Stored
            }
            Attempt::NoToken if self.clock.now() >= gone_at(&item, connection) => {
                let evidence = "no usable token for media for as long as the platform had the file";
                let diagnosis = ours::NO_TOKEN.diagnosis(evidence);
                self.give_up(&mut item, diagnosis).await?
            }
            Attempt::NoToken => {
                let wait = delivery::renewal_wait(item.gate.sequence);
                self.wait(&mut item, wait).await?
            }
            Attempt::Failed(failure, version) => {
                let gone_at = gone_at(&item, connection);
                self.after(&mut item, failure, (version, gone_at)).await?
            }
            Attempt::TooSlow => self.wait(&mut item, Duration::ZERO).await?,
            Attempt::LeaseLost => {
                tracing::warn!(media.id = %item.id, "lease lost; its new holder carries on");
                Brought::Busy
            }
        })
    }

    async fn claim(&self, job: &ItemJob, holder: u64) -> Result<Result<Item, Brought>, Trouble> {
        let now = self.clock.now();
        let lease = Lease {
            holder,
            since: now,
            until: now + self.lease,
        };
        let terms = Terms {
            work: Work::Fetch,
            epoch: job.epoch,
            sequence: job.sequence,
            now,
            lease,
        };
        match self.items.claim(&job.media, &terms).await? {
            Claimed::Granted(item) => Ok(Ok(*item)),
            Claimed::Missing => Err(Trouble::Dangling(format!(
                "fetch job for unknown item {}",
                job.media
            ))),
            Claimed::Refused(item) => {
                if item.gate.stage >= Stage::Stored {
                    // Of a holder who died while another, who had stalled past its lease, stored the whole.
                    self.discard(&item).await?;
                }
                Ok(Err(refused(&item, &terms)))
            }
        }
    }

    async fn attempt(
        &self,
        item: &mut Item,
        connection: &Connection,
        term: Term,
    ) -> Answer<Attempt> {
        if item.gate.fence > 1 {
            // An earlier holder may have stored it and died before anybody noticed.
            if let Some(head) = self.objects.head(&item.id).await? {
                return self.adopt(item, &head).await;
            }
        }
        let bearer = if connection.profile().fetches_by_bearer() {
            let floor = item.record.token_floor;
            let bearer = self.desk.bearer(connection, Purpose::Media, floor).await?;
            let Some(bearer) = bearer else {
                return Ok(Attempt::NoToken);
            };
            Some(bearer)
        } else {
            None
        };
        let by = By {
            connection,
            bearer: bearer.as_ref(),
        };
        let dies_at = gone_at(item, connection);
        if item.record.transfer.is_some() {
            let Some(_place) = self.place(room::IN_PARTS_BYTES, dies_at).await else {
                return Ok(Attempt::TooSlow);
            };
            if !self.still_holds(item).await? {
                return Ok(Attempt::LeaseLost);
            }
            return self.carry_on(item, by, None, term).await;
        }
        let Some(place) = self.place(room::STRAIGHT_BYTES, dies_at).await else {
            return Ok(Attempt::TooSlow);
        };
        if !self.still_holds(item).await? {
            return Ok(Attempt::LeaseLost);
        }
        let opened = match self.open(item, by, None).await? {
            Ok(opened) => opened,
            Err(failure) => return Ok(Attempt::Failed(failure, by.version())),
        };
        if let Some(size) = opened.announced.size_bytes {
            return self
                .straight(item, (opened, size), by.version(), term)
                .await;
        }
        drop(place);
        if let Some(_place) = self.room.take_now(room::IN_PARTS_BYTES) {
            return self.carry_on(item, by, Some(opened), term).await;
        }
        // It is not kept open while it waits. Its host answered, which is all that whoever asked after a pause wanted to know.
        self.guard.left(&opened.pass, Left::Answered).await?;
        drop(opened);
        match self.place(room::IN_PARTS_BYTES, dies_at).await {
            Some(_place) if self.still_holds(item).await? => {
                self.carry_on(item, by, None, term).await
            }
            Some(_place) => Ok(Attempt::LeaseLost),
            None => Ok(Attempt::TooSlow),
        }
    }

    /// Whoever waited for room has a lease again that lasts until the first bytes. `false`: somebody else holds the item.
    async fn still_holds(&self, item: &mut Item) -> Answer<bool> {
        let mut held = Held::new((self.items, self.clock), item, self.lease);
        match held.keep_for(open::PATIENCE).await {
            Ok(()) => Ok(true),
            Err(SourceError::LeaseLost) => Ok(false),
            Err(error) => Err(Outage::new("renewing a lease", error)),
        }
    }

    /// Room in memory, once there is some; `None`: not for as long as the lease is certain.
    async fn place(&self, bytes: usize, dies_at: Timestamp) -> Option<Place> {
        let turn = std::pin::pin!(self.room.take(bytes, dies_at));
        match select(turn, self.clock.wait(self.lease / 2)).await {
            Either::Left((place, _)) => Some(place),
            Either::Right(((), _)) => None,
        }
    }

    /// An object is there already: it counts only if it is what the platform announced.
    async fn adopt(&self, item: &Item, head: &Head) -> Answer<Attempt> {
        self.discard(item).await?;
        Ok(if is_announced(item, head) {
            Attempt::Stored { by_event: false }
        } else {
            Attempt::Failed(transfer::other_bytes(), 0)
        })
    }

    async fn after(
        &self,
        item: &mut Item,
        failure: Failure,
        (version, gone_at): (u32, Timestamp),
    ) -> Answer<Brought> {
        tracing::warn!(media.id = %item.id, failure.code = %failure.diagnosis.code, failure.rule = %failure.diagnosis.rule, failure.confidence = failure.diagnosis.confidence.as_str(), evidence = %failure.diagnosis.evidence, failure.excerpt = %failure.excerpt, "fetch attempt failed");
        let now = self.clock.now();
        if let Some(pause) = transfer::pause(&failure).filter(|_| now < gone_at) {
            // What it met before tells more.
            item.record.diagnosis.get_or_insert(*failure.diagnosis);
            return self.wait(item, pause).await;
        }
        item.record.diagnosis = Some((*failure.diagnosis).clone());
        if failure.disposition == Disposition::Unauthorised {
            let renewed = item.record.token_floor > 0;
            item.record.token_floor = version + 1;
            if !renewed {
                let wait = delivery::renewal_wait(item.gate.sequence);
                return self.wait(item, wait).await;
            }
        }
        item.record.attempts += 1;
        let mut rng = StdRng::seed_from_u64(self.clock.draw());
        match transfer::after(failure, item.record.attempts, (gone_at, now), &mut rng) {
            Next::Retry { wait, .. } => self.wait(item, wait).await,
            Next::Renew => {
                self.wait(item, delivery::renewal_wait(item.gate.sequence))
                    .await
            }
            Next::GiveUp(diagnosis) => self.give_up(item, *diagnosis).await,
        }
    }

    async fn ask_for_judge(&self, item: &Item) -> Answer<()> {
        let job = item.job(&item.origin.connection);
        retry::send(self.jobs, Queue::Judge, &job, Duration::ZERO).await?;
        tracing::info!(media.id = %item.id, "found stored by an earlier holder; judge asked for");
        Ok(())
    }

    async fn wait(&self, item: &mut Item, wait: Duration) -> Answer<Brought> {
        let counted = item.origin.connection.clone();
        retry::put_off(
            (self.items, self.jobs),
            item,
            (Queue::Fetch, &counted),
            (self.clock.now(), wait),
            retry::Places::default(),
        )
        .await?;
        Ok(Brought::Later)
    }

    async fn give_up(&self, item: &mut Item, diagnosis: Diagnosis) -> Answer<Brought> {
        // The platform's link is dead, but an earlier holder may have died between storing and being noticed.
        if self
            .objects
            .head(&item.id)
            .await?
            .is_some_and(|head| is_announced(item, &head))
        {
            self.ask_for_judge(item).await?;
            return Ok(Brought::Stored);
        }
        self.discard(item).await?;
        tracing::error!(media.id = %item.id, failure.code = %diagnosis.code, evidence = %diagnosis.evidence, remedy = %diagnosis.remedy, "lost");
        item.record.lost_link = self.link_of(item).await?.map(|link| link.digest());
        item.record.link = None;
        item.record.link_dies_at = None;
        item.record.transfer = None;
        let telling = Telling {
            items: self.items,
            jobs: self.jobs,
            clock: self.clock,
        };
        let ended = telling
            .give_up(item, (Stage::Lost, diagnosis), Actor::Fetch)
            .await?;
        Ok(if ended { Brought::Lost } else { Brought::Busy })
    }
}

/// Until when the file can be had: as long as its link lives, if that tells; else as long as its platform keeps files.
fn gone_at(item: &Item, connection: &Connection) -> Timestamp {
    let kept = item.origin.sent_at + connection.profile().file_life();
    item.record.link_dies_at.unwrap_or(kept)
}

fn refused(item: &Item, terms: &Terms) -> Brought {
    match terms.refusal(&item.gate) {
        Some(Refusal::Held(lease)) => {
            tracing::info!(media.id = %item.id, lease.since = %lease.since, lease.until = %lease.until, "already being fetched");
            Brought::Busy
        }
        // A newer copy of the job is in the queue.
        Some(Refusal::Superseded) => Brought::Later,
        refusal => {
            tracing::info!(media.id = %item.id, ?refusal, "nothing to fetch");
            Brought::Stored
        }
    }
}

fn is_announced(item: &Item, head: &Head) -> bool {
    let announced = item.origin.file().and_then(|file| file.digest);
    // What came in parts was compared before it was put together.
    let stored = head.digest.or(announced);
    announced.is_none_or(|digest| Some(digest) == stored)
}

fn broken(error: &SourceError) -> Failure {
    match error {
        SourceError::Broken(_) | SourceError::Length { .. } => {
            transfer::interrupted(&error.to_string())
        }
        SourceError::Digest => transfer::other_bytes(),
        SourceError::LeaseLost | SourceError::TooSlow | SourceError::Outage(_) => {
            transfer::interrupted(&error.to_string())
        }
    }
}
