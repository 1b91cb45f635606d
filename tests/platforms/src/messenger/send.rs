//! What pages send: what is accepted, and what is refused at once. There is no verdict but the answer.
//!
//! Kept: who may be written to and when, one of text and attachment, lengths, tags, the page's calls per second. Left out: sending by
//! link, templates, quick replies, personas: such requests are refused.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    customer::message_id,
    graph::{enter, parameter, throttled},
    options::Page,
    reports,
    state::{State, lock},
    surface::Surface,
    talk::{Action, Known, SentFile, SentMessage},
};
use crate::{
    faults::Point,
    meta::{error::GraphError, graph::Struck},
    spoil::marred,
    wire::{Answer, Request},
};

/// Accepts a message or an action of a page.
pub(super) async fn send(state: &Arc<State>, request: &Request, page_id: &str) -> Answer {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let to = body["recipient"]["id"].as_str().unwrap_or_default();
    let attachment = body.pointer("/message/attachment/payload/attachment_id");
    let subjects: Vec<String> = [Some(to), attachment.and_then(Value::as_str)]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    let fault = match enter(state, request, Point::Send, (page_id, &subjects)).await {
        Struck::Refused(answer) => return answer,
        Struck::Proceeds(fault) => fault,
    };
    let Some(page) = state.page(page_id) else {
        return GraphError::no_such_object(page_id).answer();
    };
    let answer = match take(state, page, to, &body) {
        Ok(answer) => Answer::json(StatusCode::OK, &answer),
        Err(error) => error.answer(),
    };
    marred(answer, fault, &state.faults)
}

fn take(state: &Arc<State>, page: &Page, to: &str, body: &Value) -> Result<Value, GraphError> {
    let known = [
        "recipient",
        "messaging_type",
        "message",
        "tag",
        "sender_action",
    ];
    only(state, body, &known)?;
    only(state, &body["recipient"], &["id"])?;
    let customer = lock(&state.talk).known(&page.page_id, to);
    let customer =
        customer.ok_or_else(|| GraphError::said(100, Some(2_018_001), "No matching user found"))?;
    if customer.blocks {
        let message = "This person isn't available right now.";
        return Err(GraphError::said(551, Some(1_545_041), message));
    }
    if let Some(action) = body.get("sender_action") {
        return act(state, to, action);
    }
    in_time(state, page, customer, body)?;
    let file = content(state, page, customer.surface, &body["message"])?;
    let sent = SentMessage {
        id: message_id(),
        surface: customer.surface,
        page_id: page.page_id.clone(),
        to: to.to_owned(),
        body: body.clone(),
        file,
        at: state.options.clock.now(),
        read: false,
    };
    paced(state, &sent)?;
    let answer = json!({ "recipient_id": to, "message_id": sent.id });
    lock(&state.talk).sent.push(sent.clone());
    state.background.changed();
    reports::of_sent(state, &sent);
    Ok(answer)
}

/// Refuses fields that no page documents.
fn only(state: &State, value: &Value, known: &[&str]) -> Result<(), GraphError> {
    let fields = value.as_object();
    let Some(fields) = fields else {
        return Err(parameter(state, "An object is expected"));
    };
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(other) => Err(parameter(state, &format!("Unexpected key {other:?}"))),
        None => Ok(()),
    }
}

fn act(state: &State, to: &str, action: &Value) -> Result<Value, GraphError> {
    let action = action.as_str().unwrap_or_default();
    if !["typing_on", "typing_off", "mark_seen"].contains(&action) {
        return Err(parameter(state, "No such sender_action"));
    }
    lock(&state.talk).actions.push(Action {
        to: to.to_owned(),
        action: action.to_owned(),
    });
    state.background.changed();
    Ok(json!({ "recipient_id": to }))
}

/// The window for answers, and the one for persons.
fn in_time(state: &State, page: &Page, customer: Known, body: &Value) -> Result<(), GraphError> {
    let tag = body.get("tag").and_then(Value::as_str);
    let kind = body.get("messaging_type").and_then(Value::as_str);
    let window = match (kind, tag) {
        (None | Some("RESPONSE" | "UPDATE"), None) => state.options.window,
        (Some("MESSAGE_TAG"), Some("HUMAN_AGENT")) if page.human_agent => {
            state.options.human_agent_window
        }
        (Some("MESSAGE_TAG"), Some("HUMAN_AGENT")) => {
            let message = "Application does not have permission for this action";
            return Err(GraphError::said(10, None, message));
        }
        _ => return Err(parameter(state, "messaging_type and tag do not fit")),
    };
    match state.options.clock.now() < customer.wrote_at + window {
        true => Ok(()),
        false => {
            let message = "This message is sent outside of allowed window.";
            Err(GraphError::said(10, Some(2_018_278), message))
        }
    }
}

/// One of text and attachment; the file that the attachment names.
fn content(
    state: &State,
    page: &Page,
    surface: Surface,
    message: &Value,
) -> Result<Option<SentFile>, GraphError> {
    let known: &[&str] = match surface.takes_metadata() {
        true => &["text", "attachment", "metadata"],
        false => &["text", "attachment"],
    };
    only(state, message, known)?;
    let (text, attachment) = (message.get("text"), message.get("attachment"));
    match (text.and_then(Value::as_str), attachment) {
        (Some(text), None) if text.is_empty() || !surface.takes_text(text) => Err(parameter(
            state,
            "Length of param message[text] is out of bounds",
        )),
        (Some(_), None) => Ok(None),
        (None, Some(attachment)) => file(state, page, surface, attachment).map(Some),
        _ => Err(parameter(
            state,
            "A message has either a text or an attachment",
        )),
    }
}

fn file(
    state: &State,
    page: &Page,
    surface: Surface,
    attachment: &Value,
) -> Result<SentFile, GraphError> {
    only(state, attachment, &["type", "payload"])?;
    only(state, &attachment["payload"], &["attachment_id"])?;
    let id = attachment["payload"]["attachment_id"].as_str();
    let id = id.ok_or_else(|| parameter(state, "attachment_id is a string"))?;
    let uploads = lock(&state.uploads);
    let now = state.options.clock.now();
    let uploaded = uploads.alive(id, (&page.page_id, surface), now);
    let uploaded = uploaded.map(|uploaded| uploaded.file.clone());
    drop(uploads);
    match uploaded {
        Some(file) if attachment["type"] == file.kind.as_str() => Ok(file),
        Some(_) => Err(parameter(state, "The attachment is of another type")),
        None => Err(GraphError::said(
            100,
            Some(2_018_074),
            "Invalid attachment ID.",
        )),
    }
}

/// The page's calls per second.
fn paced(state: &State, sent: &SentMessage) -> Result<(), GraphError> {
    let limits = state.options.limits;
    let kind = sent.file.as_ref().map(|file| file.kind.as_str());
    let (class, most) = match kind {
        Some("audio" | "video") => ("media", limits.media),
        _ => ("texts", limits.texts),
    };
    let page = (sent.page_id.as_str(), class);
    match lock(&state.talk).admit(page, most, sent.at) {
        true => Ok(()),
        false => Err(throttled()),
    }
}
