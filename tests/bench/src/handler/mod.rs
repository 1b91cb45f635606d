//! What one event costs intake in CPU time, with AWS and the platforms stubbed, beside the same work in Python.
//!
//! The handler is what the function's runtime calls: from the event, read, to the answer, not yet written. What reading and
//! writing cost is shown beside it. Logs are written and go nowhere. Each run is a process of its own; kinds and peers take
//! turns.

pub(crate) mod child;
pub(crate) mod events;

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::bar::{self, Bar, Side, median};
use events::Kind;

/// The peer.
const PEER: &str = include_str!("peer.py");

/// How many events are handled before those that count.
const WARM: u32 = 500;

/// Ours may cost so much of what the peer costs.
const OF_PYTHON: f64 = 1.0 / 40.0;

/// What a process measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Of the handler, in microseconds for each event.
    pub(crate) handler_us: f64,
    /// With reading the event and writing the answer.
    pub(crate) whole_us: f64,
}

impl Cost {
    fn median(costs: &[Self]) -> Option<Self> {
        Some(Self {
            handler_us: median(costs.iter().map(|cost| cost.handler_us))?,
            whole_us: median(costs.iter().map(|cost| cost.whole_us))?,
        })
    }
}

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    events: u32,
    runs: u32,
    lines: Vec<Line>,
    bars: Vec<Bar>,
}

/// One kind of event; medians.
#[derive(Debug, Serialize)]
struct Line {
    kind: &'static str,
    ours: Cost,
    /// `None`: there is no Python here.
    python: Option<Cost>,
}

/// Measures `runs` processes with `events` events of each kind.
///
/// # Errors
/// If an event is not answered as it should be.
pub(crate) fn measure(events: u32, runs: u32) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let peer = folder.path().join("peer.py");
    std::fs::write(&peer, PEER)?;
    let python = has_python();
    let (mut lines, mut bars) = (Vec::new(), Vec::new());
    for (kind, name, bar) in [
        (Kind::New, "new event", 25.0),
        (Kind::Duplicate, "duplicate", 15.0),
        (Kind::Forged, "bad signature", 4.0),
    ] {
        let path = folder.path().join("events.jsonl");
        let all = (0..WARM + events).map(|n| kind.event(n));
        std::fs::write(&path, all.collect::<Result<Vec<_>>>()?.join("\n"))?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            let mut own = Command::new(std::env::current_exe()?);
            ours.push(cost(own.arg("handler-child").arg(&path), kind)?);
            if python {
                theirs.push(cost(Command::new("python3").arg(&peer).arg(&path), kind)?);
            }
        }
        let ours = Cost::median(&ours).context("no runs")?;
        let theirs = Cost::median(&theirs);
        bars.push(Bar::new(name, (ours.handler_us, " us"), Side::AtMost, bar));
        if let Some(theirs) = theirs {
            let ratio = (ours.handler_us / theirs.handler_us, "x");
            let name = format!("{name}, of Python's");
            bars.push(Bar::new(name, ratio, Side::AtMost, OF_PYTHON));
        }
        lines.push(Line {
            kind: name,
            ours,
            python: theirs,
        });
    }
    Ok(Report {
        bench: "handler",
        build: crate::build(),
        events,
        runs,
        lines,
        bars,
    })
}

fn has_python() -> bool {
    let mut command = Command::new("python3");
    let found = command.arg("--version").stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Runs a process over events of this kind; what it writes last to its standard error is what it measured.
fn cost(command: &mut Command, kind: Kind) -> Result<Cost> {
    command.args([WARM.to_string(), kind.status().to_string()]);
    let output = command.stdout(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {said}",
        output.status
    );
    last_line(&said).with_context(|| format!("{command:?} said something else"))
}

fn last_line(said: &str) -> Result<Cost> {
    let last = said.lines().last().context("nothing")?;
    Ok(serde_json::from_str(last)?)
}

/// A process that handles the events of the file at `path`: what `measure` starts.
///
/// # Errors
/// If an event is answered otherwise.
pub(crate) fn run(path: &Path, warm: usize, status: u16) -> Result<()> {
    // As the functions do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(child::run(path, warm, status))
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            handler_us,
            whole_us,
        } = self;
        write!(
            f,
            "{handler_us:>6.1} us, with reading and writing JSON {whole_us:>6.1} us"
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, runs) = (self.events, self.runs);
        writeln!(
            f,
            "{} build, this machine; CPU time per event, {events} events, medians of {runs} runs in turn",
            self.build
        )?;
        for line in &self.lines {
            let kind = line.kind;
            writeln!(f, "{kind:<14} {}", line.ours)?;
            match line.python {
                Some(cost) => writeln!(f, "{:<14} {cost}", "  in Python")?,
                None => writeln!(f, "  there is no python3 to compare with")?,
            }
        }
        bar::write_all(f, &self.bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_the_last_thing_said() {
        let said = "a warning\n{\"handler_us\":3.5,\"whole_us\":4}\n";
        assert_eq!(last_line(said).unwrap().handler_us, 3.5);
        assert!(last_line("a warning\n").is_err());
        assert!(last_line("").is_err());
    }
}
