//! The direct upload test of the source documents (`S0-22` to `S0-25`): a form to `{api}/api/v2/media/upload`, without any channel's
//! connector in between. Not published by Genesys. Its answer is a handshake (`S0-18`); what became of the file is told by
//! `media.upload.completed`, and by nothing that could be asked.
//!
//! The document writes the fields as JSON under a multipart type; here each is a part of the form, and the file is the last. What
//! the file's own part is called is written nowhere: `file`, as in the other documents (ruling C3).

use std::time::Duration;

use serde_json::Value;

use super::error::failure;
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Step};
use crate::digest::Sha256Digest;
use crate::platforms::lenient::words;
use crate::platforms::uploads::Sent;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Multipart, Request, Response};

/// The largest file of the test, in bytes (`S0-24`): a value of the test, and no limit of a channel (ruling C5).
pub const MAX_SIZE_BYTES: u64 = 16_384_000;

/// What a platform's edge says of itself (`S0-25`), to be compared with the owner's egress list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// `X-CDN-Edge-Node`.
    pub node: Option<String>,
    /// `X-Request-ID`.
    pub request_id: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What the platform calls the file.
    pub file: String,
    /// Which edge it went through.
    pub edge: Edge,
}

/// The upload of a file with this digest, as for `channel_type` (`whatsapp`).
///
/// # Errors
/// A failure of domain `ours` if the connection is none of the test.
pub fn upload(
    connection: &Connection,
    (file, digest): (Sent<'_>, Sha256Digest),
    patience: Duration,
) -> Result<Request, Failure> {
    let Account::GenesysMediaUpload {
        channel_type, org, ..
    } = &connection.account
    else {
        return Err(Failure::misconfigured(
            "the connection is none of the direct upload test",
        ));
    };
    let disposition = format!("attachment; filename=\"{}\"", file.name);
    let largest = MAX_SIZE_BYTES.to_string();
    let fields = [
        ("contentDisposition", disposition.as_str()),
        ("mimeType", file.mime),
        ("channelType", channel_type),
        ("maxSizeBytes", &largest),
    ];
    let seed = digest.to_string();
    let form = Multipart::new(
        &fields,
        ("file", file.name, file.mime),
        file.size_bytes,
        seed.get(..32).unwrap_or(&seed),
    );
    let mut url = org.api_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("api_url takes no path"))?
        .pop_if_empty()
        .extend(["api", "v2", "media", "upload"]);
    Ok(Request {
        method: Method::Post,
        url,
        auth: Auth::Bearer,
        body: Body::Multipart(form),
        patience,
        local: connection.local,
    })
}

/// Reads the answer: 200, 201 and 202 are a handshake alike.
///
/// # Errors
/// The platform's error as a [`Failure`], with the edge in its evidence where it named itself; an answer without an id is
/// `Unavailable`: handed over again, one may come.
pub fn read_upload(response: &Response, now: Timestamp) -> Result<Accepted, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let id = ["media_id", "mediaId", "id"]
        .iter()
        .find_map(|name| words(&body, name));
    match (response.status, id) {
        (200..=202, Some(file)) => Ok(Accepted {
            file,
            edge: edge(response),
        }),
        _ => Err(failure(Step::Upload, response, now)),
    }
}

/// Which edge an answer came through.
#[must_use]
pub fn edge(response: &Response) -> Edge {
    let header = |name| response.headers.get(name).map(str::to_owned);
    Edge {
        node: header("x-cdn-edge-node"),
        request_id: header("x-request-id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, media_upload};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    fn answer(status: u16, body: &str) -> Response {
        let headers = [("X-CDN-Edge-Node", "fra-07"), ("X-Request-ID", "r-1")];
        let owned = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Response {
            status,
            headers: Headers::new(owned),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_document_s_fields() {
        let file = Sent {
            mime: "image/png",
            name: "test_upload.png",
            size_bytes: 3,
        };
        let file = (file, Sha256Digest::of(b"PNG"));
        let request = upload(&media_upload(), file, Duration::from_secs(30)).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://api.mypurecloud.de/api/v2/media/upload"
        );
        let Body::Multipart(form) = request.body else {
            panic!("a form")
        };
        for part in [
            "name=\"contentDisposition\"\r\n\r\nattachment; filename=\"test_upload.png\"\r\n",
            "name=\"mimeType\"\r\n\r\nimage/png\r\n",
            "name=\"channelType\"\r\n\r\nwhatsapp\r\n",
            "name=\"maxSizeBytes\"\r\n\r\n16384000\r\n",
            "name=\"file\"; filename=\"test_upload.png\"\r\nContent-Type: image/png\r\n",
        ] {
            assert!(form.head.contains(part), "{}", form.head);
        }
        assert!(upload(&genesys(), file, Duration::ZERO).is_err());
    }

    #[test]
    fn a_handshake_names_the_file_and_the_edge() {
        let now = Timestamp::default();
        for status in [200, 201, 202] {
            let accepted = read_upload(&answer(status, r#"{"media_id":"med_7f3c2a"}"#), now);
            let edge = Edge {
                node: Some("fra-07".to_owned()),
                request_id: Some("r-1".to_owned()),
            };
            let file = "med_7f3c2a".to_owned();
            assert_eq!(accepted.unwrap(), Accepted { file, edge });
        }
        for (status, body, disposition) in [
            (202, "{}", Disposition::Unavailable),
            (502, "", Disposition::Unavailable),
            (400, r#"{"code":"bad.request"}"#, Disposition::Rejected),
        ] {
            let failure = read_upload(&answer(status, body), now).unwrap_err();
            assert_eq!(failure.disposition, disposition, "{status}");
        }
        let failure = read_upload(&answer(502, ""), now).unwrap_err();
        let evidence = &failure.diagnosis.evidence;
        assert!(evidence.contains("fra-07"), "{evidence}");
    }
}
