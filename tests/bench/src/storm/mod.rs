//! Storms in virtual time: many files at once for a number that takes a hundred a second. `upload` as it is over the in-memory twins
//! of its services, its processes and queues as the template has them, and a platform that refuses what comes too fast; beside it, in
//! the same run, peers without shared pacing. Nothing depends on this machine: the same seed gives the same figures.

mod limiter;
mod peers;
mod platform;
mod system;
mod tenant;

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bar::{Bar, Side, write_all};
use limiter::LOCK_REFUSALS;
use peers::Retry;
use system::{Case, Outcome};
use tenant::RATE;

/// When the limit is halved, in the case of that.
const HALVED_AFTER: Duration = Duration::from_secs(3);

/// For how long the quiet tenant sends a file each half second.
const QUIET_FILES: usize = 120;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    seeds: u64,
    uploads: usize,
    lines: Vec<Line>,
    bars: Vec<Bar>,
}

/// One way to deliver, over all seeds: the worst of each figure.
#[derive(Debug, Serialize)]
struct Line {
    what: String,
    seconds: f64,
    ideal_seconds: f64,
    calls_per_upload: f64,
    lost: usize,
    refused_in_10_s: usize,
    locks: usize,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Size {
    pub(crate) seeds: u64,
    pub(crate) uploads: usize,
    pub(crate) queued: Vec<usize>,
}

/// Measures.
///
/// # Errors
/// If the functions fail, which nothing here makes them.
pub(crate) fn measure(size: &Size) -> Result<Report> {
    let mut bars = Vec::new();
    let mut lines = Vec::new();
    let lone = system(size, 1, None, "1 alone")?;
    let at_once = system(size, size.uploads, None, "attache")?;
    let halved = system(
        size,
        size.uploads,
        Some(HALVED_AFTER),
        "attache, limit halved",
    )?;
    for (line, most_time, most_calls) in [(&at_once, 1.15, 1.05), (&halved, 1.20, 1.3)] {
        bars.extend(line.bars(&lone, (most_time, most_calls)));
    }
    for queued in &size.queued {
        let line = system(size, *queued, None, &format!("{queued} queued"))?;
        let what = format!("{}: time over ideal", line.what);
        bars.push(Bar::new(what, (line.over(&lone), "x"), Side::AtMost, 1.15));
        lines.push(line);
    }
    bars.push(quiet(size)?);
    for (what, retry) in [
        ("the documents' four tries", Retry::FourTries),
        ("full jitter, unpaced", Retry::FullJitter),
    ] {
        lines.push(peer(size, (retry, false), what)?);
        lines.push(peer(size, (retry, true), &format!("{what}, lock"))?);
    }
    lines.splice(0..0, [at_once, halved]);
    Ok(Report {
        bench: "storm",
        seeds: size.seeds,
        uploads: size.uploads,
        lines,
        bars,
    })
}

fn system(size: &Size, queued: usize, halves_after: Option<Duration>, what: &str) -> Result<Line> {
    let mut line = Line::new(what, queued, halves_after);
    for seed in 0..size.seeds {
        let outcome = system::play(&Case {
            seed,
            queued,
            halves_after,
            quiet: 0,
        })?;
        let Outcome {
            makespan,
            counted,
            lost,
            ..
        } = outcome;
        line.take(queued, (makespan, counted, lost));
    }
    Ok(line)
}

fn peer(size: &Size, retry: (Retry, bool), what: &str) -> Result<Line> {
    let mut line = Line::new(what, size.uploads, None);
    for seed in 0..size.seeds {
        let outcome = peers::play(seed, size.uploads, retry)?;
        let figures = (outcome.makespan, outcome.counted, outcome.lost);
        line.take(size.uploads, figures);
    }
    Ok(line)
}

/// The quiet tenant's 99th percentile beside a storm, over alone.
fn quiet(size: &Size) -> Result<Bar> {
    let storming = size.queued.iter().copied().max().unwrap_or(size.uploads);
    let mut p99 = Vec::new();
    for queued in [0, storming] {
        let mut all = Vec::new();
        for seed in 0..size.seeds {
            let outcome = system::play(&Case {
                seed,
                queued,
                halves_after: Some(HALVED_AFTER),
                quiet: QUIET_FILES,
            })?;
            all.extend(outcome.quiet);
        }
        all.sort_unstable();
        let last = all.len() * 99 / 100;
        p99.push(
            all.get(last)
                .context("the quiet tenant sent nothing")?
                .as_secs_f64(),
        );
    }
    let [alone, beside] = p99[..] else {
        anyhow::bail!("two figures");
    };
    let what = format!("quiet p99 beside {storming}, over {:.0} ms", alone * 1000.0);
    Ok(Bar::new(what, (beside / alone, "x"), Side::AtMost, 1.10))
}

/// How long a platform that takes [`RATE`] at once and then in each second, from `halves_after` on half of that, needs for so many.
fn ideal(uploads: usize, halves_after: Option<Duration>) -> f64 {
    let (uploads, rate) = (uploads as f64, f64::from(RATE));
    let halves = halves_after.map_or(f64::INFINITY, |after| after.as_secs_f64());
    let full = (uploads - rate).max(0.0) / rate;
    if full <= halves {
        return full;
    }
    halves + (full - halves) * 2.0
}

impl Line {
    fn new(what: &str, uploads: usize, halves_after: Option<Duration>) -> Self {
        Self {
            what: what.to_owned(),
            seconds: 0.0,
            ideal_seconds: ideal(uploads, halves_after),
            calls_per_upload: 0.0,
            lost: 0,
            refused_in_10_s: 0,
            locks: 0,
        }
    }

