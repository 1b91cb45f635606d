//! A customer's message that is no file, in words for an agent. Nothing is left out because it has no counterpart on the
//! other side: a location becomes a link to a map, an order its list, and of what WhatsApp itself hands over without its
//! content the agent is told that there was something.
//!
//! Message types and their fields: meta.md §2.1 and the schemas ending in `_1` of facebook/openapi.

use serde_json::Value;

use crate::diagnosis::excerpt;
use crate::platforms::lenient::{list, text, words};

/// The longest foreign word repeated inside a sentence of ours.
const LONGEST_WORD: usize = 80;

/// The words for a message.
pub(super) fn words_of(message: &Value) -> String {
    let kind = text(message, "type").unwrap_or_default();
    let body = message.get(&kind).unwrap_or(&Value::Null);
    let told = match kind.as_str() {
        "text" => words(body, "body"),
        "reaction" => Some(reaction(body)),
        "location" => Some(location(body)),
        "contacts" => contacts(message),
        "button" => words(body, "text").map(|choice| format!("[chose] {choice}")),
        "interactive" => interactive(body),
        "order" => Some(order(body)),
        "system" => words(body, "body").map(|text| format!("[WhatsApp] {text}")),
        "revoke" | "deleted" => Some("[The customer deleted a message]".to_owned()),
        _ => None,
    };
    told.unwrap_or_else(|| without_content(message, &kind))
}

/// An empty emoji takes a reaction back.
fn reaction(body: &Value) -> String {
    match words(body, "emoji") {
        Some(emoji) => format!("[reacted] {emoji}"),
        None => "[took a reaction back]".to_owned(),
    }
}

fn location(body: &Value) -> String {
    let number = |key: &str| text(body, key).unwrap_or_else(|| "?".to_owned());
    let (latitude, longitude) = (number("latitude"), number("longitude"));
    let place: Vec<String> = ["name", "address"]
        .into_iter()
        .filter_map(|key| words(body, key))
        .collect();
    let place = if place.is_empty() {
        String::new()
    } else {
        format!("{}\n", place.join(", "))
    };
    format!(
        "[location] {place}{latitude}, {longitude}\nhttps://www.google.com/maps/search/?api=1&query={latitude}%2C{longitude}"
    )
}

fn contacts(message: &Value) -> Option<String> {
    let lines: Vec<String> = list(message, "contacts").map(contact).collect();
    (!lines.is_empty()).then(|| format!("[contact] {}", lines.join("\n[contact] ")))
}

fn contact(contact: &Value) -> String {
    let name = contact.get("name").unwrap_or(&Value::Null);
    let mut parts =
        vec![words(name, "formatted_name").unwrap_or_else(|| "without a name".to_owned())];
    let company = contact.get("org").and_then(|org| words(org, "company"));
    parts.extend(company);
    parts.extend(list(contact, "phones").filter_map(|phone| words(phone, "phone")));
    parts.extend(list(contact, "emails").filter_map(|email| words(email, "email")));
    parts.extend(list(contact, "urls").filter_map(|url| words(url, "url")));
    parts.join(", ")
}

/// A pressed button, a chosen line of a list, or a filled form.
fn interactive(body: &Value) -> Option<String> {
    let choice = ["button_reply", "list_reply"]
        .into_iter()
        .find_map(|key| body.get(key));
    if let Some(choice) = choice {
        let title = words(choice, "title").or_else(|| words(choice, "id"))?;
        return Some(match words(choice, "description") {
            Some(description) => format!("[chose] {title} ({description})"),
            None => format!("[chose] {title}"),
        });
    }
    let form = body.get("nfm_reply")?;
    let answers = words(form, "response_json").or_else(|| words(form, "body"))?;
    Some(format!("[filled in a form] {answers}"))
}

fn order(body: &Value) -> String {
    let mut lines = vec!["[order]".to_owned()];
    lines.extend(words(body, "text"));
    lines.extend(list(body, "product_items").map(|item| {
        let field = |key: &str| text(item, key).unwrap_or_else(|| "?".to_owned());
        format!(
            "{} × {} at {} {}",
            field("quantity"),
            field("product_retailer_id"),
            field("item_price"),
            field("currency"),
        )
    }));
    lines.join("\n")
}

