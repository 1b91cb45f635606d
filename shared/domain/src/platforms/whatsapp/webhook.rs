//! WhatsApp's webhook body: `entry[] × changes[] × (messages[] | statuses[])`, possibly of several numbers at once.
//!
//! Read leniently: every optional field may be missing or of another type, unknown objects, fields and types are
//! no errors: they are announced as notices. Only what is not JSON, or no object at all, is unreadable.

use serde_json::Value;

use super::digest;
use crate::digest::Sha256Digest;
use crate::event::{Announcement, Attachment, MediaKind, Said};
use crate::ids::{AttachmentId, MessageId};
use crate::time::Timestamp;

/// More messages than this in one body are refused: Meta batches far fewer.
const MOST_ANNOUNCEMENTS: usize = 1_000;

/// The longest slice that is kept, in bytes.
const LONGEST_SLICE: usize = 256 * 1024;

/// A body that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON (nested deeper than 128 levels counts as that).
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// More announcements than any platform sends at once.
    #[error("more than {MOST_ANNOUNCEMENTS} messages and statuses in one body")]
    TooMany,
}

/// Everything one body announces, in its order. What is no message and no status is announced as a notice, each change
/// on its own, so that nothing a platform says vanishes.
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn parse(body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let body: Value = serde_json::from_slice(body)?;
    if !body.is_object() {
        return Err(Unreadable::NotAnObject);
    }
    let mut announcements = Vec::new();
    for change in list(&body, "entry").flat_map(|entry| list(entry, "changes")) {
        let before = announcements.len();
        let value = change.get("value").unwrap_or(&Value::Null);
        for message in list(value, "messages") {
            announcements.push(announcement(value, message, said(message)));
        }
        for status in list(value, "statuses") {
            let word = text(status, "status").unwrap_or_default();
            let said = Said::Other(format!("status:{word}"));
            announcements.push(announcement(value, status, said));
        }
        if announcements.len() == before {
            let field = text(change, "field").unwrap_or_default();
            announcements.push(announcement(value, change, Said::Notice(field)));
        }
        if announcements.len() > MOST_ANNOUNCEMENTS {
            return Err(Unreadable::TooMany);
        }
    }
    if announcements.is_empty() {
        // Another object (a page's, say), or an entry without changes.
        let object = text(&body, "object").unwrap_or_default();
        announcements.push(announcement(&Value::Null, &body, Said::Notice(object)));
    }
    Ok(announcements)
}

fn announcement(value: &Value, entry: &Value, said: Said) -> Announcement {
    let sender = text(entry, "from")
        .or_else(|| text(entry, "recipient_id"))
        .unwrap_or_default();
    let contact =
        list(value, "contacts").find(|contact| text(contact, "wa_id").as_ref() == Some(&sender));
    let slice = entry.to_string();
    Announcement {
        business: value
            .get("metadata")
            .and_then(|m| text(m, "phone_number_id"))
            .unwrap_or_default(),
        // What has no name is named by its content: a repeat is the same.
        message: MessageId::new(
            text(entry, "id")
                .unwrap_or_else(|| format!("unnamed-{}", Sha256Digest::of(slice.as_bytes()))),
        ),
        sender_name: contact.and_then(|contact| text(contact.get("profile")?, "name")),
        sender,
        // Unix seconds, as a string.
        sent_at: Timestamp::from_seconds(
            text(entry, "timestamp")
                .and_then(|t| t.parse().ok())
                .unwrap_or(0),
        ),
        said,
        slice: kept(slice),
    }
}

/// A slice short enough for a row (DynamoDB: 400 KB); no platform sends a longer one.
fn kept(mut slice: String) -> String {
    slice.truncate(slice.floor_char_boundary(LONGEST_SLICE));
    slice
}

