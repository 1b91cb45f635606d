//! Deliver: takes a batch of items to the platform, paced; each message at most once unless its outcome was open.
//!
//! For a batch: reserve one slot each under the target's limiter key (one write for the whole batch), put off what
//! must wait whole seconds, wait out the rest in place. For an item: claim it *with its intent* in one write → token →
//! link → send → record. A send whose outcome is unknown is repeated towards agents under the same message id, and
//! recorded; nobody judges an open intent before its deadline and a grace have passed.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::claim::{Lease, Terms, Work};
use attache_domain::connection::{Connection, Directory};
use attache_domain::delivery::{self, Next};
use attache_domain::diagnosis::{Diagnosis, Disposition, Domain, Failure};
use attache_domain::ids::ConnectionId;
use attache_domain::job::ItemJob;
use attache_domain::journey::{Item, Stage};
use attache_domain::pacing::backoff::Backoff;
use attache_domain::pacing::gcra;
use attache_domain::pacing::wait::Wait;
use attache_domain::platforms::genesys::{self, Accepted, Inbound};
use attache_domain::time::Timestamp;
use attache_domain::token::Purpose;
use attache_domain::verdict::Plan;
use attache_domain::wire::CallError;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::batch::{Record, Trouble, each};
use crate::bearer::{Bearer, Desk};
use crate::ports::{
    Answer, Claimed, Clock, Credential, Directories, Http, Items, Jobs, Limits, Objects, Queue,
    Reserved, Saved,
};
use crate::retry;

/// How long a link to the original lives. Genesys fetches it itself, perhaps hours later.
const LINK_LIFE: Duration = Duration::from_secs(6 * 3600);

/// What deliver needs.
#[derive(Clone, Copy)]
pub struct Deliver<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The buckets.
    pub objects: &'a dyn Objects,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// The limiter rows.
    pub limits: &'a dyn Limits,
    /// The platforms.
    pub http: &'a dyn Http,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The configuration.
    pub directories: &'a dyn Directories,
    /// Bearer tokens.
    pub desk: Desk<'a>,
    /// How long one send may take; the intent carries it as its deadline.
    pub patience: Duration,
}

/// When an item of the batch may go out.
#[derive(Clone, Copy)]
enum Turn {
    /// Its slot: it has been reserved.
    Slot(Timestamp),
    /// The line is too long and nothing was reserved: it comes back then, and asks again.
    ComeBack(Timestamp),
}

/// The turns of a batch, by record.
type Turns = BTreeMap<String, Turn>;

