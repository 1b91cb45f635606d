//! Both directions over real processes: words, an agent's file, receipts, refusals, and files that are too slow for the
//! sender's patience.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_domain::verdict::Verdict;
use attache_e2e::media::bytes;
use attache_e2e::{Sent, Setup, Stage, eventually};
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::{AgentFile, Receipt};
use attache_platforms::whatsapp::{MessageId, Say};

const BOUND: Duration = Duration::from_secs(60);

/// A stage whose customer has written, so that the agent may answer.
async fn opened() -> Result<Stage> {
    let stage = Stage::start(Setup::default()).await?;
    let hello = stage.says(Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    Ok(stage)
}

async fn reaches(stage: &Stage, sent: &Sent, journey: Journey) -> Result<()> {
    let look = || async {
        let item = stage.item(sent).await?;
        Ok(item.filter(|item| item.gate.stage == journey).map(drop))
    };
    let reached = eventually(&format!("{journey:?}"), BOUND, look).await;
    if let Err(error) = reached {
        let item = stage.item(sent).await?;
        let log = stage.log.containing(sent.id.as_str()).join("\n");
        return Err(error.context(format!("{:?}\n{log}", item.map(|item| item.gate))));
    }
    Ok(())
}

async fn receipt(stage: &Stage, sent: &Sent) -> Result<Receipt> {
    stage
        .standins
        .genesys
        .wait_for_final_receipt(&sent.message, BOUND)
        .await
}

/// Nothing is left, nothing leaked, no specification was broken.
async fn in_order(stage: Stage) -> Result<()> {
    stage.quiet(BOUND).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    let options = stage.standins.genesys.options();
    for secret in [&options.webhook_secret, &options.client_secret] {
        ensure!(
            stage.log.containing(secret).is_empty(),
            "a secret in the log"
        );
    }
    ensure!(
        stage.log.containing("/downloads/").is_empty(),
        "a link in the log"
    );
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_file_is_delivered_read_and_acknowledged() -> Result<()> {
    let stage = opened().await?;
    let pdf = bytes("Rechnung März (1).pdf");
    let file = AgentFile::new(pdf.clone(), "application/pdf").named("Rechnung März (1).pdf");
    let sent = stage.agent_sends(file, "Your invoice")?;
    let delivery = stage
        .standins
        .genesys
        .wait_for_delivery(&sent.message, BOUND)
        .await?;
    ensure!(delivery.attempts.len() == 1, "{delivery:?}");
    reaches(&stage, &sent, Journey::Delivered).await?;
    let shown = stage.standins.whatsapp.sent();
    ensure!(
        shown.len() == 1 && shown[0].text() == Some("Your invoice"),
        "{shown:?}"
    );
    ensure!(
        shown[0]
            .media
            .as_ref()
            .is_some_and(|media| media.bytes == pdf),
        "other bytes"
    );
    ensure!(
        shown[0].body["document"]["filename"] == "Rechnung_Maerz_1.pdf",
        "{shown:?}"
    );
    stage
        .standins
        .whatsapp
        .read(&MessageId::new(&shown[0].id))?;
    reaches(&stage, &sent, Journey::Read).await?;
    ensure!(
        receipt(&stage, &sent).await?.status == "Delivered",
        "the wrong receipt"
    );
    in_order(stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_whatsapp_does_not_take_arrives_as_one_that_it_does() -> Result<()> {
    let stage = opened().await?;
    let table = b"Posten;Betrag\nGr\xc3\xb6\xc3\x9fe;5 \xe2\x82\xac\n".to_vec();
    for (original, declared, name, kind, wire_name, beginning) in [
        (
            bytes("anim.gif"),
            "image/gif",
            "Skizze.gif",
            "image",
            None,
            &b"\x89PNG"[..],
        ),
        (
            table,
            "text/csv",
            "Liste März.csv",
            "document",
            Some("Liste_Maerz.pdf"),
            b"%PDF-",
        ),
    ] {
        let file = AgentFile::new(original.clone(), declared).named(name);
        let sent = stage.agent_sends(file, "Look")?;
        reaches(&stage, &sent, Journey::Delivered).await?;
        let all = stage.standins.whatsapp.sent();
        let shown = all.last().context("nothing was sent")?;
        ensure!(shown.text() == Some("Look"), "{shown:?}");
        let media = shown.media.as_ref().context("no file")?;
        ensure!(media.bytes.starts_with(beginning), "{name}: other bytes");
        ensure!(shown.body["type"] == kind, "{shown:?}");
        ensure!(
            shown.body[kind]["filename"].as_str() == wire_name,
            "{shown:?}"
        );
        ensure!(
            receipt(&stage, &sent).await?.status == "Delivered",
            "the wrong receipt"
        );
        let item = stage.item(&sent).await?.context("no row")?;
        let stored = item.record.object.context("no original")?;
        ensure!(
            stored.size_bytes == original.len() as u64,
            "the original was altered"
        );
        let keys = stage.keys("MediaBucket").await?;
        for key in [sent.id.arrival_key(), sent.id.rendition_key()] {
            ensure!(keys.contains(&key), "{key} is not among {keys:?}");
        }
    }
    in_order(stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dangerous_file_of_an_agent_stays_here_and_the_agent_is_told() -> Result<()> {
    let stage = opened().await?;
    let file = AgentFile::new(bytes("invoice.png"), "image/png").named("invoice.png");
    let sent = stage.agent_sends(file, "Here")?;
    let item = stage.at_rest(&sent, BOUND).await?;
    ensure!(item.gate.verdict == Verdict::Quarantined, "{item:?}");
    let receipt = receipt(&stage, &sent).await?;
    ensure!(
        receipt.request["reasons"][0]["code"] == "DataFiltered",
        "{receipt:?}"
    );
    let look = || async {
        let told = stage.standins.genesys.texts();
        Ok(told.into_iter().find(|text| text.contains("invoice.png")))
    };
    let notice = eventually("the notice", BOUND, look).await?;
    ensure!(notice.contains("quarantine"), "{notice}");
    ensure!(stage.standins.whatsapp.sent().is_empty(), "it went out");
    in_order(stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_answer_is_lost_goes_out_once() -> Result<()> {
    let stage = opened().await?;
    let faults = stage.standins.whatsapp.faults();
    let armed = faults.arm_at(Fault::LostAnswer, Times(1), Point::Send)?;
    let sent = stage.agent_says("Tomorrow");
    reaches(&stage, &sent, Journey::Delivered).await?;
    stage.quiet(BOUND).await?;
    ensure!(
        armed.fired() == 1 && stage.standins.whatsapp.sent().len() == 1,
        "sent twice"
    );
    ensure!(
        receipt(&stage, &sent).await?.status == "Delivered",
        "the wrong receipt"
    );
    // The same, and no status ever tells.
    stage.standins.whatsapp.hold_statuses();
    faults.arm_at(Fault::LostAnswer, Times(1), Point::Send)?;
    let open = stage.agent_says("Or the day after");
    reaches(&stage, &open, Journey::Unconfirmed).await?;
    let look = || async {
        let told = stage.standins.genesys.texts();
        Ok(told
            .into_iter()
            .find(|text| text.contains("not known whether")))
    };
    eventually("the notice", BOUND, look).await?;
    ensure!(stage.standins.whatsapp.sent().len() == 2, "sent again");
    in_order(stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_too_slow_for_the_senders_patience_is_stored_once() -> Result<()> {
    let stage = opened().await?;
    let faults = stage.standins.genesys.faults();
    let armed = faults.arm_at(Fault::Stall, Times(2), Point::Download)?;
    let picture = bytes("photo-1mb.jpg");
    let file = AgentFile::new(picture.clone(), "image/jpeg").named("photo.jpg");
    let sent = stage.agent_sends(file, "")?;
    faults.wait_until_held(BOUND).await?;
    let first = stage
        .standins
        .genesys
        .wait_for_attempts(&sent.message, 1, BOUND)
        .await?;
    let status = first.attempts[0].outcome.clone();
    ensure!(status == Ok(503), "the first try was answered {status:?}");
    faults.release();
    let delivery = stage
        .standins
        .genesys
        .wait_for_delivery(&sent.message, BOUND)
        .await?;
    let last = delivery.attempts.last().context("no attempt")?;
    ensure!(last.outcome == Ok(200), "{delivery:?}");
    reaches(&stage, &sent, Journey::Delivered).await?;
    ensure!(armed.fired() >= 1, "nothing stalled");
    let shown = stage.standins.whatsapp.sent();
    ensure!(shown.len() == 1, "{shown:?}");
    ensure!(
        shown[0]
            .media
            .as_ref()
            .is_some_and(|media| media.bytes == picture),
        "other bytes"
    );
    ensure!(
        stage.keys("MediaBucket").await? == [sent.id.arrival_key()],
        "not one object"
    );
    in_order(stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_is_shown_and_words_pass_files_that_stall() -> Result<()> {
    let stage = opened().await?;
    stage
        .standins
        .whatsapp
        .faults()
        .arm_at(Fault::Stall, Times(3), Point::Download)?;
    for _ in 0..3 {
        stage.send(attache_e2e::media::sample_named("photo.jpg"))?;
    }
    stage
        .standins
        .whatsapp
        .faults()
        .wait_until_held(BOUND)
        .await?;
    stage.standins.genesys.agent().typing(attache_e2e::CUSTOMER);
    let look = || async { Ok((!stage.standins.whatsapp.marks().is_empty()).then_some(())) };
    eventually("the typing indicator", BOUND, look).await?;
    let asked = stage.says(Say::Text("Are you there?".to_owned()));
    stage.at_rest(&asked, BOUND).await?;
    let answered = stage.agent_says("Yes");
    reaches(&stage, &answered, Journey::Delivered).await?;
    stage.standins.whatsapp.faults().release();
    in_order(stage).await
}
