//! The message: `POST …/communications/{communicationId}/messages`. There is no idempotency key, so an outcome that is not known is
//! never answered by sending again.

use std::time::Duration;

use serde_json::{Value, json};

use super::messages_url;
use crate::connection::Connection;
use crate::diagnosis::{Failure, Step};
use crate::platforms::channel::{Accepted, Message, Outgoing};
use crate::platforms::genesys::error::failure;
use crate::platforms::lenient::words;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// The call that sends a message.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of an agent's side, the conversation is not known, or the message is a
/// template: those belong to the channel behind.
pub fn send(
    connection: &Connection,
    message: &Message<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let body = match &message.what {
        Outgoing::Text(text) => json!({ "textBody": text }),
        Outgoing::File {
            id,
            file_name,
            caption,
            ..
        } => json!({ "textBody": caption.unwrap_or(file_name), "mediaIds": [id] }),
        Outgoing::Template(_) => {
            return Err(Failure::misconfigured(
                "an agent's side sends no templates of ours",
            ));
        }
    };
    Ok(Request {
        method: Method::Post,
        url: messages_url(connection, message.address, &[])?,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience,
        local: connection.local,
    })
}

/// Reads the answer: accepted (`queued` mostly), not delivered.
///
/// # Errors
/// The vendor's error as a [`Failure`]. An answer without an id leaves open whether the message was taken.
pub fn read_accepted(response: &Response, now: Timestamp) -> Result<Accepted, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    match (response.status, words(&body, "id")) {
        (200..=299, Some(message)) => Ok(Accepted { message }),
        _ => Err(failure(Step::Send, response, now)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::address::Address;
    use crate::channels::Kind;
    use crate::connection::Template;
    use crate::connection::tests::{agent, whatsapp};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    pub(in super::super) fn address() -> Address {
        let fields = [
            ("conversationId", "31594bb4"),
            ("communicationId", "acd98233"),
        ];
        let owned = fields.map(|(field, value)| (field.to_owned(), value.to_owned()));
        owned.into_iter().collect()
    }

    fn body(what: Outgoing<'_>) -> Result<Value, Failure> {
        let message = Message {
            to: "anybody",
            address: &address(),
            what,
            opaque: None,
            late: false,
        };
        assert!(send(&whatsapp(), &message, Duration::ZERO).is_err());
        let request = send(&agent(), &message, Duration::ZERO)?;
        assert_eq!(
            request.url.as_str(),
            "https://api.mypurecloud.de/api/v2/conversations/messages/31594bb4/communications/acd98233/messages"
        );
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        Ok(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn as_in_the_published_example_and_never_without_words() {
        let file = |caption| Outgoing::File {
            id: "5b8f3a44-2f61-4b0a-9a8e-b7f0b3c2d1e0",
            kind: Kind::Document,
            file_name: "invoice_q3.pdf",
            caption,
        };
        let published: Value = serde_json::from_str(include_str!(
            "../fixtures/request-send-message-with-media.json"
        ))
        .unwrap();
        let caption = published["textBody"].as_str();
        assert_eq!(body(file(caption)).unwrap(), published);
        assert_eq!(body(file(None)).unwrap()["textBody"], "invoice_q3.pdf");
        let words = body(Outgoing::Text("Hello")).unwrap();
        assert_eq!(words, json!({ "textBody": "Hello" }));
        let template = Template {
            name: "x".to_owned(),
            language: "en".to_owned(),
        };
        assert!(body(Outgoing::Template(&template)).is_err());
    }

    #[test]
    fn what_an_answer_means() {
        let read = |status, body: &str| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            read_accepted(&response, Timestamp::default())
        };
        let published = include_str!("../fixtures/response-send-message.json");
        let accepted = read(202, published).unwrap();
        assert_eq!(accepted.message, "1b2c3d4e5f60718293a4b5c6d7e8f90a");
        for (status, body, expected) in [
            (200, "{}", Disposition::Unknown),
            (504, "", Disposition::Unknown),
            (503, "", Disposition::Unavailable),
            (404, r#"{"code":"not.found"}"#, Disposition::Rejected),
            (
                403,
                r#"{"code":"missing.permissions"}"#,
                Disposition::Rejected,
            ),
        ] {
            let failure = read(status, body).unwrap_err();
            assert_eq!(failure.disposition, expected, "{status}");
        }
    }
}
