//! Agent to customer: `POST /{page-id}/messages`. Words and a file cannot share one message. There is no idempotency key:
//! a message whose answer is lost may have been sent, so Messenger's carry our id as `metadata`, and the echo that brings it
//! back tells (Send API reference; not part of Instagram's).

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::error::failure;
use crate::channels::Kind;
use crate::connection::{Connection, Page, Profile};
use crate::diagnosis::{Failure, Step};
use crate::platforms::channel::{Accepted, Message, Outgoing};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// Builds the call.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of Messenger or Instagram, or for a template: they have none.
pub fn send(
    connection: &Connection,
    message: &Message<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let mut content = match &message.what {
        Outgoing::Text(text) => json!({ "text": text }),
        Outgoing::File { id, kind, .. } => json!({
            "attachment": { "type": attachment_type(*kind), "payload": { "attachment_id": id } },
        }),
        Outgoing::Template(_) => {
            return Err(Failure::misconfigured("the channel has no templates"));
        }
    };
    let is_messenger = connection.profile() == Profile::Messenger;
    if let Some(opaque) = message.opaque.filter(|_| is_messenger) {
        content["metadata"] = json!(opaque);
    }
    let mut body = json!({ "recipient": { "id": message.to }, "message": content });
    if message.late {
        body["messaging_type"] = json!("MESSAGE_TAG");
        body["tag"] = json!("HUMAN_AGENT");
    } else if is_messenger {
        body["messaging_type"] = json!("RESPONSE");
    }
    post(connection, &body, patience)
}

/// Tells the customer that the agent is writing.
///
/// # Errors
/// As [`send`].
pub fn typing(
    connection: &Connection,
    customer: &str,
    patience: Duration,
) -> Result<Request, Failure> {
    let body = json!({ "recipient": { "id": customer }, "sender_action": "typing_on" });
    post(connection, &body, patience)
}

fn post(connection: &Connection, body: &Value, patience: Duration) -> Result<Request, Failure> {
    Ok(Request {
        method: Method::Post,
        url: page_url(connection, "messages")?,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience,
        local: connection.local,
    })
}

/// `{base}/{version}/{page-id}/{what}`.
pub(super) fn page_url(connection: &Connection, what: &str) -> Result<Url, Failure> {
    let Some(Page {
        base_url,
        graph_version,
        page_id,
        ..
    }) = connection.page()
    else {
        return Err(Failure::misconfigured("the connection has no page"));
    };
    let mut url = base_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("base_url takes no path"))?
        .pop_if_empty()
        .extend([graph_version, page_id, what]);
    Ok(url)
}

/// What a file of this kind is called.
pub(super) fn attachment_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Image | Kind::Sticker => "image",
        Kind::Audio => "audio",
        Kind::Video => "video",
        Kind::Document | Kind::Any => "file",
    }
}

/// Reads the answer. A 5xx without Meta's own words leaves open whether the message was taken.
///
/// # Errors
/// The vendor's error as a [`Failure`].
pub fn read_accepted(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Accepted, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    match (
        response.status,
        body.get("message_id").and_then(Value::as_str),
    ) {
        (200, Some(id)) => Ok(Accepted {
            message: id.to_owned(),
        }),
        _ => Err(failure(connection, Step::Send, response, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::connection::Template;
    use crate::connection::tests::{instagram, messenger, whatsapp};
    use crate::diagnosis::Disposition;
    use crate::event::origin;
    use crate::wire::Headers;

    const SECOND: Duration = Duration::from_secs(1);

    fn body(connection: &Connection, message: &Message<'_>) -> Value {
        let request = send(connection, message, SECOND).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://graph.facebook.com/v23.0/682498302938465/messages"
        );
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn as_in_the_published_examples() {
        let file = |kind| Outgoing::File {
            id: "1745504518999123",
            kind,
            file_name: "photo.jpg",
            caption: None,
        };
        let address = Address::default();
        let message = |what| Message {
            to: "1254459154682919",
            address: &address,
            what,
            opaque: None,
            late: false,
        };
        let published: Value = serde_json::from_str(include_str!(
            "fixtures/messenger-request-send-attachment-id.json"
        ))
        .unwrap();
        let sent = body(&messenger(), &message(file(Kind::Image)));
        assert_eq!(sent["message"], published["message"]);
        assert_eq!(sent["recipient"], published["recipient"]);
        assert_eq!(sent["messaging_type"], "RESPONSE");
        let sent = body(&instagram(), &message(file(Kind::Document)));
        assert_eq!(sent["message"]["attachment"]["type"], "file");
        assert!(sent.get("messaging_type").is_none());
        let sent = body(&instagram(), &message(Outgoing::Text("Hello")));
        assert_eq!(sent["message"], json!({ "text": "Hello" }));
    }

    #[test]
    fn late_answers_are_tagged_and_messenger_s_carry_our_id() {
        let opaque = origin().media_id();
        let message = Message {
            to: "1",
            address: &Address::default(),
            what: Outgoing::Text("Hello"),
            opaque: Some(&opaque),
            late: true,
        };
        for (connection, metadata) in [(messenger(), json!(opaque)), (instagram(), Value::Null)] {
            let sent = body(&connection, &message);
            assert_eq!(sent["messaging_type"], "MESSAGE_TAG");
            assert_eq!(sent["tag"], "HUMAN_AGENT");
            assert_eq!(
                sent["message"].get("metadata").cloned().unwrap_or_default(),
                metadata
            );
        }
        assert!(send(&whatsapp(), &message, SECOND).is_err());
        let template = Template {
            name: "x".to_owned(),
            language: "en".to_owned(),
        };
        let message = Message {
            what: Outgoing::Template(&template),
            ..message
        };
        assert!(send(&messenger(), &message, SECOND).is_err());
    }

    #[test]
    fn typing_is_an_action() {
        let request = typing(&messenger(), "42", SECOND).unwrap();
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        let expected = json!({ "recipient": { "id": "42" }, "sender_action": "typing_on" });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn what_an_answer_means() {
        let read = |status, body: &[u8]| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.to_vec(),
            };
            read_accepted(&messenger(), &response, Timestamp::default())
        };
        let published = include_bytes!("fixtures/messenger-response-send.json");
        assert!(
            read(200, published)
                .unwrap()
                .message
                .starts_with("m_AG5Hz2")
        );
        for (status, body, expected) in [
            (200, &b"{}"[..], Disposition::Unknown),
            (502, b"<html>", Disposition::Unknown),
            (500, br#"{"error":{"code":2}}"#, Disposition::Unknown),
            (400, br#"{"error":{"code":2}}"#, Disposition::Unavailable),
            (400, br#"{"error":{"code":551}}"#, Disposition::Rejected),
        ] {
            let failure = read(status, body).unwrap_err();
            assert_eq!(failure.disposition, expected, "{status}");
        }
    }
}
