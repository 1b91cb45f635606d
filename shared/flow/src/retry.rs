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
use attache_domain::job::{DeadLetter, ItemJob, VERSION};
use attache_domain::journey::{Item, Stage};
use attache_domain::time::Timestamp;
use serde::Serialize;

use crate::ports::{Answer, Items, Jobs, Outage, Queue, Saved};

/// The longest delay a queue takes (SQS `DelaySeconds`).
const LONGEST_DELAY: Duration = Duration::from_secs(900);

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
    slot: Option<Timestamp>,
) -> Answer<()> {
    // As queues round: what comes then comes in time.
    let wait = Duration::from_secs(wait.min(LONGEST_DELAY).as_secs());
    let mut copy = item.job(counted);
    copy.sequence += 1;
    copy.slot = slot.map(Timestamp::as_millis);
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
