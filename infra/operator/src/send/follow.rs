//! Looks at the row until the file is where it is to be, and says how far it is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::{Plan, Verdict};
use attache_edge::dynamodb::ItemsTable;
use attache_flow::ports::Items;
use serde_json::json;

use super::Until;
use crate::system::asked;

/// How often the row is looked at.
const LOOK: Duration = Duration::from_millis(400);

/// Follows an item.
pub(super) struct Follower<'a> {
    pub(super) items: &'a ItemsTable,
    pub(super) until: Until,
    pub(super) patience: Duration,
    pub(super) json: bool,
}

impl Follower<'_> {
    /// `false` if it did not come as far as was waited for.
    pub(super) async fn follow(&self, mut item: Item, key: &str) -> Result<bool> {
        let began = Instant::now();
        let mut told = None;
        loop {
            if !self.json && told != Some(item.gate.stage) {
                eprintln!("{}", item.gate.stage.as_str());
                told = Some(item.gate.stage);
            }
            let late = began.elapsed() >= self.patience;
            match end(&item, self.until) {
                None if !late => {}
                None => {
                    let reason = format!(
                        "it is still on its way after {:?}; the same call with --key {key} looks again",
                        self.patience
                    );
                    println!("{}", self.report(&item, Some(&reason)));
                    return Ok(false);
                }
                Some(arrived) => {
                    println!("{}", self.report(&item, reason(&item).as_deref()));
                    return Ok(arrived);
                }
            }
            tokio::time::sleep(LOOK).await;
            let row = Items::load(self.items, &item.id).await;
            let row = row.map_err(|error| asked("dynamodb:GetItem", error))?;
            item = row.with_context(|| format!("item {} is gone", item.id))?;
        }
    }

    fn report(&self, item: &Item, reason: Option<&str>) -> String {
        let (attachment, message) = (attachment(item), item.record.delivered_as.as_deref());
        let state = state(item);
        if self.json {
            let line = json!({
                "media": item.id.as_str(), "attachment": attachment, "message": message,
                "state": state, "reason": reason,
            });
            return line.to_string();
        }
        let rows = [
            ("media", Some(item.id.as_str())),
            ("attachment", attachment),
            ("message", message),
            ("state", Some(state)),
            ("reason", reason),
        ];
        let rows = rows.into_iter().filter_map(|(name, value)| {
            let value = value?;
            Some(format!("{name:<12}{value}"))
        });
        rows.collect::<Vec<_>>().join("\n")
    }
}

/// What the platform calls the file: the id it gave, or the one it was given where it pulls files by their links.
fn attachment(item: &Item) -> Option<&str> {
    let is_out = matches!(
        item.gate.stage,
        Stage::Sent | Stage::Delivered | Stage::Read
    );
    let given = is_out.then_some(item.id.as_str());
    item.record.uploaded.as_deref().or(given)
}

/// Where it is, in a word: a held or quarantined file does not move from its stage.
fn state(item: &Item) -> &'static str {
    match item.gate.verdict {
        verdict @ (Verdict::Held | Verdict::Quarantined) => verdict.as_str(),
        Verdict::Unjudged | Verdict::Clean => item.gate.stage.as_str(),
    }
}

/// Whether it came to an end, and whether that is what was waited for.
fn end(item: &Item, until: Until) -> Option<bool> {
    let stopped = matches!(item.gate.verdict, Verdict::Held | Verdict::Quarantined);
    match item.gate.stage {
        Stage::Sent if until == Until::Sent => Some(true),
        Stage::Sent => None,
        Stage::Delivered | Stage::Read => Some(true),
        stage if stage.is_over() || stopped => Some(false),
        _ => None,
    }
}

/// Why it did not arrive.
fn reason(item: &Item) -> Option<String> {
    if matches!(item.gate.verdict, Verdict::Held | Verdict::Quarantined) {
        let reasons = item.record.reasons.iter();
        let reasons: Vec<&str> = reasons.map(|reason| reason.evidence.as_str()).collect();
        return Some(reasons.join("; "));
    }
    let refused = item.record.plan.as_ref().and_then(Plan::refusal);
    match (&item.record.diagnosis, refused) {
        (Some(diagnosis), _) => Some(format!("{}: {}", diagnosis.code, diagnosis.remedy)),
        (None, Some(refusal)) => Some(format!("{}: {}", refusal.code, refusal.reason)),
        (None, None) => None,
    }
}
