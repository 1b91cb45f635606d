//! The direct upload test, as one of the documents describes it; no published schema knows it.
//!
//! Kept: the four fields beside the file, which must agree with it, a handshake (202) that names the file and the edge, and an event
//! `media.upload.completed` of what became of it. There is nothing to ask.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderName, StatusCode};
use serde_json::json;

use super::{
    api, error,
    state::{State, lock},
};
use crate::{
    delivery::{Address, Cargo, MessageId},
    faults::{Fault, Point},
    signature,
    wire::{Answer, Request},
};

const EVENT: &str = "media.upload.completed";
const EDGE_NODE: HeaderName = HeaderName::from_static("x-cdn-edge-node");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A file of the test.
#[derive(Clone, Debug)]
pub struct TestUpload {
    /// What it is called.
    pub media_id: String,
    /// The fields beside it, by name.
    pub fields: Vec<(String, String)>,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// All of them, and where events go.
pub(super) struct Uploads {
    files: Mutex<Vec<TestUpload>>,
    address: Arc<Address>,
}

impl Uploads {
    /// None yet; events will be signed with this secret.
    pub(super) fn new(secret: &str) -> Self {
        let secret = secret.to_owned();
        let headers = move |body: &[u8]| {
            vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                (
                    "x-genesys-signature".to_owned(),
                    signature::genesys(&secret, body),
                ),
            ]
        };
        Self {
            files: Mutex::default(),
            address: Address::new(None, headers),
        }
    }
}

/// The test from its owner's side.
#[derive(Clone)]
pub struct MediaUpload {
    pub(super) state: Arc<State>,
}

impl MediaUpload {
    /// Sets where completion events go; without it none are sent.
    pub fn set_callback(&self, callback: url::Url) {
        self.state.media_upload.address.set_callback(callback);
    }

    /// Every file so far.
    #[must_use]
    pub fn files(&self) -> Vec<TestUpload> {
        lock(&self.state.media_upload.files).clone()
    }
}

/// Takes a file.
pub(super) async fn upload(state: &Arc<State>, request: &Request) -> Answer {
    let Some(file) = parts(request) else {
        let problem = "the multipart form is not complete";
        return error::answer(StatusCode::BAD_REQUEST, "bad.request", problem);
    };
    let fault = state.faults.take(Point::Form, &[&file.name]);
    if let Some(fault) = fault
        && let Some(refused) = api::struck(state, request, fault).await
    {
        return refused;
    }
    if file.bytes.len() as u64 > 16_384_000 {
        return error::too_large();
    }
    let fate = state.faults.take(Point::Scan, &[&file.name]);
    let id = file.media_id.clone();
    lock(&state.media_upload.files).push(file);
    state.background.changed();
    decide(state, &id, fate);
    let body = json!({ "media_id": id, "status": "accepted" });
    let answer = Answer::json(StatusCode::ACCEPTED, &body)
        .with(EDGE_NODE, "edge-fra-07")
        .with(REQUEST_ID, &crate::random::uuid());
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

/// Tells of the end after a while, if there is one.
fn decide(state: &Arc<State>, id: &str, fate: Option<Fault>) {
    let (events, failed) = match fate {
        Some(Fault::Silent202 | Fault::StuckQueued | Fault::CompletionNever) => return,
        Some(Fault::CompletionTwice) => (2, None),
        Some(Fault::CdnIngestion) => (1, Some(json!("cdn_ingestion_timeout"))),
        Some(_) => (1, Some(json!("media_upload_failed"))),
        None => (1, None),
    };
    let data = match failed {
        None => json!({ "media_id": id, "status": "completed" }),
        Some(code) => json!({ "media_id": id, "status": "failed", "error_code": code }),
    };
    let body = json!({ "event_type": EVENT, "data": data }).to_string();
    let state = state.clone();
    let due = state.options.clock.now() + state.options.scan_takes;
    let background = state.background.clone();
    background.spawn(async move {
        state.options.clock.sleep_until(due).await;
        for _ in 0..events {
            let cargo = Cargo {
                messages: vec![MessageId(crate::random::uuid())],
                body: body.clone().into_bytes(),
                ..Cargo::default()
            };
            state.courier.queue(&state.media_upload.address, cargo);
        }
    });
}

/// The form: four fields, then the file, all of which agree.
fn parts(request: &Request) -> Option<TestUpload> {
    let given = request.header("content-type")?;
    let (_, boundary) = given
        .strip_prefix("multipart/form-data")?
        .split_once("boundary=")?;
    let (opening, closing) = (
        format!("--{boundary}\r\n"),
        format!("\r\n--{boundary}--\r\n"),
    );
    let mut rest: &[u8] = request.body.strip_suffix(closing.as_bytes())?;
    let mut fields = Vec::new();
    loop {
        let body = rest.strip_prefix(opening.as_bytes())?;
        let end = body.windows(4).position(|it| it == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&body[..end]).ok()?;
        let name = head.strip_prefix("Content-Disposition: form-data; name=\"")?;
        let body = &body[end + 4..];
        if let Some((name, mime)) = name.split_once("\"; filename=\"") {
            let (file_name, mime) = mime.split_once("\"\r\nContent-Type: ")?;
            let of = |field: &str| {
                let found = fields
                    .iter()
                    .find(|(it, _): &&(String, String)| it == field);
                found.map(|(_, value)| value.as_str())
            };
            let agrees = name == "file"
                && of("mimeType") == Some(mime)
                && of("contentDisposition")
                    == Some(&format!("attachment; filename=\"{file_name}\""))
                && of("channelType").is_some()
                && of("maxSizeBytes") == Some("16384000");
            return agrees.then(|| TestUpload {
                media_id: format!("med_{}", crate::random::hex(6)),
                name: file_name.to_owned(),
                bytes: request.body.slice_ref(body),
                fields: fields.clone(),
            });
        }
        let name = name.strip_suffix('"')?;
        let length = body.windows(2).position(|it| it == b"\r\n")?;
        let value = std::str::from_utf8(&body[..length]).ok()?;
        fields.push((name.to_owned(), value.to_owned()));
        rest = &body[length + 2..];
    }
}
