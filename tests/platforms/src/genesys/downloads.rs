//! Files by the token: the downloads path, which leads to a signed link, and the media data of `message:message-media` events.

use std::sync::Arc;

use http::{Method, StatusCode, header::RETRY_AFTER};
use serde_json::json;

use super::{api, error, state::State, store};
use crate::{
    faults::{Fault, Point},
    specs::Operation,
    spoil::{cached_429, marred},
    wire::{Answer, Request},
};

/// Answers a request to the apps host: the downloads path of the API under `/platform`, and nothing else.
pub(super) async fn apps(state: Arc<State>, mut request: Request) -> Answer {
    let Some(path) = request.path.strip_prefix("/platform") else {
        return error::not_found();
    };
    request.path = path.to_owned();
    let segments = request.segments();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["api", "v2", "downloads", _]) => api::answer(state, request).await,
        _ => error::not_found(),
    }
}

/// Leads to a file of an agent: a redirect to its signed link, or the link in JSON with `issueRedirect=false`.
pub(super) async fn resolve(state: &State, request: &Request, id: &str) -> Answer {
    let fault = state.faults.take(Point::Resolve, &state.files.subjects(id));
    match fault {
        Some(Fault::LateAttachment) => return error::not_found(),
        Some(struck) => {
            if let Some(refused) = api::struck(state, request, struck).await {
                return refused;
            }
        }
        None => {}
    }
    if let Some(away) = store::away(state, request, fault) {
        return away;
    }
    let Some(file) = state.files.get(id) else {
        return error::not_found();
    };
    let dies_at = state.options.clock.now() + state.options.signed_life;
    let url = state.files.signed(&file.id, dies_at.unix_timestamp());
    let direct = request.parameter("issueRedirect");
    let answer = match direct.is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        true => Answer::json(StatusCode::OK, &json!({ "url": url })),
        false => Answer::redirect(&url),
    };
    marred(answer.of(Operation::Download), fault, &state.faults)
}

/// The bytes of a `message:message-media` event.
pub(super) fn media_data(state: &State, request: &Request, id: &str) -> Answer {
    let fault = state
        .faults
        .take_at_download(request, &state.files.subjects(id));
    match fault {
        Some(Fault::FiveHundreds) => return error::unavailable().with(RETRY_AFTER, "1"),
        Some(Fault::Cached429) => return cached_429(),
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::OK),
        Some(Fault::ExpiredLink) => return error::forbidden(),
        Some(Fault::Unauthorised) => return error::bad_credentials(),
        Some(Fault::LateAttachment) => return error::not_found(),
        _ => {}
    }
    if let Some(away) = store::away(state, request, fault) {
        return away;
    }
    let now = state.options.clock.now();
    match state.files.get(id) {
        None => error::not_found(),
        Some(file) if file.dies_at.is_some_and(|dies_at| dies_at <= now) => error::forbidden(),
        Some(file) => store::served(state, request, &file, fault),
    }
}
