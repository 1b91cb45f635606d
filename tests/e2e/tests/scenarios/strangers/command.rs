//! The `attache` binary as a child process with an environment of its own.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use attache_e2e::binaries;
use attache_local::engine::Endpoints;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinHandle;

/// How long it may take until it is up.
const UP: Duration = Duration::from_secs(60);

/// How a person or a service manager stops it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    /// Ctrl-C.
    Int,
    /// A service manager.
    Term,
}

/// A command line yet to be run.
pub(super) struct Command {
    folder: PathBuf,
    arguments: Vec<String>,
    secrets: Vec<(&'static str, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) output: String,
    pub(super) errors: String,
}

/// A run that has said it is up. Killed when dropped.
pub(super) struct Running {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    errors: JoinHandle<String>,
    ready: Value,
}

impl Command {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            arguments: Vec::new(),
            secrets: Vec::new(),
        }
    }

    pub(super) fn args<'a>(&mut self, arguments: impl IntoIterator<Item = &'a str>) {
        self.arguments
            .extend(arguments.into_iter().map(str::to_owned));
    }

    pub(super) fn with_secrets(mut self, secrets: Vec<(&'static str, String)>) -> Self {
        self.secrets = secrets;
        self
    }

    /// Nothing is inherited but where programs are: no `AWS_…`, no home. A cargo is named that does not exist, as on a
    /// machine that has only the binaries.
    async fn spawn(self) -> Result<Child> {
        let mut command =
            tokio::process::Command::new(binaries::folder().await?.join(binaries::OPERATOR));
        command
            .args(self.arguments)
            .current_dir(self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CARGO", "there-is-no-cargo-here")
            .envs(self.secrets)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().context("cannot start the command")
    }

    /// Runs it to its own end.
    pub(super) async fn run(self, within: Duration) -> Result<Ended> {
        let child = self.spawn().await?;
        let ended = tokio::time::timeout(within, child.wait_with_output()).await;
        let ended = ended.with_context(|| format!("it did not end within {within:?}"))??;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ended {
            status: ended.status,
            output: text(ended.stdout),
            errors: text(ended.stderr),
        })
    }

    /// Starts it and waits for the ready line, which must be the first.
    pub(super) async fn start(self) -> Result<Running> {
        let mut child = self.spawn().await?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut stderr = child.stderr.take().context("no standard error")?;
        let errors = tokio::spawn(async move {
            let mut text = Vec::new();
            // What was read before an error is what there is to show.
            let _ = stderr.read_to_end(&mut text).await;
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut output = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(UP, output.next_line())
            .await
            .context("no ready line in time")??;
        let Some(first) = first else {
            bail!("it ended before it was ready: {}", errors.await?);
        };
        let ready: Value =
            serde_json::from_str(&first).with_context(|| format!("no JSON: {first}"))?;
        anyhow::ensure!(ready["ready"] == true, "{ready}");
        Ok(Running {
            child,
            output,
            errors,
            ready,
        })
    }
}

impl Running {
    /// The address of the HTTP API.
    pub(super) fn api(&self) -> Result<&str> {
        self.ready["api"]
            .as_str()
            .context("no api in the ready line")
    }

    /// The addresses of the AWS services.
    pub(super) fn endpoints(&self) -> Result<Endpoints> {
        let of = |service: &str| {
            let address = self.ready["aws"][service].as_str();
            address
                .map(str::to_owned)
                .with_context(|| format!("no {service} in the ready line"))
        };
        Ok(Endpoints {
            s3: of("s3")?,
            sqs: of("sqs")?,
            dynamodb: of("dynamodb")?,
            secrets_manager: of("secretsmanager")?,
            kms: of("kms")?,
        })
    }

    /// Its child processes: the functions.
    pub(super) fn children(&self) -> Result<Vec<u32>> {
        let own = self.child.id().context("it has ended")?;
        let listed = std::process::Command::new("ps")
            .args(["-A", "-o", "pid=,ppid="])
            .output();
        let pairs = match listed {
            Ok(listed) => String::from_utf8_lossy(&listed.stdout).into_owned(),
            Err(_) => parents_from_proc()?,
        };
        let pairs = pairs.lines().filter_map(|line| {
            let (pid, parent) = line.trim().split_once(' ')?;
            Some((pid.parse::<u32>().ok()?, parent.trim().parse::<u32>().ok()?))
        });
        Ok(pairs
            .filter(|(_, parent)| *parent == own)
            .map(|(pid, _)| pid)
            .collect())
    }

    /// Sends the signal and waits for the end.
    pub(super) async fn stop(mut self, signal: Signal, within: Duration) -> Result<Ended> {
        let pid = self.child.id().context("it has ended already")?.to_string();
        let name = match signal {
            Signal::Int => "-INT",
            Signal::Term => "-TERM",
        };
        let sent = kill(name, &pid).context("cannot send a signal")?;
        anyhow::ensure!(sent.success(), "the signal could not be sent");
        let status = tokio::time::timeout(within, self.child.wait()).await;
        let status =
            status.with_context(|| format!("{signal:?} did not end it within {within:?}"))??;
        let mut output = String::new();
        while let Some(line) = self.output.next_line().await? {
            output.push_str(&line);
        }
        Ok(Ended {
            status,
            output,
            errors: self.errors.await?,
        })
    }
}

/// The same as `ps` says, on a Linux without it.
fn parents_from_proc() -> Result<String> {
    let mut pairs = String::new();
    for entry in std::fs::read_dir("/proc").context("neither ps nor /proc")? {
        let Ok(stat) = std::fs::read_to_string(entry?.path().join("stat")) else {
            continue;
        };
        // `pid (name) state ppid …`; the name may hold anything, also brackets.
        let (pid, rest) = stat.split_once(' ').unwrap_or_default();
        let (_, after) = rest.rsplit_once(") ").unwrap_or_default();
        pairs.push_str(&format!(
            "{pid} {}\n",
            after.split(' ').nth(1).unwrap_or_default()
        ));
    }
    Ok(pairs)
}

/// Whether a process of this number is there.
pub(super) fn is_alive(pid: u32) -> bool {
    kill("-0", &pid.to_string()).is_ok_and(|status| status.success())
}

/// The shell's own `kill`: the program of that name is not everywhere.
fn kill(signal: &str, pid: &str) -> std::io::Result<ExitStatus> {
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "kill \"$0\" \"$1\"", signal, pid])
        .stderr(Stdio::null())
        .status()
}
