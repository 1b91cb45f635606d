//! On the way from another system: it goes on getting every webhook as the platforms sent it, while Attaché delivers or
//! only watches.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_domain::signature::{Scheme, Secret, Verifier};
use attache_domain::verdict::Verdict;
use attache_e2e::media::{bytes, sample_named};
use attache_e2e::{OldSystem, Setup, Stage, Taken, eventually};
use attache_platforms::genesys::AgentFile;
use attache_platforms::whatsapp::Say;
use reqwest::StatusCode;

const BOUND: Duration = Duration::from_secs(90);

/// Waits until the old system has acknowledged so many webhooks; those, in the order of their acknowledgement.
async fn acknowledged(old: &OldSystem, count: usize) -> Result<Vec<Taken>> {
    let look = || async {
        let taken = old.taken().into_iter();
        let taken: Vec<_> = taken.filter(|taken| taken.answered.is_success()).collect();
        Ok((taken.len() >= count).then_some(taken))
    };
    let done = eventually("webhooks passed on", BOUND, look).await;
    done.with_context(|| format!("{:?}", old.taken()))
}

/// Whether it is signed by the platform that uses this scheme and secret.
fn is_signed(taken: &Taken, scheme: Scheme, secret: &str) -> Result<bool> {
    let verifier = Verifier::new(scheme, Secret::new(secret)?, None);
    let signature = taken.headers.get("x-hub-signature-256");
    let signature = signature.map(|value| value.to_str()).transpose()?;
    Ok(verifier.verify(signature, &taken.body).is_ok())
}

/// How many of these are WhatsApp's and Genesys', by their signatures.
fn counted(stage: &Stage, taken: &[Taken]) -> Result<(usize, usize)> {
    let (mut customers, mut agents) = (0, 0);
    for one in taken {
        let standins = &stage.standins;
        let of_meta = &standins.whatsapp.options().app_secret;
        let of_genesys = &standins.genesys.options().webhook_secret;
        customers += usize::from(is_signed(one, Scheme::META, of_meta)?);
        agents += usize::from(is_signed(one, Scheme::GENESYS, of_genesys)?);
        ensure!(one.line == "POST /hook?key=PATHSECRET", "{one:?}");
        let foreign = ["authorization", "x-forwarded-for", "x-amzn-trace-id"];
        ensure!(
            foreign.iter().all(|name| !one.headers.contains_key(*name)),
            "{one:?}"
        );
        ensure!(one.headers["content-type"] == "application/json", "{one:?}");
    }
    Ok((customers, agents))
}

/// Nothing is left, nothing leaked.
async fn in_order(stage: Stage) -> Result<()> {
    stage.quiet(BOUND).await?;
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    ensure!(stage.dead_letters().await? == 0, "dead letters");
    for secret in ["PATHSECRET", "sha256=", "Grüße"] {
        let lines = stage.log.containing(secret);
        ensure!(lines.is_empty(), "{secret} in the log: {lines:?}");
    }
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_system_gets_every_webhook_as_it_came_and_customers_are_served() -> Result<()> {
    let down = StatusCode::SERVICE_UNAVAILABLE;
    let old = OldSystem::start([down, down]).await?;
    let stage = Stage::start(Setup {
        forward_to: Some(old.url()),
        ..Setup::default()
    })
    .await?;
    let hello = stage.says(Say::Text("Grüße \\ \u{1f44b}".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    let first = acknowledged(&old, 1).await?;
    let all = old.taken();
    ensure!(all.len() == 3, "{all:?}");
    ensure!(
        all.iter().all(|one| one.body == first[0].body),
        "other bytes when it was tried again"
    );
    ensure!(counted(&stage, &first)? == (1, 0), "{first:?}");
    let answer = stage.agent_says("Grüße zurück");
    let genesys = &stage.standins.genesys;
    genesys
        .wait_for_final_receipt(&answer.message, BOUND)
        .await?;
    stage.quiet(BOUND).await?;
    let (customers, agents) = counted(&stage, &acknowledged(&old, 3).await?)?;
    ensure!(agents == 1, "{agents}");
    ensure!(customers >= 2, "statuses are webhooks too: {customers}");
    ensure!(
        genesys.texts().len() == 1 && stage.standins.whatsapp.sent().len() == 1,
        "both sides are served"
    );
    in_order(stage).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_judges_and_keeps_everything_while_the_other_system_serves() -> Result<()> {
    let old = OldSystem::start([]).await?;
    let stage = Stage::start(Setup {
        forward_to: Some(old.url()),
        shadow: true,
        ..Setup::default()
    })
    .await?;
    let words = stage.says(Say::Text("Grüße".to_owned()));
    let photo = stage.send(sample_named("photo.jpg"))?;
    let disguised = stage.send(sample_named("invoice.png"))?;
    let plan = AgentFile::new(bytes("screenshot.png"), "image/png").named("plan.png");
    let plan = stage.agent_sends(plan, "Grüße zurück")?;
    for (sent, verdict, end) in [
        (&words, Verdict::Clean, Journey::Kept),
        (&photo, Verdict::Clean, Journey::Kept),
        (&disguised, Verdict::Quarantined, Journey::Rejected),
        (&plan, Verdict::Clean, Journey::Kept),
    ] {
        let item = stage.at_rest(sent, BOUND).await?;
        let ended = (item.gate.verdict, item.gate.stage);
        ensure!(ended == (verdict, end), "{item:?}");
    }
    let taken = acknowledged(&old, 4).await?;
    ensure!(counted(&stage, &taken)? == (3, 1), "{taken:?}");
    stage.quiet(BOUND).await?;
    ensure!(old.taken().len() == 4, "each of them once");
    let (genesys, whatsapp) = (&stage.standins.genesys, &stage.standins.whatsapp);
    ensure!(genesys.messages().is_empty(), "the agent got something");
    ensure!(genesys.receipts().is_empty(), "Genesys got a receipt");
    ensure!(whatsapp.sent().is_empty(), "the customer got something");
    ensure!(whatsapp.marks().is_empty(), "a message was marked as read");
    in_order(stage).await
}
