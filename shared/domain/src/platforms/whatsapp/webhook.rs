//! WhatsApp's webhook body: `entry[] × changes[] × (messages[] | statuses[])`, possibly of several numbers at once.
//!
//! Read leniently: every optional field may be missing or of another type, unknown objects, fields and types are
//! no errors. Every message is carried or told in words ([`super::words`]); what is no message and no status is announced
//! as a notice. Only what is not JSON, or no object at all, is unreadable.

use serde_json::Value;

use super::error::status_failure;
use super::words::words_of;
use crate::event::{
    About, Announcement, Attachment, Fate, File, MediaKind, Message, Part, Said, Status,
};
use crate::ids::{AttachmentId, MessageId};
use crate::platforms::lenient::{
    MOST_ANNOUNCEMENTS, Unreadable, digest, kept, list, object, text, unnamed, words,
};
use crate::time::Timestamp;

/// Everything one body announces, in its order. What is no message and no status is announced as a notice, each change
/// on its own, so that nothing a platform says vanishes.
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn parse(body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let body = object(body)?;
    let mut announcements = Vec::new();
    for change in list(&body, "entry").flat_map(|entry| list(entry, "changes")) {
        let before = announcements.len();
        let value = change.get("value").unwrap_or(&Value::Null);
        for message in list(value, "messages") {
            let said = Said::Message(message_of(message));
            announcements.push(announcement(value, ("messages", message), said));
        }
        for status in list(value, "statuses") {
            let said = Said::Status(status_of(status));
            announcements.push(announcement(value, ("statuses", status), said));
        }
        if announcements.len() == before {
            announcements.push(notice(text(change, "field").unwrap_or_default(), change));
        }
        if announcements.len() > MOST_ANNOUNCEMENTS {
            return Err(Unreadable::TooMany);
        }
    }
    if announcements.is_empty() {
        // Another object (a page's, say), or an entry without changes.
        announcements.push(notice(text(&body, "object").unwrap_or_default(), &body));
    }
    Ok(announcements)
}

/// What tells of no message: named by its content, so that a repeat is the same.
fn notice(name: String, entry: &Value) -> Announcement {
    let slice = entry.to_string();
    Announcement {
        business: String::new(),
        message: MessageId::new(unnamed(&slice)),
        customer: String::new(),
        customer_name: None,
        sent_at: Timestamp::default(),
        said: Said::Notice(name),
        slice: kept(slice),
    }
}

fn announcement(value: &Value, (list_name, entry): (&str, &Value), said: Said) -> Announcement {
    let customer = text(entry, "from")
        .or_else(|| text(entry, "recipient_id"))
        .unwrap_or_default();
    let contact =
        list(value, "contacts").find(|contact| text(contact, "wa_id").as_ref() == Some(&customer));
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    Announcement {
        business: text(metadata, "phone_number_id").unwrap_or_default(),
        message: MessageId::new(text(entry, "id").unwrap_or_else(|| unnamed(&entry.to_string()))),
        customer_name: contact.and_then(|contact| text(contact.get("profile")?, "name")),
        customer,
        // Unix seconds, as a string.
        sent_at: Timestamp::from_seconds(
            text(entry, "timestamp")
                .and_then(|t| t.parse().ok())
                .unwrap_or(0),
        ),
        said,
        slice: kept(alone(metadata, contact, (list_name, entry))),
    }
}

/// A body with this entry and nothing else. Written out at once: put together as a value, every part would be copied for
/// each level above it, which took a quarter of intake's CPU time for a message.
fn alone(metadata: &Value, contact: Option<&Value>, (list, entry): (&str, &Value)) -> String {
    let contacts = contact.map(|contact| format!(r#""contacts":[{contact}],"#));
    let contacts = contacts.unwrap_or_default();
    format!(
        r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{{contacts}"{list}":[{entry}],"metadata":{metadata}}}}}]}}]}}"#
    )
}

fn message_of(message: &Value) -> Message {
    let part = match file_of(message) {
        Some(attachment) => Part::File(Box::new(attachment)),
        None => Part::Words(words_of(message)),
    };
    let context = message.get("context").unwrap_or(&Value::Null);
    let reaction = message.get("reaction").unwrap_or(&Value::Null);
    Message {
        parts: vec![part],
        answers: text(context, "id")
            .or_else(|| text(reaction, "message_id"))
            .map(MessageId::new),
        // Its shape is not part of the documentation (meta.md §2.1 names the kind alone).
        takes_back: text(
            message.get("revoke").unwrap_or(&Value::Null),
            "original_message_id",
        )
        .map(MessageId::new),
    }
}

/// The file of a message; `None` if it is not one, or Meta itself could not get hold of it (131052: there is no id).
fn file_of(message: &Value) -> Option<Attachment> {
    let word = text(message, "type")?;
    let kind = match word.as_str() {
        "image" => MediaKind::Image,
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "document" => MediaKind::Document,
        "sticker" => MediaKind::Sticker,
        _ => return None,
    };
    let media = message.get(&word)?;
    Some(Attachment {
        id: AttachmentId::new(text(media, "id")?),
        file: File {
            kind,
            declared_type: text(media, "mime_type"),
            file_name: text(media, "filename"),
            digest: text(media, "sha256").and_then(|t| digest(&t)),
            size_bytes: None,
            caption: words(media, "caption"),
        },
        // A `url` may stand here; the id finds one that is fresh for seven days.
        link: None,
    })
}

