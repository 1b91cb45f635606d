//! Statuses: what the target's platform tells of a message of ours becomes the item's state, and a receipt for its sender.

use attache_domain::audit::Actor;
use attache_domain::bundle;
use attache_domain::diagnosis::Diagnosis;
use attache_domain::event::{Fate, FollowUp, Status};
use attache_domain::ids::{ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, Learned, RETENTION, Stage};
use attache_domain::notice::Ending;

use crate::deliver::alias;
use crate::ports::{Answer, Claims, Outage, Saved};
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
    claims: &dyn Claims,
    (connection, message): (&ConnectionId, &MessageId),
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
        if item.record.delivered_as.is_none() {
            // The answer with its name is late or lost; what the customer says of the message is to find it.
            let expires_at = telling.clock.now() + RETENTION;
            let name = alias(connection, message.as_str());
            claims.name(&name, &id, expires_at).await?;
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
    let several = has_several_parts(item);
    if learned == Learned::Nothing {
        tracing::debug!(media.id = %item.id, status = fate.as_str(), "nothing new");
        if several {
            // Whoever wrote it down may have died before the last word on the whole was given.
            conclude(telling, item).await?;
        }
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
        (Learned::Delivered, _) if !several => {
            telling.of(item, &Ending::Delivered, Actor::Intake).await?;
        }
        _ => {}
    }
    if telling.items.save(item).await? == Saved::Overtaken {
        return Ok(false);
    }
    tracing::info!(media.id = %item.id, status = fate.as_str(), media.stage = item.gate.stage.as_str(), "learnt");
    if several && learned == Learned::Delivered {
        // Only now: of two parts that are delivered at once, the one written last sees the other.
        conclude(telling, item).await?;
    }
    Ok(true)
}

fn report(item: &Item, diagnosis: &Diagnosis) {
    tracing::warn!(media.id = %item.id, failure.code = %diagnosis.code, evidence = %diagnosis.evidence, remedy = %diagnosis.remedy, "undelivered");
}

/// Whether its message has other parts: other files or words, or a caption that goes out on its own.
fn has_several_parts(item: &Item) -> bool {
    !item.origin.bundle.is_empty() || caption_apart(item).is_some()
}

/// The caption of the item's file, if it goes out on its own.
fn caption_apart(item: &Item) -> Option<MediaId> {
    let plan = item.record.plan.as_ref()?;
    plan.leaves_caption().then_some(())?;
    let origin = &item.origin;
    let part = FollowUp::Caption.part(&origin.attachment);
    Some(MediaId::derive(&origin.connection, &origin.message, &part))
}

/// Gives the last word on the message, if it is delivered: when all its parts are, captions on their own included.
async fn conclude(telling: &Telling<'_>, item: &Item) -> Answer<()> {
    if !is_delivered(item) {
        return Ok(());
    }
    // A caption belongs to the message of its file.
    let file = match item.origin.predecessor() {
        Some(id) if bundle::is_caption(item) => telling.items.load(id).await?,
        Some(_) | None => None,
    };
    let whole = file.as_ref().unwrap_or(item);
    let members = match whole.origin.bundle.as_slice() {
        [] => std::slice::from_ref(&whole.id),
        members => members,
    };
    for id in members {
        let Some(part) = telling.items.load(id).await?.filter(is_delivered) else {
            return Ok(());
        };
        if let Some(caption) = caption_apart(&part)
            && telling
                .items
                .load(&caption)
                .await?
                .filter(is_delivered)
                .is_none()
        {
            return Ok(());
        }
    }
    telling.of(item, &Ending::Delivered, Actor::Intake).await
}

fn is_delivered(item: &Item) -> bool {
    matches!(item.gate.stage, Stage::Delivered | Stage::Read)
}
