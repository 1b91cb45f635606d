//! The source documents' media event (`S1-11`, `S1-13`): `message:message-media` names one file by a link that lives 15 to 30
//! minutes and needs the bearer. Not published by Genesys; taken in as the documents write it. Their ids are opaque: their own
//! sample is not hexadecimal (`SB-4`).

use serde_json::Value;
use url::Url;

use crate::event::{Announcement, Attachment, File, Link, MediaKind, Message, Part, Said};
use crate::ids::{AttachmentId, MessageId};
use crate::platforms::lenient::{Unreadable, kept, object, text, unnamed, whole};
use crate::time::Timestamp;

/// The event that names a file.
const EVENT: &str = "message:message-media";

/// What one body announces. Unknown event types are kept, not errors (`S3-30`).
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn parse(body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let body = object(body)?;
    let slice = body.to_string();
    let data = body.get("data").unwrap_or(&Value::Null);
    let kind = text(&body, "event_type").unwrap_or_default();
    let file = (kind == EVENT).then(|| attachment(data)).flatten();
    let message = text(data, "message_id").or_else(|| text(&body, "event_id"));
    Ok(vec![Announcement {
        business: String::new(),
        message: MessageId::new(message.unwrap_or_else(|| unnamed(&slice))),
        customer: text(data, "conversation_id").unwrap_or_default(),
        customer_name: None,
        sent_at: text(&body, "timestamp")
            .and_then(|time| Timestamp::parse_rfc3339(&time))
            .unwrap_or_default(),
        said: match file {
            Some(attachment) => Said::Message(Message {
                parts: vec![Part::File(Box::new(attachment))],
                answers: None,
                takes_back: None,
            }),
            None => Said::Notice(kind),
        },
        slice: kept(slice),
    }])
}

fn attachment(data: &Value) -> Option<Attachment> {
    let link = Url::parse(&text(data, "url")?).ok()?;
    let media_type = text(data, "media_type");
    let kind = match media_type.as_deref().and_then(|t| t.split('/').next()) {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    };
    Some(Attachment {
        id: AttachmentId::new(text(data, "id")?),
        file: File {
            kind,
            declared_type: media_type,
            file_name: None,
            digest: None,
            size_bytes: whole(data, "size"),
            caption: None,
        },
        link: Some(Link(link)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> Value {
        json!({
            "event_id": "a1b2c3d4-e5f6-f7g8-h9i0-j1k2l3m4n5o6", "event_type": EVENT, "timestamp": "2026-01-15T14:30:00.000Z",
            "data": {
                "id": "media-789", "url": "https://api.mypurecloud.com/api/v2/message/mediadata/media-789", "media_type": "application/pdf",
                "size": "2048576", "conversation_id": "conv-456", "message_id": "msg-123",
            },
        })
    }

    #[test]
    fn the_documents_sample() {
        let announcement = parse(event().to_string().as_bytes()).unwrap().remove(0);
        assert_eq!(announcement.message.as_str(), "msg-123");
        let Said::Message(message) = announcement.said else {
            panic!("a message")
        };
        let Part::File(attachment) = &message.parts[0] else {
            panic!("a file")
        };
        assert_eq!(attachment.id.as_str(), "media-789");
        assert_eq!(
            (attachment.file.kind, attachment.file.size_bytes),
            (MediaKind::Document, Some(2_048_576))
        );
    }

    #[test]
    fn what_names_no_file_is_kept() {
        let mut other = event();
        other["event_type"] = json!("message:other");
        let mut without = event();
        without["data"]["url"] = json!(7);
        for body in [other, without, json!({})] {
            let said = parse(body.to_string().as_bytes()).unwrap().remove(0).said;
            assert!(matches!(said, Said::Notice(_)), "{said:?}");
        }
    }
}
