//! Handing a file over: `POST /{phone-number-id}/media`, multipart. The id in the answer lives 30 days and is sent in a
//! message afterwards; an upload without a message is seen by nobody, so it may be repeated (meta.md §2.3).

use std::time::Duration;

use serde_json::Value;

use super::error::failure;
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Step};
use crate::digest::Sha256Digest;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Multipart, Request, Response};

/// How long an uploaded file is sent again by its id: a day less than it lives, 30 days (meta.md §2.3).
pub const UPLOAD_LIFE: Duration = Duration::from_secs(29 * 24 * 3600);

/// The upload of a file of `size_bytes` with this digest, as `mime` under `file_name`.
///
/// # Errors
/// A failure of domain `ours` if the connection is not a WhatsApp one or its base URL takes no path.
pub fn upload(
    connection: &Connection,
    (mime, file_name): (&str, &str),
    (size_bytes, digest): (u64, Sha256Digest),
    patience: Duration,
) -> Result<Request, Failure> {
    let fields = [("messaging_product", "whatsapp"), ("type", mime)];
    let seed = digest.to_string();
    let file = ("file", file_name, mime);
    let form = Multipart::new(&fields, file, size_bytes, seed.get(..32).unwrap_or(&seed));
    Ok(Request {
        method: Method::Post,
        url: number_url(connection, "media")?,
        auth: Auth::Bearer,
        body: Body::Multipart(form),
        patience,
        local: connection.local,
    })
}

/// `{base}/{version}/{phone-number-id}/{what}`, or `{base}/{what}` at a provider with bare paths.
pub(super) fn number_url(connection: &Connection, what: &str) -> Result<url::Url, Failure> {
    let Account::WhatsApp {
        base_url,
        graph_version,
        phone_number_id,
        ..
    } = &connection.account
    else {
        return Err(Failure::misconfigured(
            "the connection is not a WhatsApp one",
        ));
    };
    let before: &[&str] = match connection.provider.bare_paths {
        true => &[],
        false => &[graph_version, phone_number_id],
    };
    let mut url = base_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("base_url takes no path"))?
        .pop_if_empty()
        .extend(before)
        .push(what);
    Ok(url)
}

/// Reads the answer: the id of the uploaded file.
///
/// # Errors
/// The vendor's error as a [`Failure`]; an answer without an id is `Unavailable`: handed over again, one may come.
pub fn read_uploaded(response: &Response, now: Timestamp) -> Result<String, Failure> {
    if response.status != 200 {
        return Err(failure(Step::Upload, response, now));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    match body.get("id").and_then(Value::as_str) {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        Some(_) | None => Err(failure(Step::Upload, response, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, whatsapp};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    #[test]
    fn the_form_names_type_and_file() {
        let size = (3, Sha256Digest::of(b"PNG"));
        let names = ("image/png", "photo.png");
        let request = upload(&whatsapp(), names, size, Duration::from_secs(30)).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://graph.facebook.com/v23.0/106540352242922/media"
        );
        let mut bare = whatsapp();
        bare.provider.bare_paths = true;
        let at_provider = upload(&bare, names, size, Duration::ZERO).unwrap();
        assert_eq!(at_provider.url.as_str(), "https://graph.facebook.com/media");
        let Body::Multipart(form) = request.body else {
            panic!("a form")
        };
        for part in [
            "name=\"messaging_product\"\r\n\r\nwhatsapp",
            "name=\"type\"\r\n\r\nimage/png",
            "name=\"file\"; filename=\"photo.png\"\r\nContent-Type: image/png",
        ] {
            assert!(form.head.contains(part), "{}", form.head);
        }
        assert!(upload(&genesys(), names, size, Duration::ZERO).is_err());
    }

    #[test]
    fn the_published_answer() {
        let answer = |status, body: &[u8]| Response {
            status,
            headers: Headers::default(),
            body: body.to_vec(),
        };
        let now = Timestamp::from_seconds(0);
        let published = include_bytes!("fixtures/response-media-upload.json");
        assert_eq!(
            read_uploaded(&answer(200, published), now).unwrap(),
            "4490709327384033"
        );
        let without = read_uploaded(&answer(200, b"{}"), now).unwrap_err();
        assert_eq!(without.disposition, Disposition::Unavailable);
        assert!(read_uploaded(&answer(400, b"{}"), now).is_err());
    }
}
