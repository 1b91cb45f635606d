//! The Graph host: media by id, uploads, sends. Dispatch, tokens and faults; look-up and deletion.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;

use super::{
    account,
    error::{self, GraphError},
    options::FileSizeForm,
    outbound,
    state::{State, lock},
    upload,
};
use crate::{
    faults::{Fault, Point},
    specs::Operation,
    spoil::{marred, redirect},
    wire::{Answer, Request},
};

/// Answers a request to the Graph host.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    let segments = request.segments();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, [version, id]) if is_version(version) && state.number(id).is_some() => {
            account::number(&state, &request, id).of(Operation::Number)
        }
        (method, [version, account, "subscribed_apps"]) if is_version(version) => {
            account::subscribed_apps(&state, &request, method, account).await
        }
        (&Method::GET, [version, id]) if is_version(version) => {
            look_up(&state, &request, id).await.of(Operation::MediaGet)
        }
        (&Method::DELETE, [version, id]) if is_version(version) => delete(&state, &request, id)
            .await
            .of(Operation::MediaDelete),
        (&Method::POST, [version, number, "media"]) if is_version(version) => {
            upload::upload(&state, &request, number).await
        }
        (&Method::POST, [version, number, "messages"]) if is_version(version) => {
            outbound::send(&state, &request, number).await
        }
        _ => GraphError::parameter("Unknown path components").answer(),
    }
}

/// `v23.0` and its like.
fn is_version(text: &str) -> bool {
    let numbers = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(major, minor)| number(major) && number(minor))
}

/// What a fault leaves of a Graph call.
pub(super) enum Struck {
    /// This answer, and nothing happened.
    Refused(Answer),
    /// The call takes effect; this fault may still mar its answer ([`marred`]).
    Proceeds(Option<Fault>),
}

/// Lets the armed fault strike and checks the token, in the order the real host would.
pub(super) async fn enter(
    state: &State,
    request: &Request,
    point: Point,
    subjects: &[String],
) -> Struck {
    let fault = state.faults.take(point, subjects);
    let refused = match fault {
        Some(Fault::RateLimit) => Some(throughput().under(StatusCode::TOO_MANY_REQUESTS).answer()),
        Some(Fault::MetaThrottleAs400) => Some(throughput().answer()),
        Some(Fault::FiveHundreds) => Some(GraphError::new(error::WENT_WRONG).transient().answer()),
        Some(Fault::DeadToken) => Some(GraphError::token(true).answer()),
        Some(Fault::Unauthorised) => Some(GraphError::token(false).answer()),
        Some(Fault::HtmlErrorPage) => {
            return Struck::Refused(Answer::html(StatusCode::BAD_GATEWAY));
        }
        Some(Fault::LimitDrift) => {
            return Struck::Refused(Answer::html(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Some(Fault::Wrong415) => Some(unsupported()),
        Some(Fault::ProviderRejectsType) => Some(GraphError::new(error::MEDIA_UPLOAD).answer()),
        Some(Fault::Stall) => {
            state.faults.stalled().await;
            None
        }
        Some(fault) => redirect(fault, request, &state.elsewhere),
        None => None,
    };
    if let Some(refused) = refused {
        return Struck::Refused(refused);
    }
    if request.bearer() != Some(lock(&state.access_token).as_str()) {
        return Struck::Refused(GraphError::token(false).answer());
    }
    Struck::Proceeds(fault)
}

/// 415; no published code has this status, so the code is that of any parameter.
fn unsupported() -> Answer {
    let error = GraphError::parameter("The content type is not supported.");
    error.under(StatusCode::UNSUPPORTED_MEDIA_TYPE).answer()
}

fn throughput() -> GraphError {
    GraphError::new(error::THROUGHPUT).details(
        "Message failed to send because there were too many messages sent from this phone number in a short period of time.",
    )
}

async fn look_up(state: &State, request: &Request, id: &str) -> Answer {
    let now = state.options.clock.now();
    if lock(&state.budget).blocked(now) {
        let why = "Too many failed media requests; try again later.";
        return GraphError::new(error::TOO_MANY_CALLS).details(why).answer();
    }
    let fault = match enter(state, request, Point::LookUp, &subject_ids(state, id)).await {
        Struck::Refused(answer) => return answer,
        Struck::Proceeds(fault) => fault,
    };
    let now = state.options.clock.now();
    let answer = match fault {
        Some(Fault::LateAttachment) => unknown(state, id, now),
        _ => find(state, request, id, now),
    };
    marred(answer, fault, &state.faults)
}

/// The refusal of an id that nobody knows, or nobody yet.
fn unknown(state: &State, id: &str, now: time::OffsetDateTime) -> Answer {
    lock(&state.budget).refused(now);
    GraphError::no_such_object(id).answer()
}

fn find(state: &State, request: &Request, id: &str, now: time::OffsetDateTime) -> Answer {
    let number = request.parameter("phone_number_id");
    let media = lock(&state.media);
    let medium = media.alive(id, now);
    let medium = medium.filter(|m| {
        number
            .as_ref()
            .is_none_or(|number| *number == m.phone_number_id)
    });
    let Some(medium) = medium else {
        return unknown(state, id, now);
    };
    let dies_at = (now + state.options.link_life).unix_timestamp();
    let size = medium.bytes.len();
    let file_size = match state.options.file_size {
        FileSizeForm::Integer => json!(size),
        FileSizeForm::String => json!(size.to_string()),
    };
    let body = json!({
        "messaging_product": "whatsapp", "url": state.links.mint(id, dies_at), "mime_type": medium.mime,
        "sha256": medium.sha256_hex(), "file_size": file_size, "id": id,
    });
    Answer::json(StatusCode::OK, &body)
}

async fn delete(state: &State, request: &Request, id: &str) -> Answer {
    let fault = match enter(state, request, Point::LookUp, &subject_ids(state, id)).await {
        Struck::Refused(answer) => return answer,
        Struck::Proceeds(fault) => fault,
    };
    let mut media = lock(&state.media);
    if media.alive(id, state.options.clock.now()).is_none() {
        return GraphError::no_such_object(id).answer();
    }
    media.remove(id);
    let answer = Answer::json(StatusCode::OK, &json!({ "success": true }));
    marred(answer, fault, &state.faults)
}

/// The ids by which a fault may be aimed at a medium: its own and its message's.
pub(super) fn subject_ids(state: &State, media_id: &str) -> Vec<String> {
    let media = lock(&state.media);
    let medium = media.alive(media_id, state.options.clock.now());
    let message = medium.and_then(|medium| medium.message_id.clone());
    [Some(media_id.to_owned()), message]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_other_paths() {
        let rows = [
            ("v23.0", true),
            ("v5.10", true),
            ("v23", false),
            ("23.0", false),
            ("v.0", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_version(text), expected, "{text}");
        }
    }
}
