//! A platform that asks everybody for less for a while: every process leaves it alone from its first refusal on, and everything
//! arrives, once.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use attache_domain::connection::{Connection, SendRate};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::note;
use attache_e2e::{Sent, Setup, Stage};
use attache_platforms::faults::{Aim, Fault, Point, Times};
use attache_platforms::whatsapp::Composed;

const FILES: usize = 40;
/// For how long the platform refuses every message from the first on, and what it asks for.
const REFUSING: Duration = Duration::from_secs(3);
/// Files at half of 100 a second after a pause, and what was refused in its backoff: well below.
const BOUND: Duration = Duration::from_secs(60);

/// Processes that hold slots when the first refusal comes meet one each with every message that they have in hand: those of
/// `media` and `media-retry` at the most, by `template.yaml`. Unpaced, each file would be refused again and again.
const MOST_REFUSALS: u32 = 25;

/// A hundred files a second, ten at once.
fn fast(connection: &mut Connection) {
    connection.rate = SendRate::new(connection.profile(), (150, 1), Some(15)).ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_holds_the_line_for_every_process() -> Result<()> {
    let stage = Stage::start(Setup {
        parameters: vec![("LeaseSeconds", "60"), ("SendPatienceSeconds", "20")],
        connections: Some(fast),
        ..Setup::default()
    })
    .await?;
    let composed: Vec<(Sent, Composed)> = (0..FILES)
        .map(|number| stage.compose(note(number)))
        .collect::<Result<_>>()?;
    let faults = stage.standins.genesys.faults();
    faults.set_retry_after_seconds(REFUSING.as_secs());
    let refusals = faults.arm_aimed(
        Fault::RateLimit,
        Aim {
            times: Times::ALWAYS,
            point: Some(Point::Inbound),
            once_begun: Some(REFUSING),
            ..Aim::default()
        },
    )?;
    let (sent, messages): (Vec<Sent>, Vec<Composed>) = composed.into_iter().unzip();
    for message in messages {
        stage.standins.whatsapp.send_batch(vec![message]);
    }
    for sent in &sent {
        let item = stage.at_rest(sent, BOUND).await?;
        ensure!(
            item.gate.stage == Journey::Sent && item.record.repeats == 0,
            "{:?} {:?}",
            item.gate,
            item.record
        );
    }
    let refused = refusals.fired();
    ensure!((1..=MOST_REFUSALS).contains(&refused), "{refused} refusals");
    let told = stage.log.containing("\"the platform asked for less\"");
    ensure!(!told.is_empty(), "the first refusal is told");
    let posts = stage.standins.genesys.posts();
    let ids: BTreeSet<_> = posts.iter().map(|post| &post.channel_message_id).collect();
    ensure!(
        (posts.len(), ids.len()) == (FILES, FILES),
        "each once, not {} times",
        posts.len()
    );
    ensure!(stage.dead_letters().await? == 0);
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
