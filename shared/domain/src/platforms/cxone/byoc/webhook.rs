//! An agent's message, as CXone calls a middleware with it (cxone.md §3, §4). Two contracts, and no public reference of either: every
//! field may be missing, ids are strings or numbers, and what is not known is left alone.
//!
//! Where CXone gives a message no id, one is derived: from channel, thread, `createdAtWithMilliseconds` and content, so that a repeat
//! is told as one. Contract 1.0 is not known to name a moment; then it is the minute in which the message came, so that an agent who
//! says the same twice is heard twice, and a repeat at once is not.

use serde_json::{Value, json};
use url::Url;

use super::address::Address;
use super::words::words_of;
use crate::event::{Announcement, Attachment, File, Link, MediaKind, Message, Part, Said};
use crate::ids::{AttachmentId, MessageId};
use crate::platforms::lenient::{Unreadable, kept, list, object, text, unnamed, words};
use crate::time::Timestamp;

/// The key under which a slice says where its body came to.
const CAME_TO: &str = "attache";

/// What a body announces that came to `path` at `now`.
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object or says of nobody to whom it goes.
pub fn parse_at(path: &str, body: &[u8], now: Timestamp) -> Result<Vec<Announcement>, Unreadable> {
    let body = object(body)?;
    let message = id_of(&body).unwrap_or_else(|| derived(path, &body, now));
    read(path, message, &body)
}

/// What a slice announces.
///
/// # Errors
/// [`Unreadable`] if it is none of ours.
pub fn parse(slice: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    let slice = object(slice)?;
    let came = slice.get(CAME_TO).unwrap_or(&Value::Null);
    let missing = || Unreadable::Missing("where it came to");
    let (path, message) = text(came, "path")
        .zip(text(came, "message"))
        .ok_or_else(missing)?;
    read(&path, message, slice.get("body").unwrap_or(&Value::Null))
}

fn read(path: &str, message: String, body: &Value) -> Result<Vec<Announcement>, Unreadable> {
    let channel = match Address::read(path) {
        Some(Address::Message { channel }) => channel.map(str::to_owned),
        Some(Address::Token | Address::Unused) | None => None,
    };
    let business = channel
        .or_else(|| id_at(body, "/channel/id"))
        .or_else(|| text(body, "channelId"));
    let (customer, customer_name) = recipient(body).ok_or(Unreadable::Missing(
        "the customer: expected endUserRecipients[].idOnExternalPlatform or thread.idOnExternalPlatform",
    ))?;
    let slice = json!({ CAME_TO: { "path": path, "message": message }, "body": body });
    Ok(vec![Announcement {
        business: business.unwrap_or_default(),
        message: MessageId::new(message),
        customer,
        customer_name,
        sent_at: moment(body)
            .and_then(|time| Timestamp::parse_rfc3339(&time))
            .unwrap_or_default(),
        said: said(body),
        slice: kept(slice.to_string()),
    }])
}

fn id_at(body: &Value, pointer: &str) -> Option<String> {
    let (place, key) = pointer.rsplit_once('/')?;
    text(body.pointer(place)?, key).filter(|id| !id.is_empty())
}

fn id_of(body: &Value) -> Option<String> {
    [
        "/id",
        "/messageId",
        "/message/id",
        "/message/idOnExternalPlatform",
    ]
    .iter()
    .find_map(|pointer| id_at(body, pointer))
}

fn moment(body: &Value) -> Option<String> {
    text(body, "createdAtWithMilliseconds").or_else(|| text(body, "createdAt"))
}

/// Of links only what names the file counts: they are signed anew each time.
fn derived(path: &str, body: &Value, now: Timestamp) -> String {
    let bare = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let files: Vec<_> = attachments(body)
        .map(|it| text(it, "id").or_else(|| text(it, "url").map(|url| bare(&url))))
        .collect();
    let moment = moment(body).unwrap_or_else(|| (now.as_millis() / 60_000).to_string());
    let thread = id_at(body, "/thread/idOnExternalPlatform");
    let content = body.get("messageContent").or_else(|| body.get("message"));
    unnamed(&json!([path, thread, recipient(body), moment, content, files]).to_string())
}

/// The customer's address and name: the primary end user, or the thread's last word, which is how we name threads.
fn recipient(body: &Value) -> Option<(String, Option<String>)> {
    let primary = |key: &str| {
        let is_primary = |it: &&Value| it.get("isPrimary").and_then(Value::as_bool) == Some(true);
        let found = list(body, key).find(is_primary);
        let person = found.or_else(|| list(body, key).next())?;
        let address = id_at(person, "/idOnExternalPlatform")?;
        Some((address, words(person, "name")))
    };
    let of_thread = || {
        let thread = id_at(body, "/thread/idOnExternalPlatform")?;
        let (_, customer) = thread.rsplit_once('_')?;
        (!customer.is_empty()).then(|| (customer.to_owned(), None))
    };
    primary("endUserRecipients")
        .or_else(|| primary("recipients"))
        .or_else(of_thread)
}

