//! The file at the platform: `…/messages/{messageId}/attachments/{fileId}` (`S3-31`). Looked up it tells how far it is, and once
//! it is whole from where it can be had; it is compared with what was sent (`S2-21`). Deleting it cancels the upload: the
//! documents ask for that (`S0-84`) and name no call; guests of the published surface have `deleteAttachment` (genesys.md §8).

use std::time::Duration;

use url::Url;

use super::messaging_url;
use crate::connection::Connection;
use crate::diagnosis::{Failure, Step};
use crate::platforms::genesys::completion::told;
use crate::platforms::genesys::error::failure;
use crate::platforms::lenient::{object, words};
use crate::platforms::uploads::{Attachment, Given, Sent, difference};
use crate::processing::Transport;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

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
    sent: (&str, Sent<'_>),
    now: Timestamp,
) -> Result<Attachment, Failure> {
    let body = match (response.status, object(&response.body)) {
        (200..=299, Ok(body)) => body,
        _ => return Err(failure(Step::UploadStatus, response, now)),
    };
    let mut told = told(&body, Step::UploadStatus);
    if let Some(difference) = difference(&body, sent) {
        told.transport = Transport::Failed(difference);
    }
    let link = words(&body, "downloadUrl").and_then(|link| Url::parse(&link).ok());
    let given = link.map_or(Given::Withheld, Given::Link);
    Ok(Attachment { told, given })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, web_messaging};
    use crate::diagnosis::{Disposition, SCAN_PAUSE};
    use crate::wire::Headers;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    const SENT: (&str, Sent<'_>) = (
        "f1",
        Sent {
            mime: "image/png",
            name: "a.png",
            size_bytes: 7,
        },
    );

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
            |body: &Value| read_attachment(&answer(200, &body.to_string()), SENT, NOW).unwrap();
        let attachment = read(&whole);
        assert_eq!(attachment.told.transport, Transport::Arrived);
        let given = Given::Link(Url::parse(link).unwrap());
        assert_eq!(attachment.given, given);
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
        assert_eq!(bare.given, Given::Withheld);
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
            let failure = read_attachment(&answer(status, body), SENT, NOW).unwrap_err();
            assert_eq!(failure.disposition, disposition, "{status} {body}");
        }
    }
}
