//! The bytes: by the signed link alone, tied to their metadata by a header, and exactly as announced.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{Progress, Uploaded, fate, files::subjects};
use crate::{
    faults::{Fault, Point},
    genesys::{
        state::{State, lock},
        store::{denied, slow_down, xml},
    },
    seal::BadLink,
    wire::{Answer, Request},
};

/// Where uploads go at the object store.
const FOLDER: &str = "uploads/";

/// The header that ties the bytes to their metadata.
const FILE_ID: &str = "x-genesys-file-id";

/// The signed link that takes the bytes of a file until this Unix second. It is another link than the one a file is read by.
pub(super) fn link(state: &State, file_id: &str, dies_at: i64) -> String {
    state.files.signed(&format!("{FOLDER}{file_id}"), dies_at)
}

/// The file that a request to the object store brings, if it brings one.
pub(in crate::genesys) fn upload_of(request: &Request) -> Option<&str> {
    let path = request.path.trim_start_matches('/');
    (request.method == Method::PUT).then(|| path.strip_prefix(FOLDER))?
}

/// Takes the bytes of a file.
pub(in crate::genesys) async fn put(state: &Arc<State>, request: &Request, id: &str) -> Answer {
    let Some(file) = state.uploads.get(id) else {
        return denied("Access Denied");
    };
    let subjects = subjects(&file);
    let fault = state.faults.take(Point::Put, &subjects);
    match fault {
        Some(Fault::FiveHundreds) => return slow_down(),
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::BAD_GATEWAY),
        Some(Fault::UploadLinkExpired) => return denied("Request has expired"),
        Some(Fault::Unauthorised) => return denied("Access Denied"),
        Some(Fault::Wrong415) => {
            let why = "The Content-Type is not supported.";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return xml(status, "UnsupportedMediaType", why);
        }
        Some(Fault::Stall) => state.faults.stalled().await,
        _ => {}
    }
    if let Some(refused) = refusal(state, request, &file) {
        return refused;
    }
    accept(state, request, id);
    let told = fate::decide(state, &file, state.faults.take(Point::Scan, &subjects));
    if let Some(event) = told {
        // The event is delivered, or given up, before the bytes are answered.
        let within = state.options.webhook_patience;
        if let Err(late) = state.courier.wait_for_attempts(&event, 1, within).await {
            tracing::debug!(%late, "the event before the answer was not delivered in time");
        }
    }
    let answer = Answer::new(StatusCode::ACCEPTED, "application/json", "");
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

fn accept(state: &State, request: &Request, id: &str) {
    let now = state.options.clock.now();
    state.uploads.change(id, |file| {
        file.bytes = Some(request.body.clone());
        file.accepted_at = Some(now);
        file.progress = Progress::Processing;
    });
    state.background.changed();
}

fn refusal(state: &State, request: &Request, file: &Uploaded) -> Option<Answer> {
    let bad = |why| Some(xml(StatusCode::BAD_REQUEST, "InvalidArgument", why));
    if request.header("authorization").is_some() {
        return bad("Only one auth mechanism allowed");
    }
    let part = |name| request.parameter(name).unwrap_or_default();
    let subject = format!("{FOLDER}{}", file.file_id);
    let now = state.options.clock.unix_seconds();
    let link = state
        .files
        .check(&subject, &part("Expires"), &part("Signature"), now);
    match link {
        Err(BadLink::Expired) => return Some(denied("Request has expired")),
        Err(BadLink::Forged) => return Some(denied("Access Denied")),
        Ok(()) => {}
    }
    let size = request.body.len() as u64;
    let announced = file.metadata["fileSize"].as_u64();
    if request.header(FILE_ID) != Some(file.file_id.as_str()) {
        return bad("x-genesys-file-id does not name this file");
    }
    if request.header("content-encoding").is_some() {
        return bad("Content-Encoding is not allowed");
    }
    if request.header("content-length") != Some(size.to_string().as_str()) {
        return bad("Content-Length is missing");
    }
    if announced != Some(size) {
        return bad("payload mismatch: Content-Length differs from the announced size");
    }
    if request.media_type().as_deref() != file.metadata["contentType"].as_str() {
        return bad("Content-Type differs from the announced type");
    }
    lock(state.uploads.all())
        .iter()
        .any(|it| it.file_id == file.file_id && it.progress == Progress::Cancelled)
        .then(|| denied("Access Denied"))
}
