//! Handing a file over (`POST /v1/conversations/media`, the form's field `mediaFile`, `S1-42`), and the message that names it
//! (`POST /v1/conversations/{conversationId}/messages`, `S1-44`). The part has the type of the bytes and a name, without which the
//! documents saw messages go out without their file (`S1-45` to `S1-47`).

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{api_url, failure};
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Step};
use crate::platforms::agent::{Inbound, Uploaded};
use crate::platforms::channel::Handed;
use crate::platforms::lenient::words;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Multipart, Request, Response};

/// For how long an uploaded file is named in other messages. The documents do not say how long one is kept; their links live 15 to
/// 30 minutes.
pub const UPLOAD_LIFE: Duration = Duration::from_secs(15 * 60);

fn url(connection: &Connection, segments: &[&str]) -> Result<url::Url, Failure> {
    let Account::CxoneConversations { .. } = &connection.account else {
        return Err(Failure::misconfigured(
            "the connection is none of CXone's conversations",
        ));
    };
    let mut whole = vec!["v1", "conversations"];
    whole.extend(segments);
    api_url(connection, None, &whole)
}

/// The call that brings a message.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of CXone's conversations.
pub fn create_message(connection: &Connection, message: &Inbound<'_>) -> Result<Request, Failure> {
    let url = url(connection, &[&message.origin.customer, "messages"])?;
    let mut content = json!({});
    if let Some(text) = &message.text {
        content["text"] = json!(text);
    }
    if let Some(file) = &message.file {
        content["attachments"] =
            json!([{ "attachmentId": file.id, "fileName": file.file_name, "mimeType": file.mime }]);
    }
    let body = json!({ "type": "OUTBOUND", "content": content });
    Ok(Request {
        method: Method::Post,
        url,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience: message.patience,
        local: connection.local,
    })
}

/// The call that hands a file over.
///
/// # Errors
/// As [`create_message`].
pub fn upload(
    connection: &Connection,
    file: Handed<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let part = ("mediaFile", file.file_name, file.mime);
    let seed = file.digest.to_string();
    Ok(Request {
        method: Method::Post,
        url: url(connection, &["media"])?,
        auth: Auth::Bearer,
        body: Body::Multipart(Multipart::new(&[], part, file.size_bytes, &seed)),
        patience,
        local: connection.local,
    })
}

/// Reads the answer: "the `media_id` or `attachment_id`", in the documents' words.
///
/// # Errors
/// The vendor's error as a [`Failure`]; an answer without an id is `Unavailable`.
pub fn read_uploaded(response: &Response, now: Timestamp) -> Result<Uploaded, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let name = ["attachmentId", "attachment_id", "mediaId", "media_id", "id"]
        .iter()
        .find_map(|key| words(&body, key));
    match (response.status, name) {
        (200..=202, Some(name)) => Ok(Uploaded { name, link: None }),
        _ => Err(failure(Step::Upload, response, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Kind;
    use crate::connection::tests::{byoc, conversations};
    use crate::diagnosis::Disposition;
    use crate::digest::Sha256Digest;
    use crate::event::{MediaKind, origin};
    use crate::platforms::agent::SentFile;
    use crate::wire::Headers;

    #[test]
    fn the_documents_message_field_by_field() {
        let mut origin = origin();
        origin.customer = "conv-cxone-112233".to_owned();
        let message = Inbound {
            origin: &origin,
            channel: None,
            text: Some("Here is your updated invoice.".to_owned()),
            file: Some(SentFile {
                id: "att-77889900aabbcc",
                kind: MediaKind::Document,
                link: None,
                mime: "application/pdf",
                file_name: "invoice_updated.pdf",
                digest: Sha256Digest::of(b"x"),
            }),
            attributes: Vec::new(),
            patience: Duration::from_secs(1),
        };
        assert!(create_message(&byoc(), &message).is_err());
        let request = create_message(&conversations(), &message).unwrap();
        let expected = "https://api.nice-incontact.com/v1/conversations/conv-cxone-112233/messages";
        assert_eq!(
            (request.url.as_str(), request.auth),
            (expected, Auth::Bearer)
        );
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        let published: Value = serde_json::from_str(include_str!(
            "../fixtures/conversation-outbound-message.json"
        ))
        .unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), published);
    }

    #[test]
    fn the_documents_form_and_what_is_read_of_its_answer() {
        let file = Handed {
            mime: "image/jpeg",
            file_name: "receipt.jpg",
            kind: Kind::Image,
            size_bytes: 4,
            digest: Sha256Digest::of(b"JPEG"),
        };
        let request = upload(&conversations(), file, Duration::from_secs(1)).unwrap();
        assert_eq!(request.url.path(), "/v1/conversations/media");
        let Body::Multipart(form) = request.body else {
            panic!("a form")
        };
        let part = "Content-Disposition: form-data; name=\"mediaFile\"; filename=\"receipt.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
        assert!(form.head.ends_with(part), "{}", form.head);
        let read = |status, body: &str| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            read_uploaded(&response, Timestamp::default())
        };
        for (status, body) in [
            (200, r#"{"attachment_id":"att-1"}"#),
            (201, r#"{"attachmentId":"att-1"}"#),
            (202, r#"{"id":"att-1"}"#),
        ] {
            assert_eq!(read(status, body).ok().unwrap().name, "att-1");
        }
        for (status, body, disposition) in [
            (200, "{}", Disposition::Unavailable),
            (400, r#"{"message":"bad"}"#, Disposition::Rejected),
            (503, "", Disposition::Unavailable),
        ] {
            assert_eq!(
                read(status, body).err().unwrap().disposition,
                disposition,
                "{status}"
            );
        }
    }
}
