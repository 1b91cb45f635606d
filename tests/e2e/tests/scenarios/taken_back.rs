//! What a customer takes back is gone from every store, whether the agent has it or it is only half here.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::connection::Retention;
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::{long_note, sample_named};
use attache_e2e::{CUSTOMER, Sent, Setup, Stage, eventually};
use attache_platforms::faults::{Aim, Fault, Point, Times};
use serde_json::json;

const BOUND: Duration = Duration::from_secs(90);

/// A stage whose number honours what customers take back.
pub(super) fn setup() -> Setup {
    Setup {
        retention: Retention::KeepUntilUnsend,
        ..Setup::default()
    }
}

/// A long file of which a part is stored, and no more to be had.
///
/// # Errors
/// If no part is stored in time.
pub(super) async fn half_here(stage: &Stage) -> Result<Sent> {
    let whatsapp = &stage.standins.whatsapp;
    let (sent, composed) = stage.compose(long_note())?;
    let medium = whatsapp.medium(&sent.message).context("no medium")?;
    for (fault, times) in [
        (Fault::TruncatedBody, Times(2)),
        (Fault::FiveHundreds, Times::ALWAYS),
    ] {
        let aim = Aim {
            times,
            point: Some(Point::Download),
            subject: Some(&medium.id),
            ..Aim::default()
        };
        drop(whatsapp.faults().arm_aimed(fault, aim)?);
    }
    whatsapp.send_batch(vec![composed]);
    let look = || async {
        let item = stage.item(&sent).await?;
        Ok(item.filter(|item| item.record.upload().is_some() && item.gate.lease.is_none()))
    };
    eventually("a part of it stored", BOUND, look).await?;
    Ok(sent)
}

/// Takes the message back, and waits until its bytes are removed.
///
/// # Errors
/// If they are not in time.
pub(super) async fn take_back(stage: &Stage, sent: &Sent) -> Result<()> {
    let whatsapp = &stage.standins.whatsapp;
    let number = whatsapp.options().numbers.first().context("no number")?;
    // Seen in the field and not in the published schema, which knows the kind alone (meta.md §2.1).
    let value = json!({
        "metadata": { "phone_number_id": number.phone_number_id },
        "messages": [{
            "from": CUSTOMER, "id": format!("{}-back", sent.message.as_str()), "timestamp": "1744344496",
            "type": "revoke", "revoke": { "original_message_id": sent.message.as_str() },
        }],
    });
    let body = json!({ "entry": [{ "changes": [{ "field": "messages", "value": value }] }] });
    whatsapp.send_raw(body.to_string());
    let look = || async {
        let item = stage.item(sent).await?;
        Ok(item.filter(|item| item.record.removed_at.is_some()))
    };
    let item = eventually("its bytes removed", BOUND, look).await?;
    ensure!(item.gate.stage == Journey::Erased, "{item:?}");
    Ok(())
}

/// The platform has the message that carries it, and has not answered yet; then it answers, or never does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_while_it_is_sent_is_not_sent_again() -> Result<()> {
    for answered in [true, false] {
        let patience = if answered { "30" } else { "2" };
        let stage = Stage::start(Setup {
            parameters: vec![("SendPatienceSeconds", patience)],
            ..setup()
        })
        .await?;
        let genesys = &stage.standins.genesys;
        let (sent, composed) = stage.compose(sample_named("photo.jpg"))?;
        let id = sent.message.as_str();
        let armed = genesys
            .faults()
            .arm_on(Fault::UnsendDuringSend, Times(1), id)?;
        stage.standins.whatsapp.send_batch(vec![composed]);
        genesys.faults().wait_until_held(BOUND).await?;
        take_back(&stage, &sent).await?;
        if answered {
            genesys.faults().release();
        }
        // What would be repeated would be in seconds: its deadline and its grace are over.
        stage.quiet(BOUND).await?;
        let item = stage.item(&sent).await?.context("no row")?;
        ensure!(item.gate.stage == Journey::Erased, "{:?}", item.gate);
        ensure!(item.gate.due_at.is_none() || item.record.removed_at.is_some());
        genesys.faults().release();
        stage.quiet(BOUND).await?;
        let posts = genesys.posts();
        let of_it = posts
            .iter()
            .filter(|post| post.channel_message_id.as_deref() == Some(id));
        ensure!(armed.fired() == 1 && of_it.count() <= 1, "{posts:?}");
        let keys = stage.keys("MediaBucket").await?;
        ensure!(keys.is_empty(), "{keys:?}");
        let told = genesys.texts();
        let told = told
            .iter()
            .filter(|text| text.contains("deleted a message"));
        ensure!(told.count() == 1, "the agent is told once");
        ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
        stage.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_is_in_no_store() -> Result<()> {
    let stage = Stage::start(setup()).await?;
    let genesys = &stage.standins.genesys;
    let photo = stage.send(sample_named("photo.jpg"))?;
    stage.at_rest(&photo, BOUND).await?;
    let dangerous = stage.send(sample_named("invoice.png"))?;
    stage.at_rest(&dangerous, BOUND).await?;
    let half = half_here(&stage).await?;
    ensure!(stage.keys("MediaBucket").await? == [photo.id.arrival_key()]);
    ensure!(stage.keys("QuarantineBucket").await? == [dangerous.id.arrival_key()]);
    for sent in [&photo, &dangerous, &half] {
        take_back(&stage, sent).await?;
    }
    stage.quiet(BOUND).await?;
    for bucket in ["MediaBucket", "QuarantineBucket"] {
        let keys = stage.keys(bucket).await?;
        ensure!(keys.is_empty(), "{bucket}: {keys:?}");
    }
    let parts = stage.parts("MediaBucket").await?;
    ensure!(parts == 0, "{parts} parts left");
    let told = genesys.texts();
    let of_it = told
        .iter()
        .filter(|text| text.contains("deleted a message"));
    ensure!(of_it.count() == 3, "{told:?}");
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