impl Deliver<'_> {
    /// Handles a batch of the `media` or `media-retry` queue; returns the ids of the records that failed.
    ///
    /// # Errors
    /// [`Trouble`] if the batch as a whole could not be begun (configuration or limiter out of reach).
    pub async fn batch(&self, records: &[Record]) -> Result<Vec<String>, Trouble> {
        let directory = self.directories.current().await?;
        let turns = self.reserve(records, &directory).await?;
        let handle = |record: Record| {
            let (directory, turn) = (Rc::clone(&directory), turns.get(&record.id).copied());
            async move { self.handle(&record.body, turn, &directory).await }
        };
        Ok(each(records, handle).await)
    }

    /// One reservation for each limiter key in the batch. Jobs that already have their slot keep it.
    async fn reserve(&self, records: &[Record], directory: &Directory) -> Answer<Turns> {
        let mut by_key: BTreeMap<ConnectionId, Vec<&str>> = BTreeMap::new();
        let mut turns = Turns::new();
        for record in records {
            // A malformed record is named by its own handler.
            let Ok(job) = ItemJob::parse(&record.body) else {
                continue;
            };
            match job.slot {
                Some(slot) => {
                    let slot = Turn::Slot(Timestamp::from_millis(slot));
                    turns.insert(record.id.clone(), slot);
                }
                None => by_key.entry(job.connection).or_default().push(&record.id),
            }
        }
        for (connection, ids) in by_key {
            let Some(rate) = directory
                .connection(&connection)
                .and_then(Connection::send_rate)
            else {
                continue;
            };
            let Some(wanted) = u32::try_from(ids.len()).ok().and_then(NonZeroU32::new) else {
                continue;
            };
            let request = gcra::Request::new(rate, wanted, self.clock.now());
            let key = format!("send/{connection}");
            let granted: Vec<Turn> = match self.limits.reserve(&key, &request).await? {
                Reserved::Slots(slots) => slots.into_iter().map(Turn::Slot).collect(),
                Reserved::Full { retry_at } => vec![Turn::ComeBack(retry_at); ids.len()],
            };
            turns.extend(ids.into_iter().map(str::to_owned).zip(granted));
        }
        Ok(turns)
    }

    async fn handle(
        &self,
        body: &str,
        turn: Option<Turn>,
        directory: &Directory,
    ) -> Result<(), Trouble> {
        let job = ItemJob::parse(body)?;
        let now = self.clock.now();
        let slot = match turn {
            Some(Turn::ComeBack(at)) => {
                // Queues round down to whole seconds; a moment too early it would only ask once more.
                let wait = at.saturating_since(now) + Duration::from_secs(1);
                return self.put_off_unclaimed(&job, None, wait).await;
            }
            Some(Turn::Slot(slot)) => slot,
            None => now,
        };
        match Wait::of(slot, now) {
            Wait::Queue { seconds } => {
                let wait = Duration::from_secs(seconds.into());
                return self.put_off_unclaimed(&job, Some(slot), wait).await;
            }
            Wait::InPlace(rest) => self.clock.wait(rest).await,
        }
        let Some(mut item) = self.claim(&job).await? else {
            return Ok(());
        };
        let Some(connection) = item
            .origin
            .target
            .as_ref()
            .and_then(|id| directory.connection(id))
        else {
            return Ok(self
                .give_up(&mut item, *Failure::removed(&job.connection).diagnosis)
                .await?);
        };
        let purpose = Purpose::Messages;
        let Some(bearer) = self
            .desk
            .bearer(connection, purpose, item.record.token_floor)
            .await?
        else {
            let wait = delivery::renewal_wait(item.gate.sequence);
            return Ok(self.put_off(&mut item, wait).await?);
        };
        match self.send(&item, connection, &bearer).await? {
            Ok(accepted) => Ok(self.record(&mut item, accepted).await?),
            Err(failure) => Ok(self.after(&mut item, failure, bearer.version).await?),
        }
    }

    /// The turn comes later: the copy takes the slot along, if there is one, and the row learns of the copy.
    async fn put_off_unclaimed(
        &self,
        job: &ItemJob,
        slot: Option<Timestamp>,
        wait: Duration,
    ) -> Result<(), Trouble> {
        let Some(mut item) = self.items.load(&job.media).await? else {
            return Err(Trouble::Dangling(format!(
                "media job for unknown item {}",
                job.media
            )));
        };
        if item.gate.stage.is_over()
            || item.gate.sequence > job.sequence
            || item.gate.epoch != job.epoch
            || item.gate.lease.is_some()
        {
            return Ok(());
        }
        item.gate.sequence = job.sequence;
        let now = self.clock.now();
        Ok(retry::put_off(
            (self.items, self.jobs),
            &mut item,
            (Queue::Media, &job.connection),
            (now, wait),
            slot,
        )
        .await?)
    }

    async fn claim(&self, job: &ItemJob) -> Result<Option<Item>, Trouble> {
        let now = self.clock.now();
        let intent_until = now + self.patience;
        let lease = Lease {
            holder: self.clock.draw(),
            since: now,
            until: intent_until,
        };
        let terms = Terms {
            work: Work::Send { intent_until },
            epoch: job.epoch,
            sequence: job.sequence,
            now,
            lease,
        };
        match self.items.claim(&job.media, &terms).await? {
            Claimed::Granted(item) => Ok(Some(*item)),
            Claimed::Missing => Err(Trouble::Dangling(format!(
                "media job for unknown item {}",
                job.media
            ))),
            Claimed::Refused(item) => {
                tracing::info!(media.id = %job.media, refusal = ?terms.refusal(&item.gate), "nothing to send");
                Ok(None)
            }
        }
    }

    /// The one call. The outer error is ours (nothing was sent); the inner one is the platform's.
    async fn send(
        &self,
        item: &Item,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Answer<Result<Accepted, Failure>> {
        let (Some(Plan::AsIs { mime, name }), Some(object)) =
            (&item.record.plan, &item.record.object)
        else {
            return Ok(Err(unplanned()));
        };
        let link = self.objects.link(&item.id, mime, name, LINK_LIFE).await?;
        let deadline = item.gate.intent_until.unwrap_or_default();
        let patience = deadline.saturating_since(self.clock.now());
        if patience.is_zero() {
            // Too late to begin: nobody may judge this intent earlier, and nothing was sent under it.
            return Ok(Err(too_late()));
        }
        let message = Inbound {
            media: &item.id,
            origin: &item.origin,
            link: &link,
            mime,
            file_name: name,
            digest: object.digest,
            patience,
        };
        let request = match genesys::inbound(connection, &message) {
            Ok(request) => request,
            Err(failure) => return Ok(Err(failure)),
        };
        let credential = Credential::Bearer(bearer.token.clone());
        let answer = self.http.call(&request, &credential).await;
        Ok(answer
            .map_err(|error| unanswered(&error))
            .and_then(|response| genesys::read_accepted(&response, self.clock.now())))
    }

    async fn record(&self, item: &mut Item, accepted: Accepted) -> Answer<()> {
        item.record.delivered_as = Some(accepted.message);
        item.record.diagnosis = None;
        item.record.wait_until = None;
        item.acknowledge_claim(Actor::Upload);
        item.end(Stage::Sent, Actor::Upload, self.clock.now());
        match self.items.save(item).await? {
            Saved::Done => {
                tracing::info!(media.id = %item.id, repeats = item.record.repeats, "sent")
            }
            Saved::Overtaken => {
                tracing::error!(media.id = %item.id, "sent, but the row was taken over before that was written")
            }
        }
        Ok(())
    }

    async fn after(&self, item: &mut Item, failure: Failure, version: u32) -> Answer<()> {
        tracing::warn!(media.id = %item.id, failure.code = %failure.diagnosis.code, evidence = %failure.diagnosis.evidence, "send attempt failed");
        let renewed = item.record.token_floor > 0;
        let unauthorised = failure.disposition == Disposition::Unauthorised;
        item.record.diagnosis = Some((*failure.diagnosis).clone());
        item.record.attempts += 1;
        let mut rng = StdRng::seed_from_u64(self.clock.draw());
        match delivery::after(
            failure,
            item.record.attempts,
            renewed,
            &Backoff::default(),
            &mut rng,
        ) {
            Next::Renew => {
                // The repeat with a newer token is the same attempt.
                item.record.attempts -= 1;
                item.record.token_floor = version + 1;
                self.put_off(item, delivery::renewal_wait(item.gate.sequence))
                    .await
            }
            Next::Retry { wait, repeat } => {
                item.record.repeats += u32::from(repeat);
                self.put_off(item, wait).await
            }
            Next::GiveUp(mut diagnosis) => {
                if unauthorised {
                    diagnosis
                        .evidence
                        .push_str("; refused again after a renewal");
                }
                self.give_up(item, *diagnosis).await
            }
        }
    }

    async fn put_off(&self, item: &mut Item, wait: Duration) -> Answer<()> {
        let Some(target) = item.origin.target.clone() else {
            return Ok(());
        };
        retry::put_off(
            (self.items, self.jobs),
            item,
            (Queue::MediaRetry, &target),
            (self.clock.now(), wait),
            None,
        )
        .await
    }

    async fn give_up(&self, item: &mut Item, diagnosis: Diagnosis) -> Answer<()> {
        tracing::error!(media.id = %item.id, failure.code = %diagnosis.code, evidence = %diagnosis.evidence, remedy = %diagnosis.remedy, "delivery failed");
        retry::bury(self.jobs, Queue::MediaDeadLetters, item, &diagnosis).await?;
        item.record.diagnosis = Some(diagnosis);
        item.acknowledge_claim(Actor::Upload);
        item.end(Stage::Failed, Actor::Upload, self.clock.now());
        if self.items.save(item).await? == Saved::Overtaken {
            tracing::warn!(media.id = %item.id, "given up, but somebody else took it over");
        }
        Ok(())
    }
}