fn said(message: &Value) -> Said {
    let kind_word = text(message, "type").unwrap_or_default();
    let kind = match kind_word.as_str() {
        "image" => MediaKind::Image,
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "document" => MediaKind::Document,
        "sticker" => MediaKind::Sticker,
        _ => return Said::Other(kind_word),
    };
    let media = message.get(&kind_word).unwrap_or(&Value::Null);
    match text(media, "id") {
        // 131052: Meta itself could not fetch the customer's file; there is no id to ask for.
        None => Said::Other(format!("{kind_word} without id")),
        Some(id) => Said::Media(Attachment {
            id: AttachmentId::new(id),
            kind,
            declared_type: text(media, "mime_type"),
            file_name: text(media, "filename"),
            digest: text(media, "sha256").and_then(|t| digest(&t)),
            caption: text(media, "caption").filter(|caption| !caption.is_empty()),
        }),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// A string or a number as a string.
fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn media(body: &str) -> Vec<Attachment> {
        let said = parse(body.as_bytes()).unwrap().into_iter().map(|a| a.said);
        said.filter_map(|said| {
            if let Said::Media(attachment) = said {
                Some(attachment)
            } else {
                None
            }
        })
        .collect()
    }

    #[test]
    fn the_published_image_example() {
        let all = parse(include_bytes!("fixtures/webhook-image.json")).unwrap();
        assert_eq!(all.len(), 1);
        let first = &all[0];
        assert_eq!(
            (first.business.as_str(), first.sender.as_str()),
            ("106540352242922", "16505551234")
        );
        assert_eq!(first.sender_name.as_deref(), Some("Sheena Nelson"));
        assert_eq!(first.sent_at, Timestamp::from_seconds(1_744_344_496));
        let Said::Media(attachment) = &first.said else {
            panic!("{first:?}")
        };
        assert_eq!(attachment.id.as_str(), "1003383421387256");
        assert_eq!(attachment.caption.as_deref(), Some("Taj Mahal"));
        let hex = "49f227634806293b0995459bc310b593e1400f41591efcf07e9bced335f41942";
        assert_eq!(attachment.digest.unwrap().to_string(), hex);
        assert!(first.slice.contains("\"image\""));
    }

    #[test]
    fn a_batch_announces_each_of_its_parts() {
        let all = parse(include_bytes!("fixtures/webhook-batched.json")).unwrap();
        let said: Vec<_> = all
            .iter()
            .map(|a| matches!(a.said, Said::Media(_)))
            .collect();
        assert_eq!(said, [true, true, false]);
        assert_eq!(all[2].said, Said::Other("status:delivered".to_owned()));
    }

    #[test]
    fn the_other_kinds() {
        let document = &media(include_str!("fixtures/webhook-document.json"))[0];
        assert_eq!(document.kind, MediaKind::Document);
        assert!(document.file_name.is_some());
        let voice = &media(include_str!("fixtures/webhook-audio-voice.json"))[0];
        assert_eq!(voice.kind, MediaKind::Audio);
        assert!(
            voice
                .declared_type
                .as_deref()
                .unwrap()
                .starts_with("audio/ogg")
        );
        let text = parse(include_bytes!("fixtures/webhook-text.json")).unwrap();
        assert_eq!(text[0].said, Said::Other("text".to_owned()));
        let broken = parse(include_bytes!(
            "fixtures/webhook-inbound-media-error-131052.json"
        ))
        .unwrap();
        assert!(matches!(broken[0].said, Said::Other(_)), "{broken:?}");
    }

    #[test]
    fn strange_bodies() {
        for (body, announcements) in [
            ("{}", 1),
            (r#"{"object":"page","entry":[{"messaging":[]}]}"#, 1),
            (r#"{"entry":7}"#, 1),
            (
                r#"{"entry":[{"changes":[{"field":"account_update","value":{}},{"field":"flows"}]}]}"#,
                2,
            ),
            (
                r#"{"entry":[{"changes":[{"value":{"messages":[{"type":"image"}]}}]}]}"#,
                1,
            ),
            (
                r#"{"entry":[{"changes":[{"value":{"messages":[{"id":1,"type":"image","image":{"id":2}}]}}]}]}"#,
                1,
            ),
        ] {
            assert_eq!(
                parse(body.as_bytes()).unwrap().len(),
                announcements,
                "{body}"
            );
        }
        assert!(matches!(parse(b"[]"), Err(Unreadable::NotAnObject)));
        assert!(matches!(parse(b"\xff"), Err(Unreadable::Json(_))));
        assert!(matches!(
            parse("[".repeat(100_000).as_bytes()),
            Err(Unreadable::Json(_))
        ));
    }

    #[test]
    fn what_is_no_message_is_a_notice_named_by_its_content() {
        let body =
            br#"{"entry":[{"changes":[{"field":"account_update","value":{"event":"BANNED"}}]}]}"#;
        let (first, again) = (&parse(body).unwrap()[0], &parse(body).unwrap()[0]);
        assert_eq!(first.said, Said::Notice("account_update".to_owned()));
        assert!(first.message.as_str().starts_with("unnamed-") && first.slice.contains("BANNED"));
        assert_eq!(first.message, again.message);
        let long = format!(r#"{{"x":"{}"}}"#, "\u{e4}".repeat(LONGEST_SLICE));
        assert!(parse(long.as_bytes()).unwrap()[0].slice.len() <= LONGEST_SLICE);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&body);
        }
    }
}
