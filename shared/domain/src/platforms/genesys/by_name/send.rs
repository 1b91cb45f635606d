//! The message that names a file by its id (`S1-43`, `S2-28`, `S2-29`), and words alone. Neither document has an id by which a
//! repeat could be told as one.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{Surface, api_url, surface};
use crate::address::Address;
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Step};
use crate::platforms::genesys::error::failure;
use crate::platforms::lenient::words;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// The customer who says it.
    pub customer: &'a str,
    /// Whom it is for, and in which conversation.
    pub address: &'a Address,
    /// The words.
    pub text: Option<&'a str>,
    /// The file.
    pub file: Option<File<'a>>,
    /// How long the call may take.
    pub patience: Duration,
}

/// A file that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub mime: &'a str,
}

/// What the platform answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id for the message, if it told one.
    pub message: Option<String>,
}

/// The call that sends a message.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of these surfaces', or it is not known where the message goes.
pub fn send(connection: &Connection, message: &Naming<'_>) -> Result<Request, Failure> {
    let surface = surface(connection)?;
    let to = message.address.get("to").or(surface.agent_id);
    let to = to.map_or_else(|| message.address.need("to"), Ok)?;
    let (url, body) = match connection.account {
        Account::GenesysWebChat { .. } => web_chat(&surface, message, to)?,
        _ => message_media(&surface, message, to)?,
    };
    Ok(Request {
        method: Method::Post,
        url,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience: message.patience,
        local: connection.local,
    })
}

fn web_chat(
    surface: &Surface<'_>,
    message: &Naming<'_>,
    to: &str,
) -> Result<(Url, Value), Failure> {
    let conversation = message.address.need("conversationId")?;
    let path = ["conversations", "messages", conversation, "messages"];
    let mut body = json!({
        "to": { "id": to, "type": "user" },
        "from": { "id": message.customer, "type": "contact" },
        "text": message.text.unwrap_or_default(),
    });
    if let Some(File { id, name, mime }) = message.file {
        body["attachments"] = json!([{ "id": id, "name": name, "type": mime }]);
    }
    Ok((api_url(surface.org, &path)?, body))
}

fn message_media(
    surface: &Surface<'_>,
    message: &Naming<'_>,
    to: &str,
) -> Result<(Url, Value), Failure> {
    let mut body = json!({
        "to": { "id": to },
        "from": { "id": message.customer },
        "type": "message",
        "body": message.text.unwrap_or_default(),
    });
    if let Some(file) = message.file {
        body["mediaId"] = json!(file.id);
    }
    Ok((api_url(surface.org, &["messages"])?, body))
}

/// Reads the answer: 200, 201 and 202 are acceptances alike (`S4-12`), with or without an id of the message.
///
/// # Errors
/// The platform's error as a [`Failure`].
pub fn read_accepted(response: &Response, now: Timestamp) -> Result<Accepted, Failure> {
    if !matches!(response.status, 200..=202) {
        return Err(failure(Step::Send, response, now));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    Ok(Accepted {
        message: words(&body, "id"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, message_media, web_chat};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    fn address(fields: &[(&str, &str)]) -> Address {
        let owned = |(field, value): &(&str, &str)| ((*field).to_owned(), (*value).to_owned());
        fields.iter().map(owned).collect()
    }

    fn sent(
        connection: &Connection,
        (customer, address): (&str, &Address),
        text: &str,
        file: Option<File<'_>>,
    ) -> Result<(String, Value), Failure> {
        let message = Naming {
            customer,
            address,
            text: Some(text),
            file,
            patience: Duration::ZERO,
        };
        let request = send(connection, &message)?;
        let Body::Json(body) = request.body else {
            panic!("JSON")
        };
        let body = serde_json::from_str(&body).unwrap();
        Ok((request.url.path().to_owned(), body))
    }

    #[test]
    fn the_documents_messages() {
        let to = address(&[("to", "user-external-12345")]);
        let file = File {
            id: "media-8f7e6d5c-4b3a-2109-8765-4321fedcba98",
            name: "report_q3.pdf",
            mime: "application/pdf",
        };
        let text = "Please review the attached quarterly report.";
        let (path, body) =
            sent(&message_media(), ("agent-or-bot-id", &to), text, Some(file)).unwrap();
        let documents: Value =
            serde_json::from_str(include_str!("../fixtures/request-messages.json")).unwrap();
        assert_eq!((path.as_str(), body), ("/api/v2/messages", documents));

        let to = address(&[("to", "agent-user-id"), ("conversationId", "c1")]);
        let file = File {
            id: "9f8e7d6c-5b4a-3210-fedc-ba9876543210",
            name: "invoice_q3.pdf",
            mime: "application/pdf",
        };
        let text = "Please review the attached document.";
        let (path, body) =
            sent(&web_chat(), ("customer-contact-id", &to), text, Some(file)).unwrap();
        let documents: Value =
            serde_json::from_str(include_str!("../fixtures/request-web-chat-message.json"))
                .unwrap();
        assert_eq!(path, "/api/v2/conversations/messages/c1/messages");
        assert_eq!(body, documents);
        let (_, words) = sent(&web_chat(), ("c", &to), "Hello", None).unwrap();
        assert!(words.get("attachments").is_none());
    }

    #[test]
    fn whom_it_is_for_is_said_or_configured() {
        let nobody = Address::default();
        let (_, body) = sent(&message_media(), ("c", &nobody), "x", None).unwrap();
        assert_eq!(body["to"]["id"], "queue-7");
        let failure = sent(&web_chat(), ("c", &nobody), "x", None).unwrap_err();
        assert_eq!(failure.diagnosis.code, "ours.address-missing");
        assert!(sent(&genesys(), ("c", &nobody), "x", None).is_err());
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
        for status in [200, 201, 202] {
            let accepted = read(status, r#"{"id":"m1"}"#).unwrap();
            assert_eq!(accepted.message.as_deref(), Some("m1"));
        }
        assert_eq!(read(202, "").unwrap().message, None);
        let elsewhere =
            r#"{"message":"Attachment does not belong to the conversation","code":"bad.request"}"#;
        for (status, body, code, disposition) in [
            (
                400,
                elsewhere,
                "genesys.attachment-elsewhere",
                Disposition::Rejected,
            ),
            (504, "", "genesys.outcome-unknown", Disposition::Unknown),
        ] {
            let failure = read(status, body).unwrap_err();
            let got = (failure.diagnosis.code.as_str(), failure.disposition);
            assert_eq!(got, (code, disposition));
        }
    }
}
