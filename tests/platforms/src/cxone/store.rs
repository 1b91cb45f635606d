//! The store: files of agents and temporary attachments, by signed links alone.

use std::sync::Arc;

use http::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::state::{State, lock};
use crate::faults::Fault;
use crate::serving::{self, Served};
use crate::wire::{Answer, Request};

/// Answers a request to the store.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    let id = request.path.trim_start_matches("/attachments/").to_owned();
    let fault = state
        .faults
        .take_at_download(&request, std::slice::from_ref(&id));
    match fault {
        Some(Fault::FiveHundreds) => return plain(StatusCode::SERVICE_UNAVAILABLE),
        Some(Fault::ExpiredLink | Fault::Unauthorised) => return plain(StatusCode::FORBIDDEN),
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::OK),
        _ => {}
    }
    if request.method != Method::GET || request.header("authorization").is_some() {
        state.violated("a bearer, or another method than GET, at the store");
        return plain(StatusCode::BAD_REQUEST);
    }
    let part = |name| request.parameter(name).unwrap_or_default();
    let now = state.options.clock.unix_seconds();
    let checked = state
        .seal
        .check(&id, &part("Expires"), &part("Signature"), now);
    let file = lock(&state.stored).get(&id).cloned();
    let Some(file) = file.filter(|_| checked.is_ok()) else {
        return plain(StatusCode::FORBIDDEN);
    };
    let sha256_hex = data_encoding::HEXLOWER.encode(&Sha256::digest(&file.bytes));
    let served = Served {
        bytes: &file.bytes,
        mime: &file.mime,
        sha256_hex: &sha256_hex,
        modified_at: file.created_at,
        ranges: true,
    };
    serving::serve(&request, &served, fault, &state.faults)
}

fn plain(status: StatusCode) -> Answer {
    Answer::new(status, "text/plain", "")
}
