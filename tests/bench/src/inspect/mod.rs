//! What telling a type and looking inside cost, beside libmagic over the same files in the same run; and what bombs cost.
//!
//! Of several runs the shortest counts, ours as theirs: what a file costs, not what else the machine does.

pub(crate) mod accuracy;
pub(crate) mod bombs;
mod files;
mod peer;

use std::fmt;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use attache_inspect::{Claim, Findings, Policy, inspect, sniff};
use serde::Serialize;

use crate::bar::{self, Bar, Side, median};

/// What most files may be read of.
const READ: u64 = 1 << 20;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    files: usize,
    runs: u32,
    memory_us: f64,
    memory_libmagic_us: f64,
    file_median_us: f64,
    file_libmagic_median_us: f64,
    slowest: Vec<Slow>,
    bombs: Vec<bombs::Cost>,
    bars: Vec<Bar>,
}

/// One of the files that took longest.
#[derive(Debug, Serialize)]
struct Slow {
    file: PathBuf,
    milliseconds: f64,
}

/// What one file cost.
struct Cost {
    sniffed: Duration,
    inspected: Duration,
    bytes_read: u64,
}

/// Measures every file below `folder`; without one, the media of the tests and some that are made.
///
/// # Errors
/// If a file cannot be read, libmagic is missing, or a bomb is not recognised.
pub(crate) fn measure(folder: Option<&Path>, runs: u32) -> Result<Report> {
    let made = tempfile::tempdir()?;
    let files = match folder {
        Some(folder) => files::below(folder)?,
        None => [files::below(&files::media())?, files::make(made.path())?].concat(),
    };
    let policy = Policy::default();
    let ours = files
        .iter()
        .map(|file| cost(file, runs, &policy).with_context(|| format!("{file:?}")))
        .collect::<Result<Vec<_>>>()?;
    let theirs = peer::ask(&files, runs)?;
    let bombs = bombs::measure()?;
    let memory_us = mean(ours.iter().map(|one| micro(one.sniffed)));
    let memory_libmagic_us = mean(theirs.iter().map(|one| one.memory_ns as f64 / 1e3));
    let inspected = || ours.iter().map(|one| micro(one.inspected));
    let file_median_us = median(inspected()).context("no files")?;
    let file_libmagic_median_us =
        median(theirs.iter().map(|one| one.file_ns as f64 / 1e3)).context("no files")?;
    let bars = vec![
        Bar::new(
            "type and policy, of libmagic's, memory",
            (memory_us / memory_libmagic_us, "x"),
            Side::AtMost,
            0.2,
        ),
        Bar::new(
            "looking inside, of libmagic's, file",
            (file_median_us / file_libmagic_median_us, "x"),
            Side::AtMost,
            1.5,
        ),
        Bar::new(
            "looking inside, 99th percentile",
            (rank(inspected(), 99) / 1e3, " ms"),
            Side::AtMost,
            50.0,
        ),
        Bar::new(
            "files read up to 1 MiB",
            (share_read(&ours), " %"),
            Side::AtLeast,
            95.0,
        ),
        Bar::new(
            "slowest verdict on a bomb",
            (most(&bombs, |one| one.milliseconds), " ms"),
            Side::AtMost,
            200.0,
        ),
        Bar::new(
            "most memory for a bomb",
            (most(&bombs, |one| one.memory_mib), " MiB"),
            Side::AtMost,
            32.0,
        ),
    ];
    Ok(Report {
        bench: "inspect",
        build: crate::build(),
        files: files.len(),
        runs,
        memory_us,
        memory_libmagic_us,
        file_median_us,
        file_libmagic_median_us,
        slowest: slowest(&files, &ours),
        bombs,
        bars,
    })
}

fn cost(file: &Path, runs: u32, policy: &Policy) -> Result<Cost> {
    let bytes = std::fs::read(file)?;
    let claim = Claim {
        declared: None,
        file_name: file.file_name().and_then(|name| name.to_str()),
    };
    let (sniffed, _) = least(runs, policy, || {
        Ok(sniff(&mut Cursor::new(&bytes), &claim)?)
    })?;
    let (inspected, findings) = least(runs, policy, || {
        Ok(inspect(&mut File::open(file)?, &claim)?)
    })?;
    Ok(Cost {
        sniffed,
        inspected,
        bytes_read: findings.bytes_read,
    })
}

/// The shortest of some runs, judging included, and what was found.
fn least(
    runs: u32,
    policy: &Policy,
    look: impl Fn() -> Result<Findings>,
) -> Result<(Duration, Findings)> {
    let once = || -> Result<_> {
        let start = Instant::now();
        let findings = look()?;
        std::hint::black_box(policy.judge(&findings));
        Ok((start.elapsed(), findings))
    };
    let mut best = once()?;
    for _ in 1..runs {
        let again = once()?;
        if again.0 < best.0 {
            best = again;
        }
    }
    Ok(best)
}

fn micro(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn mean(figures: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = figures.len().max(1) as f64;
    figures.sum::<f64>() / count
}

/// The smallest figure that so many percent of all do not exceed.
fn rank(figures: impl Iterator<Item = f64>, percent: usize) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(at).copied().unwrap_or_default()
}

fn share_read(ours: &[Cost]) -> f64 {
    let within = ours.iter().filter(|one| one.bytes_read <= READ).count();
    100.0 * within as f64 / ours.len().max(1) as f64
}

fn most(bombs: &[bombs::Cost], figure: impl Fn(&bombs::Cost) -> f64) -> f64 {
    bombs.iter().map(figure).fold(0.0, f64::max)
}

fn slowest(files: &[PathBuf], ours: &[Cost]) -> Vec<Slow> {
    let mut all: Vec<_> = files.iter().zip(ours).collect();
    all.sort_by_key(|(_, one)| std::cmp::Reverse(one.inspected));
    all.into_iter()
        .take(3)
        .map(|(file, one)| Slow {
            file: file.clone(),
            milliseconds: micro(one.inspected) / 1e3,
        })
        .collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} files, {} build, the least of {} runs",
            self.files, self.build, self.runs
        )?;
        writeln!(
            f,
            "type and policy, from memory: {:.1} us on average, libmagic {:.1} us",
            self.memory_us, self.memory_libmagic_us
        )?;
        writeln!(
            f,
            "looking inside, from file: {:.1} us at the median, libmagic {:.1} us",
            self.file_median_us, self.file_libmagic_median_us
        )?;
        for Slow { file, milliseconds } in &self.slowest {
            writeln!(f, "  slowest: {milliseconds:.1} ms {}", file.display())?;
        }
        for bomb in &self.bombs {
            let bombs::Cost {
                name,
                milliseconds,
                memory_mib,
            } = bomb;
            writeln!(
                f,
                "  bomb: {name}, {milliseconds:.1} ms, {memory_mib:.1} MiB"
            )?;
        }
        bar::write_all(f, &self.bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_figures_that_were_measured() {
        for (percent, expected) in [(50, 2.0), (95, 3.0), (99, 3.0)] {
            assert_eq!(
                rank([3.0, 1.0, 2.0].into_iter(), percent),
                expected,
                "{percent}"
            );
        }
        assert_eq!(rank(std::iter::empty(), 99), 0.0);
    }
}
