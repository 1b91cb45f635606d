//! The object store behind the downloads: signed links only, and what S3 says to anything else.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{agent_side, files::Stored, state::State, web_messaging};
use crate::{
    faults::Fault,
    seal::BadLink,
    serving::{self, Served},
    spoil::{cached_429, redirect},
    wire::{Answer, Request},
};

/// Answers a request to the object store.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    if let Some(id) = web_messaging::upload_of(&request) {
        return web_messaging::put(&state, &request, id).await;
    }
    if let Some(id) = agent_side::upload_of(&request) {
        return agent_side::put(&state, &request, id).await;
    }
    let id = request.path.trim_start_matches('/').to_owned();
    let fault = state
        .faults
        .take_at_download(&request, &state.files.subjects(&id));
    match fault {
        Some(Fault::FiveHundreds) => return slow_down(),
        Some(Fault::Cached429) => return cached_429(),
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::OK),
        Some(Fault::ExpiredLink) => return denied("Request has expired"),
        Some(Fault::Unauthorised) => return denied("Access Denied"),
        Some(Fault::LateAttachment) => return no_such_key(),
        _ => {}
    }
    if let Some(away) = away(&state, &request, fault) {
        return away;
    }
    match admit(&state, &request, &id) {
        Ok(file) => served(&state, &request, &file, fault),
        Err(refused) => *refused,
    }
}

/// The redirect that the fault answers with, if it is one that does.
pub(super) fn away(state: &State, request: &Request, fault: Option<Fault>) -> Option<Answer> {
    redirect(fault?, request, &state.files.hosts().elsewhere)
}

/// The answer with a file, spoilt by the fault if there is one.
pub(super) fn served(
    state: &State,
    request: &Request,
    file: &Stored,
    fault: Option<Fault>,
) -> Answer {
    let served = Served {
        bytes: &file.bytes,
        mime: &file.mime,
        sha256_hex: &file.sha256_hex,
        modified_at: file.created_at,
        ranges: state.options.ranges,
    };
    serving::serve(request, &served, fault, &state.faults)
}

/// The file behind a signed link, or the refusal.
fn admit(state: &State, request: &Request, id: &str) -> Result<Stored, Box<Answer>> {
    if request.method != Method::GET {
        return Err(denied("Access Denied").into());
    }
    if request.header("authorization").is_some() {
        let why = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                   parameter or the Authorization header should be specified";
        return Err(xml(StatusCode::BAD_REQUEST, "InvalidArgument", why).into());
    }
    let part = |name| request.parameter(name).unwrap_or_default();
    let now = state.options.clock.unix_seconds();
    let link = state
        .files
        .check(id, &part("Expires"), &part("Signature"), now);
    link.map_err(|bad| match bad {
        BadLink::Expired => denied("Request has expired"),
        BadLink::Forged => {
            let why =
                "The request signature we calculated does not match the signature you provided.";
            xml(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", why)
        }
    })?;
    state.files.get(id).ok_or_else(|| no_such_key().into())
}

fn no_such_key() -> Answer {
    let why = "The specified key does not exist.";
    xml(StatusCode::NOT_FOUND, "NoSuchKey", why)
}

pub(super) fn denied(why: &str) -> Answer {
    xml(StatusCode::FORBIDDEN, "AccessDenied", why)
}

pub(super) fn slow_down() -> Answer {
    let why = "Please reduce your request rate.";
    xml(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", why)
}

pub(super) fn xml(status: StatusCode, code: &str, message: &str) -> Answer {
    let request_id = crate::random::hex(8).to_ascii_uppercase();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>{request_id}</RequestId></Error>"
    );
    Answer::new(status, "application/xml", body)
}

/// The host that is nobody's: it serves every file to whoever asks, so that following a redirect blindly seems to work.
pub(super) async fn nobody(state: Arc<State>, request: Request) -> Answer {
    let id = request.segments().last().copied().unwrap_or_default();
    match state.files.get(id) {
        Some(file) => Answer::new(StatusCode::OK, &file.mime, file.bytes),
        None => Answer::new(StatusCode::NOT_FOUND, "text/plain", "Not Found"),
    }
}
