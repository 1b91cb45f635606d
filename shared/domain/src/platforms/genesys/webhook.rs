//! Genesys' outbound webhook: one message of an agent (or a flow) to a customer, genesys.md §3.3. One attachment for each message
//! by the schema; more are taken as they come. The text of a message belongs to its first file.

use serde_json::Value;
use url::Url;

use super::words::words_of;
use crate::diagnosis::{Outcome, Platform, Seen, Step, judge};
use crate::event::{
    About, Announcement, Attachment, Fate, File, Link, MediaKind, Message, Part, Said, Status,
};
use crate::ids::{AttachmentId, MessageId};
use crate::platforms::lenient::{
    Unreadable, digest, kept, list, object, text, unnamed, whole, words,
};
use crate::time::Timestamp;

/// What one body announces.
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn parse(body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let body = object(body)?;
    let slice = body.to_string();
    let channel = body.get("channel").unwrap_or(&Value::Null);
    let to = channel.get("to").unwrap_or(&Value::Null);
    let id = text(&body, "id").or_else(|| text(channel, "messageId"));
    let announcement = Announcement {
        business: text(channel, "id").unwrap_or_default(),
        message: MessageId::new(id.unwrap_or_else(|| unnamed(&slice))),
        customer: text(to, "id").unwrap_or_default(),
        customer_name: text(to, "nickname"),
        sent_at: text(channel, "time")
            .and_then(|time| Timestamp::parse_rfc3339(&time))
            .unwrap_or_default(),
        said: said(&body),
        slice: kept(slice),
    };
    Ok(vec![announcement])
}

fn said(body: &Value) -> Said {
    match text(body, "type").unwrap_or_default().as_str() {
        "Event"
            if list(body, "events").all(|e| text(e, "eventType").as_deref() == Some("Typing")) =>
        {
            Said::Typing
        }
        "Event" => {
            let kinds: Vec<String> = list(body, "events")
                .filter_map(|event| text(event, "eventType"))
                .collect();
            Said::Notice(format!("event {}", kinds.join(", ")))
        }
        "Receipt" => receipt(body),
        _ => message(body),
    }
}

/// What Genesys says of a message that it was sent: only that it failed is news. Nothing tells which of our items it was about but
/// the id that Genesys gave the message, or, of a later part of one, the id that we gave it.
fn receipt(body: &Value) -> Said {
    if text(body, "status").as_deref() != Some("Failed") {
        return Said::Notice("receipt".to_owned());
    }
    let reason = list(body, "reasons").next().unwrap_or(&Value::Null);
    let seen = Seen {
        platform: Platform::Genesys,
        step: Step::Webhook,
        outcome: Outcome::Report(reason),
    };
    let channel = body.get("channel").unwrap_or(&Value::Null);
    let ours = text(channel, "messageId");
    let part = ours.as_deref().and_then(|id| id.rsplit_once('#'));
    Said::Status(Status {
        about: part.map_or(About::Name, |(_, media)| About::Opaque(media.to_owned())),
        fate: Fate::Failed(Box::new(judge(&seen, Timestamp::default()))),
    })
}

/// Whether a failure of this code is a report that Genesys could not fetch what it was given a link to.
#[must_use]
pub fn could_not_fetch(code: &str) -> bool {
    code == "genesys.not-fetched"
}

fn message(body: &Value) -> Said {
    let content = body.get("content").unwrap_or(&Value::Null);
    let told: Vec<String> = words(body, "text")
        .into_iter()
        .chain(words_of(content))
        .collect();
    let mut parts: Vec<Part> = list(body, "content")
        .filter_map(|item| item.get("attachment"))
        .enumerate()
        .map(|(position, attachment)| part(position, attachment))
        .collect();
    let first = parts.iter_mut().find_map(|part| match part {
        Part::File(attachment) => Some(&mut attachment.file),
        Part::Words(_) => None,
    });
    let mut all = Vec::new();
    match first {
        _ if told.is_empty() => {}
        Some(file) => {
            let lines: Vec<String> = told.into_iter().chain(file.caption.take()).collect();
            file.caption = Some(lines.join("\n"));
        }
        None => all.push(Part::Words(told.join("\n"))),
    }
    all.append(&mut parts);
    if all.is_empty() {
        // A message of a type or with content that says nothing to a customer: kept, not dropped.
        return Said::Notice(text(body, "type").unwrap_or_default());
    }
    Said::Message(Message {
        parts: all,
        answers: None,
        takes_back: None,
    })
}