/// The attachments, by either contract.
fn attachments(body: &Value) -> impl Iterator<Item = &Value> {
    let message = body.get("message").unwrap_or(&Value::Null);
    list(body, "attachments").chain(list(message, "attachments"))
}

fn said(body: &Value) -> Said {
    let mut files: Vec<Attachment> = attachments(body)
        .enumerate()
        .map(|(position, attachment)| file(position, attachment))
        .collect();
    let text = Some(words_of(body).join("\n")).filter(|text| !text.is_empty());
    let mut parts = Vec::new();
    match files.first_mut() {
        Some(first) => first.file.caption = text,
        None => parts.extend(text.map(Part::Words)),
    }
    parts.extend(files.into_iter().map(|it| Part::File(Box::new(it))));
    if parts.is_empty() {
        let kind = body.pointer("/messageContent/type").and_then(Value::as_str);
        return Said::Notice(kind.unwrap_or("outbound").to_owned());
    }
    let is_reply = body
        .get("isReplyToSpecificMessage")
        .and_then(Value::as_bool)
        == Some(true);
    let answers = id_at(body, "/replyToMessage/idOnExternalPlatform").filter(|_| is_reply);
    Said::Message(Message {
        parts,
        answers: answers.map(MessageId::new),
        takes_back: None,
    })
}

fn name_of(attachment: &Value) -> Option<String> {
    words(attachment, "friendlyName").or_else(|| words(attachment, "fileName"))
}

