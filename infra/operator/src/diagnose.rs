//! `attache diagnose`: which rule a recorded answer falls under, judged as the functions judge it. Offline: it reads the files
//! named and does nothing else.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use attache_domain::channels::Objection;
use attache_domain::diagnosis::{Disposition, Failure, Platform, Recorded, Step, rules};
use attache_domain::time::Timestamp;
use attache_edge::clock::SystemClock;
use attache_flow::ports::Clock;
use clap::Args;
use serde_json::json;

/// The largest file that is read: answers are short.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Options of `attache diagnose`.
#[derive(Args, Debug)]
pub struct Options {
    /// The files; `-` is standard input. Each holds one answer as HTTP has it (status line, headers, empty line, body), or the
    /// text of an error, or JSON, one object after another, with `status`, `headers` and `body`, with `report`, or with `lost`.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Whose answer it should be, where the record does not say: whatsapp, messenger, instagram, genesys, cxone, or
    /// transfer for a host that gives files.
    #[arg(long, value_parser = platform)]
    platform: Option<Platform>,
    /// What was being done, where the record does not say: token, look-up, download, upload, upload-status, send,
    /// webhook or register.
    #[arg(long, value_parser = step)]
    step: Option<Step>,
    /// Prints a JSON document a line, one for each record.
    #[arg(long)]
    json: bool,
}

fn platform(name: &str) -> Result<Platform, String> {
    let names = || Platform::ALL.map(Platform::as_str).join(", ");
    Platform::named(name).ok_or_else(|| format!("one of {}", names()))
}

fn step(name: &str) -> Result<Step, String> {
    let names = || Step::ALL.map(Step::as_str).join(", ");
    Step::named(name).ok_or_else(|| format!("one of {}", names()))
}

/// Judges every record, and tells on standard error which file could not be read; `false` if there was one.
///
/// # Errors
/// If standard output cannot be written to.
pub fn run(options: &Options) -> Result<bool> {
    let now = SystemClock::new().now();
    let mut out = io::stdout().lock();
    let mut all_read = true;
    for path in &options.files {
        match describe(path, options, now) {
            Ok(text) => write!(out, "{text}").context("writing to standard output")?,
            Err(error) => {
                all_read = false;
                eprintln!("attache: {}: {error:#}", path.display());
            }
        }
    }
    Ok(all_read)
}

fn describe(path: &Path, options: &Options, now: Timestamp) -> Result<String> {
    let text = read(path)?;
    let records = Recorded::read(&text, options.platform, options.step)?;
    let describe = |record: &Recorded| {
        let failure = record.judge(now);
        match options.json {
            true => format!("{}\n", in_json(&failure)),
            false => in_words(&failure),
        }
    };
    Ok(records.iter().map(describe).collect())
}

fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(fs::File::open(path).context("it cannot be read")?),
    };
    let limited = source.take(LARGEST + 1).read_to_end(&mut bytes);
    limited.context("it cannot be read")?;
    if bytes.len() as u64 > LARGEST {
        bail!("it has more than {LARGEST} bytes");
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn follows(disposition: Disposition) -> String {
    let seconds = |wait: std::time::Duration| wait.as_secs();
    match disposition {
        Disposition::Rejected => "given up".to_owned(),
        Disposition::Throttled {
            retry_after: Some(wait),
        }
        | Disposition::Down {
            retry_after: Some(wait),
        } => format!("again after {} s at the least", seconds(wait)),
        Disposition::Throttled { retry_after: None } | Disposition::Down { retry_after: None } => {
            "waits, then again".to_owned()
        }
        Disposition::Unauthorised => "again with a newer token".to_owned(),
        Disposition::Unavailable => "again".to_owned(),
        Disposition::Deferred { wait } => format!("once more after {} s", seconds(wait)),
        Disposition::Unknown => "outcome open".to_owned(),
        Disposition::Unfit(Objection::TooLarge) => "planned anew, smaller".to_owned(),
        Disposition::Unfit(Objection::Unsupported) => "planned anew, in another form".to_owned(),
    }
}

fn in_words(failure: &Failure) -> String {
    let it = &failure.diagnosis;
    let source = rules::by_id(&it.rule).map_or("", |rule| rule.source);
    format!(
        "rule      {} ({})\ncode      {}\nwhose     {}, {}\nfollows   {}\nevidence  {}\ndo        {}\n\n",
        it.rule,
        source,
        it.code,
        it.domain.as_str(),
        it.confidence.as_str(),
        follows(failure.disposition),
        it.evidence,
        it.remedy
    )
}

fn in_json(failure: &Failure) -> serde_json::Value {
    let it = &failure.diagnosis;
    json!({
        "rule": it.rule,
        "code": it.code,
        "domain": it.domain.as_str(),
        "confidence": it.confidence.as_str(),
        "follows": follows(failure.disposition),
        "evidence": it.evidence,
        "remedy": it.remedy,
    })
}
