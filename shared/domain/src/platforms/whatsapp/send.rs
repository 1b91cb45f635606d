//! Agent to customer: `POST /{phone-number-id}/messages`. There is no idempotency key: a message whose answer is lost may
//! have been sent, so `biz_opaque_callback_data` carries our id, and a status that brings it back tells (meta.md §2.3).

use std::time::Duration;

use serde_json::{Value, json};

use super::error::failure;
use super::upload::number_url;
use crate::channels::Kind;
use crate::connection::Connection;
use crate::diagnosis::{Failure, Step};
use crate::ids::MessageId;
use crate::platforms::channel::{Accepted, Message, Outgoing};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// Builds the call.
///
/// # Errors
/// A failure of domain `ours` if the connection is not a WhatsApp one.
pub fn send(
    connection: &Connection,
    message: &Message<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let (kind, content) = match &message.what {
        Outgoing::Text(text) => ("text", json!({ "body": text })),
        Outgoing::File {
            id,
            kind,
            file_name,
            caption,
        } => (message_type(*kind), file(id, *kind, file_name, *caption)),
        Outgoing::Template(template) => (
            "template",
            json!({ "name": template.name, "language": { "code": template.language } }),
        ),
    };
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,
        "type": kind,
        kind: content,
    });
    if let Some(opaque) = message.opaque {
        body["biz_opaque_callback_data"] = json!(opaque);
    }
    post(connection, &body, patience)
}

/// Tells the customer that the agent is writing. It marks the customer's last message as read: WhatsApp knows no other
/// way (typing indicators page).
///
/// # Errors
/// As [`send`].
pub fn typing(
    connection: &Connection,
    last: &MessageId,
    patience: Duration,
) -> Result<Request, Failure> {
    let body = json!({
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": last,
        "typing_indicator": { "type": "text" },
    });
    post(connection, &body, patience)
}

fn post(connection: &Connection, body: &Value, patience: Duration) -> Result<Request, Failure> {
    Ok(Request {
        method: Method::Post,
        url: number_url(connection, "messages")?,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience,
        local: connection.local,
    })
}

fn file(id: &str, kind: Kind, file_name: &str, caption: Option<&str>) -> Value {
    let mut file = json!({ "id": id });
    if matches!(kind, Kind::Document | Kind::Any) {
        file["filename"] = json!(file_name);
    }
    if let Some(caption) = caption {
        file["caption"] = json!(caption);
    }
    file
}

fn message_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "image",
        Kind::Audio => "audio",
        Kind::Video => "video",
        Kind::Sticker => "sticker",
        Kind::Document | Kind::Any => "document",
    }
}

/// Reads the answer. A 5xx leaves open whether the message was taken.
///
/// # Errors
/// The vendor's error as a [`Failure`].
pub fn read_accepted(response: &Response, now: Timestamp) -> Result<Accepted, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let id = body.pointer("/messages/0/id").and_then(Value::as_str);
    match (response.status, id) {
        (200, Some(id)) => Ok(Accepted {
            message: id.to_owned(),
        }),
        _ => Err(failure(Step::Send, response, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::connection::Template;
    use crate::connection::tests::whatsapp;
    use crate::diagnosis::Disposition;
    use crate::event::origin;
    use crate::wire::Headers;

    fn body(what: Outgoing<'_>) -> Value {
        let opaque = origin().media_id();
        let message = Message {
            to: "16505551234",
            address: &Address::default(),
            what,
            opaque: Some(&opaque),
            late: false,
        };
        let request = send(&whatsapp(), &message, Duration::from_secs(1)).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://graph.facebook.com/v23.0/106540352242922/messages"
        );
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["biz_opaque_callback_data"], opaque.as_str());
        body
    }

    #[test]
    fn as_in_the_published_examples() {
        let document = Outgoing::File {
            id: "4490709327384033",
            kind: Kind::Document,
            file_name: "invoice_q3.pdf",
            caption: Some("Your invoice"),
        };
        let image = Outgoing::File {
            id: "1",
            kind: Kind::Image,
            file_name: "photo.jpg",
            caption: None,
        };
        let template = Template {
            name: "we_answered".to_owned(),
            language: "de".to_owned(),
        };
        for (what, kind, expected) in [
            (Outgoing::Text("Hello"), "text", json!({"body": "Hello"})),
            (
                document,
                "document",
                json!({"id": "4490709327384033", "filename": "invoice_q3.pdf", "caption": "Your invoice"}),
            ),
            (image, "image", json!({"id": "1"})),
            (
                Outgoing::Template(&template),
                "template",
                json!({"name": "we_answered", "language": {"code": "de"}}),
            ),
        ] {
            let body = body(what);
            assert_eq!((&body["type"], &body[kind]), (&json!(kind), &expected));
            assert_eq!(body["to"], "16505551234");
        }
        let published: Value =
            serde_json::from_str(include_str!("fixtures/request-send-image-by-id.json")).unwrap();
        for key in published.as_object().unwrap().keys() {
            assert!(
                body(Outgoing::Text("x")).get(key).is_some() || key == "image",
                "{key}"
            );
        }
    }

    #[test]
    fn typing_is_shown_on_the_last_message() {
        let request = typing(
            &whatsapp(),
            &MessageId::new("wamid.A"),
            Duration::from_secs(1),
        )
        .unwrap();
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        assert!(
            text.contains("\"typing_indicator\"") && text.contains("wamid.A"),
            "{text}"
        );
    }

    #[test]
    fn what_an_answer_means() {
        let read = |status, body: &[u8]| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.to_vec(),
            };
            read_accepted(&response, Timestamp::from_seconds(0))
        };
        let published = include_bytes!("fixtures/response-send.json");
        assert_eq!(
            read(200, published).unwrap().message,
            "wamid.gBGGSFcCNEOPAgkO_KJ55r4w_ww"
        );
        for (status, body, expected) in [
            (200, &b"{}"[..], Disposition::Unknown),
            (502, b"<html>", Disposition::Unknown),
            (500, br#"{"error":{"code":131000}}"#, Disposition::Unknown),
            (500, br#"{"error":{"code":139999}}"#, Disposition::Unknown),
            (
                500,
                br#"{"error":{"code":131016}}"#,
                Disposition::Unavailable,
            ),
            (400, br#"{"error":{"code":131047}}"#, Disposition::Rejected),
        ] {
            assert_eq!(
                read(status, body).unwrap_err().disposition,
                expected,
                "{status}"
            );
        }
    }
}
