//! Handing a file over, and how far it is. Neither is seen by anybody: both may be repeated, and each attempt has a place of its
//! own.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::messages_url;
use crate::connection::Connection;
use crate::diagnosis::{Failure, Outcome, Platform, Seen, Step, judge};
use crate::platforms::genesys::error::failure;
use crate::platforms::genesys::web_messaging::LINK_LIFE;
use crate::platforms::lenient::{object, text, words};
use crate::platforms::uploads::{Attachment, Belongs, Given, Place, Sent, difference};
use crate::processing::{Told, Transport};
use crate::time::Timestamp;
use crate::transfer;
use crate::wire::{Auth, Body, Method, Request, Response};

/// Asks where the bytes of `file` go. The name is one on the wire: within the characters that the schema allows.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of an agent's side, or the conversation is not known.
pub fn request_place(
    connection: &Connection,
    belongs: Belongs<'_>,
    file: Sent<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let body = json!({ "fileName": file.name, "contentLengthBytes": file.size_bytes });
    Ok(Request {
        method: Method::Post,
        url: messages_url(connection, belongs.address, &["media", "uploads"])?,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience,
        local: connection.local,
    })
}

/// Reads the answer. The life of a link that does not tell it is not published.
///
/// # Errors
/// The vendor's error as a [`Failure`]; an answer without id or link is judged by its status, and asked for again.
pub fn read_place(response: &Response, now: Timestamp) -> Result<Place, Failure> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let place = || {
        let link = Url::parse(&words(&body, "uploadUrl")?).ok()?;
        let given = body.get("uploadHeaders").and_then(Value::as_object);
        let header = |(name, value): (&String, &Value)| {
            Some((name.to_ascii_lowercase(), value.as_str()?.to_owned()))
        };
        Some(Place {
            file: words(&body, "id")?,
            headers: given.into_iter().flatten().filter_map(header).collect(),
            dies_at: transfer::dies_at(&link, now).unwrap_or(now + LINK_LIFE),
            link,
        })
    };
    match response.status {
        200..=299 => place().ok_or_else(|| failure(Step::Upload, response, now)),
        _ => Err(failure(Step::Upload, response, now)),
    }
}

/// Asks for the medium called `file`.
///
/// # Errors
/// As [`request_place`].
pub fn look_up(
    connection: &Connection,
    (belongs, file): (Belongs<'_>, &str),
    patience: Duration,
) -> Result<Request, Failure> {
    Ok(Request {
        method: Method::Get,
        url: messages_url(connection, belongs.address, &["media", file])?,
        auth: Auth::Bearer,
        body: Body::Empty,
        patience,
        local: connection.local,
    })
}

/// Reads the answer: `uploading`, then `valid` or `invalid`.
///
/// # Errors
/// The vendor's error as a [`Failure`].
pub fn read_attachment(
    response: &Response,
    sent: (&str, Sent<'_>),
    now: Timestamp,
) -> Result<Attachment, Failure> {
    let body = match (response.status, object(&response.body)) {
        (200..=299, Ok(body)) => body,
        _ => return Err(failure(Step::UploadStatus, response, now)),
    };
    let transport = match (
        text(&body, "status").unwrap_or_default().as_str(),
        difference(&body, sent),
    ) {
        (_, Some(other)) => Transport::Failed(other),
        ("valid", None) => Transport::Arrived,
        ("invalid", None) => {
            let seen = Seen {
                platform: Platform::Genesys,
                step: Step::UploadStatus,
                outcome: Outcome::Report(&body),
            };
            Transport::Failed(judge(&seen, now))
        }
        (word, None) => Transport::Working(word.to_owned()),
    };
    Ok(Attachment {
        told: Told {
            transport,
            scanned: None,
        },
        given: Given::Name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::connection::tests::{agent, genesys};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    const NOW: Timestamp = Timestamp::from_seconds(1_780_315_200);

    const FILE: Sent<'_> = Sent {
        mime: "application/pdf",
        name: "invoice_q3.pdf",
        size_bytes: 245_760,
    };

    const MEDIUM: &str = "5b8f3a44-2f61-4b0a-9a8e-b7f0b3c2d1e0";

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_published_request_but_for_its_digest() {
        let address = super::super::send::tests::address();
        let belongs = Belongs {
            message: "",
            address: &address,
        };
        let request = request_place(&agent(), belongs, FILE, Duration::ZERO).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://api.mypurecloud.de/api/v2/conversations/messages/31594bb4/communications/acd98233/messages/media/uploads"
        );
        let mut published: Value =
            serde_json::from_str(include_str!("../fixtures/request-media-uploads.json")).unwrap();
        published.as_object_mut().unwrap().remove("contentMd5");
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), published);
        assert!(request_place(&genesys(), belongs, FILE, Duration::ZERO).is_err());
        let nowhere = Belongs {
            address: &Address::default(),
            ..belongs
        };
        let failure = request_place(&agent(), nowhere, FILE, Duration::ZERO).unwrap_err();
        assert_eq!(failure.diagnosis.code, "ours.address-missing");
    }

    #[test]
    fn the_published_answer_has_link_headers_and_life() {
        let published = include_str!("../fixtures/response-media-uploads.json");
        let place = read_place(&answer(200, published), NOW).unwrap();
        assert_eq!(place.file, MEDIUM);
        assert_eq!(place.headers.len(), 1);
        assert!(place.headers["x-amz-tagging"].starts_with("organizationId="));
        assert!(place.dies_at > NOW);
        for (status, body, disposition) in [
            (200, r#"{"id":"m"}"#, Disposition::Unavailable),
            (503, "", Disposition::Unavailable),
            (400, r#"{"code":"bad.request"}"#, Disposition::Rejected),
            (404, r#"{"code":"not.found"}"#, Disposition::Rejected),
        ] {
            let failure = read_place(&answer(status, body), NOW).err().unwrap();
            assert_eq!(failure.disposition, disposition, "{status} {body}");
        }
    }

    #[test]
    fn the_published_states() {
        let read = |body: &str| {
            let told = read_attachment(&answer(200, body), (MEDIUM, FILE), NOW);
            told.unwrap().told.transport
        };
        let valid = include_str!("../fixtures/response-media-get-valid.json");
        assert_eq!(read(valid), Transport::Arrived);
        let uploading = include_str!("../fixtures/response-media-get-uploading.json");
        assert_eq!(read(uploading), Transport::Working("uploading".to_owned()));
        let invalid = include_str!("../fixtures/response-media-get-invalid.json");
        for (body, code) in [
            (invalid, "genesys.media-refused"),
            (&valid.replace("245760", "7"), "transfer.returned-differs"),
        ] {
            let Transport::Failed(failure) = read(body) else {
                panic!("{body}")
            };
            assert_eq!(failure.diagnosis.code, code);
        }
        let failure = read_attachment(&answer(404, r#"{"code":"not.found"}"#), (MEDIUM, FILE), NOW)
            .unwrap_err();
        assert_eq!(failure.diagnosis.code, "genesys.not-found");
    }
}
