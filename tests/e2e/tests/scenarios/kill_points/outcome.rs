//! What must be true of a file in the end, whatever happened to it on the way.

use anyhow::{Context, Result, ensure};
use attache_domain::digest::Sha256Digest;
use attache_domain::journey::{Item, Stage as Journey};
use attache_domain::verdict::Verdict;
use attache_e2e::{Sent, Stage};
use attache_platforms::whatsapp::DeliveryState;

use super::BOUND;

/// Where the file is meant to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At the agent, once.
    Sent,
    /// In quarantine, and nowhere else.
    Quarantined,
}

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// How often `sweep` put it back on its way.
    pub(crate) sweeps: u32,
    /// Sends repeated on record.
    pub(crate) repeats: u32,
    /// How often Genesys was told.
    pub(crate) posts: usize,
}

/// Waits for the end, lets everything that is still on its way arrive, and looks at what is there then.
pub(crate) async fn outcome(stage: &Stage, sent: &Sent, end: End) -> Result<Outcome> {
    let delivery = stage
        .standins
        .whatsapp
        .wait_for_delivery(&sent.message, BOUND)
        .await?;
    ensure!(
        delivery.state == DeliveryState::Acknowledged,
        "the webhook was given up"
    );
    stage.at_rest(sent, BOUND).await?;
    // The file, or the notice in its place.
    stage.standins.genesys.wait_for_messages(1, BOUND).await?;
    stage.quiet(BOUND).await?;
    let item = stage.item(sent).await?.context("the row is gone")?;
    ended(&item, end)?;
    kept_once(stage, sent, end).await?;
    let posts = shown_once(stage, sent, &item, end)?;
    let parts = stage.parts("MediaBucket").await?;
    ensure!(
        parts == 0,
        "{parts} parts of an upload that nobody will join"
    );
    ensure!(stage.dead_letters().await? == 0, "something was given up");
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    Ok(Outcome {
        sweeps: item.record.sweeps,
        repeats: item.record.repeats,
        posts,
    })
}

fn ended(item: &Item, end: End) -> Result<()> {
    let expected = match end {
        End::Sent => (Journey::Sent, Verdict::Clean),
        End::Quarantined => (Journey::Rejected, Verdict::Quarantined),
    };
    ensure!(
        (item.gate.stage, item.gate.verdict) == expected,
        "{item:#?}"
    );
    ensure!(
        item.gate.lease.is_none() && item.gate.intent_until.is_none(),
        "still held: {:?}",
        item.gate
    );
    let entries = item.trail.verify(&item.id).context("the trail is broken")?;
    ensure!(
        entries
            .windows(2)
            .all(|pair| pair[0].stage <= pair[1].stage),
        "the trail leads back: {entries:?}"
    );
    ensure!(
        entries.last().is_some_and(|last| last.stage == expected.0),
        "the trail ends early: {entries:?}"
    );
    Ok(())
}

async fn kept_once(stage: &Stage, sent: &Sent, end: End) -> Result<()> {
    let key = vec![sent.id.arrival_key()];
    let (media, quarantine) = match end {
        End::Sent => (key, Vec::new()),
        End::Quarantined => (Vec::new(), key),
    };
    let (in_media, in_quarantine) = (
        stage.keys("MediaBucket").await?,
        stage.keys("QuarantineBucket").await?,
    );
    ensure!(
        in_media == media && in_quarantine == quarantine,
        "media {in_media:?}, quarantine {in_quarantine:?}"
    );
    Ok(())
}

/// The agent sees it once, whole, if at all; Genesys was told more than once only where that is on record.
fn shown_once(stage: &Stage, sent: &Sent, item: &Item, end: End) -> Result<usize> {
    let (posts, shown) = (
        stage.standins.genesys.posts(),
        stage.standins.genesys.messages(),
    );
    // What is kept back leaves one notice in its place.
    let is_notice =
        |id: Option<&str>| id.is_some_and(|id| id.starts_with(&format!("{}#", sent.message)));
    let (notices, posts): (Vec<_>, Vec<_>) = posts
        .into_iter()
        .partition(|post| is_notice(post.channel_message_id.as_deref()));
    let (told, shown): (Vec<_>, Vec<_>) = shown
        .into_iter()
        .partition(|message| is_notice(message.channel_message_id.as_deref()));
    let kept_back = usize::from(end == End::Quarantined);
    ensure!(
        told.len() == kept_back && notices.len() >= kept_back,
        "notices: {told:?}"
    );
    let foreign = posts
        .iter()
        .any(|post| post.channel_message_id.as_deref() != Some(sent.message.as_str()));
    ensure!(!foreign, "another message id was sent: {posts:?}");
    let expected = usize::from(end == End::Sent);
    ensure!(
        shown.len() == expected,
        "the agent sees {} messages",
        shown.len()
    );
    let most = expected + usize::try_from(item.record.repeats)?;
    ensure!(
        posts.len() >= expected && posts.len() <= most,
        "{} posts, {} repeats on record",
        posts.len(),
        item.record.repeats
    );
    let medium = stage
        .standins
        .whatsapp
        .medium(&sent.message)
        .context("no medium")?;
    let digest = Sha256Digest::of(&medium.bytes).to_string();
    for message in shown {
        let seen: Vec<_> = message
            .attachments
            .iter()
            .map(|attachment| attachment.sha256())
            .collect();
        ensure!(
            seen == [Some(digest.as_str())],
            "the agent's copy differs: {:?}",
            message.attachments
        );
    }
    Ok(posts.len())
}
