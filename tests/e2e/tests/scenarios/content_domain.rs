//! The content domain over real processes: files reach Genesys by its links, nobody else gets them, and whoever comes too late
//! is given a fresh link.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_domain::pull::Through;
use attache_e2e::media::{bytes, sample_named};
use attache_e2e::{Setup, Stage, eventually};
use attache_platforms::faults::{Fault, Point, Times};
use attache_platforms::genesys::{Attachment, Fetched, GenesysOptions};
use reqwest::StatusCode;

const BOUND: Duration = Duration::from_secs(60);

fn setup() -> Setup {
    Setup {
        content_domain: Some("media.example.com"),
        genesys: GenesysOptions {
            reports_unfetched: true,
            ..GenesysOptions::default()
        },
        ..Setup::default()
    }
}

fn attachments(stage: &Stage) -> Vec<Attachment> {
    let messages = stage.standins.genesys.messages();
    messages.into_iter().flat_map(|it| it.attachments).collect()
}

async fn status(url: &str) -> Result<StatusCode> {
    Ok(reqwest::get(url).await?.status())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_come_by_links_of_the_domain_and_only_by_those() -> Result<()> {
    let stage = Stage::start(setup()).await?;
    let sent = stage.send(sample_named("Rechnung März (1).pdf"))?;
    let item = stage.at_rest(&sent, BOUND).await?;
    ensure!(item.gate.stage == Journey::Sent, "{:?}", item.gate);
    let pull = item.record.pull.context("no link")?;
    ensure!(pull.through == Through::ContentDomain, "{pull:?}");
    ensure!(pull.life() == Duration::from_secs(6 * 3600), "{pull:?}");
    stage.standins.genesys.wait_for_messages(1, BOUND).await?;
    let file = attachments(&stage).pop().context("no file")?;
    let whole = bytes("Rechnung März (1).pdf");
    ensure!(
        matches!(&file.fetched, Fetched::Whole { bytes, .. } if *bytes == whole),
        "{:?}",
        file.fetched
    );
    let domain = stage.run.content_url().context("no domain")?;
    ensure!(file.url.starts_with(domain), "{}", file.url);

    let client = reqwest::Client::new();
    let part = client.get(&file.url).header("range", "bytes=10-19");
    let part = part.header("accept-encoding", "gzip, br").send().await?;
    ensure!(part.status() == StatusCode::PARTIAL_CONTENT);
    let header = |name: &str| {
        let value = part.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    ensure!(header("content-encoding").is_none());
    ensure!(header("cache-control").as_deref() == Some("no-store"));
    ensure!(header("content-type").as_deref() == Some("application/pdf"));
    let named = "filename*=UTF-8''Rechnung%20M%C3%A4rz%20%281%29.pdf";
    ensure!(header("content-disposition").is_some_and(|it| it.ends_with(named)));
    ensure!(part.bytes().await? == whole[10..20]);

    let unsigned = file.url.split('?').next().context("no path")?;
    let other_name = file.url.replacen("Rechnung", "Quittung", 1);
    let other_file = file.url.replacen("arrivals/", "arrivals/a", 1);
    let longer = file.url.replacen("Expires=", "Expires=9", 1);
    for altered in [unsigned, &other_name, &other_file, &longer] {
        ensure!(altered != file.url);
        ensure!(status(altered).await? == StatusCode::FORBIDDEN);
    }
    let (_, signature) = file.url.split_once("Signature=").context("unsigned")?;
    ensure!(
        stage.log.containing(signature).is_empty(),
        "a link in the log"
    );
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_pulled_late_is_followed_by_a_fresh_one_and_the_file_arrives_once() -> Result<()> {
    let stage = Stage::start(Setup {
        parameters: vec![("LinkSeconds", "2")],
        ..setup()
    })
    .await?;
    let faults = stage.standins.genesys.faults();
    let late = faults.arm_at(Fault::LinkPulledLate, Times(1), Point::Fetch)?;
    let sent = stage.send(sample_named("photo.jpg"))?;
    let whole = || {
        let is_whole = |it: &Attachment| matches!(it.fetched, Fetched::Whole { .. });
        attachments(&stage).into_iter().filter(is_whole).count()
    };
    let look = || async { Ok((whole() > 0).then_some(())) };
    eventually("the file at the agent's", BOUND, look).await?;
    let item = stage.at_rest(&sent, BOUND).await?;
    ensure!(late.fired() == 1);
    ensure!(
        (item.gate.stage, item.gate.epoch, item.record.repeats) == (Journey::Sent, 1, 1),
        "{:?} {:?}",
        item.gate,
        item.record
    );
    ensure!(item.record.pull.is_some_and(|pull| pull.fresh == 1));
    let told = stage.log.containing("not fetched: a fresh link goes out");
    ensure!(told.len() == 1, "{told:?}");
    ensure!(
        told[0].contains("delivery.link-pulled-late") && told[0].contains("a life of 2 s"),
        "{told:?}"
    );
    let dead = attachments(&stage).into_iter().next().context("no file")?;
    ensure!(matches!(dead.fetched, Fetched::Failed(_)), "{dead:?}");
    ensure!(status(&dead.url).await? == StatusCode::FORBIDDEN, "dead");
    stage.quiet(BOUND).await?;
    ensure!(whole() == 1, "it arrives once");
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
