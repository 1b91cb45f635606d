//! Statuses: what the target's platform tells of a message of ours becomes the item's state, and a receipt for its sender.

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::bundle;
use attache_domain::conversation::ConversationId;
use attache_domain::diagnosis::{Diagnosis, Failure};
use attache_domain::event::{About, Fate, FollowUp, Reached, Status};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, Learned, RETENTION, Stage, Unfetched};
use attache_domain::notice::Ending;
use attache_domain::platforms::channel::may_be_gone;
use attache_domain::platforms::genesys::could_not_fetch;

use crate::deliver::{alias, held_key};
use crate::ports::{Answer, Claims, Conversations, Outage, Saved};
use crate::retry;
use crate::telling::Telling;

/// So often a row that changes under our hands is read again.
const TRIES: usize = 8;

/// How long a report is kept for an answer that is late: far longer than any send is waited for.
const EARLY: Duration = Duration::from_secs(24 * 3600);

/// Whose message a status was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One of ours; it is taken into account.
    Ours,
    /// Nobody's here: not sent by us, or over another connection.
    NotOurs,
}

/// Takes a status that came over `connection` about its `message` into account; `by_name`: whether its platform speaks of messages
/// by names of its own alone.
///
/// # Errors
/// An outage: the platform is to send it again.
pub async fn learn(
    telling: &Telling<'_>,
    claims: &dyn Claims,
    (connection, message): (&ConnectionId, &MessageId),
    (status, by_name): (&Status, bool),
) -> Answer<Whose> {
    let of = (connection, message);
    let Some(id) = about(claims, of, status).await? else {
        return match by_name {
            true => before_the_answer(telling, claims, of, status).await,
            false => Ok(Whose::NotOurs),
        };
    };
    let whose = learn_of(telling, claims, of, &id, &status.fate).await?;
    let is_echo = by_name && status.fate == Fate::Sent;
    if is_echo && whose == Whose::Ours {
        // An echo brings the name as well as the answer does.
        catch_up(telling, claims, of, &id).await?;
    }
    Ok(whose)
}

/// Takes into account that all messages of ours to `customer` came so far which the platform took up to a moment.
///
/// # Errors
/// An outage: the platform is to send it again.
pub async fn learn_up_to(
    telling: &Telling<'_>,
    claims: &dyn Claims,
    conversations: &dyn Conversations,
    (connection, customer): (&ConnectionId, &str),
    reached: &Reached,
) -> Answer<()> {
    let id = ConversationId::new(connection, customer);
    let known = conversations.load(&id).await?;
    for sent in known.sent_until(reached.until) {
        let item = telling.items.load(&sent.media).await?;
        let called = item.and_then(|item| item.record.delivered_as);
        if let Some(called) = called {
            let message = (connection, &MessageId::new(called));
            learn_of(telling, claims, message, &sent.media, &reached.fate).await?;
        }
    }
    if reached.fate == Fate::Read {
        conversations.seen(&id, &known, reached.until).await?;
    }
    Ok(())
}

/// A report of a name that nobody has heard yet: it may be that of a message whose answer is still on its way. It is left where
/// whoever gets that answer looks ([`catch_up`]); should he have looked just now, his item is there.
async fn before_the_answer(
    telling: &Telling<'_>,
    claims: &dyn Claims,
    (connection, message): (&ConnectionId, &MessageId),
    status: &Status,
) -> Answer<Whose> {
    let (About::Name, Fate::Delivered | Fate::Read) = (&status.about, &status.fate) else {
        return Ok(Whose::NotOurs);
    };
    let own = left(connection, message, &status.fate);
    let met = meet(telling, claims, (connection, message), &own).await?;
    let is_left = |id: &MediaId| {
        [Fate::Delivered, Fate::Read]
            .iter()
            .any(|fate| *id == left(connection, message, fate))
    };
    match met.filter(|id| !is_left(id)) {
        Some(id) => learn_of(telling, claims, (connection, message), &id, &status.fate).await,
        None => Ok(Whose::NotOurs),
    }
}

/// The answer brought the name of a message: takes into account what was told under that name before.
///
/// # Errors
/// An outage.
pub(crate) async fn catch_up(
    telling: &Telling<'_>,
    claims: &dyn Claims,
    (connection, message): (&ConnectionId, &MessageId),
    id: &MediaId,
) -> Answer<()> {
    let met = meet(telling, claims, (connection, message), id).await?;
    for fate in [Fate::Delivered, Fate::Read] {
        if met.as_ref() == Some(&left(connection, message, &fate)) {
            tracing::info!(media.id = %id, status = fate.as_str(), "told before the answer");
            learn_of(telling, claims, (connection, message), id, &fate).await?;
        }
    }
    Ok(())
}