/// A file, or a link to something that is none.
fn part(position: usize, attachment: &Value) -> Part {
    let link = text(attachment, "url").and_then(|url| Url::parse(&url).ok());
    let media_type = text(attachment, "mediaType").unwrap_or_default();
    let kind = match media_type.as_str() {
        "Link" => {
            let lines = words(attachment, "text")
                .into_iter()
                .chain(words(attachment, "url"));
            return Part::Words(lines.collect::<Vec<_>>().join("\n"));
        }
        "Image" => MediaKind::Image,
        "Video" => MediaKind::Video,
        "Audio" => MediaKind::Audio,
        _ => MediaKind::Document,
    };
    let id = text(attachment, "id").unwrap_or_else(|| position.to_string());
    Part::File(Box::new(Attachment {
        id: AttachmentId::new(id),
        file: File {
            kind,
            declared_type: text(attachment, "mime"),
            file_name: text(attachment, "filename"),
            digest: text(attachment, "sha256").and_then(|t| digest(&t)),
            size_bytes: whole(attachment, "contentSizeBytes"),
            caption: words(attachment, "text"),
        },
        link: link.map(Link),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn only(body: &[u8]) -> Announcement {
        parse(body).unwrap().remove(0)
    }

    fn parts(body: &Value) -> Vec<Part> {
        match only(body.to_string().as_bytes()).said {
            Said::Message(message) => message.parts,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_published_attachment_example() {
        let announcement = only(include_bytes!("fixtures/webhook-outbound-attachment.json"));
        assert_eq!(
            (
                announcement.business.as_str(),
                announcement.customer.as_str()
            ),
            (
                "2d1f6a3c-9f0b-4c1e-8f7d-6a5b4c3d2e1f",
                "messaging-user@externalservice.com"
            )
        );
        assert_eq!(
            announcement.message.as_str(),
            "1b2c3d4e5f60718293a4b5c6d7e8f90a"
        );
        assert_eq!(
            announcement.sent_at.to_rfc3339(),
            "2026-01-15T13:41:24.276Z"
        );
        let Said::Message(message) = announcement.said else {
            panic!("a message")
        };
        let [Part::File(attachment)] = message.parts.as_slice() else {
            panic!("{message:?}")
        };
        assert_eq!(
            attachment.file.caption.as_deref(),
            Some("Please see the attached invoice.")
        );
        assert_eq!(attachment.file.size_bytes, Some(245_760));
        assert_eq!(attachment.file.file_name.as_deref(), Some("invoice_q3.pdf"));
        assert!(attachment.link.is_some());
        assert!(
            !format!("{attachment:?}").contains("3f7c1a9be2d04455"),
            "a link is a credential"
        );
    }

    #[test]
    fn text_and_typing() {
        let text = only(include_bytes!("fixtures/webhook-outbound-text.json"));
        assert_eq!(
            text.said,
            Said::Message(Message::of_words("Outbound message text!"))
        );
        let typing = only(include_bytes!("fixtures/webhook-outbound-typing.json"));
        assert_eq!(typing.said, Said::Typing);
    }

    #[test]
    fn parts_keep_their_order_and_nothing_is_left_out() {
        let attachment = |id: &str, kind: &str| json!({"contentType": "Attachment", "attachment": {"id": id, "mediaType": kind, "url": "https://x.example/1", "mime": "image/png"}});
        let card = json!({"contentType": "Card", "card": {"title": "Sofa"}});
        let body = json!({"id": "m", "type": "Text", "text": "Look", "channel": {},
            "content": [card, attachment("1", "Image"), attachment("2", "File"), attachment("3", "Link")]});
        let parts = parts(&body);
        let told: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Part::File(a) => format!("{} {:?}", a.id, a.file.caption),
                Part::Words(words) => words.clone(),
            })
            .collect();
        assert_eq!(
            told,
            ["1 Some(\"Look\\nSofa\")", "2 None", "https://x.example/1"]
        );
    }

    #[test]
    fn unknown_types_are_kept() {
        for (body, name) in [
            (json!({"type": "Receipt"}), "receipt"),
            (json!({"type": "Structured"}), "Structured"),
            (
                json!({"type": "Event", "events": [{"eventType": "Presence"}]}),
                "event Presence",
            ),
        ] {
            let said = only(body.to_string().as_bytes()).said;
            assert_eq!(said, Said::Notice(name.to_owned()));
        }
        assert!(parse(b"[]").is_err());
    }

    #[test]
    fn a_failed_receipt_says_whether_the_link_could_not_be_followed() {
        let receipt = |reason: Value| {
            json!({"id": "2c3d", "type": "Receipt", "status": "Failed", "direction": "Outbound", "reasons": [reason],
                "channel": {"id": "2d1f6a3c", "messageId": "wamid.A#abcd"}})
        };
        let unreadable =
            json!({"code": "GeneralError", "message": "Unable to download the attachment"});
        let other = json!({"code": "MediaTypeNotAllowed", "message": "image/tiff is not allowed"});
        for (reason, unfetched) in [(unreadable, true), (other, false), (Value::Null, false)] {
            let announcement = only(receipt(reason.clone()).to_string().as_bytes());
            assert_eq!(announcement.message.as_str(), "2c3d");
            let Said::Status(status) = announcement.said else {
                panic!("a status")
            };
            assert_eq!(status.about, About::Opaque("abcd".to_owned()));
            let Fate::Failed(failure) = status.fate else {
                panic!("failed")
            };
            assert_eq!(
                could_not_fetch(&failure.diagnosis.code),
                unfetched,
                "{reason}"
            );
        }
        let delivered = json!({"id": "2c3d", "type": "Receipt", "status": "Delivered"});
        let said = only(delivered.to_string().as_bytes()).said;
        assert_eq!(said, Said::Notice("receipt".to_owned()));
    }

    #[test]
    fn a_slice_taken_in_again_announces_the_same() {
        let first = only(include_bytes!("fixtures/webhook-outbound-attachment.json"));
        assert_eq!(only(first.slice.as_bytes()), first);
    }
}
