//! Handing a file over: `POST /{page-id}/message_attachments`, multipart. The id in the answer is sent in a message
//! afterwards; an upload without a message is seen by nobody, so it may be repeated (meta.md §3). Never by link: what Meta
//! fetches itself fails out of our sight.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::failure;
use super::send::{attachment_type, page_url};
use crate::channels::Kind;
use crate::connection::{Connection, Profile};
use crate::diagnosis::{Failure, Step};
use crate::digest::Sha256Digest;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Multipart, Request, Response};

/// How long an uploaded file is sent again by its id: a day less than it lives, 90 days (meta.md §3).
pub const UPLOAD_LIFE: Duration = Duration::from_secs(89 * 24 * 3600);

/// The upload of a file of `size_bytes` with this digest, as `mime` under `file_name`, to be sent as `kind`.
///
/// # Errors
/// A failure of domain `ours` if the connection has no page or its base URL takes no path.
pub fn upload(
    connection: &Connection,
    (mime, file_name, kind): (&str, &str, Kind),
    (size_bytes, digest): (u64, Sha256Digest),
    patience: Duration,
) -> Result<Request, Failure> {
    let message = json!({
        "attachment": { "type": attachment_type(kind), "payload": { "is_reusable": true } },
    });
    let message = message.to_string();
    let mut fields = vec![("message", message.as_str())];
    if connection.profile() == Profile::Instagram {
        fields.push(("platform", "instagram"));
    }
    let seed = digest.to_string();
    let file = ("filedata", file_name, mime);
    let form = Multipart::new(&fields, file, size_bytes, seed.get(..32).unwrap_or(&seed));
    Ok(Request {
        method: Method::Post,
        url: page_url(connection, "message_attachments")?,
        auth: Auth::Bearer,
        body: Body::Multipart(form),
        patience,
        local: connection.local,
    })
}

/// Reads the answer: the id of the uploaded file.
///
/// # Errors
/// The vendor's error as a [`Failure`]; an answer without an id is `Unavailable`: handed over again, one may come.
pub fn read_uploaded(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<String, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    match (
        response.status,
        body.get("attachment_id").and_then(Value::as_str),
    ) {
        (200, Some(id)) if !id.is_empty() => Ok(id.to_owned()),
        _ => Err(failure(connection, Step::Upload, response, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{instagram, messenger, whatsapp};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    fn form(connection: &Connection) -> Multipart {
        let size = (3, Sha256Digest::of(b"PNG"));
        let names = ("image/png", "photo.png", Kind::Image);
        let request = upload(connection, names, size, Duration::from_secs(30)).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://graph.facebook.com/v23.0/682498302938465/message_attachments"
        );
        let Body::Multipart(form) = request.body else {
            panic!("a form")
        };
        form
    }

    #[test]
    fn the_form_names_kind_and_file() {
        let of_messenger = form(&messenger()).head;
        for part in [
            "name=\"message\"\r\n\r\n{\"attachment\":{\"payload\":{\"is_reusable\":true},\"type\":\"image\"}}\r\n",
            "name=\"filedata\"; filename=\"photo.png\"\r\nContent-Type: image/png",
        ] {
            assert!(of_messenger.contains(part), "{of_messenger}");
        }
        let platform = "name=\"platform\"\r\n\r\ninstagram";
        assert!(form(&instagram()).head.contains(platform));
        assert!(!of_messenger.contains(platform));
        let names = ("image/png", "photo.png", Kind::Image);
        let size = (3, Sha256Digest::of(b"PNG"));
        assert!(upload(&whatsapp(), names, size, Duration::ZERO).is_err());
    }

    #[test]
    fn the_published_answer() {
        let read = |status, body: &[u8]| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.to_vec(),
            };
            read_uploaded(&messenger(), &response, Timestamp::default())
        };
        let published = include_bytes!("fixtures/messenger-response-attachment-upload.json");
        assert_eq!(read(200, published).unwrap(), "1857777774821032");
        let without = read(200, b"{}").unwrap_err();
        assert_eq!(without.disposition, Disposition::Unavailable);
        assert!(read(400, b"{}").is_err());
    }
}