    fn take(
        &mut self,
        uploads: usize,
        (makespan, counted, lost): (Duration, limiter::Counted, usize),
    ) {
        let calls = counted.calls as f64 / uploads.max(1) as f64;
        self.seconds = self.seconds.max(makespan.as_secs_f64());
        self.calls_per_upload = self.calls_per_upload.max(calls);
        self.lost = self.lost.max(lost);
        self.refused_in_10_s = self.refused_in_10_s.max(counted.most_refused);
        self.locks += counted.locks;
    }

    /// The time over the ideal, which has the time that one alone takes besides what the limit asks for.
    fn over(&self, lone: &Self) -> f64 {
        self.seconds / (self.ideal_seconds + lone.seconds)
    }

    fn bars(&self, lone: &Self, (most_time, most_calls): (f64, f64)) -> [Bar; 4] {
        let Self { what, .. } = self;
        let most_refused = LOCK_REFUSALS - 1;
        [
            Bar::new(
                format!("{what}: time over ideal"),
                (self.over(lone), "x"),
                Side::AtMost,
                most_time,
            ),
            Bar::new(
                format!("{what}: calls per upload"),
                (self.calls_per_upload, ""),
                Side::AtMost,
                most_calls,
            ),
            Bar::new(
                format!("{what}: lost"),
                (self.lost as f64, ""),
                Side::AtMost,
                0.0,
            ),
            Bar::new(
                format!("{what}: refused in 10 s"),
                (self.refused_in_10_s as f64, ""),
                Side::AtMost,
                most_refused as f64,
            ),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, uploads, .. } = self;
        writeln!(
            f,
            "{uploads} uploads at once against {RATE}/s (burst {RATE}), virtual time, the worst of {seeds} seeds"
        )?;
        for line in &self.lines {
            let Line {
                what,
                seconds,
                ideal_seconds,
                calls_per_upload,
                lost,
                refused_in_10_s,
                locks,
            } = line;
            writeln!(
                f,
                "  {what:<32} {seconds:>7.2} s (limit alone {ideal_seconds:>6.2} s) {calls_per_upload:>5.2} calls each, {lost:>3} lost, {refused_in_10_s:>4} refused in 10 s, {locks} locks"
            )?;
        }
        write_all(f, &self.bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ideal_is_what_the_limit_allows() {
        let three = Some(Duration::from_secs(3));
        for (uploads, halves, expected) in [
            (1, None, 0.0),
            (100, None, 0.0),
            (1000, None, 9.0),
            (1000, three, 15.0),
            (400, three, 3.0),
        ] {
            assert!(
                (ideal(uploads, halves) - expected).abs() < 1e-9,
                "{uploads}"
            );
        }
    }
}
