//! The webhook body of Messenger and Instagram: `entry[] × messaging[]`, possibly of several pages or accounts at once.
//!
//! Read leniently: every optional field may be missing or of another type, unknown objects, fields and types are no errors.
//! Every message is carried or told in words ([`super::words`]); what is no message and no status is announced as a notice.
//! Left out are only echoes of what the page itself sent: what another system or the page's inbox says to its customer is said
//! to them, not to us. An echo that carries our id tells what became of a message of ours.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use super::words;
use crate::event::{
    About, Announcement, Attachment, Fate, File, Link, MediaKind, Message, Part, Reached, Said,
    Status,
};
use crate::ids::{AttachmentId, MessageId};
use crate::platforms::lenient::{
    MOST_ANNOUNCEMENTS, Unreadable, kept, list, object, text, unnamed, whole, words as words_at,
};
use crate::time::Timestamp;

/// Everything one body announces, in its order.
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object.
pub fn parse(body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let body = object(body)?;
    let mut announcements = Vec::new();
    let mut events = 0;
    for entry in list(&body, "entry") {
        for event in list(entry, "messaging") {
            events += 1;
            let events = one_by_one(event);
            announcements.extend(events.iter().filter_map(|it| announced(&body, entry, it)));
        }
        // What another app is answering (`standby`), and what is no conversation (`changes`).
        for other in ["standby", "changes"] {
            for event in list(entry, other) {
                events += 1;
                let name = text(event, "field").unwrap_or_else(|| other.to_owned());
                announcements.push(notice(name, &alone(&body, entry, other, event)));
            }
        }
        if events > MOST_ANNOUNCEMENTS || announcements.len() > MOST_ANNOUNCEMENTS {
            return Err(Unreadable::TooMany);
        }
    }
    if events == 0 {
        // Another object (a number's, say), or an entry without events.
        let name = text(&body, "object").unwrap_or_default();
        announcements.push(notice(name, &body.to_string()));
    }
    Ok(announcements)
}

/// What tells of no message: named by its content, so that a repeat is the same.
fn notice(name: String, slice: &str) -> Announcement {
    Announcement {
        business: String::new(),
        message: MessageId::new(unnamed(slice)),
        customer: String::new(),
        customer_name: None,
        sent_at: Timestamp::default(),
        said: Said::Notice(name),
        slice: kept(slice.to_owned()),
    }
}

/// A body with this event and nothing else.
fn alone(body: &Value, entry: &Value, list: &str, event: &Value) -> String {
    let get = |value: &Value, key: &str| value.get(key).cloned().unwrap_or_default();
    let (object, id, time) = (get(body, "object"), get(entry, "id"), get(entry, "time"));
    format!(r#"{{"object":{object},"entry":[{{"id":{id},"time":{time},"{list}":[{event}]}}]}}"#)
}

/// The event, or several that each name one of the messages that it names.
fn one_by_one(event: &Value) -> Vec<Cow<'_, Value>> {
    let named = event.pointer("/delivery/mids").and_then(Value::as_array);
    match named {
        Some(named) if named.len() > 1 => {
            let of = |id: &Value| {
                let mut single = event.clone();
                single["delivery"]["mids"] = Value::Array(vec![id.clone()]);
                Cow::Owned(single)
            };
            named.iter().map(of).collect()
        }
        Some(_) | None => vec![Cow::Borrowed(event)],
    }
}

/// What one event announces; `None`: nothing, it is an echo.
fn announced(body: &Value, entry: &Value, event: &Value) -> Option<Announcement> {
    let slice = alone(body, entry, "messaging", event);
    let name = |key: &str| text(event.get(key)?, "id");
    let echo = is_true(event, "/message/is_echo");
    let customer = if echo {
        name("recipient")
    } else {
        name("sender")
    };
    let millis = whole(event, "timestamp").or_else(|| whole(entry, "time"));
    let (message, said) = if echo {
        echoed(event)?
    } else {
        said(event, &slice)
    };
    Some(Announcement {
        business: text(entry, "id").unwrap_or_default(),
        message,
        customer: customer.unwrap_or_default(),
        customer_name: None,
        sent_at: Timestamp::from_millis(millis.unwrap_or_default()),
        said,
        slice: kept(slice),
    })
}

