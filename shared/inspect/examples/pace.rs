//! What telling a type and looking inside cost, beside libmagic over the same files in the same run.
//!
//! `find DIR -type f | pace [RUNS]`: files that are one line each on standard input, the best of RUNS (3) counted.
//! libmagic is asked through `file`, whose start is measured by itself and taken off; its time per file includes reading
//! the file, and so does that of looking inside. Telling the type is measured from memory.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate itself opens no file, starts nothing and reads no clock; whoever measures it must"
)]

use attache_inspect::{Claim, Findings, Policy, inspect, sniff};
use std::fs::File;
use std::io::{BufRead, Cursor, Error, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() -> std::io::Result<()> {
    let runs: u32 = std::env::args()
        .nth(1)
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(3);
    let files: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let policy = Policy::default();
    let (mut told, mut looked, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for file in &files {
        let bytes = std::fs::read(file)?;
        let claim = Claim {
            declared: None,
            file_name: file.rsplit('/').next(),
        };
        told.push(best(runs, || sniff(&mut Cursor::new(&bytes), &claim), &policy)?.0);
        let (time, findings) = best(runs, || inspect(&mut File::open(file)?, &claim), &policy)?;
        looked.push(time);
        read.push(findings.bytes_read);
    }
    let start = libmagic(&files[..files.len().min(1)])?;
    let all = (0..runs)
        .map(|_| libmagic(&files))
        .collect::<Result<Vec<_>, _>>()?;
    let all = all
        .into_iter()
        .min()
        .unwrap_or_default()
        .saturating_sub(start);
    let per_file = all.as_secs_f64() / files.len().max(1) as f64;
    println!("{} files", files.len());
    println!("libmagic, from file     mean {:8.1} µs", per_file * 1e6);
    print("type and policy, memory", told, per_file);
    print("looking inside, file   ", looked, per_file);
    read.sort_unstable();
    let rank = |percent: usize| {
        read.get((read.len() * percent).div_ceil(100).max(1) - 1)
            .copied()
            .unwrap_or(0)
    };
    println!(
        "bytes read               p50 {} p95 {} max {}",
        rank(50),
        rank(95),
        rank(100)
    );
    Ok(())
}

/// The shortest of some runs, judging included, and what was found.
fn best(
    runs: u32,
    look: impl Fn() -> std::io::Result<Findings>,
    policy: &Policy,
) -> std::io::Result<(Duration, Findings)> {
    let once = || {
        let start = Instant::now();
        let findings = look()?;
        std::hint::black_box(policy.judge(&findings));
        Ok::<_, Error>((start.elapsed(), findings))
    };
    let mut least = once()?;
    for _ in 1..runs {
        let again = once()?;
        if again.0 < least.0 {
            least = again;
        }
    }
    Ok(least)
}

/// How long `file` takes for these files, its start included.
fn libmagic(files: &[String]) -> std::io::Result<Duration> {
    let start = Instant::now();
    let mut child = Command::new("file")
        .args(["--brief", "--mime-type", "--files-from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    if let Some(mut names) = child.stdin.take() {
        names.write_all(files.join("\n").as_bytes())?;
    }
    child.wait()?;
    Ok(start.elapsed())
}

fn print(what: &str, mut times: Vec<Duration>, libmagic: f64) {
    times.sort_unstable();
    let rank = |percent: usize| {
        times
            .get((times.len() * percent).div_ceil(100).max(1) - 1)
            .copied()
            .unwrap_or_default()
            .as_secs_f64()
            * 1e6
    };
    let mean = times.iter().sum::<Duration>().as_secs_f64() / times.len().max(1) as f64;
    println!(
        "{what} mean {:8.1} µs = {:.3} of libmagic, p50 {:.1} µs = {:.3}, p99 {:.1} µs, max {:.1} µs",
        mean * 1e6,
        mean / libmagic,
        rank(50),
        rank(50) / 1e6 / libmagic,
        rank(99),
        rank(100)
    );
}
