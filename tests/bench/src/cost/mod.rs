//! What one file costs in AWS requests at list price, from its webhook to the agent who fetches it; and what the same way costs
//! that is built as the guides of Powertools for AWS Lambda and boto3 lead to (`peer.py`, `peer.yaml`).
//!
//! Both run behind the same embedded engines, which count, and beside the same stand-ins. The first file of each is not counted:
//! what a process reads once belongs to no file. What runs by the clock (renewal of tokens, sweeping) is not either.

mod peer;
mod prices;

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};
use attache_local::LocalRun;
use attache_local::iam::event_source;
use attache_operator::standins::StandIns;
use serde::Serialize;

use crate::bar::{self, Bar, Side};
use crate::meter::Meter;
use crate::stack::{self, Stack};
use crate::{Load, picture, writes};
use prices::{Kind, Tally};

/// Ours may cost so much of the peer's.
const OF_PEER: f64 = 0.70;

/// How long the last writes and deletions of a file may take once the agent has it.
const SETTLES: Duration = Duration::from_secs(10);

/// Functions that work on files, here and there.
const OF_FILES: [&str; 5] = [
    "IntakeFunction",
    "FetchFunction",
    "ValidateFunction",
    "UploadFunction",
    "TextFunction",
];

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    #[serde(flatten)]
    load: Load,
    ours: Tally,
    peer: Tally,
    bars: Vec<Bar>,
}

/// Measures.
///
/// # Errors
/// If a system cannot be started, or a file does not arrive whole.
pub(crate) async fn measure(load: Load) -> Result<Report> {
    let picture = picture::of_size(load.bytes)?;
    let ours = ours(load, &picture).await?;
    let peer = theirs(load, &picture).await?;
    let ratio = (ours.dollars() / peer.dollars(), "x");
    Ok(Report {
        bench: "cost",
        load,
        bars: vec![Bar::new(
            "of the peer's price",
            ratio,
            Side::AtMost,
            OF_PEER,
        )],
        ours,
        peer,
    })
}

async fn ours(load: Load, picture: &[u8]) -> Result<Tally> {
    let meter = Meter::install().await?;
    let provisioned = writes::provision(&meter).await?;
    meter.connect(&provisioned.endpoints().dynamodb);
    let mut stack = Stack::start(provisioned).await?;
    let first = stack.relay(picture).await?;
    writes::settle(&stack, &[first.media]).await?;
    let before = count(&stack.run, &meter);
    let mut sent = Vec::new();
    for _ in 0..load.files {
        sent.push(stack.relay(picture).await?.media);
    }
    writes::settle(&stack, &sent).await?;
    let after = settled(&stack.run, &meter, &before, (2, load.files)).await?;
    stack.run.stop().await?;
    Ok(after.per_file(&before, load.files))
}

async fn theirs(load: Load, picture: &[u8]) -> Result<Tally> {
    let meter = Meter::install().await?;
    let standins = StandIns::start().await?;
    let folder = tempfile::tempdir()?;
    let run = peer::start(folder.path(), &standins, &meter).await?;
    stack::relay(&standins, 1, picture).await?;
    let before = settled(&run, &meter, &Tally::default(), (1, 1)).await?;
    for sent in 0..load.files {
        let shown = usize::try_from(sent)? + 2;
        stack::relay(&standins, shown, picture).await?;
    }
    let after = settled(&run, &meter, &before, (1, load.files)).await?;
    run.stop().await?;
    Ok(after.per_file(&before, load.files))
}

/// What was counted until now.
fn count(run: &LocalRun, meter: &Meter) -> Tally {
    let works = |principal: &str| {
        let own = |function: &&str| principal == *function || principal == event_source(function);
        OF_FILES.iter().any(own)
    };
    let mut tally = Tally::of(&run.calls(), &meter.read(), works);
    for function in OF_FILES {
        let started = u32::try_from(run.invocations(function).started).unwrap_or(u32::MAX);
        tally.add(Kind::Invocations, started.into());
        if function == "IntakeFunction" {
            tally.add(Kind::Webhooks, started.into());
        }
    }
    tally
}

/// The same once each file's messages, so many of each, are deleted: that is the last that happens to it.
async fn settled(
    run: &LocalRun,
    meter: &Meter,
    before: &Tally,
    (messages, files): (u32, u32),
) -> Result<Tally> {
    let end = tokio::time::Instant::now() + SETTLES;
    // Sent, received, deleted.
    let expected = before.get(Kind::QueueCalls) + f64::from(3 * messages * files);
    loop {
        let tally = count(run, meter);
        if tally.get(Kind::QueueCalls) >= expected {
            return Ok(tally);
        }
        ensure!(
            tokio::time::Instant::now() < end,
            "{} of {expected} calls of queues",
            tally.get(Kind::QueueCalls)
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load { files, bytes } = self.load;
        writeln!(
            f,
            "{files} files of {bytes} bytes, one after the other, behind the embedded engines; for each file, and in dollars for a million of them at list price"
        )?;
        for (name, tally) in [
            ("Attaché", &self.ours),
            ("Powertools and boto3", &self.peer),
        ] {
            writeln!(f, "{name}: ${:.2}", tally.dollars())?;
            for (kind, count, dollars) in tally.lines() {
                writeln!(f, "  {:<22} {count:>6.2}   ${dollars:>5.2}", kind.as_str())?;
            }
        }
        bar::write_all(f, &self.bars)
    }
}
