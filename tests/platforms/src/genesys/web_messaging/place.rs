//! The metadata request: what the documents' limits allow gets an id and a link.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Progress, Uploaded, files, put};
use crate::{
    faults::{Fault, Point},
    genesys::{
        api, error,
        state::{State, lock},
    },
    wire::{Answer, Request},
};

/// The largest file, in bytes.
const LARGEST: u64 = 10 * 1024 * 1024;

/// The types that are taken.
const TYPES: [&str; 7] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "application/pdf",
    "text/plain",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
];

/// Answers a metadata request.
pub(in crate::genesys) async fn place(state: &State, request: &Request) -> Answer {
    let metadata = files::metadata(request);
    let subjects: Vec<String> = metadata
        .iter()
        .flat_map(|body| [&body["messageId"], &body["fileName"]])
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    let fault = state.faults.take(Point::Place, &subjects);
    if fault == Some(Fault::Wrong415) {
        return error::unsupported("The media type 'multipart/form-data'");
    }
    if let Some(fault) = fault
        && let Some(refused) = api::struck(state, request, fault).await
    {
        return refused;
    }
    let Some(metadata) = metadata else {
        return refused("the metadata are not complete");
    };
    if let Some(problem) = problem(state, &metadata) {
        return refused(problem);
    }
    let file_id = crate::random::uuid();
    let dies_at = state.options.clock.now() + state.options.upload_life;
    let link = put::link(state, &file_id, dies_at.unix_timestamp());
    lock(state.uploads.all()).push(Uploaded {
        file_id: file_id.clone(),
        metadata,
        bytes: None,
        accepted_at: None,
        progress: Progress::Announced,
    });
    state.background.changed();
    let answer = Answer::json(
        StatusCode::OK,
        &json!({"fileId": file_id, "uploadUrl": link}),
    );
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

/// What is wrong with well-formed metadata.
fn problem(state: &State, metadata: &Value) -> Option<&'static str> {
    let text = |key: &str| metadata[key].as_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text("fileName").chars().all(plain) {
        return Some("the file name contains invalid characters");
    }
    if !TYPES.contains(&text("contentType")) {
        return Some("the content type is not supported");
    }
    if metadata["fileSize"]
        .as_u64()
        .is_none_or(|size| size > LARGEST)
    {
        return Some("the file size exceeds the maximum allowed size");
    }
    state
        .line(text("channelId"))
        .is_none()
        .then_some("there is no such channel")
}

fn refused(problem: &str) -> Answer {
    error::answer(StatusCode::BAD_REQUEST, "bad.request", problem)
}
