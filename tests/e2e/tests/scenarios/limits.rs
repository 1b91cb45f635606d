//! Limits over real processes: what a platform tells of them, what it refuses in spite of them, and links in files' places.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::{Item, Stage as Journey};
use attache_domain::verdict::Plan;
use attache_e2e::media::{bytes, sample_named};
use attache_e2e::{Sent, Setup, Stage, eventually};
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::{AgentFile, GenesysOptions};
use attache_platforms::whatsapp::Say;

const BOUND: Duration = Duration::from_secs(60);

/// Files that do not fit go as links; Word files do not, by the owner's own limits.
pub(crate) fn linking() -> Setup {
    Setup {
        connections: Some(|connection| {
            connection.ways.link = true;
            let types =
                ["image/*", "application/pdf"].map(attache_domain::channels::TypePattern::parse);
            connection.limits.types = types.into_iter().collect::<Result<_, _>>().ok();
        }),
        ..Setup::default()
    }
}

/// A stage whose customer has written, so that the agent may answer.
async fn opened(setup: Setup) -> Result<Stage> {
    let stage = Stage::start(setup).await?;
    let hello = stage.says(Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    Ok(stage)
}

fn plan(item: &Item) -> Option<&str> {
    item.record.plan.as_ref().map(Plan::as_str)
}

async fn delivered(stage: &Stage, sent: &Sent) -> Result<Item> {
    let arrived = |item: &Item| matches!(item.gate.stage, Journey::Delivered | Journey::Read);
    let look = || async { Ok(stage.item(sent).await?.filter(arrived)) };
    eventually("the words delivered", BOUND, look).await
}

/// An agent's Word file goes as a link; whoever follows it has the very bytes.
pub(crate) async fn link_followed(stage: &Stage) -> Result<String> {
    let brief = bytes("brief.docx");
    let mime = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let file = AgentFile::new(brief.clone(), mime).named("brief.docx");
    let sent = stage.agent_sends(file, "The letter")?;
    let item = delivered(stage, &sent).await?;
    ensure!(plan(&item) == Some("link"), "{:?}", item.record.plan);
    let said = stage.standins.whatsapp.sent();
    ensure!(said.len() == 1, "{said:?}");
    let words = said[0].text().context("no words")?.to_owned();
    ensure!(words.starts_with("The letter\n\nbrief.docx\n"), "{words}");
    let link = words.lines().find(|line| line.starts_with("http"));
    let link = link.context("no link")?.to_owned();
    let answer = reqwest::get(&link).await?.error_for_status()?;
    let disposition = answer.headers().get("content-disposition");
    let disposition = disposition.and_then(|value| value.to_str().ok());
    ensure!(
        disposition.is_some_and(|it| it.starts_with("attachment") && it.contains("brief.docx")),
        "{disposition:?}"
    );
    ensure!(answer.bytes().await? == brief, "other bytes");
    Ok(link)
}

/// Both platforms refuse a picture that they should take: to the customer a smaller one goes, to the agent a link, once.
pub(crate) async fn drifted(stage: &Stage) -> Result<()> {
    let (genesys, whatsapp) = (&stage.standins.genesys, &stage.standins.whatsapp);
    let drift = Fault::LimitDrift;
    let uploads = whatsapp.faults().arm_at(drift, Times(1), Point::Upload)?;
    let original = bytes("screenshot.png");
    let picture = AgentFile::new(original.clone(), "image/png").named("plan.png");
    let sent = stage.agent_sends(picture, "The plan")?;
    let item = delivered(stage, &sent).await?;
    ensure!(plan(&item) == Some("converted"), "{:?}", item.record.plan);
    ensure!(
        (uploads.fired(), item.gate.epoch) == (1, 1),
        "{:?}",
        item.gate
    );
    let said = whatsapp.sent();
    let media = said.first().and_then(|sent| sent.media.as_ref());
    let is_smaller = media.is_some_and(|media| media.bytes.len() < original.len());
    ensure!(said.len() == 1 && is_smaller, "{said:?}");
    let (to_agent, message) = stage.compose(sample_named("photo.jpg"))?;
    let faults = genesys.faults();
    let messages = faults.arm_on(drift, Times(1), to_agent.message.as_str())?;
    whatsapp.send_batch(vec![message]);
    let item = stage.at_rest(&to_agent, BOUND).await?;
    ensure!(
        (item.gate.stage, plan(&item)) == (Journey::Sent, Some("link")),
        "{:?} {:?}",
        item.gate,
        item.record
    );
    ensure!(messages.fired() == 1);
    let drifts = stage.log.containing("\"limit drift\"");
    ensure!(drifts.len() == 2, "{drifts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_file_goes_as_a_link_that_the_customer_follows() -> Result<()> {
    let stage = opened(linking()).await?;
    let link = link_followed(&stage).await?;
    stage.quiet(BOUND).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    // The key of the object may be named; what opens it may not.
    let (_, signature) = link.split_once("X-Amz-Signature=").context("unsigned")?;
    ensure!(
        stage.log.containing(signature).is_empty(),
        "a link in the log"
    );
    let told = stage.standins.genesys.messages();
    let texts: Vec<_> = told.iter().filter_map(|it| it.text.as_deref()).collect();
    ensure!(
        texts
            .iter()
            .any(|text| text.contains("The customer gets a link")),
        "{texts:?}"
    );
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_platform_refuses_in_spite_of_its_limits_goes_in_another_form() -> Result<()> {
    let stage = opened(linking()).await?;
    drifted(&stage).await?;
    stage.quiet(BOUND).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    // The next picture is not even tried as it is: its size is known to be too large.
    let file = AgentFile::new(bytes("photo.jpg"), "image/jpeg").named("photo.jpg");
    let sent = stage.agent_sends(file, "")?;
    let item = delivered(&stage, &sent).await?;
    ensure!(
        (plan(&item), item.gate.epoch) == (Some("converted"), 0),
        "{item:?}"
    );
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_integration_would_drop_in_silence_is_told_to_the_agent() -> Result<()> {
    let genesys = GenesysOptions {
        supported_content: Some("own".to_owned()),
        inbound_types: vec!["image/*".to_owned()],
        ..GenesysOptions::default()
    };
    let stage = Stage::start(Setup {
        genesys,
        ..Setup::default()
    })
    .await?;
    let look = || async {
        let read = stage.log.containing("limits read");
        Ok((!read.is_empty()).then_some(()))
    };
    eventually("the limits read", BOUND, look).await?;
    for (name, journey) in [
        ("photo.jpg", Journey::Sent),
        ("Rechnung März (1).pdf", Journey::Rejected),
    ] {
        let sent = stage.send(sample_named(name))?;
        let item = stage.at_rest(&sent, BOUND).await?;
        ensure!(item.gate.stage == journey, "{name}: {:?}", item.gate);
    }
    stage.standins.genesys.wait_for_messages(2, BOUND).await?;
    let told = stage.standins.genesys.messages();
    let notice = told.iter().filter_map(|it| it.text.as_deref());
    ensure!(
        notice
            .into_iter()
            .any(|text| text.contains("does not take files of type application/pdf")),
        "{told:?}"
    );
    stage.quiet(BOUND).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
