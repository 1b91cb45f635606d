//! `attache release` and `attache reject`: a person decides about files that are held.

use anyhow::Result;
use attache_domain::ids::MediaId;
use attache_domain::journey::Stage;
use attache_domain::verdict::Verdict;
use attache_edge::clock::SystemClock;
use attache_edge::dynamodb::ItemsTable;
use attache_edge::sqs::Queues;
use attache_flow::decision::{Decided, Decision};
use attache_flow::ports::Queue;
use serde_json::json;

use crate::chosen::Chosen;
use crate::system::asked;

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The file is clean and goes its way.
    Release,
    /// It stays where it is.
    Reject,
}

/// Decides; `false` if one of the files is not there or not held.
///
/// # Errors
/// If the system is not found, or AWS refuses; what was decided until then stays decided.
pub async fn run(chosen: &Chosen, choice: Choice) -> Result<bool> {
    let system = chosen.target.locate().await?;
    let clients = &system.clients;
    let items = ItemsTable::new(clients.dynamodb.clone(), system.output("MediaTableName")?);
    let queue = |queue, output| Ok((queue, system.output(output)?.to_owned()));
    let queues: Result<Vec<_>> = [
        queue(Queue::Media, "MediaQueueUrl"),
        queue(Queue::Convert, "ConvertQueueUrl"),
        queue(Queue::Text, "TextQueueUrl"),
    ]
    .into_iter()
    .collect();
    let (jobs, clock) = (
        Queues::new(clients.sqs.clone(), queues?),
        SystemClock::new(),
    );
    let decision = Decision {
        items: &items,
        jobs: &jobs,
        clock: &clock,
    };
    let mut all = true;
    for id in &chosen.ids {
        let decided = match choice {
            Choice::Release => decision.release(id, &chosen.reason).await,
            Choice::Reject => decision.reject(id, &chosen.reason).await,
        };
        let decided = decided.map_err(|error| asked("dynamodb:PutItem", error))?;
        all &= matches!(decided, Decided::Now(_) | Decided::Before(_));
        println!("{}", line(id, choice, decided, chosen.json));
    }
    Ok(all)
}

fn line(id: &MediaId, choice: Choice, decided: Decided, as_json: bool) -> String {
    let done = match choice {
        Choice::Release => "released",
        Choice::Reject => "rejected",
    };
    let (outcome, stage, verdict) = match decided {
        Decided::Now(stage) => (done.to_owned(), Some(stage), None),
        Decided::Before(stage) => (format!("{done} before"), Some(stage), None),
        Decided::NotHeld(stage, verdict) => ("not held".to_owned(), Some(stage), Some(verdict)),
        Decided::Unknown => ("unknown".to_owned(), None, None),
    };
    let stage = stage.map(Stage::as_str);
    let verdict = verdict.map(Verdict::as_str);
    if as_json {
        let line =
            json!({ "media": id.as_str(), "outcome": outcome, "stage": stage, "verdict": verdict });
        return line.to_string();
    }
    let standing: Vec<&str> = stage.into_iter().chain(verdict).collect();
    match standing.join(", ") {
        none if none.is_empty() => format!("{id}  {outcome}"),
        standing => format!("{id}  {outcome}  ({standing})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn each_outcome_has_its_words() {
        let id: MediaId = "abcdefghijklmnopqrstuvwxyz".parse().unwrap();
        for (decided, expected) in [
            (Decided::Now(Stage::Waiting), "released  (waiting)"),
            (Decided::Before(Stage::Sent), "released before  (sent)"),
            (
                Decided::NotHeld(Stage::Rejected, Verdict::Quarantined),
                "not held  (rejected, quarantined)",
            ),
            (Decided::Unknown, "unknown"),
        ] {
            let said = line(&id, Choice::Release, decided, false);
            assert_eq!(said, format!("{id}  {expected}"));
        }
        let said = line(&id, Choice::Reject, Decided::Unknown, true);
        assert_eq!(
            said,
            r#"{"media":"abcdefghijklmnopqrstuvwxyz","outcome":"unknown","stage":null,"verdict":null}"#
        );
    }
}
