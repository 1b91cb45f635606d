//! Handing a file over: where to (`S3-11`, `S3-12`), and the bytes (`S3-14` to `S3-17`). Neither is seen by anybody: both may be
//! repeated, and each attempt asks for a link of its own.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::messaging_url;
use crate::connection::Connection;
use crate::diagnosis::{Failure, Step};
use crate::platforms::genesys::error::failure;
use crate::platforms::lenient::words;
use crate::platforms::uploads::{Belongs, Place, Sent};
use crate::time::Timestamp;
use crate::transfer;
use crate::wire::{Auth, Body, Method, Request, Response};

/// How long an upload link lives, where it does not tell itself (`S3-15`).
pub const LINK_LIFE: Duration = Duration::from_secs(5 * 60);

/// The header that ties the bytes to their metadata (`S3-16`).
const FILE_ID: &str = "x-genesys-file-id";

/// Asks where the bytes of `file` go, for a part of a message.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of web messaging.
pub fn request_place(
    connection: &Connection,
    belongs: Belongs<'_>,
    file: Sent<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let (url, channel) = messaging_url(connection, &["webmessaging", "upload"])?;
    let body = json!({
        "fileName": file.name,
        "contentType": file.mime,
        "fileSize": file.size_bytes,
        "channelId": channel,
        "messageId": belongs.message,
        "uploadType": "webmessaging",
    });
    Ok(Request {
        method: Method::Post,
        url,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience,
        local: connection.local,
    })
}

/// Reads the answer.
///
/// # Errors
/// The platform's error as a [`Failure`]; an answer without id or link is judged by its status, and asked for again.
pub fn read_place(response: &Response, now: Timestamp) -> Result<Place, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let place = || {
        let link = Url::parse(&words(&body, "uploadUrl")?).ok()?;
        let file = words(&body, "fileId")?;
        Some(Place {
            headers: [(FILE_ID.to_owned(), file.clone())].into(),
            file,
            dies_at: transfer::dies_at(&link, now).unwrap_or(now + LINK_LIFE),
            link,
        })
    };
    match response.status {
        200..=299 => place().ok_or_else(|| failure(Step::Upload, response, now)),
        _ => Err(failure(Step::Upload, response, now)),
    }
}

/// Reads the answer: any 2xx is an acceptance, and no more than that.
///
/// # Errors
/// The platform's error as a [`Failure`].
pub fn read_put(response: &Response, now: Timestamp) -> Result<(), Failure> {
    match response.status {
        200..=299 => Ok(()),
        _ => Err(failure(Step::Upload, response, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::connection::tests::{genesys, web_messaging};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    const NOW: Timestamp = Timestamp::from_seconds(1_780_315_200);

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_documents_metadata_request() {
        let file = Sent {
            mime: "application/pdf",
            name: "invoice.pdf",
            size_bytes: 245_760,
        };
        let belongs = Belongs {
            message: "wamid.A",
            address: &Address::default(),
        };
        let patience = Duration::from_secs(20);
        let request = request_place(&web_messaging(), belongs, file, patience).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://api.mypurecloud.de/api/v2/conversations/messaging/webmessaging/upload"
        );
        assert_eq!((request.method, request.auth), (Method::Post, Auth::Bearer));
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({"fileName": "invoice.pdf", "contentType": "application/pdf", "fileSize": 245_760,
                "channelId": "7d3a0c11", "messageId": "wamid.A", "uploadType": "webmessaging"})
        );
        assert!(request_place(&genesys(), belongs, file, patience).is_err());
    }

    #[test]
    fn a_link_lives_as_long_as_it_says_or_five_minutes() {
        for (link, seconds) in [
            ("https://s3.example/x?sig=1", 300),
            (
                "https://s3.example/x?X-Amz-Date=20260601T120000Z&X-Amz-Expires=60",
                60,
            ),
        ] {
            let body = json!({"uploadUrl": link, "fileId": "f1"}).to_string();
            let place = read_place(&answer(200, &body), NOW).unwrap();
            assert_eq!(place.file, "f1");
            assert_eq!(place.dies_at.saturating_since(NOW).as_secs(), seconds);
        }
        for (status, body, disposition) in [
            (200, "{}", Disposition::Unavailable),
            (201, r#"{"fileId":"f"}"#, Disposition::Unavailable),
            (
                200,
                r#"{"fileId":"f","uploadUrl":"not a link"}"#,
                Disposition::Unavailable,
            ),
            (400, r#"{"code":"bad.request"}"#, Disposition::Rejected),
        ] {
            let failure = read_place(&answer(status, body), NOW).err().unwrap();
            assert_eq!(failure.disposition, disposition, "{status} {body}");
        }
    }

    #[test]
    fn a_file_s_id_goes_with_its_bytes_and_a_dead_link_is_no_last_word() {
        let body = r#"{"fileId":"f1","uploadUrl":"https://s3.example/x?sig=1"}"#;
        let place = read_place(&answer(200, body), NOW).unwrap();
        assert_eq!(place.headers[FILE_ID], "f1");
        assert!(read_put(&answer(202, ""), NOW).is_ok());
        let expired =
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        let failure = read_put(&answer(403, expired), NOW).unwrap_err();
        assert_eq!(
            (failure.disposition, failure.diagnosis.code.as_str()),
            (Disposition::Unavailable, "genesys.upload-link-expired")
        );
    }
}
