//! The Graph host: media by id, uploads, sends. Dispatch, tokens and faults; look-up and deletion.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;

use super::{
    account, download,
    options::FileSizeForm,
    outbound,
    state::{State, lock},
    upload,
};
use crate::{
    faults::{Fault, Point},
    meta::{
        error::{self, GraphError},
        graph::{Door, Struck, Words, is_version},
    },
    specs::Operation,
    spoil::marred,
    wire::{Answer, Request},
};

/// Answers a request to the Graph host, or to a provider in its place.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    let segments = request.segments();
    let first = state.options.numbers.first();
    let number = first.map_or("", |number| number.phone_number_id.as_str());
    let segments = match (&state.options.provider, segments.as_slice()) {
        (None, [version, rest @ ..]) if is_version(version) => rest.to_vec(),
        (Some(_), ["whatsapp_business", "attachments"]) => {
            return download::answer(state.clone(), request.clone()).await;
        }
        // A provider's key stands for one number.
        (Some(_), [what @ ("media" | "messages")]) => vec![number, what],
        (Some(_), [id]) => vec![*id],
        _ => Vec::new(),
    };
    match (&request.method, segments.as_slice()) {
        (&Method::GET, [id]) if state.number(id).is_some() => {
            account::number(&state, &request, id).of(Operation::Number)
        }
        (method, [account, "subscribed_apps"]) => {
            account::subscribed_apps(&state, &request, method, account).await
        }
        (&Method::GET, [id]) => look_up(&state, &request, id).await.of(Operation::MediaGet),
        (&Method::DELETE, [id]) => delete(&state, &request, id)
            .await
            .of(Operation::MediaDelete),
        (&Method::POST, [number, "media"]) => upload::upload(&state, &request, number).await,
        (&Method::POST, [number, "messages"]) => outbound::send(&state, &request, number).await,
        _ => GraphError::parameter("Unknown path components").answer(),
    }
}

/// How WhatsApp says what it refuses.
const WORDS: Words = Words {
    throttled: throughput,
    failed: || GraphError::new(error::WENT_WRONG),
    too_large: || Answer::html(StatusCode::PAYLOAD_TOO_LARGE),
    not_taken: || GraphError::new(error::MEDIA_UPLOAD),
};

fn throughput() -> GraphError {
    GraphError::new(error::THROUGHPUT).details(
        "Message failed to send because there were too many messages sent from this phone number in a short period of time.",
    )
}

/// Lets the armed fault strike and checks the token.
pub(super) async fn enter(
    state: &State,
    request: &Request,
    point: Point,
    subjects: &[String],
) -> Struck {
    let door = Door {
        faults: &state.faults,
        elsewhere: &state.elsewhere,
        words: &WORDS,
    };
    let stranger = |_: Option<&str>| (!state.admits(request)).then(|| GraphError::token(false));
    door.enter(request, point, subjects, stranger).await
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
