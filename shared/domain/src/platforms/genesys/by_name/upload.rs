//! Handing a file over in one form (`S1-41`, `S2-19`): the encoder writes boundary and length, the part has the type of the bytes and
//! a name always (`S1-45` to `S1-47`). Nobody sees it before a message names it: it may be repeated.

use std::time::Duration;

use serde_json::Value;

use super::{api_url, surface};
use crate::connection::Connection;
use crate::diagnosis::{Failure, Step};
use crate::platforms::channel::Handed;
use crate::platforms::genesys::error::failure;
use crate::platforms::lenient::words;
use crate::platforms::uploads::{Sent, difference};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Multipart, Request, Response};

/// How long an upload may take (`S2-24`).
const PATIENCE: Duration = Duration::from_secs(30);

/// The call that hands a file over.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of these surfaces'.
pub fn upload(
    connection: &Connection,
    file: Handed<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let surface = surface(connection)?;
    let (path, field) = surface.upload;
    let seed = file.digest.to_string();
    let form = Multipart::new(
        &[],
        (field, file.file_name, file.mime),
        file.size_bytes,
        seed.get(..32).unwrap_or(&seed),
    );
    Ok(Request {
        method: Method::Post,
        url: api_url(surface.org, path)?,
        auth: Auth::Bearer,
        body: Body::Multipart(form),
        patience: patience.min(PATIENCE),
        local: connection.local,
    })
}

/// Reads the answer: the id of the file, which must be the one that was sent, by all that is said of it (`S2-21`).
///
/// # Errors
/// The platform's error as a [`Failure`]; an answer without an id, or about another file, is `Unavailable`: handed over again,
/// another may come.
pub fn read_uploaded(
    connection: &Connection,
    response: &Response,
    file: Handed<'_>,
    now: Timestamp,
) -> Result<String, Failure> {
    let names = surface(connection)?.id;
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let id = names.iter().find_map(|name| words(&body, name));
    let (200..=299, Some(id)) = (response.status, id) else {
        return Err(failure(Step::Upload, response, now));
    };
    let sent = Sent {
        mime: file.mime,
        name: file.file_name,
        size_bytes: file.size_bytes,
    };
    let named = words(&body, "id").unwrap_or_else(|| id.clone());
    match difference(&body, (&named, sent)) {
        Some(other) => Err(other),
        None => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Kind;
    use crate::connection::tests::{genesys, message_media, web_chat};
    use crate::diagnosis::Disposition;
    use crate::digest::Sha256Digest;
    use crate::wire::Headers;

    fn file() -> Handed<'static> {
        Handed {
            mime: "application/pdf",
            file_name: "invoice_q3.pdf",
            kind: Kind::Document,
            size_bytes: 245_760,
            digest: Sha256Digest::of(b"PDF"),
        }
    }

    #[test]
    fn each_surface_has_its_path_and_field() {
        for (connection, path, field) in [
            (web_chat(), "/api/v2/attachments/upload", "file"),
            (message_media(), "/api/v2/message/mediadata", "mediaFile"),
        ] {
            let request = upload(&connection, file(), Duration::from_secs(120)).unwrap();
            assert_eq!((request.url.path(), request.patience), (path, PATIENCE));
            let Body::Multipart(form) = request.body else {
                panic!("a form")
            };
            let part = format!(
                "name=\"{field}\"; filename=\"invoice_q3.pdf\"\r\nContent-Type: application/pdf"
            );
            assert!(form.head.contains(&part), "{}", form.head);
        }
        assert!(upload(&genesys(), file(), Duration::ZERO).is_err());
    }

    #[test]
    fn the_answer_is_compared_with_what_was_sent() {
        let read = |connection: &Connection, status, body: &str| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            read_uploaded(connection, &response, file(), Timestamp::default())
        };
        let documents = include_str!("../fixtures/response-attachments-upload.json");
        for status in [200, 201, 202] {
            let id = read(&web_chat(), status, documents).unwrap();
            assert_eq!(id, "9f8e7d6c-5b4a-3210-fedc-ba9876543210");
        }
        let media = read(&message_media(), 200, r#"{"media_id":"media-8f7e"}"#);
        assert_eq!(media.unwrap(), "media-8f7e");
        let media = read(&message_media(), 200, r#"{"media_id":"m","size":7}"#);
        assert_eq!(
            media.unwrap_err().diagnosis.code,
            "transfer.returned-differs"
        );
        for (status, body, code, disposition) in [
            (
                200,
                documents.replace("application/pdf", "application/octet-stream"),
                "transfer.returned-differs",
                Disposition::Unavailable,
            ),
            (
                200,
                "{}".to_owned(),
                "genesys.upload-unreadable",
                Disposition::Unavailable,
            ),
            (
                400,
                r#"{"message":"MIME type application/pdf is not permitted","code":"bad.request"}"#
                    .to_owned(),
                "genesys.media-refused",
                Disposition::Rejected,
            ),
        ] {
            let failure = read(&web_chat(), status, &body).unwrap_err();
            assert_eq!(
                (failure.diagnosis.code.as_str(), failure.disposition),
                (code, disposition)
            );
        }
    }
}
