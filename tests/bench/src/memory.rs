//! The memory a relay takes: the most that is resident while a process relays, over what was resident before.
//!
//! Once in a process that has relayed nothing yet, so that code which comes into memory meanwhile counts as well, and once
//! in one that has.

use std::fmt;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bar::{self, Bar, Side, median};
use crate::depot::Depot;
use crate::relay::child::{self, Task, Way};

/// A MiB in KiB.
const MIB: f64 = 1024.0;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    runs: u32,
    lines: Vec<Line>,
    bars: Vec<Bar>,
}

/// One kind of relay.
#[derive(Debug, Serialize)]
struct Line {
    bytes: u64,
    chunked: bool,
    at_once: u32,
    idle_mib: f64,
    cold_mib: f64,
    warm_mib: f64,
    #[serde(skip)]
    bar_mib: f64,
}

/// Measures relays of known length of each of `sizes`, then of the last one that the product takes without its length, and
/// of as many at once.
///
/// # Errors
/// If a relay fails, or a file arrives changed.
pub(crate) fn measure(sizes: &[u64], at_once: u32, runs: u32) -> Result<Report> {
    let depot = Depot::open(false)?;
    let taken = |bytes: &&u64| **bytes <= attache_domain::transfer::LARGEST_BYTES;
    let largest = *sizes
        .iter()
        .filter(taken)
        .max()
        .context("no size that the product takes")?;
    let mut lines = Vec::new();
    for bytes in sizes {
        lines.push(line(&depot, (*bytes, false, 1), 4.0, runs)?);
    }
    lines.push(line(&depot, (largest, true, 1), 10.0, runs)?);
    lines.push(line(&depot, (largest, false, at_once), 40.0, runs)?);
    let bars = lines.iter().map(Line::bar).collect();
    Ok(Report {
        bench: "memory",
        build: crate::build(),
        runs,
        lines,
        bars,
    })
}

fn line(
    depot: &Depot,
    (bytes, chunked, at_once): (u64, bool, u32),
    bar_mib: f64,
    runs: u32,
) -> Result<Line> {
    let more = |cold| -> Result<(f64, f64)> {
        let task = Task {
            way: Way::Attache,
            bytes,
            chunked,
            at_once,
            cold,
        };
        let took: Vec<_> = (0..runs)
            .map(|_| child::start(depot, task))
            .collect::<Result<_>>()?;
        let more = took
            .iter()
            .map(|took| took.peak_kib.saturating_sub(took.idle_kib) as f64 / MIB);
        let idle = took.iter().map(|took| took.idle_kib as f64 / MIB);
        Ok((
            median(more).context("no runs")?,
            median(idle).context("no runs")?,
        ))
    };
    let ((cold_mib, idle_mib), (warm_mib, _)) = (more(true)?, more(false)?);
    Ok(Line {
        bytes,
        chunked,
        at_once,
        idle_mib,
        cold_mib,
        warm_mib,
        bar_mib,
    })
}

impl Line {
    fn name(&self) -> String {
        let length = if self.chunked {
            "unknown length"
        } else {
            "known length"
        };
        match self.at_once {
            1 => format!("{} bytes, {length}", self.bytes),
            n => format!("{} bytes, {length}, {n} at once", self.bytes),
        }
    }

    fn bar(&self) -> Bar {
        let measured = (self.warm_mib, " MiB");
        Bar::new(self.name(), measured, Side::AtMost, self.bar_mib)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} build, this machine; the peak over idle, medians of {} runs",
            self.build, self.runs
        )?;
        for line in &self.lines {
            writeln!(
                f,
                "{:<42} {:>6.2} MiB, {:>6.2} MiB for a process's first one (idle {:.2} MiB)",
                line.name(),
                line.warm_mib,
                line.cold_mib,
                line.idle_mib
            )?;
        }
        bar::write_all(f, &self.bars)
    }
}
