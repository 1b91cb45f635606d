//! What a business sends to customers, and the statuses that come back as webhooks.
//!
//! Kept: the published schema, tenants, one of `id` and `link`, captions, types per kind, the 24 h service window,
//! `biz_opaque_callback_data` in every status. A link is fetched after the answer, as Meta does; a failure is a
//! status. Left out: pair limits, templates, `read`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    customer::{message_id, send_items},
    error::{self, GraphError},
    graph::{Struck, enter, subject_ids},
    media::essence,
    options::PhoneNumber,
    state::{State, lock},
    upload::TABLE,
    webhook::{Addressed, Item},
};
use crate::{
    faults::Point,
    specs::Operation,
    wire::{Answer, Request},
};

/// A message that a business has sent to a customer.
#[derive(Clone, Debug)]
pub struct SentMessage {
    /// Its id, `wamid.…`.
    pub id: String,
    /// The number it came from.
    pub phone_number_id: String,
    /// The customer.
    pub to: String,
    /// The request's body.
    pub body: Value,
    /// Its media, once Meta has them.
    pub media: Option<SentMedia>,
    /// `sent`, `delivered` or `failed`.
    pub status: &'static str,
}

/// The media of a message to a customer.
#[derive(Clone, Debug)]
pub struct SentMedia {
    /// The bytes.
    pub bytes: Bytes,
    /// The declared type.
    pub mime: String,
}

/// Messages to customers, and when each customer was last heard from.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    sent: Vec<SentMessage>,
    heard: HashMap<(String, String), OffsetDateTime>,
}

impl Outbound {
    /// A customer wrote to a number: the service window between the two is open from now.
    pub(super) fn heard_from(&mut self, wa_id: &str, number: &PhoneNumber, at: OffsetDateTime) {
        let pair = (wa_id.to_owned(), number.phone_number_id.clone());
        self.heard.insert(pair, at);
    }

    pub(super) fn sent(&self) -> Vec<SentMessage> {
        self.sent.clone()
    }

    fn window_open(&self, sent: &SentMessage, now: OffsetDateTime) -> bool {
        let pair = (sent.to.clone(), sent.phone_number_id.clone());
        self.heard
            .get(&pair)
            .is_some_and(|&at| now < at + Duration::from_secs(24 * 3600))
    }
}

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
    let lost = match enter(state, request, Point::Send, &subjects).await {
        Struck::Refused(answer) => return answer.of(Operation::Send),
        Struck::Proceeds { lost } => lost,
    };
    let accepted = accept(state, phone_number_id, &to, body);
    let answer = match accepted {
        Ok(id) => {
            let body = json!({
                "messaging_product": "whatsapp", "contacts": [{ "input": to, "wa_id": to }], "messages": [{ "id": id }],
            });
            Answer::json(StatusCode::OK, &body)
        }
        Err(error) => error.answer(),
    };
    let answer = answer.of(Operation::Send);
    if lost { answer.lost() } else { answer }
}

/// The object with the media of a message, if its type is a media type.
fn media_part(body: &Value) -> Option<&Value> {
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
    lock(&state.outbound).sent.push(sent.clone());
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

/// Decides a message's fate and reports it.
async fn follow(state: &Arc<State>, from: &PhoneNumber, sent: SentMessage) {
    let fate = match fate(state, &sent).await {
        Ok(media) => {
            report(state, from, &sent, "sent", None);
            update(state, &sent.id, "delivered", media);
            report(state, from, &sent, "delivered", None);
            return;
        }
        Err(error) => error,
    };
    update(state, &sent.id, "failed", None);
    report(state, from, &sent, "failed", Some(&fate));
}

async fn fate(state: &State, sent: &SentMessage) -> Result<Option<SentMedia>, GraphError> {
    if !lock(&state.outbound).window_open(sent, state.options.clock.now()) {
        let why = "Message failed to send because more than 24 hours have passed since the customer last replied to this number.";
        return Err(GraphError::new(error::WINDOW_CLOSED).details(why));
    }
    let Some(part) = media_part(&sent.body) else {
        return Ok(None);
    };
    let mut subjects = vec![sent.id.clone(), sent.to.clone()];
    subjects.extend(part["id"].as_str().map(str::to_owned));
    if state.faults.take(Point::Fate, &subjects).is_some() {
        let why = "Media upload error";
        return Err(GraphError::new(error::MEDIA_UPLOAD).details(why));
    }
    let media = match part["link"].as_str() {
        Some(link) => Some(fetch(state, link).await.ok_or_else(|| {
            let why = "Failed to download the media from the given link.";
            GraphError::new(error::MEDIA_DOWNLOAD).details(why)
        })?),
        None => sent.media.clone(),
    };
    if let Some(media) = &media {
        fits(&sent.body, &essence(&media.mime))?;
    }
    Ok(media)
}

/// The bytes behind a link, as the customer would get them.
async fn fetch(state: &State, link: &str) -> Option<SentMedia> {
    let request = state.client.get(link).timeout(state.options.patience);
    let response = request.send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let mime = response.headers().get(http::header::CONTENT_TYPE);
    let mime = mime.and_then(|value| value.to_str().ok())?.to_owned();
    let bytes = response.bytes().await.ok()?;
    Some(SentMedia { bytes, mime })
}

/// A message type takes the media types of its row only.
fn fits(body: &Value, essence: &str) -> Result<(), GraphError> {
    let mut rows = TABLE.iter();
    let row = rows.find(|(kind, _, _)| body["type"] == *kind);
    match row.is_none_or(|(_, _, types)| types.contains(&essence)) {
        true => Ok(()),
        false => {
            let why = format!("Unsupported media type: {essence}.");
            Err(GraphError::new(error::MEDIA_UPLOAD).details(&why))
        }
    }
}

fn update(state: &State, id: &str, status: &'static str, media: Option<SentMedia>) {
    let mut outbound = lock(&state.outbound);
    if let Some(sent) = outbound.sent.iter_mut().find(|sent| sent.id == id) {
        sent.status = status;
        sent.media = media.or_else(|| sent.media.take());
    }
    drop(outbound);
    state.background.changed();
}

fn report(
    state: &Arc<State>,
    from: &PhoneNumber,
    sent: &SentMessage,
    status: &str,
    error: Option<&GraphError>,
) {
    let mut report = json!({
        "id": sent.id, "status": status, "recipient_id": sent.to,
        "timestamp": state.options.clock.unix_seconds().to_string(),
    });
    if let Some(data) = sent.body.get("biz_opaque_callback_data") {
        report["biz_opaque_callback_data"] = data.clone();
    }
    if let Some(error) = error {
        report["errors"] = json!([error.in_status()]);
    }
    let item = Item::Status(report);
    send_items(
        state,
        Vec::new(),
        &[Addressed {
            number: from.clone(),
            item,
        }],
    );
}
