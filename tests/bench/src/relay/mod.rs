//! One file of known length from a host to the store, by the product's way, beside a relay that is nothing but sockets.
//!
//! Each relay is a process of its own that does nothing else; host, store and this command are not counted. The ways take
//! turns, so that what else the machine does strikes all of them.

mod attache;
pub(crate) mod child;
mod raw;

use std::fmt;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bar::{self, Bar, Side, median};
use crate::depot::Depot;
use child::{Task, Took, Way};

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    bytes: u64,
    runs: u32,
    ways: Vec<Middle>,
    bars: Vec<Bar>,
}

/// The middle of a way's runs.
#[derive(Clone, Copy, Debug, Serialize)]
struct Middle {
    way: Way,
    wall_ms: f64,
    cpu_ms: f64,
}

impl Middle {
    fn of(way: Way, runs: &[Took]) -> Option<Self> {
        Some(Self {
            way,
            wall_ms: median(runs.iter().map(|took| took.wall_ms))?,
            cpu_ms: median(runs.iter().map(|took| took.cpu_ms))?,
        })
    }
}

/// Measures `runs` relays of `bytes` bytes by each way, after one into a store that digests what it takes.
///
/// # Errors
/// If a relay fails, or a file arrives changed.
pub(crate) fn measure(bytes: u64, runs: u32) -> Result<Report> {
    let task = |way| Task {
        way,
        bytes,
        chunked: false,
        at_once: 1,
        cold: false,
    };
    let proof = Depot::open(true)?;
    let depot = Depot::open(false)?;
    let mut ways = [Way::Attache, Way::Raw, Way::RawHashed].map(|way| (way, Vec::new()));
    for (way, _) in &ways {
        child::start(&proof, task(*way))?;
    }
    for _ in 0..runs {
        for (way, took) in &mut ways {
            took.push(child::start(&depot, task(*way))?);
        }
    }
    let middles = ways.iter().map(|(way, took)| Middle::of(*way, took));
    let ways: Vec<Middle> = middles.collect::<Option<_>>().context("no runs")?;
    let [ours, raw, hashed] = &ways[..] else {
        anyhow::bail!("three ways were measured");
    };
    let bars = vec![
        Bar::new(
            "throughput, of the raw relay's",
            (raw.wall_ms / ours.wall_ms, "x"),
            Side::AtLeast,
            0.55,
        ),
        Bar::new(
            "CPU time, of raw relay and OpenSSL's hash",
            (ours.cpu_ms / hashed.cpu_ms, "x"),
            Side::AtMost,
            1.6,
        ),
    ];
    Ok(Report {
        bench: "relay",
        build: crate::build(),
        bytes,
        runs,
        ways,
        bars,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, runs) = (self.bytes, self.runs);
        writeln!(
            f,
            "{} build, this machine; {bytes} bytes of known length, medians of {runs} runs in turn",
            self.build
        )?;
        for Middle {
            way,
            wall_ms,
            cpu_ms,
        } in &self.ways
        {
            let name = match way {
                Way::Attache => "Attaché, with SHA-256",
                Way::Raw => "raw sockets, no hash",
                Way::RawHashed => "raw sockets and OpenSSL's hash",
            };
            let rate = bytes as f64 / 1000.0 / wall_ms;
            writeln!(
                f,
                "{name:<32} {wall_ms:>8.1} ms, {rate:>6.0} MB/s, CPU {cpu_ms:>7.1} ms"
            )?;
        }
        bar::write_all(f, &self.bars)
    }
}
