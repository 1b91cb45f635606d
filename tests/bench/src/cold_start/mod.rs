//! From the start of a process to its first answer: intake as compiled, behind the Lambda Runtime API, with AWS stubbed; a Rust
//! function that does nothing; and the same work in Python.
//!
//! The first event is a customer's picture: verified, its row written, its job sent. The functions take turns.

mod aws;
mod build;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use attache_local::lambda::{Fleet, FleetOptions, FunctionSettings, NoLog};
use serde::Serialize;
use serde_json::Value;

use crate::bar::{self, Bar, Side, median};
use crate::handler::events::Kind;
use crate::python;
use aws::Aws;

/// The peer.
const PEER: &str = include_str!("peer.py");

/// How long a start, and how long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    runs: u32,
    intake_ms: f64,
    empty_ms: f64,
    /// `None`: it was not asked for.
    python_ms: Option<f64>,
    bars: Vec<Bar>,
}

/// One of those that are started.
struct Starter {
    folder: PathBuf,
    binary: &'static str,
    /// How many messages its first event sends.
    messages: u64,
    times: Vec<f64>,
}

/// Measures `runs` starts of each; of the peer in Python only if it is asked for.
///
/// # Errors
/// If something cannot be built or started, or does not answer 200.
pub(crate) async fn measure(runs: u32, with_python: bool) -> Result<Report> {
    let binaries = build::functions().await?;
    let folder = tempfile::tempdir()?;
    let starter = |folder: &Path, binary, messages| Starter {
        folder: folder.to_owned(),
        binary,
        messages,
        times: Vec::new(),
    };
    let mut starters = vec![
        starter(&binaries, "intake", 1),
        starter(&binaries, "attache-bench-empty", 0),
    ];
    if with_python {
        python::peer(&binaries, folder.path(), PEER).await?;
        starters.push(starter(folder.path(), "peer", 1));
    }
    let aws = Aws::start().await?;
    // The first of each finds its files not in memory yet, and is not counted.
    for run in 0..=runs {
        for starter in &mut starters {
            let took = start(starter, &aws).await?;
            if run > 0 {
                starter.times.push(took.as_secs_f64() * 1000.0);
            }
        }
    }
    let mut middles = starters.into_iter().map(|it| median(it.times));
    let mut next = || middles.next().flatten();
    let intake_ms = next().context("no runs")?;
    let empty_ms = next().context("no runs")?;
    Ok(report(runs, intake_ms, empty_ms, next()))
}

/// Starts one process and has it answer one event.
async fn start(starter: &Starter, aws: &Aws) -> Result<Duration> {
    let function = FunctionSettings {
        logical_id: "Function".to_owned(),
        name: "function".to_owned(),
        binary: starter.binary.to_owned(),
        timeout: PATIENCE,
        memory_mb: 512,
        environment: settings(&aws.url),
        concurrency: 1,
    };
    let options = FleetOptions {
        binaries: starter.folder.clone(),
        environment: BTreeMap::from([("AWS_ENDPOINT_URL".to_owned(), aws.url.clone())]),
        log: Arc::new(NoLog),
        init_limit: PATIENCE,
    };
    let fleet = Fleet::new(options, vec![function]);
    let event = Kind::New.event(0)?;
    let began = Instant::now();
    let answer = fleet.invoke("Function", event.into()).await?;
    let took = began.elapsed();
    let answer: Value = serde_json::from_slice(&answer)?;
    ensure!(
        answer["statusCode"] == 200,
        "{} answered {answer}",
        starter.binary
    );
    let messages = aws.take_messages();
    ensure!(
        messages == starter.messages,
        "{} sent {messages} messages",
        starter.binary
    );
    Ok(took)
}

/// What the template gives intake.
fn settings(url: &str) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = [
        ("MEDIA_TABLE", "media"),
        ("CLAIMS_TABLE", "claims"),
        ("CONVERSATIONS_TABLE", "conversations"),
        ("LIMITS_TABLE", "limits"),
        ("TOKENS_TABLE", "tokens"),
        ("MEDIA_BUCKET", "media-bucket"),
        ("DATA_KEY_ID", "key"),
        ("CONNECTIONS_TABLE", "connections"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    settings.insert("FETCH_QUEUE_URL".to_owned(), format!("{url}/0/fetch"));
    settings
}

fn report(runs: u32, intake_ms: f64, empty_ms: f64, python_ms: Option<f64>) -> Report {
    let of = |other: f64| (intake_ms / other, "x");
    let mut bars = vec![Bar::new(
        "of a Rust function that does nothing",
        of(empty_ms),
        Side::AtMost,
        3.0,
    )];
    if let Some(python_ms) = python_ms {
        let name = "of Python with Powertools";
        bars.push(Bar::new(name, of(python_ms), Side::AtMost, 1.0 / 30.0));
    }
    Report {
        bench: "cold-start",
        build: crate::build(),
        runs,
        intake_ms,
        empty_ms,
        python_ms,
        bars,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} build, this machine; from the start of a process to its first answer, medians of {} runs in turn",
            self.build, self.runs
        )?;
        writeln!(f, "intake                 {:>7.1} ms", self.intake_ms)?;
        writeln!(f, "nothing, in Rust       {:>7.1} ms", self.empty_ms)?;
        match self.python_ms {
            Some(python) => writeln!(f, "the same in Python     {python:>7.1} ms")?,
            None => writeln!(f, "the same in Python     not measured: ask with --python")?,
        }
        bar::write_all(f, &self.bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_has_no_bar() {
        for (python, bars) in [(None, 1), (Some(600.0), 2)] {
            let report = report(3, 12.0, 5.0, python);
            assert_eq!(report.bars.len(), bars, "{report}");
            let said = report.to_string().contains("not measured");
            assert_eq!(said, python.is_none(), "{report}");
        }
    }
}
