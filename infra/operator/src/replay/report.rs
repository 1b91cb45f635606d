//! What `replay` says: a line for each event and a sum, in words or as one JSON document. Never what a message says.

use std::collections::BTreeMap;

use attache_flow::batch::chain;
use attache_flow::ports::KeptEvent;
use attache_flow::replay::Outcome;
use serde::Serialize;

use crate::system::System;

/// Everything there is to say.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    system: String,
    dry_run: bool,
    events: Vec<Line>,
    /// How many events of each outcome.
    sum: BTreeMap<&'static str, usize>,
}

/// What became of one event, or would.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    endpoint: String,
    at: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Report {
    pub(super) fn new(system: &System, dry_run: bool) -> Self {
        Self {
            system: system.to_string(),
            dry_run,
            events: Vec::new(),
            sum: BTreeMap::new(),
        }
    }

    /// Adds an event; its line in words.
    pub(super) fn add(&mut self, event: &KeptEvent, outcome: &Outcome) -> String {
        let line = Line {
            id: event.id.clone(),
            endpoint: event.endpoint.to_string(),
            at: event.at.to_rfc3339(),
            outcome: outcome.as_str(),
            detail: detail(outcome),
        };
        let note = line.detail.as_ref().map(|detail| format!(" ({detail})"));
        let words = format!(
            "{}  {:<10}  {}{}",
            line.at,
            line.outcome,
            line.id,
            note.unwrap_or_default()
        );
        *self.sum.entry(line.outcome).or_default() += 1;
        self.events.push(line);
        words
    }

    /// The last line.
    pub(super) fn sum(&self) -> String {
        if self.events.is_empty() {
            return format!("{}: nothing to replay", self.system);
        }
        let counts: Vec<String> = self
            .sum
            .iter()
            .map(|(outcome, count)| format!("{count} {outcome}"))
            .collect();
        let dry = if self.dry_run {
            "dry run, nothing was written: "
        } else {
            ""
        };
        format!("{}: {dry}{}", self.system, counts.join(", "))
    }

    /// Whether the world failed for one of them.
    pub(super) fn has_failed(&self) -> bool {
        self.events.iter().any(|line| line.outcome == "failed")
    }
}

fn detail(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Carried => None,
        Outcome::Noted => Some("nothing in it to be carried".to_owned()),
        Outcome::Waiting(because) => Some(because.as_str().to_owned()),
        Outcome::Unreadable(problem) => Some(problem.clone()),
        Outcome::Failed(outage) => Some(chain(outage)),
    }
}
