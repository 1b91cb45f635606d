//! An agent's message that is no file, in words for a customer. What Genesys' flows and agents can send besides text
//! (quick replies, cards, lists …) has no counterpart that every channel shows: it becomes lines of text, with its choices
//! numbered, so that the customer can answer by word. Field names: `ConversationMessageContent` of the platform SDK.

use serde_json::Value;

use crate::platforms::lenient::{text, words};

/// Deeper than this nobody nests content; what lies below is not looked at.
const DEPTH: usize = 6;

/// The words for the content items of a message that are no attachments; `None` if there are none.
pub(super) fn words_of(content: &Value) -> Option<String> {
    let mut lines = Vec::new();
    let items = content.as_array().into_iter().flatten();
    for item in items.filter(|item| text(item, "contentType").as_deref() != Some("Attachment")) {
        let before = lines.len();
        let mut choices = 0;
        collect(item, DEPTH, &mut choices, &mut lines);
        if lines.len() == before {
            let kind = text(item, "contentType").unwrap_or_else(|| "unknown content".to_owned());
            lines.push(format!("[{kind}]"));
        }
    }
    lines.dedup();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What a person would read of a content item, in its order: titles and texts as lines, choices numbered, links as they are.
fn collect(value: &Value, depth: usize, choices: &mut u32, lines: &mut Vec<String>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, depth - 1, choices, lines)),
        Value::Object(fields) => {
            if let Some(choice) = choice(value) {
                *choices += 1;
                lines.push(format!("{choices}. {choice}"));
                return;
            }
            for key in ["title", "body", "text", "description", "image", "url"] {
                lines.extend(words(value, key));
            }
            if let Some(location) = fields.get("location") {
                lines.extend(place(location));
            }
            let nested = fields.iter().filter(|(_, field)| !field.is_string());
            nested
                .filter(|(key, _)| *key != "location")
                .for_each(|(_, field)| collect(field, depth - 1, choices, lines));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A choice has something to send back.
fn choice(value: &Value) -> Option<String> {
    value.get("payload").and_then(Value::as_str)?;
    words(value, "text").or_else(|| words(value, "title"))
}

fn place(location: &Value) -> Option<String> {
    let name = ["text", "address"]
        .into_iter()
        .find_map(|key| words(location, key));
    let point = text(location, "latitude").zip(text(location, "longitude"));
    let map = words(location, "url").or_else(|| {
        point.map(|(latitude, longitude)| {
            format!("https://www.google.com/maps/search/?api=1&query={latitude}%2C{longitude}")
        })
    });
    let parts: Vec<String> = name.into_iter().chain(map).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn structured_content_in_words() {
        for (content, expected) in [
            (
                json!([
                    {"contentType": "QuickReply", "quickReply": {"text": "Yes", "payload": "y", "action": "Message"}},
                ]),
                Some("1. Yes"),
            ),
            (
                json!([{"contentType": "Card", "card": {"title": "Blue sofa", "description": "Two seats", "image": "https://shop.example/sofa.jpg",
                    "actions": [{"type": "Link", "text": "See", "url": "https://shop.example/sofa"}, {"type": "Postback", "text": "Order", "payload": "o"}]}}]),
                Some(
                    "Blue sofa\nTwo seats\nhttps://shop.example/sofa.jpg\nSee\nhttps://shop.example/sofa\n1. Order",
                ),
            ),
            (
                json!([{"contentType": "ListPicker", "listPicker": {"sections": [{"title": "Days", "items": [
                    {"id": "1", "title": "Monday", "payload": "mo"}, {"id": "2", "title": "Tuesday", "payload": "tu"}]}]}}]),
                Some("Days\n1. Monday\n2. Tuesday"),
            ),
            (
                json!([{"contentType": "Location", "location": {"address": "Street 1", "latitude": 1.5, "longitude": 2}}]),
                Some("Street 1\nhttps://www.google.com/maps/search/?api=1&query=1.5%2C2"),
            ),
            (json!([{"contentType": "Hologram"}]), Some("[Hologram]")),
            (
                json!([{"contentType": "Attachment", "attachment": {"text": "no"}}]),
                None,
            ),
            (json!([]), None),
            (json!("x"), None),
        ] {
            assert_eq!(words_of(&content).as_deref(), expected, "{content}");
        }
    }
}
