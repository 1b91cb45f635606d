//! The `attache` binary in a folder and with an environment of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use attache_e2e::binaries;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::SECRETS;

/// How long anything may take.
const BOUND: Duration = Duration::from_secs(60);

/// Where the command is run: a folder that is also its folder for temporary files.
pub(super) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) is_success: bool,
    pub(super) output: String,
    pub(super) errors: String,
}

/// A local run that is up. Killed when dropped.
pub(super) struct Running {
    child: Child,
    pub(super) ready: Value,
}

impl Home {
    pub(super) fn new() -> Result<Self> {
        let secrets = SECRETS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self {
            folder: tempfile::tempdir()?,
            variables: secrets.into(),
        })
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        std::fs::write(self.path().join(name), text).context("cannot write a test's file")
    }

    /// Nothing is inherited but where programs are. A cargo is named that does not exist: what is needed was built.
    fn command(&self, program: &Path, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CARGO", "there-is-no-cargo-here")
            .env("TMPDIR", self.path())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs `attache connections …` to its end, and sees that it shows no secret of ours.
    pub(super) async fn connections(&self, arguments: &str) -> Result<Ended> {
        let program = Path::new(env!("CARGO_BIN_EXE_attache"));
        let arguments = format!("connections {arguments}");
        let run = self.command(program, &arguments).output();
        let ended = tokio::time::timeout(BOUND, run).await;
        let ended = ended.with_context(|| format!("`{arguments}` did not end"))??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ended = Ended {
            is_success: ended.status.success(),
            output: text(&ended.stdout),
            errors: text(&ended.stderr),
        };
        for (_, value) in &self.variables {
            let is_secret = value.ends_with("nobody-sees");
            let is_shown = ended.output.contains(value) || ended.errors.contains(value);
            ensure!(
                !(is_secret && is_shown),
                "`{arguments}` shows {value}: {ended:?}"
            );
        }
        Ok(ended)
    }

    /// The same, for one that has to succeed; its standard output.
    pub(super) async fn succeeds(&self, arguments: &str) -> Result<String> {
        let ended = self.connections(arguments).await?;
        ensure!(ended.is_success, "`{arguments}`: {}", ended.errors);
        Ok(ended.output)
    }

    /// The same, for one that prints JSON.
    pub(super) async fn document(&self, arguments: &str) -> Result<Value> {
        let output = self.succeeds(&format!("{arguments} --json")).await?;
        serde_json::from_str(&output).with_context(|| format!("`{arguments}`: {output}"))
    }

    /// The same, for one that has to fail; its standard error.
    pub(super) async fn fails(&self, arguments: &str) -> Result<String> {
        let ended = self.connections(arguments).await?;
        ensure!(
            !ended.is_success,
            "`{arguments}` succeeds: {}",
            ended.output
        );
        Ok(ended.errors)
    }

    /// Starts `attache local`, waits until it is up. What its functions complain of goes into a file.
    pub(super) async fn local(&self, arguments: &str) -> Result<Running> {
        let program = binaries::folder().await?.join(binaries::OPERATOR);
        let mut command = self.command(&program, &format!("local --json {arguments}"));
        let log = self.path().join("local.log");
        let mut child = command.stderr(std::fs::File::create(&log)?).spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(BOUND, lines.next_line()).await??;
        let Some(first) = first else {
            bail!(
                "it ended before it was ready: {}",
                std::fs::read_to_string(&log)?
            )
        };
        Ok(Running {
            child,
            ready: serde_json::from_str(&first)?,
        })
    }
}

impl Running {
    /// Asks it to stop, as a service manager does, and waits for the end.
    pub(super) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().context("it has ended already")?;
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill -TERM \"$0\"", &pid.to_string()]);
        ensure!(
            shell.status().await?.success(),
            "the signal could not be sent"
        );
        let status = tokio::time::timeout(BOUND, self.child.wait()).await??;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }

    /// Kills it.
    pub(super) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("it cannot be killed")
    }
}
