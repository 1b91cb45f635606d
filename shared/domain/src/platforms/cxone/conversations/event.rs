//! The event `CONVERSATION_MESSAGE` with its `data.attachments[]`: each is a file of its own (`S1-15`), by a link that lives 15 to 30
//! minutes and needs the bearer. None is a message without files, and is kept. Ids are opaque (`SB-4`).

use serde_json::Value;
use url::Url;

use crate::event::{Announcement, Attachment, File, Link, MediaKind, Message, Part, Said};
use crate::ids::{AttachmentId, MessageId};
use crate::platforms::lenient::{Unreadable, kept, list, object, text, unnamed, whole, words};
use crate::time::Timestamp;

/// The event that names files.
const EVENT: &str = "CONVERSATION_MESSAGE";

/// What one body announces. Unknown event types are kept, not errors (`S3-30`).
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn parse(body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let body = object(body)?;
    let slice = body.to_string();
    let data = body.get("data").unwrap_or(&Value::Null);
    let kind = text(&body, "event_type").unwrap_or_default();
    let message = text(data, "message_id").or_else(|| text(&body, "event_id"));
    let said = match kind.as_str() {
        EVENT => said(data).unwrap_or(Said::Notice(kind)),
        _ => Said::Notice(kind),
    };
    Ok(vec![Announcement {
        business: String::new(),
        message: MessageId::new(message.unwrap_or_else(|| unnamed(&slice))),
        customer: text(data, "conversation_id").unwrap_or_default(),
        customer_name: None,
        sent_at: text(&body, "timestamp")
            .and_then(|time| Timestamp::parse_rfc3339(&time))
            .unwrap_or_default(),
        said,
        slice: kept(slice),
    }])
}

/// The words, which the documents' own example has none of, belong to the first file.
fn said(data: &Value) -> Option<Said> {
    let told = words(data, "text");
    let mut files: Vec<Attachment> = list(data, "attachments").filter_map(attachment).collect();
    let mut parts = Vec::new();
    match files.first_mut() {
        Some(first) => first.file.caption = told,
        None => parts.extend(told.map(Part::Words)),
    }
    parts.extend(files.into_iter().map(|it| Part::File(Box::new(it))));
    (!parts.is_empty()).then_some(Said::Message(Message {
        parts,
        answers: None,
        takes_back: None,
    }))
}

fn attachment(attachment: &Value) -> Option<Attachment> {
    let link = Url::parse(&text(attachment, "download_url")?).ok()?;
    let declared_type = text(attachment, "mime_type");
    let kind = match declared_type.as_deref().and_then(|t| t.split('/').next()) {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    };
    Some(Attachment {
        id: AttachmentId::new(text(attachment, "attachment_id")?),
        file: File {
            declared_type,
            file_name: text(attachment, "file_name"),
            size_bytes: whole(attachment, "size_bytes"),
            ..File::new(kind)
        },
        link: Some(Link(link)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const AS_WRITTEN: &str = include_str!("../fixtures/conversation-message.json");

    fn parts(body: &Value) -> Vec<Part> {
        match parse(body.to_string().as_bytes()).unwrap().remove(0).said {
            Said::Message(message) => message.parts,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_documents_own_payload_as_written() {
        let announcement = parse(AS_WRITTEN.as_bytes()).unwrap().remove(0);
        assert_eq!(announcement.message.as_str(), "msg-cxone-445566");
        assert_eq!(announcement.customer, "conv-cxone-112233");
        assert_eq!(
            announcement.sent_at.to_rfc3339(),
            "2024-06-15T14:32:10.000Z"
        );
        let Said::Message(message) = &announcement.said else {
            panic!("a message")
        };
        let [Part::File(file)] = message.parts.as_slice() else {
            panic!("{message:?}")
        };
        assert_eq!(file.id.as_str(), "att-77889900aabbcc");
        assert_eq!(file.file.declared_type.as_deref(), Some("application/pdf"));
        assert_eq!(file.file.file_name.as_deref(), Some("invoice_q2.pdf"));
        assert_eq!(file.file.size_bytes, Some(524_288));
        let link = file.link.as_ref().unwrap().0.as_str();
        assert_eq!(
            link,
            "https://api.nice-incontact.com/v1/conversations/media/att-77889900aabbcc"
        );
        assert_eq!(
            parse(announcement.slice.as_bytes()).unwrap(),
            [announcement]
        );
    }

    #[test]
    fn several_files_are_several_parts_and_none_is_kept() {
        let mut body: Value = serde_json::from_str(AS_WRITTEN).unwrap();
        let mut second = body["data"]["attachments"][0].clone();
        second["attachment_id"] = json!("att-2");
        body["data"]["attachments"]
            .as_array_mut()
            .unwrap()
            .push(second);
        body["data"]["text"] = json!("Both");
        let [Part::File(one), Part::File(two)] = &parts(&body)[..] else {
            panic!("two files")
        };
        assert_eq!(
            (one.file.caption.as_deref(), two.file.caption.as_deref()),
            (Some("Both"), None)
        );
        body["data"]["attachments"] = json!([{"attachment_id": "a"}, {"download_url": "x"}, 7]);
        assert_eq!(parts(&body), [Part::Words("Both".to_owned())]);
        body["data"] = json!({});
        let kept = parse(body.to_string().as_bytes()).unwrap().remove(0);
        assert_eq!(kept.said, Said::Notice(EVENT.to_owned()));
        body["event_type"] = json!("CONVERSATION_ENDED");
        let kept = parse(body.to_string().as_bytes()).unwrap().remove(0);
        assert_eq!(kept.said, Said::Notice("CONVERSATION_ENDED".to_owned()));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&body);
        }
    }
}
