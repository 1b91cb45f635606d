//! `attache inspect`: what files are, judged as `validate` judges them. Offline: it reads the files named and does nothing else.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use attache_domain::connection::{Directory, FilePolicy};
use attache_domain::digest::Hasher;
use attache_flow::judge::{blocked, overlaid};
use attache_inspect::{Claim, Findings, Judgement, Policy, Report, inspect};
use clap::Args;

use crate::connections::Loaded;

/// Options of `attache inspect`.
#[derive(Args, Debug)]
pub struct Options {
    /// The files, as many as you like.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The content type that the sender declares, of all of them: `image/jpeg`, `audio/ogg; codecs=opus`.
    #[arg(long, value_name = "TYPE")]
    declared: Option<String>,
    /// The configuration, for the owner's own policy.
    #[arg(long, value_name = "FILE")]
    connections: Option<PathBuf>,
    /// Prints a JSON document a line, one for each file.
    #[arg(long)]
    json: bool,
}

/// Judges every file, and tells on standard error which could not be read; `false` if there was one.
///
/// # Errors
/// If the configuration is wrong, or standard output cannot be written to.
pub fn run(options: &Options) -> Result<bool> {
    let judge = Offline::of(options.connections.as_deref())?;
    let mut out = io::stdout().lock();
    let mut all_read = true;
    for path in &options.files {
        match describe(path, options, &judge) {
            Ok(text) => writeln!(out, "{text}").context("writing to standard output")?,
            Err(error) => {
                all_read = false;
                eprintln!("attache: {error:#}");
            }
        }
    }
    Ok(all_read)
}

/// What is found in one file, as it is printed.
fn describe(path: &Path, options: &Options, judge: &Offline) -> Result<String> {
    let file = path.display().to_string();
    let mut source = open(path).with_context(|| format!("{file} cannot be read"))?;
    let name = path.file_name().map(|name| name.to_string_lossy());
    let claim = Claim {
        declared: options.declared.as_deref(),
        file_name: name.as_deref(),
    };
    let (findings, judgement) = judge
        .judge(&mut source, &claim)
        .with_context(|| format!("{file} cannot be read"))?;
    let report = Report::new(&file, &claim, &findings, &judgement);
    if options.json {
        return Ok(serde_json::to_string(&report)?);
    }
    let mut text = format!(
        "{file}: {}, {} ({})",
        report.verdict.as_str(),
        findings.kind.label(),
        report.r#type
    );
    for reason in report.reasons {
        let (code, verdict) = (reason.code.as_str(), reason.verdict.as_str());
        text.push_str(&format!("\n  {verdict}  {code}: {}", reason.evidence));
    }
    Ok(text)
}

/// Judges as `validate` does, as far as that goes without asking anybody.
pub(crate) struct Offline {
    policy: Policy,
    own: FilePolicy,
}

impl Offline {
    /// By the standard policy, and what the configuration has instead.
    pub(crate) fn of(connections: Option<&Path>) -> Result<Self> {
        let own = match connections {
            Some(file) => Directory::new(Loaded::read(file, "prod")?.rows)
                .policy()
                .clone(),
            None => FilePolicy::default(),
        };
        let policy = overlaid(&Policy::default(), &own)?.into_owned();
        Ok(Self { policy, own })
    }

    /// What is in a file, and what that means.
    pub(crate) fn judge(
        &self,
        source: &mut File,
        claim: &Claim<'_>,
    ) -> io::Result<(Findings, Judgement)> {
        let mut findings = isolated(|| inspect(source, claim))?;
        if !self.own.blocked.is_empty() {
            source.rewind()?;
            let mut hasher = Hasher::new();
            let mut piece = vec![0; 64 * 1024];
            loop {
                match source.read(&mut piece)? {
                    0 => break,
                    read => hasher.update(&piece[..read]),
                }
            }
            findings
                .hazards
                .extend(blocked(&self.own, &hasher.finish()));
        }
        let judgement = self.policy.judge(&findings);
        Ok((findings, judgement))
    }
}

/// Inspects so that a panic, which would end a call of thousands of files, becomes what is said of this one.
fn isolated(inspect: impl FnOnce() -> io::Result<Findings>) -> io::Result<Findings> {
    catch_unwind(AssertUnwindSafe(inspect)).unwrap_or_else(|_| {
        Ok(Findings::not_judged(
            "inspecting it panicked: this is a fault of Attaché's",
        ))
    })
}

/// Opens a regular file. A pipe or a device would be waited for without an end.
pub(crate) fn open(path: &Path) -> Result<File> {
    let about = std::fs::metadata(path)?;
    ensure!(!about.is_dir(), "it is a folder");
    ensure!(about.is_file(), "it is no regular file");
    Ok(File::open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use attache_inspect::{HazardKind, Verdict};

    #[test]
    fn a_panic_is_a_finding_about_one_file() {
        let findings = isolated(|| panic!("on purpose")).unwrap();
        assert!(findings.has(HazardKind::NotJudged));
        assert_eq!(Policy::default().judge(&findings).verdict, Verdict::Held);
        let unread = isolated(|| Err(io::ErrorKind::NotFound.into()));
        assert_eq!(unread.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
