//! Messenger and Instagram against agents, over real processes: several files in order, words, what is taken back, windows, lost
//! answers, and deaths in the middle.

mod killed;
mod to_customer;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::connection::Retention;
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::bytes;
use attache_e2e::{Sent, Setup, Stage, eventually};
use attache_operator::standins::Social;
use attache_platforms::genesys::AgentMessage;
use attache_platforms::messenger::{File, MessengerOptions, Say};

/// Longer than recovery takes.
pub(super) const BOUND: Duration = Duration::from_secs(120);

/// A stage with a page and its account.
pub(super) fn setup(messenger: MessengerOptions) -> Setup {
    Setup {
        messenger: Some(messenger),
        retention: Retention::KeepUntilUnsend,
        ..Setup::default()
    }
}

/// The files of one message: the name that the platform lets through, the bytes, and the file.
fn files() -> Vec<File> {
    vec![
        File::new(bytes("photo.jpg"), "image/jpeg"),
        File::new(bytes("Rechnung März (1).pdf"), "application/pdf").named("Rechnung März (1).pdf"),
        File::new(bytes("clip.mp4"), "video/mp4"),
        File::new(bytes("screenshot.png"), "image/png"),
    ]
}

/// What the agents behind it see, in order.
pub(super) fn desk(stage: &Stage, social: Social) -> Vec<AgentMessage> {
    let all = stage.standins.genesys.messages().into_iter();
    all.filter(|message| message.integration_id == social.integration_id)
        .collect()
}

/// The texts among them.
pub(super) fn texts(stage: &Stage, social: Social) -> Vec<String> {
    let desk = desk(stage, social).into_iter();
    desk.filter_map(|message| message.text).collect()
}

/// Waits until the agents have these items.
async fn arrived(stage: &Stage, sent: &[Sent]) -> Result<()> {
    for one in sent {
        let item = stage.at_rest(one, BOUND).await?;
        ensure!(
            item.gate.stage == Journey::Sent,
            "{:?}: {:?}",
            item.gate,
            item.record.diagnosis
        );
        item.trail.verify(&item.id).context("the trail")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_files_arrive_in_their_order_and_what_is_taken_back_is_gone() -> Result<()> {
    let options = MessengerOptions {
        stickers_twice: true,
        ..MessengerOptions::default()
    };
    let stage = Stage::start(setup(options)).await?;
    for social in Social::ALL {
        let files = files();
        let given: Vec<_> = files.iter().map(|file| file.bytes.clone()).collect();
        let sent = stage.social_files(social, files, Some("These"));
        arrived(&stage, &sent).await?;
        let desk = desk(&stage, social);
        ensure!(desk.len() == given.len(), "{social:?}: {desk:?}");
        ensure!(desk[0].text.as_deref() == Some("These"), "{desk:?}");
        for (message, bytes) in desk.iter().zip(&given) {
            let [file] = message.attachments.as_slice() else {
                anyhow::bail!("{message:?}");
            };
            ensure!(
                file.bytes() == Some(bytes),
                "another file, or another order"
            );
        }
        let named = desk[1].attachments[0].filename.as_deref();
        let expected = (social == Social::MESSENGER).then_some("Rechnung_Maerz_1.pdf");
        ensure!(expected.is_none() || named == expected, "{named:?}");
        take_back(&stage, social, &sent).await?;
    }
    stage.quiet(BOUND).await?;
    for bucket in ["MediaBucket", "QuarantineBucket"] {
        let keys = stage.keys(bucket).await?;
        ensure!(keys.is_empty(), "{bucket}: {keys:?}");
    }
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}

/// The customer takes the message of these items back: their bytes are removed, and the agent is told once.
async fn take_back(stage: &Stage, social: Social, sent: &[Sent]) -> Result<()> {
    stage.customer_of(social).unsend(&sent[0].message);
    for one in sent {
        let look = || async {
            let item = stage.item(one).await?;
            Ok(item.filter(|item| item.record.removed_at.is_some()))
        };
        let item = eventually("its bytes removed", BOUND, look).await?;
        ensure!(item.gate.stage == Journey::Erased, "{item:?}");
    }
    let told = || async {
        let told = texts(stage, social).into_iter();
        let told = told
            .filter(|text| text.contains("deleted a message"))
            .count();
        ensure!(told <= 1, "told {told} times");
        Ok((told == 1).then_some(()))
    };
    eventually("the agent told", BOUND, told).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_is_told_and_a_sticker_comes_once() -> Result<()> {
    let options = MessengerOptions {
        stickers_twice: true,
        ..MessengerOptions::default()
    };
    let stage = Stage::start(setup(options)).await?;
    for social in Social::ALL {
        let hello = stage.social_says(social, Say::Text("Grüße 👋".to_owned()));
        let story = File::new(bytes("photo.jpg"), "image/jpeg");
        for say in [
            Say::Link("https://example.com/offer".to_owned()),
            Say::Unsupported,
            Say::Postback("Start".to_owned(), "GO".to_owned()),
            Say::Reaction(hello.message.clone(), "👍".to_owned()),
            Say::StoryMention(story),
            Say::Sticker(
                File::new(bytes("screenshot.png"), "image/png"),
                369_239_263_222_822,
            ),
        ] {
            stage.customer_of(social).say(say);
        }
        let seen = || async { Ok((desk(&stage, social).len() >= 7).then_some(())) };
        eventually("all seven", BOUND, seen).await?;
        stage.quiet(BOUND).await?;
        let told = texts(&stage, social).join("\n");
        for part in [
            "Grüße 👋",
            "https://example.com/offer",
            "did not hand over",
            "[chose] Start",
            "[reacted] 👍",
            "[mentioned you in a story]",
        ] {
            ensure!(told.contains(part), "{part} is missing in:\n{told}");
        }
        let files = desk(&stage, social).into_iter();
        let files: Vec<_> = files.flat_map(|message| message.attachments).collect();
        ensure!(files.len() == 2, "the story and one sticker: {files:?}");
    }
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
