//! Fetch: brings the bytes of one item into the media bucket, once, whole.
//!
//! Claim → find the link (`open`) → judge the link → download → store. The store refuses wrong lengths and wrong
//! digests, so a corrupt object never exists; it refuses a second object under the same key, and what lies there is
//! then compared, never assumed. Nothing is written to the row afterwards: the object's own event brings `judge`,
//! which completes it (one write fewer per item), and `sweep` covers a lost event.

mod open;
mod within;

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::claim::{Lease, Refusal, Terms, Work};
use attache_domain::connection::Connection;
use attache_domain::delivery::{self, Next};
use attache_domain::diagnosis::{Diagnosis, Disposition, Failure};
use attache_domain::job::ItemJob;
use attache_domain::journey::{Item, Stage};
use attache_domain::time::Timestamp;
use attache_domain::token::Purpose;
use attache_domain::transfer;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::batch::Trouble;
use crate::bearer::Desk;
use crate::metered::{Budget, Metered};
use crate::ports::{
    Answer, Arrival, Claimed, Clock, Directories, Head, Http, Items, Jobs, Objects, Queue,
    SourceError, Stored,
};
use crate::retry;
use crate::telling::Telling;

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
    /// Handles one message of the `fetch` queue.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed or the message is no job; the queue delivers it again.
    pub async fn handle(&self, body: &str) -> Result<(), Trouble> {
        let job = ItemJob::parse(body)?;
        self.bring(&job, self.clock.draw(), None).await.map(drop)
    }

    /// Brings the bytes in, as `holder`; with a deadline only if that can be done in time.
    async fn bring(
        &self,
        job: &ItemJob,
        holder: u64,
        deadline: Option<Timestamp>,
    ) -> Result<Brought, Trouble> {
        let mut item = match self.claim(job, holder).await? {
            Ok(item) => item,
            Err(brought) => return Ok(brought),
        };
        let directory = self.directories.knowing(&item.origin.connection).await?;
        let Some(connection) = directory.connection(&item.origin.connection) else {
            let failure = Failure::removed(&item.origin.connection);
            return Ok(self.give_up(&mut item, *failure.diagnosis).await?);
        };
        Ok(match self.attempt(&mut item, connection, deadline).await? {
            Attempt::Stored { by_event } => {
                if by_event {
                    tracing::info!(media.id = %item.id, "stored");
                } else {
                    self.ask_for_judge(&item).await?;
                }
                Brought::Stored
            }
            Attempt::NoToken => {
                let wait = delivery::renewal_wait(item.gate.sequence);
                self.wait(&mut item, wait).await?
            }
            Attempt::Failed(failure, version) => {
                let gone_at = item.origin.sent_at + connection.profile().file_life();
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
            Claimed::Refused(item) => Ok(Err(match terms.refusal(&item.gate) {
                Some(Refusal::Held(lease)) => {
                    tracing::info!(media.id = %job.media, lease.since = %lease.since, lease.until = %lease.until, "already being fetched");
                    Brought::Busy
                }
                refusal => {
                    tracing::info!(media.id = %job.media, ?refusal, "nothing to fetch");
                    match refusal {
                        // A newer copy of the job is in the queue.
                        Some(Refusal::Superseded) => Brought::Later,
                        _ => Brought::Stored,
                    }
                }
            })),
        }
    }

    async fn attempt(
        &self,
        item: &mut Item,
        connection: &Connection,
        deadline: Option<Timestamp>,
    ) -> Answer<Attempt> {
        if item.gate.fence > 1 {
            // An earlier holder may have stored it and died before anybody noticed.
            if let Some(head) = self.objects.head(&item.id).await? {
                return Ok(adopt(item, &head));
            }
        }
        let Some(bearer) = self
            .desk
            .bearer(connection, Purpose::Media, item.record.token_floor)
            .await?
        else {
            return Ok(Attempt::NoToken);
        };
        let (announced, download) = match self.open(item, connection, &bearer).await? {
            Ok(opened) => opened,
            Err(failure) => return Ok(Attempt::Failed(failure, bearer.version)),
        };
        let arrival = Arrival {
            id: item.id.clone(),
            size_bytes: announced.size_bytes,
            digest: announced.digest,
            declared_type: announced.declared_type.clone(),
            fence: item.gate.fence,
        };
        let mut source = Metered::new(
            download.body,
            &announced,
            (self.items, self.clock),
            (&mut *item, self.lease),
            deadline.map(|deadline| Budget::new(self.clock.now(), deadline)),
        );
        Ok(match self.objects.store(&arrival, &mut source).await? {
            Stored::Whole(_) => Attempt::Stored { by_event: true },
            Stored::Exists => match self.objects.head(&item.id).await? {
                Some(head) => adopt(item, &head),
                None => Attempt::Failed(transfer::vanished(), bearer.version),
            },
            Stored::Aborted(SourceError::LeaseLost) => Attempt::LeaseLost,
            Stored::Aborted(SourceError::TooSlow) => Attempt::TooSlow,
            Stored::Aborted(error) => Attempt::Failed(broken(&error), bearer.version),
        })
    }

    async fn after(
        &self,
        item: &mut Item,
        failure: Failure,
        (version, gone_at): (u32, Timestamp),
    ) -> Answer<Brought> {
        tracing::warn!(media.id = %item.id, failure.code = %failure.diagnosis.code, evidence = %failure.diagnosis.evidence, "fetch attempt failed");
        let now = self.clock.now();
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
            None,
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
        tracing::error!(media.id = %item.id, failure.code = %diagnosis.code, evidence = %diagnosis.evidence, remedy = %diagnosis.remedy, "lost");
        item.record.link = None;
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

/// An object is there already: it counts only if it is what the platform announced.
fn adopt(item: &Item, head: &Head) -> Attempt {
    if is_announced(item, head) {
        Attempt::Stored { by_event: false }
    } else {
        Attempt::Failed(transfer::other_bytes(), 0)
    }
}

fn is_announced(item: &Item, head: &Head) -> bool {
    let announced = item.origin.file().and_then(|file| file.digest);
    announced.is_none_or(|digest| digest == head.object.digest)
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
