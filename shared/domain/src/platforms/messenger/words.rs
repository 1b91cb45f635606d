//! What is no file, in words an agent can read. Nothing is left out because it has no counterpart on the other side.
//!
//! Types and fields: meta.md §3, §4; of those that are named there without their shape, Messenger Platform's webhook reference.

use serde_json::Value;

use super::webhook::file;
use crate::diagnosis::excerpt;
use crate::platforms::lenient::{list, text, words};

/// The longest foreign word repeated inside a sentence of ours.
const LONGEST_WORD: usize = 80;

/// For a message that its customer took back.
pub(super) const DELETED: &str = "[The customer deleted a message]";

/// Words of an event that is no message of its own.
pub(super) struct Told {
    pub(super) words: String,
    /// The message it is about.
    pub(super) about: Option<String>,
}

/// The words of an event, if a person says something with it.
pub(super) fn of_event(event: &Value) -> Option<Told> {
    if let Some(reaction) = event.get("reaction") {
        return Some(Told {
            words: reacted(reaction),
            about: text(reaction, "mid"),
        });
    }
    if let Some(edit) = event.get("message_edit") {
        let words = words(edit, "text")?;
        return Some(Told {
            words: format!("[changed the message] {words}"),
            about: text(edit, "mid"),
        });
    }
    let postback = event.get("postback")?;
    let choice = words(postback, "title").or_else(|| words(postback, "payload"))?;
    Some(Told {
        words: format!("[chose] {choice}"),
        about: None,
    })
}

fn reacted(reaction: &Value) -> String {
    let with = words(reaction, "emoji").or_else(|| words(reaction, "reaction"));
    match (text(reaction, "action").as_deref(), with) {
        (Some("unreact"), _) | (_, None) => "[took a reaction back]".to_owned(),
        (_, Some(with)) => format!("[reacted] {with}"),
    }
}

/// The attachments of a message with their positions, each once: until 2026-08-30 a sticker comes as a picture as well, with
/// the same `sticker_id` (meta.md §3).
pub(super) fn attachments(message: &Value) -> impl Iterator<Item = (usize, &Value)> {
    let sticker_of = |it: &Value| it.pointer("/payload/sticker_id").map(Value::to_string);
    let is_sticker = |it: &Value| text(it, "type").as_deref() == Some("sticker");
    let stickers: Vec<Option<String>> = list(message, "attachments")
        .filter(|it| is_sticker(it))
        .map(sticker_of)
        .collect();
    list(message, "attachments")
        .enumerate()
        .filter(move |(_, it)| {
            let id = sticker_of(it);
            is_sticker(it) || id.is_none() || !stickers.contains(&id)
        })
}

/// What a message says beside its files, line by line.
pub(super) fn of_message(message: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    if message.pointer("/reply_to/story").is_some() {
        lines.push("[answered your story]".to_owned());
    }
    if let Some(advertisement) = message.pointer("/referral/ads_context_data") {
        let title = words(advertisement, "ad_title");
        lines.extend(title.map(|title| format!("[came from the advertisement “{title}”]")));
    }
    lines.extend(words(message, "text"));
    for (_, attachment) in attachments(message) {
        let line = match (text(attachment, "type").as_deref(), file(attachment)) {
            (Some("story_mention"), Some(_)) => Some("[mentioned you in a story]".to_owned()),
            (_, Some(_)) => None,
            (kind, None) => shared(kind.unwrap_or_default(), attachment, &lines),
        };
        lines.extend(line);
    }
    if message.get("is_unsupported").and_then(Value::as_bool) == Some(true) {
        lines.push(without_content(""));
    }
    lines
}

/// An attachment that is no file: what was shared, and where it is. `None`: the words `before` say it already.
fn shared(kind: &str, attachment: &Value, before: &[String]) -> Option<String> {
    let payload = attachment.get("payload").unwrap_or(&Value::Null);
    if kind == "location" {
        return Some(location(payload));
    }
    let of = |key| words(payload, key).or_else(|| words(attachment, key));
    let new = |it: &String| !before.iter().any(|line| line.contains(it.as_str()));
    let lines: Vec<String> = [of("title"), of("url")]
        .into_iter()
        .flatten()
        .filter(new)
        .collect();
    match (kind, lines.is_empty()) {
        // The preview of a link that the text has.
        ("fallback", true) if !before.is_empty() => None,
        ("fallback", false) => Some(lines.join("\n")),
        (_, true) => Some(without_content(kind)),
        (_, false) => {
            let kind = excerpt(&kind.replace('_', " "), LONGEST_WORD);
            Some(format!("[shared: {kind}] {}", lines.join("\n")))
        }
    }
}