fn status_of(status: &Value) -> Status {
    let fate = match text(status, "status").unwrap_or_default().as_str() {
        "sent" => Fate::Sent,
        "delivered" => Fate::Delivered,
        "read" => Fate::Read,
        "failed" => {
            let error = list(status, "errors").next().unwrap_or(&Value::Null);
            Fate::Failed(Box::new(status_failure(error)))
        }
        other => Fate::Unknown(other.to_owned()),
    };
    Status {
        about: text(status, "biz_opaque_callback_data").map_or(About::Stranger, About::Opaque),
        fate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first_part(body: &[u8]) -> Part {
        match parse(body).unwrap().remove(0).said {
            Said::Message(mut message) => message.parts.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn file(body: &[u8]) -> Attachment {
        match first_part(body) {
            Part::File(attachment) => *attachment,
            Part::Words(words) => panic!("{words}"),
        }
    }

    #[test]
    fn the_published_image_example() {
        let all = parse(include_bytes!("fixtures/webhook-image.json")).unwrap();
        assert_eq!(all.len(), 1);
        let first = &all[0];
        assert_eq!(
            (first.business.as_str(), first.customer.as_str()),
            ("106540352242922", "16505551234")
        );
        assert_eq!(first.customer_name.as_deref(), Some("Sheena Nelson"));
        assert_eq!(first.sent_at, Timestamp::from_seconds(1_744_344_496));
        let attachment = file(include_bytes!("fixtures/webhook-image.json"));
        assert_eq!(attachment.id.as_str(), "1003383421387256");
        assert_eq!(attachment.file.caption.as_deref(), Some("Taj Mahal"));
        let hex = "49f227634806293b0995459bc310b593e1400f41591efcf07e9bced335f41942";
        assert_eq!(attachment.file.digest.unwrap().to_string(), hex);
    }

    #[test]
    fn a_slice_taken_in_again_announces_the_same() {
        for body in [
            &include_bytes!("fixtures/webhook-image.json")[..],
            include_bytes!("fixtures/webhook-batched.json"),
            include_bytes!("fixtures/webhook-text.json"),
            include_bytes!("fixtures/webhook-status-failed-131047.json"),
        ] {
            for announcement in parse(body).unwrap() {
                let again = parse(announcement.slice.as_bytes()).unwrap();
                assert_eq!(again, [announcement]);
            }
        }
    }

    #[test]
    fn a_batch_announces_each_of_its_parts() {
        let all = parse(include_bytes!("fixtures/webhook-batched.json")).unwrap();
        let kinds: Vec<_> = all
            .iter()
            .map(|a| matches!(a.said, Said::Message(_)))
            .collect();
        assert_eq!(kinds, [true, true, false]);
        let Said::Status(status) = &all[2].said else {
            panic!("{:?}", all[2])
        };
        assert_eq!(status.fate, Fate::Delivered);
    }

    #[test]
    fn files_of_every_kind() {
        let document = file(include_bytes!("fixtures/webhook-document.json")).file;
        assert_eq!(document.kind, MediaKind::Document);
        assert!(document.file_name.is_some());
        let voice = file(include_bytes!("fixtures/webhook-audio-voice.json")).file;
        assert_eq!(voice.kind, MediaKind::Audio);
        assert!(voice.declared_type.unwrap().starts_with("audio/ogg"));
    }

    #[test]
    fn what_a_status_says() {
        let body = include_bytes!("fixtures/webhook-status-failed-131047.json");
        let Said::Status(status) = parse(body).unwrap().remove(0).said else {
            panic!("a status")
        };
        let Fate::Failed(failure) = status.fate else {
            panic!("{status:?}")
        };
        assert_eq!(failure.diagnosis.code, "whatsapp.window-closed");
        let body = br#"{"entry":[{"changes":[{"value":{"statuses":[{"id":"w","status":"played","biz_opaque_callback_data":"abc"}]}}]}]}"#;
        let Said::Status(status) = parse(body).unwrap().remove(0).said else {
            panic!("a status")
        };
        assert_eq!(status.fate, Fate::Unknown("played".to_owned()));
        assert_eq!(status.about, About::Opaque("abc".to_owned()));
    }

    #[test]
    fn answers_and_reactions_name_what_they_are_about() {
        let about = |body: &[u8]| match parse(body).unwrap().remove(0).said {
            Said::Message(message) => message.answers,
            other => panic!("{other:?}"),
        };
        let reply = about(include_bytes!("fixtures/webhook-text-with-context.json"));
        assert_eq!(
            reply.unwrap().as_str(),
            "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGA9wcm9kdWN0X2lucXVpcnkA"
        );
        assert!(about(include_bytes!("fixtures/webhook-reaction.json")).is_some());
        assert_eq!(about(include_bytes!("fixtures/webhook-text.json")), None);
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
    }

    #[test]
    fn what_is_no_message_is_a_notice_named_by_its_content() {
        let body =
            br#"{"entry":[{"changes":[{"field":"account_update","value":{"event":"BANNED"}}]}]}"#;
        let (first, again) = (&parse(body).unwrap()[0], &parse(body).unwrap()[0]);
        assert_eq!(first.said, Said::Notice("account_update".to_owned()));
        assert!(first.message.as_str().starts_with("unnamed-") && first.slice.contains("BANNED"));
        assert_eq!(first.message, again.message);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&body);
        }
    }
}
