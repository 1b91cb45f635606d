//! Long files, whose hosts break off, forget what a range is, give another file, name no length or take their time: they
//! come in parts, whole, and no part is left behind.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::Stage as Journey;
use attache_e2e::media::long_note;
use attache_e2e::{Setup, Stage, eventually};
use attache_platforms::faults::{Aim, Fault as F, Point, Times};
use attache_platforms::genesys::{AgentFile, GenesysOptions};
use attache_platforms::whatsapp::Say;

use super::BOUND;

/// What happens to the downloads of one customer's file, in order.
const OF_CUSTOMERS: [&[(F, u32)]; 3] = [
    // A part is stored by then; the rest is behind bytes that are known.
    &[(F::TruncatedBody, 2), (F::ServerIgnoresRange, 1)],
    // The part belongs to another file: it is dropped.
    &[(F::ResetMidBody, 2), (F::ObjectChangedBetweenRanges, 1)],
    // Once it may come as it is, then by ranges alone.
    &[(F::TruncatedBody, 4)],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_long_files_come_whole_past_every_break() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    let whatsapp = &stage.standins.whatsapp;
    let mut sent = Vec::new();
    for faults in OF_CUSTOMERS {
        let (file, composed) = stage.compose(long_note())?;
        for (fault, times) in faults {
            let aim = Aim {
                times: Times(*times),
                point: Some(Point::Download),
                subject: Some(file.message.as_str()),
                ..Aim::default()
            };
            sent.push((file.clone(), whatsapp.faults().arm_aimed(*fault, aim)?));
        }
        whatsapp.send_batch(vec![composed]);
    }
    let expected = long_note().bytes;
    for (file, armed) in &sent {
        let item = stage.at_rest(file, BOUND).await?;
        ensure!(item.gate.stage == Journey::Sent, "{:?}", item.record);
        ensure!(armed.fired() > 0, "a fault of {} never struck", file.id);
    }
    let look = || async {
        let shown = stage.standins.genesys.messages();
        let attachments = shown.iter().flat_map(|message| &message.attachments);
        let whole = attachments.filter(|attachment| attachment.bytes() == Some(&expected));
        Ok((whole.count() == OF_CUSTOMERS.len()).then_some(()))
    };
    eventually("each of them whole, and once", BOUND, look).await?;
    nothing_is_left(stage, OF_CUSTOMERS.len()).await
}

/// A stage whose customer has written, so that the agent may answer.
async fn opened(genesys: GenesysOptions) -> Result<Stage> {
    let stage = Stage::start(Setup {
        genesys,
        ..Setup::default()
    })
    .await?;
    let hello = stage.says(Say::Text("Hello".to_owned()));
    stage.at_rest(&hello, BOUND).await?;
    Ok(stage)
}

/// Of an agent's file nobody names the length, neither webhook nor host: it does not fit into what intake may hold, and
/// comes in parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_file_of_unknown_length_comes_in_parts() -> Result<()> {
    let stage = opened(GenesysOptions::default()).await?;
    let genesys = &stage.standins.genesys;
    let file = AgentFile {
        declared_size: None,
        ..AgentFile::new(long_note().bytes, "text/plain").named("long.txt")
    };
    let armed = genesys
        .faults()
        .arm_at(F::Chunked, Times::ALWAYS, Point::Download)?;
    let sent = stage.agent_sends(file.clone(), "")?;
    let receipt = genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
    ensure!(receipt.status == "Delivered", "{receipt:?}");
    ensure!(armed.fired() > 0, "its length was named");
    customer_has(&stage, &file)?;
    nothing_is_left(stage, 1).await
}

/// Genesys' clock (genesys.md §3.2): ten seconds for an answer, five more tries five seconds apart. A file that takes forty
/// seconds is fetched by somebody else meanwhile, once, and the last tries are answered 200.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_outlasts_the_senders_patience_is_fetched_once() -> Result<()> {
    const BYTES: usize = 25_000_000;
    let stage = opened(GenesysOptions::default()).await?;
    let genesys = &stage.standins.genesys;
    genesys.faults().set_slow_rate(BYTES as u64 / 40);
    let slow = genesys
        .faults()
        .arm_at(F::SlowBody, Times::ALWAYS, Point::Download)?;
    let lines = (0..).flat_map(|n| format!("Line {n} of a slow file.\n").into_bytes());
    let bytes: Vec<u8> = lines.take(BYTES).collect();
    let file = AgentFile::new(bytes, "text/plain").named("slow.txt");
    let sent = stage.agent_sends(file.clone(), "")?;
    let receipt = genesys.wait_for_final_receipt(&sent.message, BOUND).await?;
    ensure!(receipt.status == "Delivered", "{receipt:?}");
    let delivery = genesys.wait_for_delivery(&sent.message, BOUND).await?;
    let answers = &delivery.attempts;
    ensure!(answers.len() > 1, "it was in time: {delivery:?}");
    let last = answers.last().context("no attempt")?;
    ensure!(last.acknowledged(), "never acknowledged: {delivery:?}");
    // The first is given up as soon as it is seen that it will not fit: after a second and a half, a twenty-fifth of it.
    ensure!(slow.fired() == 2, "{} downloads", slow.fired());
    customer_has(&stage, &file)?;
    nothing_is_left(stage, 1).await
}

fn customer_has(stage: &Stage, file: &AgentFile) -> Result<()> {
    let sent = stage.standins.whatsapp.sent();
    let media = sent.iter().filter_map(|sent| sent.media.as_ref());
    let whole = media.filter(|media| media.bytes == file.bytes).count();
    ensure!(whole == 1, "the customer has it {whole} times");
    Ok(())
}

/// One object a file, no upload that is still open, no leak.
async fn nothing_is_left(stage: Stage, files: usize) -> Result<()> {
    stage.quiet(BOUND + Duration::from_secs(30)).await?;
    let keys = stage.keys("MediaBucket").await?;
    ensure!(keys.len() == files, "{keys:?}");
    let parts = stage.parts("MediaBucket").await?;
    ensure!(parts == 0, "{parts} parts left");
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    stage.stop().await
}
