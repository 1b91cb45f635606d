//! libmagic beside us: the same files in the same run, asked through a Python process that loads it once.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

const PEER: &str = include_str!("peer.py");

/// What libmagic says of one file, and the least time it took for it.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    pub(super) mime: String,
    pub(super) memory_ns: u64,
    pub(super) file_ns: u64,
}

/// Asks about every file, `runs` times each.
///
/// # Errors
/// If there is no Python or no libmagic; the error says what to install.
pub(super) fn ask(files: &[PathBuf], runs: u32) -> Result<Vec<Said>> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("peer.py");
    std::fs::write(&script, PEER)?;
    let mut child = Command::new("python3")
        .arg(&script)
        .arg(runs.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("no python3 to load libmagic with; on Debian: apt-get install python3")?;
    let mut names = Vec::new();
    for file in files {
        let name = file.to_str().context("a file name that is no UTF-8")?;
        ensure!(!name.contains('\n'), "a file name with a line end");
        writeln!(names, "{name}")?;
    }
    let mut input = child.stdin.take().context("no pipe to the peer")?;
    // The answers are read meanwhile: neither side may wait for the other.
    let writer = std::thread::spawn(move || input.write_all(&names));
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "libmagic could not be asked: see above"
    );
    writer
        .join()
        .map_err(|_| anyhow::anyhow!("the writer to the peer panicked"))??;
    let said: Vec<Said> = String::from_utf8(output.stdout)?
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect::<Result<_>>()?;
    ensure!(said.len() == files.len(), "libmagic left files out");
    Ok(said)
}