/// A file. Its link is signed, and lives shortly; neither size nor digest is told. One without a link is lost, of which the agent is told.
fn file(position: usize, attachment: &Value) -> Attachment {
    let link = words(attachment, "url").and_then(|url| Url::parse(&url).ok());
    let declared_type = words(attachment, "mimeType");
    let kind = match declared_type.as_deref().and_then(|it| it.split('/').next()) {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    };
    let id = text(attachment, "id").filter(|id| !id.is_empty());
    Attachment {
        id: AttachmentId::new(id.unwrap_or_else(|| position.to_string())),
        file: File {
            declared_type,
            file_name: name_of(attachment),
            ..File::new(kind)
        },
        link: link.map(Link),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_768_484_484);
    const TWO: &str = "2.0/channel/byoc_1/outbound";
    const ONE: &str = "1.0/posts/p1/messages";

    fn at(path: &str, body: &Value, now: Timestamp) -> Announcement {
        parse_at(path, body.to_string().as_bytes(), now)
            .unwrap()
            .remove(0)
    }

    fn published(version: &str) -> Value {
        let text = match version {
            ONE => include_str!("../fixtures/byoc-outbound-1.0-request.json"),
            _ => include_str!("../fixtures/byoc-outbound-2.0-request.json"),
        };
        serde_json::from_str(text).unwrap()
    }

    fn message(announcement: Announcement) -> Message {
        match announcement.said {
            Said::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_published_example_of_contract_two() {
        let announcement = at(TWO, &published(TWO), NOW);
        assert_eq!(announcement.business, "byoc_1");
        assert_eq!(announcement.customer, "16505551234");
        assert_eq!(announcement.customer_name.as_deref(), Some("Sheena Nelson"));
        assert_eq!(
            announcement.sent_at.to_rfc3339(),
            "2026-01-15T13:41:24.276Z"
        );
        let message = message(announcement);
        assert_eq!(message.answers, None, "it answers no message of its own");
        let [Part::File(file)] = message.parts.as_slice() else {
            panic!("{message:?}")
        };
        assert_eq!(file.id.as_str(), "0d5b7e1c-3c7a-4a51-8a3c-0b8f4a1e2d3c");
        assert_eq!(
            file.file.caption.as_deref(),
            Some("Please see the attached invoice.")
        );
        assert_eq!(file.file.file_name.as_deref(), Some("invoice_q3.pdf"));
        assert_eq!(file.file.size_bytes, None);
        assert_eq!(
            file.link.as_ref().unwrap().0.host_str(),
            Some("files.example-cxone.com")
        );
    }

    #[test]
    fn the_published_example_of_contract_one_names_no_channel() {
        let announcement = at(ONE, &published(ONE), NOW);
        assert_eq!(
            (
                announcement.business.as_str(),
                announcement.customer.as_str()
            ),
            ("", "16505551234")
        );
        assert_eq!(
            message(announcement).parts,
            [Part::Words("Please see the attached invoice.".to_owned())]
        );
    }

    #[test]
    fn a_repeat_is_told_as_one_and_another_message_is_not() {
        let name = |path, body: &Value, seconds| {
            at(path, body, NOW + std::time::Duration::from_secs(seconds)).message
        };
        let two = published(TWO);
        let mut signed_anew = two.clone();
        signed_anew["attachments"][0]["url"] =
            json!("https://files.example-cxone.com/attachments/0d5b7e1c?Signature=other");
        assert_eq!(name(TWO, &two, 0), name(TWO, &signed_anew, 3600));
        for (pointer, other) in [
            (
                "/createdAtWithMilliseconds",
                json!("2026-01-15T13:41:24.277Z"),
            ),
            (
                "/thread/idOnExternalPlatform",
                json!("whatsapp_15550783881_1"),
            ),
            ("/messageContent/payload/text", json!("Other words")),
            ("/attachments/0/id", json!("another")),
        ] {
            let mut changed = two.clone();
            *changed.pointer_mut(pointer).unwrap() = other;
            assert_ne!(name(TWO, &two, 0), name(TWO, &changed, 0), "{pointer}");
        }
        let one = published(ONE);
        assert_eq!(name(ONE, &one, 0), name(ONE, &one, 10));
        assert_ne!(
            name(ONE, &one, 0),
            name(ONE, &one, 61),
            "said again a minute later"
        );
        for (key, id) in [("id", json!("m-1")), ("messageId", json!(42))] {
            let mut named = two.clone();
            named[key] = id.clone();
            assert_eq!(
                name(TWO, &named, 0).as_str(),
                id.to_string().trim_matches('"')
            );
        }
    }

    #[test]
    fn ids_of_either_type_several_files_and_none() {
        let body = json!({"endUserRecipients": [{"idOnExternalPlatform": 1}, {"idOnExternalPlatform": 16_505_551_234_u64, "isPrimary": true}],
            "attachments": [{"id": 7, "url": "https://x.example/a", "mimeType": "image/png"}, {"url": "https://x.example/b", "fileName": "b.pdf"},
                {"friendlyName": "lost.pdf"}]});
        let announcement = at(TWO, &body, NOW);
        assert_eq!(announcement.customer, "16505551234");
        let parts = message(announcement).parts;
        let [Part::File(one), Part::File(two), Part::File(lost)] = parts.as_slice() else {
            panic!("{parts:?}")
        };
        assert_eq!((one.id.as_str(), two.id.as_str()), ("7", "1"));
        assert_eq!(
            (one.file.kind, two.file.kind),
            (MediaKind::Image, MediaKind::Document)
        );
        assert_eq!(
            (&lost.link, lost.file.file_name.as_deref()),
            (&None, Some("lost.pdf"))
        );
        let silent = json!({"thread": {"idOnExternalPlatform": "a_b_c"}, "messageContent": {"type": "TEXT"}});
        assert_eq!(at(TWO, &silent, NOW).said, Said::Notice("TEXT".to_owned()));
        for nobody in [
            json!({}),
            json!({"thread": 7}),
            json!({"thread": {"idOnExternalPlatform": "x"}}),
        ] {
            let refused = parse_at(TWO, nobody.to_string().as_bytes(), NOW).unwrap_err();
            assert!(
                refused.to_string().contains("endUserRecipients"),
                "{refused}"
            );
        }
    }

    #[test]
    fn structured_content_in_words_and_replies() {
        let to = json!({"idOnExternalPlatform": "a_b_c"});
        let words = |content: Value| {
            let body = json!({"thread": to, "messageContent": content});
            match message(at(TWO, &body, NOW)).parts.remove(0) {
                Part::Words(words) => words,
                Part::File(file) => panic!("{file:?}"),
            }
        };
        let buttons = json!({"type": "QUICK_REPLIES", "payload": {"text": {"content": "", "text": "Which?"},
            "actions": [{"text": "Red", "postback": "r"}, {"text": "Blue", "postback": "b"}]}});
        let read = words(buttons);
        assert!(
            read.contains("1. Red") && read.contains("2. Blue"),
            "{read}"
        );
        assert_eq!(
            words(json!({"type": "RICH_LINK", "fallbackText": "See https://x.example"})),
            "See https://x.example"
        );
        assert_eq!(words(json!({"type": "HOLOGRAM"})), "[HOLOGRAM]");
        let mut reply = published(TWO);
        reply["isReplyToSpecificMessage"] = json!(true);
        assert!(
            message(at(TWO, &reply, NOW))
                .answers
                .unwrap()
                .as_str()
                .starts_with("wamid.")
        );
    }

    #[test]
    fn a_slice_taken_in_again_announces_the_same() {
        for path in [ONE, TWO] {
            let announcement = at(path, &published(path), NOW);
            assert_eq!(
                parse(announcement.slice.as_bytes()).unwrap(),
                [announcement]
            );
        }
        assert!(
            parse(published(TWO).to_string().as_bytes()).is_err(),
            "no slice of ours"
        );
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = (parse_at(TWO, &body, NOW), parse(&body));
        }
    }
}