fn location(payload: &Value) -> String {
    let coordinates = payload.get("coordinates").unwrap_or(&Value::Null);
    let number = |key: &str| text(coordinates, key).unwrap_or_else(|| "?".to_owned());
    let (latitude, longitude) = (number("lat"), number("long"));
    format!(
        "[location] {latitude}, {longitude}\nhttps://www.google.com/maps/search/?api=1&query={latitude}%2C{longitude}"
    )
}

/// The platform tells that there was something and not what: a kind its interface does not hand over, or one that is newer
/// than this version.
pub(super) fn without_content(kind: &str) -> String {
    let what = match kind {
        "" => "a message".to_owned(),
        kind => format!("something of type “{}”", excerpt(kind, LONGEST_WORD)),
    };
    format!(
        "[Attaché] The customer sent {what} that the platform did not hand over. Ask for it again, in another form."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_event_in_words() {
        for (event, expected) in [
            (
                json!({"reaction": {"mid": "m", "action": "react", "emoji": "👍", "reaction": "like"}}),
                Some("[reacted] 👍"),
            ),
            (
                json!({"reaction": {"mid": "m", "reaction": "love"}}),
                Some("[reacted] love"),
            ),
            (
                json!({"reaction": {"mid": "m", "action": "unreact"}}),
                Some("[took a reaction back]"),
            ),
            (
                json!({"postback": {"title": "Start", "payload": "GO"}}),
                Some("[chose] Start"),
            ),
            (json!({"postback": {"payload": "GO"}}), Some("[chose] GO")),
            (
                json!({"message_edit": {"mid": "m", "text": "Hi"}}),
                Some("[changed the message] Hi"),
            ),
            (json!({"postback": {}}), None),
            (json!({"optin": {}}), None),
        ] {
            let told = of_event(&event).map(|told| told.words);
            assert_eq!(told.as_deref(), expected, "{event}");
        }
    }

    #[test]
    fn every_message_in_words() {
        let attachment = |kind: &str, payload: Value| json!({"attachments": [{"type": kind, "payload": payload}]});
        for (message, expected) in [
            (json!({"text": "Hello"}), "Hello"),
            (
                json!({"text": "Red", "quick_reply": {"payload": "R"}}),
                "Red",
            ),
            (
                json!({"text": "Nice", "reply_to": {"story": {"id": "1"}}}),
                "[answered your story]\nNice",
            ),
            (
                json!({"text": "Hi", "referral": {"source": "ADS", "ads_context_data": {"ad_title": "Sale"}}}),
                "[came from the advertisement “Sale”]\nHi",
            ),
            (
                attachment("image", json!({"url": "https://x.example/1"})),
                "",
            ),
            (
                attachment("share", json!({"url": "https://x.example/p"})),
                "[shared: share] https://x.example/p",
            ),
            (
                attachment(
                    "ig_reel",
                    json!({"title": "Cats", "url": "https://x.example/r"}),
                ),
                "[shared: ig reel] Cats\nhttps://x.example/r",
            ),
            (
                attachment(
                    "fallback",
                    json!({"title": "News", "url": "https://x.example/n"}),
                ),
                "News\nhttps://x.example/n",
            ),
            (
                attachment("location", json!({"coordinates": {"lat": 1.5, "long": 2}})),
                "[location] 1.5, 2\nhttps://www.google.com/maps/search/?api=1&query=1.5%2C2",
            ),
            (
                attachment("file", json!({})),
                "[Attaché] The customer sent something of type “file” that the platform did not hand over. Ask for it again, in another form.",
            ),
            (
                json!({"is_unsupported": true}),
                "[Attaché] The customer sent a message that the platform did not hand over. Ask for it again, in another form.",
            ),
        ] {
            assert_eq!(of_message(&message).join("\n"), expected, "{message}");
        }
    }

    #[test]
    fn a_preview_is_not_told_twice() {
        let link = "https://x.example/n";
        let message = json!({"text": format!("See {link}"), "attachments": [
            {"type": "fallback", "payload": {"url": link, "title": "News"}}]});
        assert_eq!(
            of_message(&message),
            [format!("See {link}"), "News".to_owned()]
        );
    }
}
