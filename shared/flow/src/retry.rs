//! Putting an item off: the delayed copy of its job, in the order that loses nothing.
//!
//! A planned wait is a copy with the next sequence. The order is: send the copy, then advance the row, then (by
//! returning) let the queue delete the old message. Dying between any two of them leaves either the old message, or a
//! copy that is newer than the row and is therefore taken; older copies are dropped by the claim. So the queue's
//! redrive count counts crashes only.

use std::time::Duration;

use attache_domain::connection::Lane;
use attache_domain::diagnosis::Diagnosis;
use attache_domain::ids::ConnectionId;
use attache_domain::job::{DeadLetter, ItemJob, MalwareJob, VERSION};
use attache_domain::journey::{Item, Stage};
use attache_domain::scan::{Outcome, Scanned};
use attache_domain::time::Timestamp;
use serde::Serialize;

use crate::ports::{Answer, Items, Jobs, Outage, Queue, Saved};

/// The longest delay a queue takes (SQS `DelaySeconds`).
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// A place in the limiter's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When it comes up.
    pub at: Timestamp,
    /// Under which pace of the line it was reserved.
    pub pace: u32,
}

/// The places that a copy takes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// In its connection's line.
    pub slot: Option<Slot>,
    /// In its contact's.
    pub contact: Option<Timestamp>,
}

impl Slot {
    /// The one that a job brought along.
    #[must_use]
    pub fn of(job: &ItemJob) -> Option<Self> {
        let at = Timestamp::from_millis(job.slot?);
        Some(Self { at, pace: job.pace })
    }
}

/// Sends the item's next copy to `queue`, visible after `wait`, and advances the row. `counted` is the connection the
/// work counts against.
///
/// # Errors
/// [`Outage`] if the queue or the table failed; the old message then carries on.
pub async fn put_off(
    (items, jobs): (&dyn Items, &dyn Jobs),
    item: &mut Item,
    (queue, counted): (Queue, &ConnectionId),
    (now, wait): (Timestamp, Duration),
    places: Places,
) -> Answer<()> {
    // As queues round: what comes then comes in time.
    let wait = Duration::from_secs(wait.min(LONGEST_DELAY).as_secs());
    let mut copy = item.job(counted);
    copy.sequence += 1;
    copy.slot = places.slot.map(|slot| slot.at.as_millis());
    copy.pace = places.slot.map_or(0, |slot| slot.pace);
    copy.contact = places.contact.map(Timestamp::as_millis);
    send(jobs, queue, &copy, wait).await?;
    item.gate.sequence += 1;
    item.rest();
    item.record.wait_until = Some(now + wait);
    if items.save(item).await? == Saved::Overtaken {
        tracing::info!(media.id = %item.id, "row moved on while its job was put off; the copy will find that");
    }
    Ok(())
}

/// Sends an item's job.
///
/// # Errors
/// [`Outage`] if the queue failed.
pub async fn send(jobs: &dyn Jobs, queue: Queue, job: &ItemJob, delay: Duration) -> Answer<()> {
    jobs.send(queue, to_json(job)?, delay, job.connection.as_str())
        .await
}

/// Asks for an item's bytes to be taken out of reach: the platform they were sent to found malware in them.
///
/// # Errors
/// [`Outage`] if the queue failed.
pub async fn condemn(jobs: &dyn Jobs, item: &Item, scanned: &Scanned) -> Answer<()> {
    let threat = match &scanned.outcome {
        Outcome::Malware { threat } => threat.clone(),
        Outcome::Clean | Outcome::NotScanned { .. } => return Ok(()),
    };
    tracing::warn!(media.id = %item.id, scan = scanned.evidence(), "its target found malware");
    let job = MalwareJob {
        v: VERSION,
        malware: item.id.clone(),
        threat,
    };
    let group = item.origin.connection.as_str();
    jobs.send(Queue::Judge, to_json(&job)?, Duration::ZERO, group)
        .await
}

/// Sends a clean file on to where it goes next: to be converted, or to its target.
///
/// # Errors
/// [`Outage`] if the queue failed.
pub async fn hand_on(jobs: &dyn Jobs, item: &Item) -> Answer<()> {
    let Some(target) = &item.origin.target else {
        return Ok(());
    };
    let queue = match (item.gate.stage, item.lane()) {
        (Stage::Converting, _) => Queue::Convert,
        (_, Lane::Media) => Queue::Media,
        (_, Lane::Text) => Queue::Text,
    };
    send(jobs, queue, &item.job(target), Duration::ZERO).await
}

/// Sends a dead letter with its diagnosis.
///
/// # Errors
/// [`Outage`] if the queue failed.
pub async fn bury(jobs: &dyn Jobs, queue: Queue, item: &Item, diagnosis: &Diagnosis) -> Answer<()> {
    let letter = DeadLetter {
        v: VERSION,
        media: item.id.clone(),
        epoch: item.gate.epoch,
        diagnosis: diagnosis.clone(),
    };
    jobs.send(
        queue,
        to_json(&letter)?,
        Duration::ZERO,
        item.origin.connection.as_str(),
    )
    .await
}

fn to_json(job: &impl Serialize) -> Answer<String> {
    serde_json::to_string(job).map_err(|e| Outage::new("writing a job", e))
}
