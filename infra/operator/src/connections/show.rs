//! `attache connections show`: what a system holds, and what is to be pasted where.

use anyhow::Result;
use attache_domain::connection::Row;
use attache_flow::judge::overlaid;
use attache_inspect::Policy;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::paste::Paste;
use super::secrets::Vault;
use crate::system::{System, Target, asked};

/// Keys that every document has, or that are shown in a place of their own.
const SHOWN_ELSEWHERE: [&str; 7] = [
    "row",
    "id",
    "profile",
    "secrets",
    "verify_token",
    "from",
    "to",
];

/// Options of `attache connections show`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// Shows the verify tokens and signature secrets that have to be pasted.
    #[arg(long)]
    reveal: bool,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

/// Everything a system holds.
#[derive(Debug, Serialize)]
struct Shown {
    system: String,
    stage: String,
    taken_up_within_seconds: u64,
    paste: Vec<Paste>,
    endpoints: Vec<Value>,
    connections: Vec<Value>,
    routes: Vec<Value>,
    /// The owner's policy for files, and the flags that it lets through and the standard one would quarantine.
    policy: Option<Value>,
    let_through: Vec<String>,
    /// Keys of documents that are no rows of this version's: functions that read them stop.
    unreadable: Vec<String>,
}

/// Shows it.
///
/// # Errors
/// If the system is not found, or its table or secrets cannot be read.
pub async fn run(options: &Options) -> Result<()> {
    let system = options.target.locate().await?;
    let shown = Shown::of(&system, options.reveal).await?;
    if options.json {
        println!("{}", serde_json::to_string(&shown)?);
    } else {
        let reveal = reveal_command(&system);
        print!("{}", shown.lines(&reveal));
    }
    Ok(())
}

/// The command that shows what is to be pasted, secrets included.
pub(crate) fn reveal_command(system: &System) -> String {
    format!("attache connections show {} --reveal", system.options())
}

impl Shown {
    async fn of(system: &System, reveal: bool) -> Result<Self> {
        let documents = system.connections()?.documents().await;
        let documents = documents.map_err(|error| asked("dynamodb:Scan", error))?;
        let vault = Vault::new(system.clients.secrets_manager.clone());
        let mut shown = Self {
            system: system.to_string(),
            stage: system.stage.clone(),
            taken_up_within_seconds: system.connections_max_age_seconds,
            paste: Vec::new(),
            endpoints: Vec::new(),
            connections: Vec::new(),
            routes: Vec::new(),
            policy: None,
            let_through: Vec::new(),
            unreadable: Vec::new(),
        };
        for (id, doc) in documents {
            let Ok(row) = serde_json::from_str::<Row>(&doc) else {
                shown.unreadable.push(id);
                continue;
            };
            let list = match row {
                Row::Endpoint(endpoint) => {
                    let mut paste = Paste::of(&endpoint, system)?;
                    paste.look_up(&vault, reveal).await?;
                    shown.paste.push(paste);
                    &mut shown.endpoints
                }
                Row::Connection(_) => &mut shown.connections,
                Row::Route(_) => &mut shown.routes,
                Row::Policy(policy) => {
                    shown.let_through = overlaid(&Policy::default(), &policy)?.let_through();
                    shown.policy = Some(serde_json::from_str(&doc)?);
                    continue;
                }
            };
            // The document rather than the row: it has every key.
            list.push(serde_json::from_str(&doc)?);
        }
        Ok(shown)
    }

    fn lines(&self, reveal: &str) -> String {
        let mut text = format!("{}, stage {}\n", self.system, self.stage);
        text.push_str("\nendpoints, and what to paste where\n");
        for (paste, doc) in self.paste.iter().zip(&self.endpoints) {
            text.push_str(&paste.lines(reveal));
            text.push_str(&details(doc));
        }
        text.push_str("\nconnections\n");
        for doc in &self.connections {
            text.push_str(&format!(
                "  {} ({})\n",
                plain(&doc["id"]),
                plain(&doc["profile"])
            ));
            text.push_str(&details(doc));
        }
        text.push_str("\nroutes\n");
        for doc in &self.routes {
            let to = match &doc["to"] {
                Value::Null => "nowhere: stored, judged and kept".to_owned(),
                to => plain(to),
            };
            text.push_str(&format!("  {} → {to}\n", plain(&doc["from"])));
            text.push_str(&details(doc));
        }
        if let Some(doc) = &self.policy {
            text.push_str("\npolicy\n");
            text.push_str(&details(doc));
        }
        text.push_str(&let_through_lines(&self.let_through));
        for id in &self.unreadable {
            text.push_str(&format!(
                "\n{id} is no row of this version's; functions that read it stop. Apply a file that has it, or --prune it.\n"
            ));
        }
        text
    }
}

/// A warning for each flag that the owner lets through.
pub(super) fn let_through_lines(flags: &[String]) -> String {
    let line =
        |flag| format!("  {flag} is \"clean\": what has it is delivered, as somebody wants it\n");
    flags.iter().map(line).collect()
}

/// The keys of a document that have no place of their own, one a line.
fn details(doc: &Value) -> String {
    let keys = doc.as_object().into_iter().flatten();
    keys.filter(|(key, value)| !SHOWN_ELSEWHERE.contains(&key.as_str()) && **value != Value::Null)
        .map(|(key, value)| format!("    {key:<16}  {}\n", plain(value)))
        .collect()
}

/// Text without its quotes, lists without their brackets, everything else as JSON has it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_key_is_shown_once_also_unknown_ones() {
        let doc = json!({"row": "connection", "id": "x", "profile": "whatsapp", "local": false, "endpoint": "in",
            "media_hosts": ["a", "b"], "nothing": null, "shadow": "other"});
        assert_eq!(
            details(&doc),
            "    endpoint          in\n    local             false\n    media_hosts       a, b\n    shadow            other\n"
        );
    }

    #[test]
    fn an_empty_system_shows_its_headings() {
        let shown = Shown {
            system: "stack attache in eu-central-1".to_owned(),
            stage: "prod".to_owned(),
            taken_up_within_seconds: 60,
            paste: Vec::new(),
            endpoints: Vec::new(),
            connections: Vec::new(),
            routes: vec![json!({"row": "route", "from": "a", "to": null})],
            policy: Some(json!({"row": "policy", "delete_now": true})),
            let_through: vec!["hazards.macro".to_owned()],
            unreadable: vec!["route/x".to_owned()],
        };
        let text = shown.lines("show --reveal");
        assert!(
            text.starts_with("stack attache in eu-central-1, stage prod\n"),
            "{text}"
        );
        assert!(
            text.contains("  a → nowhere: stored, judged and kept\n"),
            "{text}"
        );
        assert!(
            text.contains("policy\n    delete_now        true\n  hazards.macro is \"clean\": what has it is delivered"),
            "{text}"
        );
        assert!(
            text.contains("route/x is no row of this version's"),
            "{text}"
        );
    }
}