fn is_true(event: &Value, pointer: &str) -> bool {
    event.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

/// That a message of ours was sent; `None` for what is not ours.
fn echoed(event: &Value) -> Option<(MessageId, Said)> {
    let message = event.get("message")?;
    let opaque = text(message, "metadata")?;
    let status = Status {
        about: About::Opaque(opaque),
        fate: Fate::Sent,
    };
    Some((MessageId::new(text(message, "mid")?), Said::Status(status)))
}

fn said(event: &Value, slice: &str) -> (MessageId, Said) {
    let own = |of: &Value| MessageId::new(text(of, "mid").unwrap_or_else(|| unnamed(slice)));
    if let Some(message) = event.get("message") {
        return message_of(message, own(message));
    }
    for (key, fate) in [("delivery", Fate::Delivered), ("read", Fate::Read)] {
        if let Some(report) = event.get(key) {
            return reported(report, &fate, slice);
        }
    }
    if let Some(told) = words::of_event(event) {
        let message = Message {
            answers: told.about.map(MessageId::new),
            ..Message::of_words(told.words)
        };
        // A reaction names the message it is about, not itself.
        return (MessageId::new(unnamed(slice)), Said::Message(message));
    }
    let known = ["sender", "recipient", "timestamp"];
    let keys = event.as_object().into_iter().flat_map(|it| it.keys());
    let name = { keys }.find(|key| !known.contains(&key.as_str()));
    let notice = Said::Notice(name.cloned().unwrap_or_default());
    (MessageId::new(unnamed(slice)), notice)
}

/// What became of the message that is named, else of all up to a moment.
fn reported(report: &Value, fate: &Fate, slice: &str) -> (MessageId, Said) {
    let named = text(report, "mid").or_else(|| {
        let mut named = list(report, "mids").filter_map(Value::as_str);
        named.next().map(str::to_owned)
    });
    if let Some(id) = named {
        let status = Status {
            about: About::Name,
            fate: fate.clone(),
        };
        return (MessageId::new(id), Said::Status(status));
    }
    let said = match whole(report, "watermark") {
        Some(millis) => Said::Reached(Reached {
            fate: fate.clone(),
            until: Timestamp::from_millis(millis),
        }),
        None => Said::Notice(fate.as_str().to_owned()),
    };
    (MessageId::new(unnamed(slice)), said)
}

fn message_of(message: &Value, id: MessageId) -> (MessageId, Said) {
    if is_true(message, "/is_deleted") {
        let deletion = Message {
            takes_back: Some(id.clone()),
            ..Message::of_words(words::DELETED)
        };
        // It comes under the name of the message that is deleted.
        let id = MessageId::new(format!("{id}/deleted"));
        return (id, Said::Message(deletion));
    }
    let told = words::of_message(message);
    let mut parts = Vec::new();
    let mut caption = (!told.is_empty()).then(|| told.join("\n"));
    for (position, attachment) in words::attachments(message) {
        if let Some((kind, link)) = file(attachment) {
            parts.push(Part::File(Box::new(Attachment {
                id: AttachmentId::new(position.to_string()),
                file: File {
                    kind,
                    declared_type: None,
                    file_name: file_name(kind, &link),
                    digest: None,
                    size_bytes: None,
                    caption: caption.take(),
                },
                link: Some(Link(link)),
            })));
        }
    }
    parts.extend(caption.map(Part::Words));
    if parts.is_empty() {
        parts.push(Part::Words(words::without_content("")));
    }
    let answered = message.get("reply_to").and_then(|it| text(it, "mid"));
    let said = Said::Message(Message {
        parts,
        answers: answered.map(MessageId::new),
        takes_back: None,
    });
    (id, said)
}

/// The kind and link of an attachment that is a file; `None` if it is none, or does not say where it is.
pub(super) fn file(attachment: &Value) -> Option<(MediaKind, Url)> {
    let payload = attachment.get("payload")?;
    let kind = match text(attachment, "type")?.as_str() {
        "image" if payload.get("sticker_id").is_some() => MediaKind::Sticker,
        // A story is a picture or a film: its bytes tell.
        "image" | "animated_image" | "story_mention" => MediaKind::Image,
        "sticker" => MediaKind::Sticker,
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "file" => MediaKind::Document,
        _ => return None,
    };
    Some((kind, Url::parse(&words_at(payload, "url")?).ok()?))
}

/// Only what a customer picked as a file has a name, and only its link tells it: the last part of the path.
fn file_name(kind: MediaKind, link: &Url) -> Option<String> {
    let last = link.path_segments()?.next_back()?;
    let name = percent_encoding::percent_decode_str(last)
        .decode_utf8()
        .ok()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let named = kind == MediaKind::Document && !stem.is_empty() && !extension.is_empty();
    named.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn only(body: &[u8]) -> Announcement {
        let mut all = parse(body).unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    fn message(body: &[u8]) -> Message {
        match only(body).said {
            Said::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    fn event(event: &Value) -> Vec<Announcement> {
        let body = json!({"object": "page", "entry": [{"id": 7, "time": 5, "messaging": [event]}]});
        parse(body.to_string().as_bytes()).unwrap()
    }

    fn files(message: &Message) -> Vec<(&str, MediaKind, Option<&str>)> {
        let mut files = Vec::new();
        for part in &message.parts {
            if let Part::File(it) = part {
                files.push((it.id.as_str(), it.file.kind, it.file.file_name.as_deref()));
            }
        }
        files
    }

    #[test]
    fn the_published_image_examples() {
        let first = only(include_bytes!("fixtures/messenger-webhook-image.json"));
        assert_eq!(first.business, "682498302938465");
        assert_eq!(first.customer, "<PSID>");
        assert_eq!(first.message.as_str(), "mid.$cAAJdkrCd2ORnva8ErFhjGm0X_Q_c");
        assert_eq!(first.sent_at, Timestamp::from_millis(1_518_479_195_308));
        let said = format!("{:?}", first.said);
        assert!(!said.contains("oe="), "a link is a credential: {said}");
        let message = message(include_bytes!("fixtures/instagram-webhook-image.json"));
        assert_eq!(files(&message), [("0", MediaKind::Image, None)]);
    }

    #[test]
    fn several_files_in_one_message() {
        let all = message(include_bytes!(
            "fixtures/messenger-webhook-multi-attachments.json"
        ));
        let expected = [
            ("0", MediaKind::Image, None),
            ("1", MediaKind::Document, Some("receipt.pdf")),
            ("2", MediaKind::Audio, None),
            ("3", MediaKind::Video, None),
        ];
        assert_eq!(files(&all), expected);
        let all = message(include_bytes!(
            "fixtures/instagram-webhook-multi-media.json"
        ));
        assert_eq!(files(&all).len(), 4);
        let Part::File(first) = &all.parts[0] else {
            panic!("{all:?}")
        };
        assert_eq!(first.file.caption.as_deref(), Some("both of these"));
    }

    #[test]
    fn a_sticker_comes_once() {
        let both = message(include_bytes!(
            "fixtures/messenger-webhook-sticker-transition.json"
        ));
        assert_eq!(files(&both), [("1", MediaKind::Sticker, None)]);
        let before = json!({"message": {"mid": "m", "attachments": [
            {"type": "image", "payload": {"url": "https://x.example/s.png", "sticker_id": 3}}]}});
        let Said::Message(before) = event(&before).remove(0).said else {
            panic!("a message")
        };
        assert_eq!(files(&before), [("0", MediaKind::Sticker, None)]);
    }

    #[test]
    fn what_is_no_file_is_told_in_words() {
        let fallback = message(include_bytes!(
            "fixtures/messenger-webhook-fallback-no-payload.json"
        ));
        assert_eq!(
            fallback.parts,
            [Part::Words("https://example.com".to_owned())]
        );
        let story = message(include_bytes!(
            "fixtures/instagram-webhook-story-mention.json"
        ));
        let [Part::File(story)] = story.parts.as_slice() else {
            panic!("{story:?}")
        };
        assert_eq!(
            story.file.caption.as_deref(),
            Some("[mentioned you in a story]")
        );
        let unsupported = message(include_bytes!(
            "fixtures/instagram-webhook-unsupported.json"
        ));
        assert!(
            matches!(&unsupported.parts[..], [Part::Words(words)] if words.starts_with("[Attaché]"))
        );
    }

    #[test]
    fn a_deletion_takes_its_message_back_under_a_name_of_its_own() {
        let deleted = only(include_bytes!("fixtures/instagram-webhook-deleted.json"));
        assert_eq!(deleted.message.as_str(), "<MESSAGE_ID>/deleted");
        let Said::Message(message) = deleted.said else {
            panic!("a message")
        };
        assert_eq!(message.takes_back.unwrap().as_str(), "<MESSAGE_ID>");
    }

    #[test]
    fn echoes_of_ours_tell_and_others_are_left_out() {
        for echo in [
            &include_bytes!("fixtures/messenger-webhook-echo.json")[..],
            include_bytes!("fixtures/instagram-webhook-echo.json"),
        ] {
            assert_eq!(parse(echo).unwrap(), []);
        }
        let ours = json!({"sender": {"id": "7"}, "recipient": {"id": "42"}, "message":
            {"is_echo": true, "mid": "m_1", "metadata": "wzaofgmg5janvywtds62g3xzie", "text": "Hi"}});
        let ours = event(&ours).remove(0);
        assert_eq!(
            (ours.customer.as_str(), ours.message.as_str()),
            ("42", "m_1")
        );
        let status = Status {
            about: About::Opaque("wzaofgmg5janvywtds62g3xzie".to_owned()),
            fate: Fate::Sent,
        };
        assert_eq!(ours.said, Said::Status(status));
    }

    #[test]
    fn reports_name_messages_or_a_moment() {
        let named = |fate| {
            let about = About::Name;
            Said::Status(Status { about, fate })
        };
        let delivery = only(include_bytes!("fixtures/messenger-webhook-delivery.json"));
        assert_eq!(
            delivery.message.as_str(),
            "mid.1458668856218:ed81099e15d3f4f233"
        );
        assert_eq!(delivery.said, named(Fate::Delivered));
        let seen = only(include_bytes!("fixtures/instagram-webhook-seen.json"));
        assert_eq!(seen.said, named(Fate::Read));
        let read = only(include_bytes!("fixtures/messenger-webhook-read.json"));
        let reached = |fate| {
            let until = Timestamp::from_millis(1_458_668_856_253);
            Said::Reached(Reached { fate, until })
        };
        assert_eq!(read.said, reached(Fate::Read));
        let without = json!({"delivery": {"watermark": 1_458_668_856_253_u64}});
        assert_eq!(event(&without)[0].said, reached(Fate::Delivered));
        let two = event(&json!({"delivery": {"mids": ["a", "b"], "watermark": 1}}));
        let names: Vec<_> = two.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(parse(two[1].slice.as_bytes()).unwrap(), two[1..]);
        let nothing = json!({"read": {}});
        assert_eq!(event(&nothing)[0].said, Said::Notice("read".to_owned()));
    }

    #[test]
    fn reactions_choices_and_strange_events() {
        let reaction = json!({"sender": {"id": "42"}, "reaction": {"mid": "m_1", "action": "react", "emoji": "👍"}});
        let first = event(&reaction).remove(0);
        let Said::Message(message) = first.said else {
            panic!("a message")
        };
        assert_eq!(message.answers.unwrap().as_str(), "m_1");
        assert!(first.message.as_str().starts_with("unnamed-"));
        for (strange, expected) in [
            (json!({"optin": {"ref": "x"}}), "optin"),
            (
                json!({"sender": {"id": "1"}, "policy_enforcement": {}}),
                "policy_enforcement",
            ),
            (json!({}), ""),
            (json!(7), ""),
        ] {
            assert_eq!(
                event(&strange)[0].said,
                Said::Notice(expected.to_owned()),
                "{strange}"
            );
        }
        for body in [
            "{}",
            r#"{"entry":7}"#,
            r#"{"object":"page","entry":[{"id":1}]}"#,
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap().len(), 1, "{body}");
        }
        let others = br#"{"entry":[{"changes":[{"field":"feed"}],"standby":[{"message":{}}]}]}"#;
        let names: Vec<_> = parse(others)
            .unwrap()
            .into_iter()
            .map(|it| it.said)
            .collect();
        assert_eq!(
            names,
            ["standby", "feed"].map(|it| Said::Notice(it.to_owned()))
        );
    }

    #[test]
    fn a_slice_taken_in_again_announces_the_same() {
        for body in [
            &include_bytes!("fixtures/messenger-webhook-multi-attachments.json")[..],
            include_bytes!("fixtures/messenger-webhook-sticker-transition.json"),
            include_bytes!("fixtures/messenger-webhook-delivery.json"),
            include_bytes!("fixtures/messenger-webhook-read.json"),
            include_bytes!("fixtures/instagram-webhook-deleted.json"),
            include_bytes!("fixtures/instagram-webhook-seen.json"),
        ] {
            for announcement in parse(body).unwrap() {
                let again = parse(announcement.slice.as_bytes()).unwrap();
                assert_eq!(again, [announcement]);
            }
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&body);
        }
    }
}
