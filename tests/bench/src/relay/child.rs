//! A process that only relays: what the benches of relays start, so that neither end is counted with it.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};

use super::{attache, raw};
use crate::depot::Depot;
use crate::own;

/// The relay before the one that is measured: it opens connections and has the code in memory, as a function's first one
/// does for those after it. Its length, in bytes.
const WARM_BYTES: u64 = 64 * 1024;

/// Who relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// The way of the product: its fetch, its HTTP client, its store over the SDK, with SHA-256.
    Attache,
    /// Two sockets and a buffer.
    Raw,
    /// The same, with SHA-256 by OpenSSL's code.
    RawHashed,
}

/// What is relayed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Task {
    /// Who relays.
    #[arg(long)]
    pub(crate) way: Way,
    /// How long each file is, in bytes.
    #[arg(long)]
    pub(crate) bytes: u64,
    /// The host does not say how long it is.
    #[arg(long)]
    pub(crate) chunked: bool,
    /// How many at the same time.
    #[arg(long, default_value_t = 1)]
    pub(crate) at_once: u32,
    /// Nothing is relayed before.
    #[arg(long)]
    pub(crate) cold: bool,
}

/// What it took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Took {
    /// On the clock.
    pub(crate) wall_ms: f64,
    /// Of the CPU, all threads, user and kernel.
    pub(crate) cpu_ms: f64,
    /// Resident before.
    pub(crate) idle_kib: u64,
    /// The most that was resident meanwhile.
    pub(crate) peak_kib: u64,
}

/// The child's own part: relays, and prints [`Took`] as JSON.
pub(crate) fn run(task: Task, source: SocketAddr, sink: SocketAddr) -> Result<()> {
    let took = match task.way {
        Way::Attache => {
            // As the functions do.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let site = runtime.block_on(attache::Site::new(source))?;
            measured(task, |task| runtime.block_on(site.relay(task)))?
        }
        Way::Raw | Way::RawHashed => measured(task, |task| raw::relay(task, source, sink))?,
    };
    println!("{}", serde_json::to_string(&took)?);
    Ok(())
}

fn measured(task: Task, relay: impl Fn(Task) -> Result<()>) -> Result<Took> {
    if !task.cold {
        relay(Task {
            bytes: WARM_BYTES,
            at_once: 1,
            ..task
        })?;
    }
    let idle_kib = own::resident_kib()?;
    own::forget_peak()?;
    let (began, cpu) = (Instant::now(), ProcessTime::try_now()?);
    relay(task)?;
    Ok(Took {
        wall_ms: began.elapsed().as_secs_f64() * 1000.0,
        cpu_ms: cpu.try_elapsed()?.as_secs_f64() * 1000.0,
        idle_kib,
        peak_kib: own::peak_kib()?,
    })
}

/// Starts such a process and waits for what it took. What arrived is compared with what was to arrive.
///
/// # Errors
/// If the process fails, or the store did not take every file whole.
pub(crate) fn start(depot: &Depot, task: Task) -> Result<Took> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("relay-child");
    command.args(["--source", &depot.source.to_string()]);
    command.args(["--sink", &depot.sink.to_string()]);
    let way = task
        .way
        .to_possible_value()
        .context("a way without a name")?;
    command.args(["--way", way.get_name()]);
    command.args(["--bytes", &task.bytes.to_string()]);
    command.args(["--at-once", &task.at_once.to_string()]);
    command.args(task.chunked.then_some("--chunked"));
    command.args(task.cold.then_some("--cold"));
    command.env_clear().envs([
        (
            "AWS_ENDPOINT_URL_S3",
            format!("https://{}", depot.sink).as_str(),
        ),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "bench"),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
    ]);
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "the relay ended with {}",
        output.status
    );
    arrived(depot, task)?;
    serde_json::from_slice(&output.stdout).context("the relay said something else")
}

fn arrived(depot: &Depot, task: Task) -> Result<()> {
    let mut received = depot.take_received();
    let warm = usize::from(!task.cold);
    let expected = crate::depot::digest(task.bytes);
    ensure!(
        received.len() == warm + task.at_once as usize,
        "{} files arrived, {} were sent",
        received.len(),
        task.at_once
    );
    for file in received.split_off(warm) {
        let said = file.said.is_none_or(|digest| digest == expected);
        let seen = file.seen.is_none_or(|digest| digest == expected);
        ensure!(
            file.bytes == task.bytes && said && seen,
            "a file arrived changed: {file:?}"
        );
    }
    Ok(())
}
