//! From a webhook to the file being visible for the agent; and from nothing to a system that answers.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use attache_operator::binaries;
use attache_operator::site::{self, SiteOptions};
use serde::Serialize;

use crate::spread::{Spread, milliseconds};
use crate::stack::Stack;
use crate::{Load, picture};

/// The shortest time from one webhook to the next. Files towards Genesys are paced at 150 a minute: sent faster, files
/// would wait for their place, and the pacing would be measured instead of the way.
const APART: Duration = Duration::from_millis(410);

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    #[serde(flatten)]
    load: Load,
    ready: Ready,
    /// The file before the others: it met functions that were not running yet, and if it was quicker than the first
    /// token, it waited two seconds for that.
    first_ms: f64,
    webhook_to_visible: Option<Spread>,
}

/// From nothing to a system whose webhook endpoint has answered a challenge.
#[derive(Debug, Serialize)]
struct Ready {
    /// Asking cargo whether the functions are as their sources.
    build_check_ms: f64,
    /// Starting the engines, and creating what the template declares.
    provision_ms: f64,
    /// The stand-ins, connections and secrets, and intake's first start.
    start_ms: f64,
    total_ms: f64,
}

/// Measures.
///
/// # Errors
/// If the system cannot be started, or a file does not arrive whole.
pub(crate) async fn measure(load: Load) -> Result<Report> {
    let picture = picture::of_size(load.bytes)?;
    let begin = Instant::now();
    let binaries = binaries::build().await?;
    let built = Instant::now();
    let provisioned = site::provision(binaries, SiteOptions::default()).await?;
    let there = Instant::now();
    let mut stack = Stack::start(provisioned).await?;
    let ready = Ready {
        build_check_ms: milliseconds(&(built - begin)),
        provision_ms: milliseconds(&(there - built)),
        start_ms: milliseconds(&there.elapsed()),
        total_ms: milliseconds(&begin.elapsed()),
    };
    let first = stack.relay(&picture).await?.took;
    let mut times = Vec::new();
    for _ in 0..load.files {
        let turn = tokio::time::Instant::now() + APART;
        times.push(stack.relay(&picture).await?.took);
        tokio::time::sleep_until(turn).await;
    }
    stack.run.stop().await?;
    Ok(Report {
        bench: "latency",
        build: crate::build(),
        load,
        ready,
        first_ms: milliseconds(&first),
        webhook_to_visible: Spread::of(&times),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ready {
            build_check_ms,
            provision_ms,
            start_ms,
            total_ms,
        } = self.ready;
        writeln!(f, "{} build, this machine", self.build)?;
        writeln!(
            f,
            "ready               {total_ms:.0} ms: build check {build_check_ms:.0}, engines and resources {provision_ms:.0}, stand-ins and webhook {start_ms:.0}",
        )?;
        writeln!(
            f,
            "first file          {:.0} ms, functions not running yet",
            self.first_ms
        )?;
        let Load { files, bytes } = self.load;
        if let Some(spread) = self.webhook_to_visible {
            writeln!(
                f,
                "webhook to visible  {spread} ({files} files of {bytes} bytes, one after the other)"
            )?;
        }
        Ok(())
    }
}
