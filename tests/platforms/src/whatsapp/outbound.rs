//! What a business sends: uploads, messages, and the statuses that come back as webhooks.
//!
//! Kept: the media table (types and sizes) on upload, tenants, lives, one of `id` and `link`, captions, the 24 h service
//! window, `biz_opaque_callback_data` in every status. A link is fetched after the answer, as Meta does; a failure is a
//! status. Left out: pair limits, templates, content inspection of uploads.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use bytes::Bytes;
use http::{StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    customer::{message_id, send_items},
    error::{self, GraphError},
    graph::{Struck, enter, subject_ids},
    media::{Medium, sha256},
    options::PhoneNumber,
    state::{State, lock},
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
    /// The bytes of its media, once they are there.
    pub media: Option<Bytes>,
    /// `sent`, `delivered` or `failed`.
    pub status: &'static str,
}

/// Messages to customers, and when each customer was last heard from.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    sent: Vec<SentMessage>,
    heard: HashMap<String, OffsetDateTime>,
}

impl Outbound {
    /// A customer wrote: their service window is open from now.
    pub(super) fn heard_from(&mut self, wa_id: &str, at: OffsetDateTime) {
        self.heard.insert(wa_id.to_owned(), at);
    }

    pub(super) fn sent(&self) -> Vec<SentMessage> {
        self.sent.clone()
    }

    fn window_open(&self, wa_id: &str, now: OffsetDateTime) -> bool {
        self.heard.get(wa_id).is_some_and(|&at| now < at + Duration::from_secs(24 * 3600))
    }
}

