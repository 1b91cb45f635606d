//! Platforms that misbehave on the way to a file, in every way of the catalogue that reaches this far: what was acknowledged
//! arrives, once and whole, or it is lost with a diagnosis and the agent is told.
//!
//! One message a fault, all of them at once on one stage; long files, which come in parts, on stages of their own (`long`).

mod long;
mod to_agent;
mod to_customer;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::{Item, Stage as Journey};
use attache_e2e::{Sent, Stage, eventually};
use attache_platforms::clock::Clock;
use attache_platforms::faults::{Aim, Armed, Fault, Faults, Point, Times};

const BOUND: Duration = Duration::from_secs(120);

/// Bytes per second of bodies that trickle.
const SLOW: u64 = 30_000;

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Whole, and once.
    Delivered,
    /// With this diagnosis, and a notice to the agent.
    Lost(&'static str),
}

/// A fault, how often it strikes, and what becomes of the file.
#[derive(Clone, Copy, Debug)]
struct Row {
    fault: Fault,
    point: Point,
    times: Times,
    end: End,
}

/// A fault that strikes once and costs nothing but time.
const fn passing(fault: Fault, point: Point) -> Row {
    Row {
        fault,
        point,
        times: Times(1),
        end: End::Delivered,
    }
}

/// The same, so many times.
const fn repeated(fault: Fault, point: Point, times: Times) -> Row {
    Row {
        times,
        ..passing(fault, point)
    }
}

/// A fault that costs the file.
const fn fatal(fault: Fault, point: Point, code: &'static str) -> Row {
    Row {
        end: End::Lost(code),
        ..repeated(fault, point, Times::ALWAYS)
    }
}

impl Row {
    /// `length-zero at LookUp`, as a file may be called.
    fn name(&self) -> String {
        let for_good = match self.end {
            End::Delivered => "",
            End::Lost(_) => "-for-good",
        };
        format!("{}-at-{:?}{for_good}.txt", self.fault, self.point).to_lowercase()
    }

    /// A text that no other row has; long where it has to last.
    fn text(&self) -> String {
        let line = format!("{}\nOne of many ways.\n", self.name());
        match self.fault {
            Fault::SlowBody | Fault::OneBytePerSecond => line.repeat(60_000 / line.len()),
            _ => line,
        }
    }

    fn arm(&self, faults: &Faults, subject: &str) -> Result<Armed> {
        let aim = Aim {
            times: self.times,
            point: Some(self.point),
            subject: Some(subject),
            ..Aim::default()
        };
        Ok(faults.arm_aimed(self.fault, aim)?)
    }
}

/// What any platform's hosts may do: the one that leads to the file, and the one that has it.
fn of_any_platform(first_hop: Point) -> Vec<Row> {
    let download = OF_DOWNLOADS.map(|fault| passing(fault, Point::Download));
    let hop = OF_HOPS.map(|fault| passing(fault, first_hop));
    let late =
        [Point::Download, first_hop].map(|point| repeated(Fault::LateAttachment, point, Times(3)));
    let other = fatal(
        Fault::DigestMismatch,
        Point::Download,
        "transfer.other-bytes",
    );
    download
        .into_iter()
        .chain(hop)
        .chain(late)
        .chain([other])
        .collect()
}

/// Faults of the host that has the file. Look-up or webhook names the length, so what names none is whole at once.
const OF_DOWNLOADS: [Fault; 25] = [
    Fault::ExpiredLink,
    Fault::SlowBody,
    Fault::OneBytePerSecond,
    Fault::Stall,
    Fault::StallAt99,
    Fault::SlowHeaders,
    Fault::HeaderFlood,
    Fault::EndlessHeader,
    Fault::TruncatedBody,
    Fault::ResetMidBody,
    Fault::LengthLies,
    Fault::LengthPlusOne,
    Fault::LengthMinusOne,
    Fault::LengthZero,
    Fault::LengthHuge,
    Fault::LengthTwice,
    Fault::LengthMissing,
    Fault::Chunked,
    Fault::GzipLies,
    Fault::GzipLabelLies,
    Fault::DigestMismatch,
    Fault::HtmlErrorPage,
    Fault::FiveHundreds,
    Fault::Cached429,
    Fault::Unauthorised,
];

