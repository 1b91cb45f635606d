//! The examples of flows branch on what is really sent, and on nothing else.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use attache_domain::journey::Stage;
use attache_domain::verdict::Verdict;
use attache_operator::binaries::root;
use serde_yaml_ng::Value;

/// The names that [`attache_domain::journey::attributes`] gives.
const NAMES: [&str; 5] = [
    "attache_media_id",
    "attache_size",
    "attache_state",
    "attache_type",
    "attache_verdict",
];

/// What a flow may compare with: each value of `attache_state` that a message can carry.
fn states() -> BTreeSet<&'static str> {
    let stages = [Stage::Sent, Stage::Rejected, Stage::Lost, Stage::Failed];
    let verdicts = [Verdict::Held, Verdict::Quarantined];
    let stages = stages.iter().map(|stage| stage.as_str());
    let verdicts = verdicts.iter().map(|verdict| verdict.as_str());
    stages.chain(verdicts).chain(["pending"]).collect()
}

fn flow(name: &str) -> Result<String> {
    let path = root().join("infra/flows").join(name);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Every text in it, keys and values.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Sequence(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            texts(key, found);
            texts(value, found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Tagged(_) => {}
    }
}

#[test]
fn the_architect_flow_reads_what_is_sent() -> Result<()> {
    let flow: Value = serde_yaml_ng::from_str(&flow("architect/route-by-file.yaml")?)?;
    let start = flow["inboundShortMessage"]["startUpRef"].as_str();
    let state = &flow["inboundShortMessage"]["states"][0]["state"];
    let named = state["refId"].as_str().context("no state")?;
    ensure!(start.is_some_and(|start| start.ends_with(&format!("state[{named}]"))));
    let variables = state["variables"].as_sequence().context("no variables")?;
    let declared: BTreeSet<_> = variables
        .iter()
        .filter_map(|it| it["stringVariable"]["name"].as_str())
        .collect();
    let mut all = Vec::new();
    texts(&flow, &mut all);
    let mut compared = BTreeSet::new();
    for text in &all {
        if let Some(name) = text.strip_prefix("context.").or(Some(text))
            && name.starts_with("attache_")
        {
            ensure!(NAMES.contains(&name), "{name} is never sent");
        }
        for (at, _) in text.match_indices("State.") {
            let word = text[at..]
                .split(|c: char| !c.is_alphanumeric() && c != '.')
                .next();
            let word = word.unwrap_or_default();
            ensure!(declared.contains(word), "{word} in {text:?}");
        }
        let quoted = text.split("State.State == \"").skip(1);
        compared.extend(quoted.filter_map(|rest| rest.split('"').next()));
    }
    let mut expected = states();
    // A file that is there goes by its type.
    expected.remove(Stage::Sent.as_str());
    ensure!(compared == expected, "{compared:?}");
    Ok(())
}

#[test]
fn the_snippets_know_the_same_documents_as_the_flow() -> Result<()> {
    let (architect, studio) = (
        flow("architect/route-by-file.yaml")?,
        flow("studio/route-by-file.snippet")?,
    );
    for kind in ["pdf", "msword", "officedocument"] {
        ensure!(architect.contains(&format!("Contains(State.Type, \"{kind}\")")));
        ensure!(studio.contains(&format!("mime.indexof(\"{kind}\") > 0")));
    }
    for name in ["route-by-file", "log-failure"] {
        let text = flow(&format!("studio/{name}.snippet"))?;
        let count = |c| text.matches(c).count();
        ensure!(count('{') == count('}') && count('"') % 2 == 0, "{name}");
    }
    Ok(())
}
