//! Statuses: what the target's platform tells of a message of ours becomes the item's state, and a receipt for its sender.

use attache_domain::audit::Actor;
use attache_domain::diagnosis::Diagnosis;
use attache_domain::event::{Fate, Status};
use attache_domain::ids::{ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, Learned, Stage};
use attache_domain::notice::Ending;

use crate::ports::{Answer, Outage, Saved};
use crate::telling::Telling;

/// So often a row that changes under our hands is read again.
const TRIES: usize = 8;

/// Whose message a status was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One of ours; it is taken into account.
    Ours,
    /// Nobody's here: not sent by us, or over another connection.
    NotOurs,
}

/// Takes a status that came over `connection` about its `message` into account.
///
/// # Errors
/// An outage: the platform is to send it again.
pub async fn learn(
    telling: &Telling<'_>,
    connection: &ConnectionId,
    message: &MessageId,
    status: &Status,
) -> Answer<Whose> {
    let named = status
        .opaque
        .as_deref()
        .and_then(|text| text.parse::<MediaId>().ok());
    let Some(id) = named else {
        return Ok(Whose::NotOurs);
    };
    for _ in 0..TRIES {
        let Some(mut item) = telling.items.load(&id).await? else {
            return Ok(Whose::NotOurs);
        };
        // Whoever else knows one of our ids learns nothing with it and moves nothing.
        if item.origin.target.as_ref() != Some(connection) {
            return Ok(Whose::NotOurs);
        }
        if take(telling, &mut item, (&status.fate, message)).await? {
            return Ok(Whose::Ours);
        }
    }
    let problem = format!("row of item {id} keeps changing");
    Err(Outage::new("taking a status into account", problem))
}

/// Whether it is taken into account; otherwise somebody wrote in between.
async fn take(
    telling: &Telling<'_>,
    item: &mut Item,
    (fate, message): (&Fate, &MessageId),
) -> Answer<bool> {
    let learned = item.learn(fate, message, telling.clock.now());
    if learned == Learned::Nothing {
        tracing::debug!(media.id = %item.id, status = fate.as_str(), "nothing new");
        return Ok(true);
    }
    let diagnosis = item.record.diagnosis.clone();
    match (learned, &diagnosis) {
        (Learned::Undelivered, Some(diagnosis)) => {
            report(item, diagnosis);
            telling
                .of(item, &Ending::Failed(diagnosis), Actor::Intake)
                .await?;
        }
        (Learned::Delivered, _) if others_delivered(telling, item).await? => {
            telling.of(item, &Ending::Delivered, Actor::Intake).await?;
        }
        _ => {}
    }
    let saved = telling.items.save(item).await? == Saved::Done;
    if saved {
        tracing::info!(media.id = %item.id, status = fate.as_str(), media.stage = item.gate.stage.as_str(), "learnt");
    }
    Ok(saved)
}

fn report(item: &Item, diagnosis: &Diagnosis) {
    tracing::warn!(media.id = %item.id, failure.code = %diagnosis.code, evidence = %diagnosis.evidence, remedy = %diagnosis.remedy, "undelivered");
}

/// A message is delivered when all its parts are.
async fn others_delivered(telling: &Telling<'_>, item: &Item) -> Answer<bool> {
    for id in item.origin.bundle.iter().filter(|id| **id != item.id) {
        let other = telling.items.load(id).await?;
        let delivered =
            other.is_some_and(|other| matches!(other.gate.stage, Stage::Delivered | Stage::Read));
        if !delivered {
            return Ok(false);
        }
    }
    Ok(true)
}
