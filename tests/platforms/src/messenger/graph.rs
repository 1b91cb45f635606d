//! The Graph host: files handed over, and sends. Dispatch, tokens and faults.

use std::sync::Arc;

use http::Method;

use super::{
    options::Page,
    send,
    state::{State, lock},
    upload,
};
use crate::{
    faults::Point,
    meta::{
        error::GraphError,
        graph::{Door, Struck, Words, is_version},
    },
    wire::{Answer, Request},
};

/// Page-level permission is missing (`specs/meta-error-codes.json`).
const PERMISSION: u32 = 200;
const THROTTLED: u32 = 613;
/// "Unexpected error, retry later".
const UNEXPECTED: u32 = 2;

/// How the channel says what it refuses.
const WORDS: Words = Words {
    throttled,
    failed: || {
        let failed = GraphError::said(UNEXPECTED, None, "Unexpected internal error.");
        failed.under(http::StatusCode::INTERNAL_SERVER_ERROR)
    },
    too_large: || too_large().answer(),
    not_taken: || not_taken("Upload attachment failure."),
};

/// As published: `error-613-rate.json`.
pub(super) fn throttled() -> GraphError {
    GraphError::said(
        THROTTLED,
        None,
        "Calls to this api have exceeded the rate limit.",
    )
}

/// As published: `error-100-size.json`.
pub(super) fn too_large() -> GraphError {
    let message = "Attachment size exceeds allowable limit.";
    GraphError::said(100, Some(2_018_109), message)
}

/// A file whose type is not taken; the subcode is general knowledge.
pub(super) fn not_taken(message: &str) -> GraphError {
    GraphError::said(100, Some(2_018_047), message)
}

/// Answers a request to the Graph host.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    let segments = request.segments();
    match (&request.method, segments.as_slice()) {
        (&Method::POST, [version, page, "message_attachments"]) if is_version(version) => {
            upload::upload(&state, &request, page).await
        }
        (&Method::POST, [version, page, "messages"]) if is_version(version) => {
            send::send(&state, &request, page).await
        }
        _ => parameter(&state, "Unknown path components").answer(),
    }
}

/// A request that no page documents: refused, and noted.
pub(super) fn parameter(state: &State, problem: &str) -> GraphError {
    lock(&state.talk).breaches.push(problem.to_owned());
    GraphError::said(100, None, problem)
}

/// Lets the armed fault strike, and checks the token: each page has its own.
pub(super) async fn enter(
    state: &State,
    request: &Request,
    point: Point,
    (page_id, subjects): (&str, &[String]),
) -> Struck {
    let door = Door {
        faults: &state.faults,
        elsewhere: &state.elsewhere,
        words: &WORDS,
    };
    let stranger = |bearer: Option<&str>| {
        let of = |page: &Page| bearer == Some(page.access_token.as_str());
        if !state.options.pages.iter().any(of) {
            return Some(GraphError::token(false));
        }
        match state.page(page_id) {
            None => Some(GraphError::no_such_object(page_id)),
            Some(page) if !of(page) => {
                Some(GraphError::said(PERMISSION, None, "Permissions error"))
            }
            Some(_) => None,
        }
    };
    door.enter(request, point, subjects, stranger).await
}