/// Leaves `own` where a report and the answer it is about meet; what the other has left there, if he was first.
async fn meet(
    telling: &Telling<'_>,
    claims: &dyn Claims,
    (connection, message): (&ConnectionId, &MessageId),
    own: &MediaId,
) -> Answer<Option<MediaId>> {
    let place = format!("{}/early", alias(connection, message.as_str()));
    let expires_at = telling.clock.now() + EARLY;
    claims.name(&place, own, expires_at).await
}

/// What a report leaves: an id that no item has.
fn left(connection: &ConnectionId, message: &MessageId, fate: &Fate) -> MediaId {
    let part = AttachmentId::new(format!("early/{}", fate.as_str()));
    MediaId::derive(connection, message, &part)
}

async fn learn_of(
    telling: &Telling<'_>,
    claims: &dyn Claims,
    (connection, message): (&ConnectionId, &MessageId),
    id: &MediaId,
    fate: &Fate,
) -> Answer<Whose> {
    for _ in 0..TRIES {
        let Some(mut item) = telling.items.load(id).await? else {
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
            claims.name(&name, id, expires_at).await?;
        }
        if let Some(uploaded) = dead_upload(&item, fate)
            && let Some(key) = held_key(&item, connection)
        {
            claims
                .hand_over(&key, uploaded, telling.clock.now())
                .await?;
        }
        if take(telling, &mut item, (fate, message)).await? {
            return Ok(Whose::Ours);
        }
    }
    let problem = format!("row of item {id} keeps changing");
    Err(Outage::new("taking a status into account", problem))
}

/// Which item a status is about. One that names nothing of ours names our message by what its platform calls it; where ours would
/// have named it, only what failed is worth the look.
async fn about(
    claims: &dyn Claims,
    (connection, message): (&ConnectionId, &MessageId),
    status: &Status,
) -> Answer<Option<MediaId>> {
    match (&status.about, &status.fate) {
        (About::Opaque(text), _) => Ok(text.parse::<MediaId>().ok()),
        (About::Name, _) | (About::Stranger, Fate::Failed(_)) => {
            claims.named(&alias(connection, message.as_str())).await
        }
        (About::Stranger, _) => Ok(None),
    }
}

/// What the platform called the item's bytes, if they may be why it failed: nobody is to send that id again.
fn dead_upload<'a>(item: &'a Item, fate: &Fate) -> Option<&'a str> {
    let Fate::Failed(failure) = fate else {
        return None;
    };
    let uploaded = item.record.uploaded.as_deref()?;
    may_be_gone(&failure.diagnosis.code).then_some(uploaded)
}

/// Whether it is taken into account; otherwise somebody wrote in between.
async fn take(
    telling: &Telling<'_>,
    item: &mut Item,
    (fate, message): (&Fate, &MessageId),
) -> Answer<bool> {
    let told = match unfetched(telling, item, (fate, message)) {
        None => None,
        Some(Unfetched::Old) => {
            tracing::debug!(media.id = %item.id, "about a link before");
            return Ok(true);
        }
        Some(Unfetched::Again) => return send_again(telling, item).await,
        Some(Unfetched::GivenUp(why)) => Some(Fate::Failed(Box::new(Failure::recalled(*why)))),
    };
    let fate = told.as_ref().unwrap_or(fate);
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

/// What follows for the item, if the platform says that it could not fetch its file.
fn unfetched(
    telling: &Telling<'_>,
    item: &mut Item,
    (fate, message): (&Fate, &MessageId),
) -> Option<Unfetched> {
    let Fate::Failed(failure) = fate else {
        return None;
    };
    could_not_fetch(&failure.diagnosis.code)
        .then(|| item.unfetched(message, failure, telling.clock.now()))?
}

/// Writes down that the item goes out once more, and has it sent. Dying in between leaves a row that `sweep` finds.
async fn send_again(telling: &Telling<'_>, item: &mut Item) -> Answer<bool> {
    if telling.items.save(item).await? == Saved::Overtaken {
        return Ok(false);
    }
    if let Some(why) = &item.record.diagnosis {
        tracing::warn!(media.id = %item.id, failure.code = %why.code, evidence = %why.evidence, repeats = item.record.repeats, synthetic = item.origin.synthetic, "not fetched: a fresh link goes out");
    }
    retry::hand_on(telling.jobs, item).await?;
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
