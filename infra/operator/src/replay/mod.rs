//! `attache replay`: takes in what was kept because nobody had configured the number it was sent to, or its route.

mod report;
mod worker;

use anyhow::{Result, ensure};
use attache_domain::ids::EndpointId;
use attache_domain::time::Timestamp;
use attache_edge::clock::SystemClock;
use attache_edge::dynamodb::ClaimsTable;
use attache_flow::ports::{Clock, Directories, Wanted};
use attache_flow::replay::pending;
use clap::Args;

use crate::moment::moment;
use crate::system::{Target, asked};
use report::Report;
use worker::Worker;

/// Options of `attache replay`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// Only what came to this endpoint.
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Only what came then or later: a day (2026-01-15, from midnight UTC) or RFC 3339 (2026-01-15T13:41:24Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what came before; as for --since.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Shows what would become of each event, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Why it is done; written down with each event that is taken in.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

/// Replays; `false` if an event could not be taken in because the world failed.
///
/// # Errors
/// If the system is not found, or AWS refuses to show what is kept.
pub async fn run(options: &Options) -> Result<bool> {
    let system = options.target.locate().await?;
    let clock = SystemClock::new();
    let wanted = options.wanted(clock.now())?;
    let claims = ClaimsTable::new(
        system.clients.dynamodb.clone(),
        system.output("ClaimsTableName")?,
    );
    let events = pending(&claims, &wanted).await;
    let events = events.map_err(|error| asked("dynamodb:Scan", error))?;
    let directory = system.directories()?.newest().await;
    let directory = directory.map_err(|error| asked("dynamodb:Scan", error))?;
    let worker = Worker::new(&system, claims, clock)?;
    let replay = worker.replay(&directory);
    let mut report = Report::new(&system, options.dry_run);
    for event in &events {
        let outcome = if options.dry_run {
            replay.foresee(event)
        } else {
            replay.replay(event, options.reason.as_deref()).await
        };
        let line = report.add(event, &outcome);
        if !options.json {
            println!("{line}");
        }
    }
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{}", report.sum());
    }
    Ok(!report.has_failed())
}

impl Options {
    fn wanted(&self, now: Timestamp) -> Result<Wanted> {
        let since = self.since.unwrap_or_default();
        let until = self.until.unwrap_or(Timestamp::from_millis(u64::MAX));
        ensure!(
            since < until,
            "--since {since} is not before --until {until}; expected a span of time"
        );
        Ok(Wanted {
            endpoint: self.endpoint.as_deref().map(EndpointId::new),
            since,
            until,
            now,
        })
    }
}
