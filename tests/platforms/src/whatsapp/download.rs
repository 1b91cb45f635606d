//! The download host: links with a short life, the token needed again, bodies that may be spoilt.

use std::sync::Arc;

use http::{Method, StatusCode, header::RETRY_AFTER};

use super::{
    graph::subject_ids,
    media::{LINK_PATH, Medium},
    state::{State, lock},
};
use crate::{
    faults::Fault,
    seal::BadLink,
    serving::{self, Served},
    spoil::{cached_429, redirect},
    wire::{Answer, Request},
};

/// Answers a request to the download host.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    if request.method != Method::GET || request.path != LINK_PATH {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    }
    let id = request.parameter("mid").unwrap_or_default();
    let fault = state
        .faults
        .take_at_download(&request, &subject_ids(&state, &id));
    match fault {
        Some(Fault::FiveHundreds) => {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "").with(RETRY_AFTER, "1");
        }
        Some(Fault::Cached429) => return cached_429(),
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::OK),
        Some(Fault::ExpiredLink) => return expired(&state),
        Some(Fault::Unauthorised) => return unauthorised(),
        Some(Fault::LateAttachment) => return plain(StatusCode::NOT_FOUND, "Not Found"),
        _ => {}
    }
    if let Some(away) = fault.and_then(|fault| redirect(fault, &request, &state.elsewhere)) {
        return away;
    }
    match admit(&state, &request, &id) {
        Ok(medium) => serve(&state, &request, &medium, fault),
        Err(refused) => *refused,
    }
}

/// The medium behind a link, or the refusal.
fn admit(state: &State, request: &Request, id: &str) -> Result<Medium, Box<Answer>> {
    if !state.admits(request) {
        return Err(unauthorised().into());
    }
    if state.options.needs_user_agent && request.header("user-agent").is_none() {
        return Err(plain(StatusCode::FORBIDDEN, "Forbidden").into());
    }
    let now = state.options.clock.now();
    let part = |name| request.parameter(name).unwrap_or_default();
    let link = state
        .links
        .check(id, &part("ext"), &part("hash"), now.unix_timestamp());
    link.map_err(|bad| match bad {
        BadLink::Expired => expired(state),
        BadLink::Forged => plain(StatusCode::FORBIDDEN, "Bad URL hash"),
    })?;
    lock(&state.media)
        .alive(id, now)
        .cloned()
        .ok_or_else(|| expired(state).into())
}

fn serve(state: &State, request: &Request, medium: &Medium, fault: Option<Fault>) -> Answer {
    let file = Served {
        bytes: &medium.bytes,
        mime: &medium.mime,
        sha256_hex: &medium.sha256_hex(),
        modified_at: medium.created_at,
        ranges: state.options.ranges,
    };
    serving::serve(request, &file, fault, &state.faults)
}

fn expired(state: &State) -> Answer {
    let status = StatusCode::from_u16(state.options.expired_status);
    plain(
        status.unwrap_or(StatusCode::NOT_FOUND),
        "URL signature expired",
    )
}

fn unauthorised() -> Answer {
    plain(StatusCode::UNAUTHORIZED, "Authentication required")
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    Answer::new(status, "text/plain", text)
}

/// The host that is nobody's: it serves every medium to whoever asks, so that following a redirect blindly seems to work.
pub(super) async fn nobody(state: Arc<State>, request: Request) -> Answer {
    let id = request.parameter("mid").unwrap_or_default();
    let media = lock(&state.media);
    match media.alive(&id, state.options.clock.now()) {
        Some(medium) => Answer::new(StatusCode::OK, &medium.mime, medium.bytes.clone()),
        None => Answer::new(StatusCode::NOT_FOUND, "text/plain", "Not Found"),
    }
}