fn unanswered(error: &CallError) -> Failure {
    let (disposition, code, remedy) = match error {
        CallError::Refused(_) => (
            Disposition::Rejected,
            "network.address-refused",
            "Correct the connection's api_url.",
        ),
        CallError::NotSent(_) => (Disposition::Unavailable, "network.no-connection", NETWORK),
        CallError::NoAnswer(_) => (Disposition::Unknown, "network.no-answer", NETWORK),
    };
    Failure::new(
        disposition,
        Diagnosis::new(Domain::Network, code, error.to_string(), remedy),
    )
}

const NETWORK: &str = "Nothing to do: Attaché tries again. If it lasts, look at DNS, egress rules and the platform's status page.";

fn unplanned() -> Failure {
    let evidence = "the row has no plan to deliver as it is";
    let remedy = "This should not happen; report it with the item's trail.";
    Failure::new(
        Disposition::Rejected,
        Diagnosis::new(Domain::Ours, "ours.unplanned", evidence, remedy),
    )
}

fn too_late() -> Failure {
    let evidence = "the intent's deadline passed before the call began";
    let remedy = "Nothing to do: Attaché tries again.";
    Failure::new(
        Disposition::Unavailable,
        Diagnosis::new(Domain::Ours, "ours.deadline-passed", evidence, remedy),
    )
}