/// Kind, greatest size in bytes, types: the media page's table (`video/3gp` there, `video/3gpp` in files).
const TABLE: &[(&str, usize, &[&str])] = &[
    ("image", 5 << 20, &["image/jpeg", "image/png"]),
    ("audio", 16 << 20, &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"]),
    ("video", 16 << 20, &["video/mp4", "video/3gp", "video/3gpp"]),
    ("sticker", 500 << 10, &["image/webp"]),
    (
        "document",
        100 << 20,
        &[
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ],
    ),
];

fn number(state: &State, phone_number_id: &str) -> Option<PhoneNumber> {
    let mut numbers = state.options.numbers.iter();
    numbers.find(|number| number.phone_number_id == phone_number_id).cloned()
}

/// Takes an upload in.
pub(super) async fn upload(state: &State, request: &Request, phone_number_id: &str) -> Answer {
    let lost = match enter(state, request, Point::Upload, &[phone_number_id.to_owned()]).await {
        Struck::Refused(answer) => return answer.of(Operation::MediaUpload),
        Struck::Proceeds { lost } => lost,
    };
    let taken = take_upload(state, request, phone_number_id).await;
    let answer = match taken {
        Ok(id) => Answer::json(StatusCode::OK, &json!({ "id": id })),
        Err(error) => error.answer(),
    };
    let answer = answer.of(Operation::MediaUpload);
    if lost { answer.lost() } else { answer }
}

async fn take_upload(state: &State, request: &Request, phone_number_id: &str) -> Result<String, GraphError> {
    let number = number(state, phone_number_id).ok_or_else(|| GraphError::no_such_object(phone_number_id))?;
    let form = Form::read(request).await.ok_or_else(|| GraphError::parameter("The body is not a readable form"))?;
    if form.messaging_product.as_deref() != Some("whatsapp") {
        return Err(GraphError::parameter("The parameter messaging_product is required."));
    }
    let bytes = form.file.ok_or_else(|| GraphError::parameter("The parameter file is required."))?;
    let mime = form.mime.ok_or_else(|| GraphError::parameter("The parameter type is required."))?;
    let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let row = TABLE.iter().find(|(_, _, types)| types.contains(&essence.as_str()));
    let Some((kind, most, _)) = row else {
        let why = format!("Param file must be a file with one of the supported types. Received file of type '{essence}'.");
        return Err(GraphError::parameter(&why));
    };
    if bytes.len() > *most {
        return Err(GraphError::parameter(&format!("The file is larger than {kind} may be ({most} bytes).")));
    }
    let medium = Medium {
        id: crate::random::digits(16),
        message_id: None,
        phone_number_id: number.phone_number_id,
        mime,
        filename: form.filename,
        sha256: sha256(&bytes),
        bytes,
        dies_at: state.options.clock.now() + state.options.upload_life,
    };
    let id = medium.id.clone();
    lock(&state.media).insert(medium);
    Ok(id)
}

/// An upload's form.
#[derive(Default)]
struct Form {
    messaging_product: Option<String>,
    mime: Option<String>,
    filename: Option<String>,
    file: Option<Bytes>,
}

impl Form {
    async fn read(request: &Request) -> Option<Self> {
        let content_type = request.headers.get(CONTENT_TYPE)?.clone();
        let mut whole = http::Request::new(axum::body::Body::from(request.body.clone()));
        whole.headers_mut().insert(CONTENT_TYPE, content_type);
        DefaultBodyLimit::disable().apply(&mut whole);
        let mut parts = Multipart::from_request(whole, &()).await.ok()?;
        let mut form = Self::default();
        while let Some(part) = parts.next_field().await.ok()? {
            match part.name()? {
                "messaging_product" => form.messaging_product = Some(part.text().await.ok()?),
                "type" => form.mime = Some(part.text().await.ok()?),
                "file" => {
                    form.filename = part.file_name().map(str::to_owned);
                    let declared = part.content_type().map(str::to_owned);
                    form.mime = form.mime.or(declared);
                    form.file = Some(part.bytes().await.ok()?);
                }
                _ => {}
            }
        }
        Some(form)
    }
}

/// Accepts a message to a customer; its fate follows as statuses.
pub(super) async fn send(state: &Arc<State>, request: &Request, phone_number_id: &str) -> Answer {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let to = body["to"].as_str().unwrap_or_default().to_owned();
    let mut subjects = vec![to.clone()];
    subjects.extend(media_part(&body).and_then(|part| part["id"].as_str()).map(|id| subject_ids(state, id)).into_iter().flatten());
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

fn accept(state: &Arc<State>, phone_number_id: &str, to: &str, body: Value) -> Result<String, GraphError> {
    let from = number(state, phone_number_id).ok_or_else(|| GraphError::no_such_object(phone_number_id))?;
    if let Some(violation) = state.checker.request(Operation::Send, &body).first() {
        return Err(GraphError::parameter(&violation.problem));
    }
    if body["messaging_product"] != "whatsapp" {
        return Err(GraphError::parameter("The parameter messaging_product is required."));
    }
    let mut media = None;
    if let Some(part) = media_part(&body) {
        caption(&body, part)?;
        if let Some(id) = part["id"].as_str() {
            let store = lock(&state.media);
            let medium = store.alive(id, state.options.clock.now());
            let medium = medium.filter(|medium| medium.phone_number_id == from.phone_number_id);
            let medium = medium.ok_or_else(|| GraphError::new(error::NOT_VALID).details("The media id is not valid."))?;
            media = Some(medium.bytes.clone());
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
    state.spawn(async move { follow(&task_state, &from, sent).await });
    Ok(id)
}

fn caption(body: &Value, part: &Value) -> Result<(), GraphError> {
    let Some(caption) = part["caption"].as_str() else {
        return Ok(());
    };
    match body["type"].as_str() {
        Some("audio" | "sticker") => Err(GraphError::parameter("This type takes no caption.")),
        _ if caption.chars().count() > 1024 => Err(GraphError::parameter("The caption is longer than 1024 characters.")),
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

async fn fate(state: &State, sent: &SentMessage) -> Result<Option<Bytes>, GraphError> {
    if !lock(&state.outbound).window_open(&sent.to, state.options.clock.now()) {
        let why = "Message failed to send because more than 24 hours have passed since the customer last replied to this number.";
        return Err(GraphError::new(error::WINDOW_CLOSED).details(why));
    }
    let link = media_part(&sent.body).and_then(|part| part["link"].as_str());
    let Some(link) = link else {
        return Ok(sent.media.clone());
    };
    let failed = || GraphError::new(error::MEDIA_DOWNLOAD).details("Failed to download the media from the given link.");
    let response = state.client.get(link).timeout(state.options.patience).send().await;
    let response = response.and_then(reqwest::Response::error_for_status).map_err(|_| failed())?;
    response.bytes().await.map(Some).map_err(|_| failed())
}

fn update(state: &State, id: &str, status: &'static str, media: Option<Bytes>) {
    let mut outbound = lock(&state.outbound);
    if let Some(sent) = outbound.sent.iter_mut().find(|sent| sent.id == id) {
        sent.status = status;
        sent.media = media.or_else(|| sent.media.take());
    }
    drop(outbound);
    state.changed();
}

fn report(state: &Arc<State>, from: &PhoneNumber, sent: &SentMessage, status: &str, error: Option<&GraphError>) {
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
    send_items(state, Vec::new(), &[Addressed { number: from.clone(), item }]);
}
