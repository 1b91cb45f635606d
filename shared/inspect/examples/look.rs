//! Inspects files under the standard policy and prints a JSON line for each, in the shape of `attache inspect --json`.
//!
//! `look [--time N] FILE…`, or paths one a line on standard input where none is named. With `--time` every line also
//! carries the best of N runs from memory in microseconds, and the bytes that were read.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate itself opens no file and reads no clock; whoever measures it must"
)]

use attache_inspect::{Claim, Policy, Report, inspect};
use std::io::{BufRead, Cursor, Write};
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs = match arguments.iter().position(|one| one == "--time") {
        Some(at) if at + 1 < arguments.len() => {
            arguments.remove(at);
            arguments.remove(at).parse().unwrap_or(1)
        }
        _ => 0_u32,
    };
    let policy = Policy::default();
    let mut out = std::io::stdout().lock();
    let piped = std::io::stdin().lock().lines().map_while(Result::ok);
    let files: Box<dyn Iterator<Item = String>> = if arguments.is_empty() {
        Box::new(piped)
    } else {
        Box::new(arguments.into_iter())
    };
    for file in files {
        let Ok(mut source) = std::fs::File::open(&file) else {
            continue;
        };
        let claim = Claim {
            declared: None,
            file_name: file.rsplit('/').next(),
        };
        let findings = inspect(&mut source, &claim)?;
        let judgement = policy.judge(&findings);
        let mut line = serde_json::to_value(Report::new(&file, &claim, &findings, &judgement))?;
        if runs > 0 {
            let bytes = std::fs::read(&file)?;
            let once = || {
                let start = Instant::now();
                let findings = inspect(&mut Cursor::new(&bytes), &claim);
                let judgement = findings.map(|findings| policy.judge(&findings));
                std::hint::black_box(judgement).map(|_| start.elapsed().as_secs_f64() * 1e6)
            };
            let mut best = f64::MAX;
            for _ in 0..runs {
                best = best.min(once()?);
            }
            line["microseconds"] = best.round().into();
            line["bytes_read"] = findings.bytes_read.into();
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}
