//! `attache resolve`: a person says what became of messages of which nobody knows whether they were sent.

use anyhow::Result;
use attache_domain::ids::MediaId;
use attache_domain::journey::Stage;
use attache_flow::reopening::{Resolved, Word};
use clap::{ArgGroup, Args};
use serde_json::json;

use crate::chosen::Chosen;
use crate::reopener::Reopener;
use crate::system::asked;

/// Options of `attache resolve`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("word").required(true).args(["sent", "resend"]))]
pub struct Options {
    #[command(flatten)]
    chosen: Chosen,
    /// Its recipient has it: it counts as sent.
    #[arg(long)]
    sent: bool,
    /// It is sent again: its recipient has nothing, or is to have it twice.
    #[arg(long)]
    resend: bool,
}

/// Resolves; `false` if one of the items is not there, or not open.
///
/// # Errors
/// If the system is not found, or AWS refuses; what was resolved until then stays resolved.
pub async fn run(options: &Options) -> Result<bool> {
    let chosen = &options.chosen;
    let system = chosen.target.locate().await?;
    let reopener = Reopener::new(&system)?;
    let word = match options.resend {
        true => Word::Resend,
        false => Word::Sent,
    };
    let mut all = true;
    for id in &chosen.ids {
        let resolved = reopener.reopening().resolve(id, word, &chosen.reason).await;
        let resolved = resolved.map_err(|error| asked("dynamodb:PutItem", error))?;
        all &= matches!(resolved, Resolved::Now(_));
        println!("{}", line(id, resolved, chosen.json));
    }
    Ok(all)
}

fn line(id: &MediaId, resolved: Resolved, as_json: bool) -> String {
    let (outcome, stage) = match resolved {
        Resolved::Now(stage) => ("resolved", Some(stage)),
        Resolved::NotOpen(stage) => ("not open", Some(stage)),
        Resolved::Unknown => ("unknown", None),
    };
    let stage = stage.map(Stage::as_str);
    if as_json {
        return json!({ "media": id.as_str(), "outcome": outcome, "stage": stage }).to_string();
    }
    match stage {
        Some(stage) => format!("{id}  {outcome}  ({stage})"),
        None => format!("{id}  {outcome}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_words() {
        let id: MediaId = "abcdefghijklmnopqrstuvwxyz".parse().unwrap();
        for (resolved, expected) in [
            (Resolved::Now(Stage::Waiting), "resolved  (waiting)"),
            (Resolved::NotOpen(Stage::Read), "not open  (read)"),
            (Resolved::Unknown, "unknown"),
        ] {
            assert_eq!(line(&id, resolved, false), format!("{id}  {expected}"));
        }
        let said = line(&id, Resolved::Now(Stage::Sent), true);
        assert_eq!(
            said,
            r#"{"media":"abcdefghijklmnopqrstuvwxyz","outcome":"resolved","stage":"sent"}"#
        );
    }
}
