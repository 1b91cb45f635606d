//! Queues: what fails goes to dead letters, and nothing comes back while it is worked on.

use attache_local::Clients;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::is_denied;
use crate::doctor::notebook::Notebook;
use crate::doctor::rule::Rule;
use crate::system::System;

/// The queues that jobs wait in, by the template's outputs, with the longest that a message's function may take, in seconds. A
/// test compares it with the template.
const QUEUES: [(&str, u64); 8] = [
    ("FetchQueueUrl", 900),
    ("JudgeQueueUrl", 120),
    ("MediaQueueUrl", 180),
    ("MediaRetryQueueUrl", 180),
    ("TextQueueUrl", 60),
    ("ConvertQueueUrl", 120),
    ("ForwardQueueUrl", 60),
    ("RefreshQueueUrl", 60),
];

/// A message stays hidden for so many times its function's time limit (Lambda's recommendation).
const TIMES: u64 = 6;

/// Asks every queue.
pub(super) async fn check(system: &System, notes: &mut Notebook) {
    for (output, limit_seconds) in QUEUES {
        let name = output.trim_end_matches("Url");
        match system.output(output) {
            Ok(url) => queue(&system.clients, (name, url), limit_seconds, notes).await,
            Err(error) => notes.find(Rule::ResourceMissing, name, format!("{error:#}")),
        }
    }
}

async fn queue(
    clients: &Clients,
    (name, url): (&str, &str),
    limit_seconds: u64,
    notes: &mut Notebook,
) {
    let asked = clients.sqs.get_queue_attributes().queue_url(url);
    let asked = asked
        .attribute_names(QueueAttributeName::RedrivePolicy)
        .attribute_names(QueueAttributeName::VisibilityTimeout);
    let attributes = match asked.send().await {
        Ok(answer) => answer.attributes.unwrap_or_default(),
        Err(error) => {
            let code = error.code().unwrap_or_default().to_owned();
            let evidence = format!("sqs:GetQueueAttributes: {code}");
            if code.contains("NonExistentQueue") || code.contains("DoesNotExist") {
                notes.find(Rule::ResourceMissing, name, evidence);
            } else if is_denied(&code) {
                notes.find(Rule::NotAllowed, name, evidence);
            } else {
                notes.skip("queue", name, evidence);
            }
            return;
        }
    };
    let before = notes.findings.len();
    let redrive = attributes.get(&QueueAttributeName::RedrivePolicy);
    let redrive = redrive.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let has_letters = redrive
        .as_ref()
        .and_then(|policy| policy.get("deadLetterTargetArn")?.as_str())
        .is_some_and(|arn| !arn.is_empty());
    if !has_letters {
        let evidence = "it has no redrive policy: what fails comes again for ever, then is gone";
        notes.find(Rule::NoDeadLetters, name, evidence);
    }
    let hidden = attributes.get(&QueueAttributeName::VisibilityTimeout);
    let hidden: u64 = hidden.and_then(|text| text.parse().ok()).unwrap_or(0);
    if hidden < limit_seconds * TIMES {
        let evidence = format!("{hidden} s; its function may take {limit_seconds} s");
        notes.find(Rule::VisibilityShort, name, evidence);
    }
    if notes.findings.len() == before {
        notes.well(
            "queue",
            name,
            format!("dead letters; hidden for {hidden} s"),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use attache_local::template::{Event, Settings, Template};

    use super::*;

    #[test]
    fn the_limits_are_the_templates() {
        let text = include_str!("../../../../../template.yaml");
        let template = Template::parse(text, &Settings::default()).unwrap();
        let mut limits = BTreeMap::new();
        for function in &template.functions {
            for event in &function.events {
                if let Event::Queue(source) = event {
                    limits.insert(format!("{}Url", source.queue), function.timeout.as_secs());
                }
            }
        }
        let ours = QUEUES.map(|(output, limit)| (output.to_owned(), limit));
        assert_eq!(limits, BTreeMap::from(ours));
    }
}
