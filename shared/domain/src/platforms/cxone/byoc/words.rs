//! What an agent says that is no file, in words for a customer: texts as they are, and of everything else what a person would read of
//! it, with its choices numbered, so that the customer can answer by word.

use serde_json::Value;

use crate::platforms::lenient::{text, words};

/// How deep structured content is looked into.
const DEPTH: usize = 6;

/// The words of a message. Content that is no text has a text for those who cannot show it; else what a person would read of it.
pub(super) fn words_of(body: &Value) -> Vec<String> {
    let content = body.get("messageContent").unwrap_or(&Value::Null);
    let message = body.get("message").unwrap_or(&Value::Null);
    let payload = content.get("payload").unwrap_or(&Value::Null);
    let kind = text(content, "type").unwrap_or_default();
    let plain = words(payload, "text")
        .or_else(|| words(content, "text"))
        .or_else(|| words(message, "text"))
        .or_else(|| words(body, "text"));
    if kind.is_empty() || kind == "TEXT" {
        return plain.into_iter().collect();
    }
    if let Some(fallback) = words(content, "fallbackText") {
        return vec![fallback];
    }
    let mut lines = Vec::new();
    collect(payload, DEPTH, &mut 0, &mut lines);
    lines.dedup();
    if lines.is_empty() {
        lines.push(format!("[{kind}]"));
    }
    lines
}

/// Titles, texts and links as lines, in their order; what can be chosen numbered.
fn collect(value: &Value, depth: usize, choices: &mut u32, lines: &mut Vec<String>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, depth - 1, choices, lines)),
        Value::Object(fields) => {
            let chosen = fields.contains_key("postback") || fields.contains_key("actionId");
            let said = ["title", "text", "subtitle", "description", "url"]
                .iter()
                .filter_map(|key| words(value, key));
            for line in said {
                if chosen {
                    *choices += 1;
                    lines.push(format!("{choices}. {line}"));
                    break;
                }
                lines.push(line);
            }
            // What is asked comes before the list of what can be answered.
            let (lists, single): (Vec<_>, Vec<_>) =
                fields.values().partition(|field| field.is_array());
            single
                .into_iter()
                .filter(|field| !field.is_string())
                .chain(lists)
                .for_each(|field| collect(field, depth - 1, choices, lines));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn content_in_words() {
        let choices = json!({"type": "QUICK_REPLIES", "payload": {"text": {"text": "Which?"},
            "actions": [{"text": "Red", "postback": "r"}, {"text": "Blue", "postback": "b"}]}});
        for (content, expected) in [
            (
                json!({"type": "TEXT", "payload": {"text": "Hi"}}),
                &["Hi"][..],
            ),
            (json!({"payload": {"text": "Hi"}}), &["Hi"]),
            (json!({"type": "TEXT", "payload": {"text": "  "}}), &[]),
            (
                json!({"type": "RICH_LINK", "fallbackText": "See https://x.example", "payload": {"url": "https://x.example"}}),
                &["See https://x.example"],
            ),
            (json!({"type": "HOLOGRAM"}), &["[HOLOGRAM]"]),
            (choices, &["Which?", "1. Red", "2. Blue"]),
        ] {
            assert_eq!(
                words_of(&json!({ "messageContent": content })),
                expected,
                "{content}"
            );
        }
        assert_eq!(words_of(&json!({"message": {"text": "Hi"}})), ["Hi"]);
        assert_eq!(words_of(&json!({"text": "Hi"})), ["Hi"]);
    }
}
