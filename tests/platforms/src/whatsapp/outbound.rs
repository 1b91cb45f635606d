//! What a business sends to customers: what is accepted and what is refused at once.
//!
//! Kept: the published schema, tenants, one of `id` and `link`, captions and texts, approved templates, marks of reading. What becomes of
//! an accepted message follows as statuses. Left out: pair limits, the parameters of templates, interactive rules.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    customer::message_id,
    fate::follow,
    graph::{enter, subject_ids},
    sent::{Mark, SentMedia, SentMessage},
    state::{State, lock},
    upload::TABLE,
};
use crate::{
    delivery::MessageId,
    faults::Point,
    meta::{
        error::{self, GraphError},
        graph::Struck,
    },
    specs::Operation,
    spoil::marred,
    wire::{Answer, Request},
};

/// Accepts a message to a customer; its fate follows as statuses.
pub(super) async fn send(state: &Arc<State>, request: &Request, phone_number_id: &str) -> Answer {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let to = body["to"].as_str().unwrap_or_default().to_owned();
    let mut subjects = vec![to.clone()];
    subjects.extend(
        media_part(&body)
            .and_then(|part| part["id"].as_str())
            .map(|id| subject_ids(state, id))
            .into_iter()
            .flatten(),
    );
    let fault = match enter(state, request, Point::Send, &subjects).await {
        Struck::Refused(answer) => return answer.of(Operation::Send),
        Struck::Proceeds(fault) => fault,
    };
    let reads = body["status"] == "read";
    let answer = match reads {
        true => mark_read(state, phone_number_id, &body),
        false => accept(state, phone_number_id, &to, body).map(|id| accepted(&to, &id)),
    };
    let operation = match reads {
        true => Operation::MarkRead,
        false => Operation::Send,
    };
    let answer = answer.unwrap_or_else(GraphError::answer).of(operation);
    marred(answer, fault, &state.faults)
}

fn accepted(to: &str, id: &str) -> Answer {
    let body = json!({
        "messaging_product": "whatsapp", "contacts": [{ "input": to, "wa_id": to }], "messages": [{ "id": id }],
    });
    Answer::json(StatusCode::OK, &body)
}

/// The object with the media of a message, if its type is a media type.
pub(super) fn media_part(body: &Value) -> Option<&Value> {
    let kind = body["type"].as_str()?;
    let media = TABLE.iter().any(|(name, _, _)| *name == kind);
    body.get(kind).filter(|_| media)
}

fn accept(
    state: &Arc<State>,
    phone_number_id: &str,
    to: &str,
    body: Value,
) -> Result<String, GraphError> {
    let from = state
        .number(phone_number_id)
        .ok_or_else(|| GraphError::no_such_object(phone_number_id))?;
    if let Some(violation) = state.checker.request(Operation::Send, &body).first() {
        return Err(GraphError::parameter(&violation.problem));
    }
    if body["messaging_product"] != "whatsapp" {
        return Err(GraphError::parameter(
            "The parameter messaging_product is required.",
        ));
    }
    match body["type"].as_str() {
        Some("template") => template(state, &body)?,
        Some("text") => text(&body)?,
        _ => {}
    }
    reference(state, &body);
    let mut media = None;
    if let Some(part) = media_part(&body) {
        caption(&body, part)?;
        if let Some(id) = part["id"].as_str() {
            let store = lock(&state.media);
            let medium = store.alive(id, state.options.clock.now());
            let medium = medium.filter(|medium| medium.phone_number_id == from.phone_number_id);
            let medium = medium.ok_or_else(|| {
                GraphError::new(error::NOT_VALID).details("The media id is not valid.")
            })?;
            media = Some(SentMedia {
                bytes: medium.bytes.clone(),
                mime: medium.mime.clone(),
            });
        }
    }
    let sent = SentMessage {
        id: message_id(to),
        phone_number_id: from.phone_number_id.clone(),
        to: to.to_owned(),
        body,
        media,
        status: "sent",
    };
    let id = sent.id.clone();
    lock(&state.outbound).accepted(sent.clone());
    state.background.changed();
    let task_state = state.clone();
    state
        .background
        .spawn(async move { follow(&task_state, &from, sent).await });
    Ok(id)
}

fn caption(body: &Value, part: &Value) -> Result<(), GraphError> {
    let Some(caption) = part["caption"].as_str() else {
        return Ok(());
    };
    match body["type"].as_str() {
        Some("audio" | "sticker") => Err(GraphError::parameter("This type takes no caption.")),
        _ if caption.chars().count() > 1024 => Err(GraphError::parameter(
            "The caption is longer than 1024 characters.",
        )),
        _ => Ok(()),
    }
}

/// A template message names a template that was approved, in a language it was approved in.
fn template(state: &State, body: &Value) -> Result<(), GraphError> {
    let (name, language) = (
        &body["template"]["name"],
        &body["template"]["language"]["code"],
    );
    let mut approved = state.options.templates.iter();
    if approved.any(|one| *name == one.name.as_str() && *language == one.language.as_str()) {
        return Ok(());
    }
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let why = format!(
        "template name ({}) does not exist in {}",
        word(name),
        word(language)
    );
    Err(GraphError::new(error::NO_TEMPLATE).details(&why))
}

fn text(body: &Value) -> Result<(), GraphError> {
    let text = body["text"]["body"].as_str().unwrap_or_default();
    match text.chars().count() {
        1..=4096 => Ok(()),
        _ => Err(GraphError::parameter(
            "The text body has 1 to 4096 characters.",
        )),
    }
}

/// Notes a reply or a reaction to a message that neither side has written: it would show as if it were none.
fn reference(state: &State, body: &Value) {
    let outbound = lock(&state.outbound);
    for at in ["/context/message_id", "/reaction/message_id"] {
        let id = body.pointer(at).and_then(Value::as_str);
        if let Some(id) = id.filter(|id| !outbound.knows(id)) {
            let problem = format!("there is no message {id}");
            state.checker.breach(Operation::Send, at, problem);
        }
    }
}

/// Marks a customer's message as read, and shows the customer that the business is typing if that is asked for.
fn mark_read(state: &State, phone_number_id: &str, body: &Value) -> Result<Answer, GraphError> {
    if let Some(violation) = state.checker.request(Operation::MarkRead, body).first() {
        return Err(GraphError::parameter(&violation.problem));
    }
    let message = body["message_id"].as_str().unwrap_or_default();
    let mut outbound = lock(&state.outbound);
    if !outbound.heard_by(phone_number_id, message) {
        let why = "The message id is not valid.";
        return Err(GraphError::new(error::NOT_VALID).details(why));
    }
    outbound.marked(Mark {
        message: MessageId::new(message),
        typing: body.get("typing_indicator").is_some(),
    });
    drop(outbound);
    state.background.changed();
    Ok(Answer::json(StatusCode::OK, &json!({ "success": true })))
}
