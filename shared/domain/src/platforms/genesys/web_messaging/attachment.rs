//! The file at the platform: `…/messages/{messageId}/attachments/{fileId}` (`S3-31`). Looked up it tells how far it is, and once
//! it is whole from where it can be had; it is compared with what was sent (`S2-21`). Deleting it cancels the upload: the
//! documents ask for that (`S0-84`) and name no call; guests of the published surface have `deleteAttachment` (genesys.md §8).

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::messaging_url;
use crate::connection::Connection;
use crate::diagnosis::rules::ours;
use crate::diagnosis::{Failure, Step};
use crate::platforms::genesys::completion::told;
use crate::platforms::genesys::error::failure;
use crate::platforms::lenient::{object, text, whole, words};
use crate::processing::Told;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// What was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    /// What the platform calls the file.
    pub file: &'a str,
    /// Its type.
    pub mime: &'a str,
    /// Its length, in bytes.
    pub size_bytes: u64,
}

/// What the platform has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// How far it is.
    pub told: Told,
    /// Where it can be had, once it is whole; a signed link, and so never kept or logged.
    pub link: Option<Url>,
}

/// Asks for the file called `file`, of a part of `message`.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of web messaging.
pub fn look_up(
    connection: &Connection,
    (message, file): (&str, &str),
    patience: Duration,
) -> Result<Request, Failure> {
    call(connection, (message, file), (Method::Get, patience))
}

/// Takes the file back. Whatever is answered, nobody waits for it any more.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of web messaging.
pub fn cancel(
    connection: &Connection,
    (message, file): (&str, &str),
    patience: Duration,
) -> Result<Request, Failure> {
    call(connection, (message, file), (Method::Delete, patience))
}

fn call(
    connection: &Connection,
    (message, file): (&str, &str),
    (method, patience): (Method, Duration),
) -> Result<Request, Failure> {
    let rest = ["messages", message, "attachments", file];
    let (url, _) = messaging_url(connection, &rest)?;
    Ok(Request {
        method,
        url,
        auth: Auth::Bearer,
        body: Body::Empty,
        patience,
        local: connection.local,
    })
}

/// Reads the answer to a look-up.
///
/// # Errors
/// The platform's error as a [`Failure`].
pub fn read_attachment(
    response: &Response,
    sent: &Sent<'_>,
    now: Timestamp,
) -> Result<Attachment, Failure> {
    let body = match (response.status, object(&response.body)) {
        (200..=299, Ok(body)) => body,
        _ => return Err(failure(Step::UploadStatus, response, now)),
    };
    let mut told = told(&body, Step::UploadStatus);
    if let Some(difference) = difference(&body, sent) {
        told.transport = crate::processing::Transport::Failed(difference);
    }
    let link = words(&body, "downloadUrl").and_then(|link| Url::parse(&link).ok());
    Ok(Attachment { told, link })
}

/// What the platform says it has that is not what was sent; what it does not say is no difference.
fn difference(body: &Value, sent: &Sent<'_>) -> Option<Failure> {
    let first = |names: &[&str]| names.iter().find_map(|name| text(body, name));
    let id = first(&["id", "fileId"]).filter(|id| id != sent.file);
    let size = ["fileSize", "size", "contentLengthBytes"]
        .iter()
        .find_map(|name| whole(body, name))
        .filter(|size| *size != sent.size_bytes);
    let mime =
        first(&["contentType", "type", "mimeType"]).filter(|mime| !same_type(mime, sent.mime));
    let parts = [
        id.map(|id| format!("id {id:.60}, not {}", sent.file)),
        size.map(|size| format!("{size} bytes, not {}", sent.size_bytes)),
        mime.map(|mime| format!("type {mime:.60}, not {}", sent.mime)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| ours::RETURNED_DIFFERS.failure(parts.join("; ")))
}

/// Parameters (`; charset=…`) and letters' case make no other type.
fn same_type(said: &str, sent: &str) -> bool {
    let bare = |it: &str| {
        it.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    bare(said) == bare(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, web_messaging};
    use crate::diagnosis::{Disposition, SCAN_PAUSE};
    use crate::processing::Transport;
    use crate::wire::Headers;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    const SENT: Sent<'_> = Sent {
        file: "f1",
        mime: "image/png",
        size_bytes: 7,
    };

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_file_is_asked_for_and_taken_back_at_one_address() {
        let ids = ("wamid.A==#b", "f1");
        let patience = Duration::from_secs(20);
        let get = look_up(&web_messaging(), ids, patience).unwrap();
        let delete = cancel(&web_messaging(), ids, patience).unwrap();
        assert_eq!(
            get.url.as_str(),
            "https://api.mypurecloud.de/api/v2/conversations/messaging/messages/wamid.A==%23b/attachments/f1"
        );
        assert_eq!(get.url, delete.url);
        assert_eq!((get.method, delete.method), (Method::Get, Method::Delete));
        assert!(look_up(&genesys(), ids, patience).is_err());
    }

    #[test]
    fn what_is_returned_is_compared_with_what_was_sent() {
        let link = "https://api.mypurecloud.de/x?sig=1";
        let whole = json!({"id": "f1", "fileName": "a.png", "contentType": "Image/PNG; x=1", "fileSize": 7,
            "status": "completed", "downloadUrl": link});
        let read =
            |body: &Value| read_attachment(&answer(200, &body.to_string()), &SENT, NOW).unwrap();
        let attachment = read(&whole);
        assert_eq!(attachment.told.transport, Transport::Arrived);
        assert_eq!(attachment.link.unwrap().as_str(), link);
        for (key, value, evidence) in [
            ("id", json!("f2"), "id f2, not f1"),
            ("fileSize", json!(6), "6 bytes, not 7"),
            (
                "contentType",
                json!("application/octet-stream"),
                "type application/octet-stream, not image/png",
            ),
        ] {
            let mut other = whole.clone();
            other[key] = value;
            let Transport::Failed(failure) = read(&other).told.transport else {
                panic!("{key} differs")
            };
            assert_eq!(failure.diagnosis.evidence, evidence);
            assert_eq!(failure.disposition, Disposition::Unavailable);
        }
        let bare = read(&json!({"id": "f1", "status": "processing"}));
        assert_eq!(bare.link, None);
        assert!(matches!(bare.told.transport, Transport::Working(_)));
    }

    #[test]
    fn a_failed_scan_is_another_thing_than_a_failed_look_up() {
        let scan = r#"{"code":"internal.server.error","message":"virus scan failed"}"#;
        for (status, body, disposition) in [
            (500, scan, Disposition::Deferred { wait: SCAN_PAUSE }),
            (503, "", Disposition::Unavailable),
            (200, "[]", Disposition::Unavailable),
        ] {
            let failure = read_attachment(&answer(status, body), &SENT, NOW).unwrap_err();
            assert_eq!(failure.disposition, disposition, "{status} {body}");
        }
    }
}