/// WhatsApp tells that there was something and not what: a kind its interface does not hand over (131051), a file it
/// could not get (131052), or a kind that is newer than this version.
fn without_content(message: &Value, kind: &str) -> String {
    let error = list(message, "errors").next();
    let code = error.and_then(|error| text(error, "code"));
    let title = error
        .and_then(|error| words(error, "title").or_else(|| words(error, "message")))
        .map_or_else(String::new, |title| {
            format!(": {}", excerpt(&title, LONGEST_WORD))
        });
    let what = if matches!(kind, "" | "unsupported" | "unknown") {
        "a message".to_owned()
    } else {
        format!("a message of type “{}”", excerpt(kind, LONGEST_WORD))
    };
    let why = match code {
        Some(code) => format!("that WhatsApp did not hand over (error {code}{title})"),
        None => "that cannot be shown here".to_owned(),
    };
    format!("[Attaché] The customer sent {what} {why}. Ask for it again, in another form.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_in_words() {
        for (message, expected) in [
            (json!({"type": "text", "text": {"body": "Hello"}}), "Hello"),
            (
                json!({"type": "reaction", "reaction": {"message_id": "m", "emoji": "👍"}}),
                "[reacted] 👍",
            ),
            (
                json!({"type": "reaction", "reaction": {"message_id": "m", "emoji": ""}}),
                "[took a reaction back]",
            ),
            (
                json!({"type": "location", "location": {"latitude": 52.52, "longitude": "13.405", "name": "Office", "address": "Street 1"}}),
                "[location] Office, Street 1\n52.52, 13.405\nhttps://www.google.com/maps/search/?api=1&query=52.52%2C13.405",
            ),
            (
                json!({"type": "location", "location": {"latitude": 1, "longitude": 2}}),
                "[location] 1, 2\nhttps://www.google.com/maps/search/?api=1&query=1%2C2",
            ),
            (
                json!({"type": "contacts", "contacts": [
                    {"name": {"formatted_name": "Ada"}, "phones": [{"phone": "+49 1"}], "emails": [{"email": "a@b.example"}], "org": {"company": "Engines"}},
                    {},
                ]}),
                "[contact] Ada, Engines, +49 1, a@b.example\n[contact] without a name",
            ),
            (
                json!({"type": "button", "button": {"text": "Yes", "payload": "y"}}),
                "[chose] Yes",
            ),
            (
                json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "1", "title": "Later"}}}),
                "[chose] Later",
            ),
            (
                json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Monday", "description": "9 to 12"}}}),
                "[chose] Monday (9 to 12)",
            ),
            (
                json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{\"a\":1}"}}}),
                "[filled in a form] {\"a\":1}",
            ),
            (
                json!({"type": "order", "order": {"catalog_id": "c", "text": "Soon please", "product_items": [{"product_retailer_id": "di9", "quantity": 2, "item_price": 10.5, "currency": "EUR"}]}}),
                "[order]\nSoon please\n2 × di9 at 10.5 EUR",
            ),
            (
                json!({"type": "system", "system": {"body": "User A changed from 1 to 2"}}),
                "[WhatsApp] User A changed from 1 to 2",
            ),
            (
                json!({"type": "revoke"}),
                "[The customer deleted a message]",
            ),
            (
                json!({"type": "unsupported", "errors": [{"code": 131_051, "title": "Message type unknown"}]}),
                "[Attaché] The customer sent a message that WhatsApp did not hand over (error 131051: Message type unknown). Ask for it again, in another form.",
            ),
            (
                json!({"type": "image", "errors": [{"code": 131_052, "title": "Media download error"}]}),
                "[Attaché] The customer sent a message of type “image” that WhatsApp did not hand over (error 131052: Media download error). Ask for it again, in another form.",
            ),
            (
                json!({"type": "hologram", "hologram": {}}),
                "[Attaché] The customer sent a message of type “hologram” that cannot be shown here. Ask for it again, in another form.",
            ),
            (
                json!({"type": "text", "text": {"body": ""}}),
                "[Attaché] The customer sent a message of type “text” that cannot be shown here. Ask for it again, in another form.",
            ),
            (
                json!({}),
                "[Attaché] The customer sent a message that cannot be shown here. Ask for it again, in another form.",
            ),
        ] {
            assert_eq!(words_of(&message), expected, "{message}");
        }
    }
}