/// Faults of the host that leads there.
const OF_HOPS: [Fault; 12] = [
    Fault::SlowHeaders,
    Fault::HeaderFlood,
    Fault::EndlessHeader,
    Fault::LengthPlusOne,
    Fault::LengthMinusOne,
    Fault::LengthZero,
    Fault::LengthHuge,
    Fault::LengthTwice,
    Fault::LengthMissing,
    Fault::Chunked,
    Fault::HtmlErrorPage,
    Fault::LostAnswer,
];

/// A row whose message is on its way.
struct Case {
    row: Row,
    sent: Sent,
    text: String,
    armed: Armed,
}

/// Lets the minute pass that a server is down for, once it was found to be.
async fn let_the_minute_pass(cases: &[Case], clock: &Clock) -> Result<()> {
    for case in cases {
        if case.row.fault == Fault::FiveHundredsForAMinute {
            let look = || async { Ok((case.armed.fired() > 0).then_some(())) };
            eventually("a server that is down", BOUND, look).await?;
            clock.advance(Duration::from_secs(61));
        }
    }
    Ok(())
}

impl Case {
    /// The fault struck, and the file rests where it should.
    async fn rests(&self, stage: &Stage, delivered: Journey) -> Result<()> {
        let name = self.row.name();
        let expected = match self.row.end {
            End::Delivered => delivered,
            End::Lost(_) => Journey::Lost,
        };
        // What was sent may still be delivered; everything else that is over stays so.
        let ended = |item: &Item| {
            let stage = item.gate.stage;
            stage == expected || (stage.is_over() && stage != Journey::Sent)
        };
        let look = || async { Ok(stage.item(&self.sent).await?.filter(ended)) };
        let item = match eventually(&name, BOUND, look).await {
            Ok(item) => item,
            Err(error) => {
                let log = stage.log.containing(self.sent.id.as_str()).join("\n");
                let item = stage.item(&self.sent).await?.map(|item| item.gate);
                return Err(error.context(format!("{item:?}\n{log}")));
            }
        };
        let code = item.record.diagnosis.as_ref().map(|why| why.code.as_str());
        ensure!(
            item.gate.stage == expected,
            "{name}: {:?}, {code:?}",
            item.gate
        );
        if let End::Lost(expected) = self.row.end {
            ensure!(code == Some(expected), "{name}: {code:?}");
        }
        item.trail
            .verify(&item.id)
            .with_context(|| format!("{name}: {:?}", item.trail))?;
        ensure!(self.armed.fired() > 0, "{name} never struck");
        Ok(())
    }
}

/// Of every file that arrived there is one object, of a lost one there is none; there is one row a file,
/// and nothing leaked.
async fn in_order(stage: Stage, cases: &[Case]) -> Result<()> {
    stage.quiet(BOUND).await?;
    let delivered = cases.iter().filter(|case| case.row.end == End::Delivered);
    let expected: BTreeSet<_> = delivered.map(|case| case.sent.id.arrival_key()).collect();
    let found: BTreeSet<_> = stage.keys("MediaBucket").await?.into_iter().collect();
    ensure!(found == expected, "{found:?} are not {expected:?}");
    ensure!(
        stage.keys("QuarantineBucket").await?.is_empty(),
        "in quarantine"
    );
    ensure!(stage.parts("MediaBucket").await? == 0, "parts of nothing");
    let lost = cases.len() - expected.len();
    ensure!(stage.dead_letters().await? == lost as u64, "dead letters");
    let origins = stage.origins().await?.into_iter();
    let files = origins.filter(|origin| origin.file().is_some());
    let mut found: Vec<_> = files
        .map(|origin| origin.message.as_str().to_owned())
        .collect();
    let messages = cases.iter().map(|case| case.sent.message.as_str());
    let mut expected: Vec<_> = messages.map(str::to_owned).collect();
    expected.sort();
    found.sort();
    ensure!(found == expected, "rows of {found:?}, not of {expected:?}");
    let cached = stage.log.containing("pipeline.cached-error");
    ensure!(!cached.is_empty(), "an answer out of a cache is not named");
    ensure!(stage.breaches().is_empty(), "{:?}", stage.breaches());
    let (whatsapp, genesys) = (
        stage.standins.whatsapp.options(),
        stage.standins.genesys.options(),
    );
    for secret in [
        &*whatsapp.access_token,
        &genesys.client_secret,
        "hash=AR",
        "Signature=",
        "169.254.169.254/latest",
    ] {
        let lines = stage.log.containing(secret);
        ensure!(lines.is_empty(), "{secret} in the log: {lines:?}");
    }
    stage.stop().await
}
