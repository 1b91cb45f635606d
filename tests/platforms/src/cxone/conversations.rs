//! The source documents' surface (`S1-12`, `S1-14`, `S1-42`, `S1-44`): events with files behind the bearer, a form that takes a file, and
//! a message that names it. Its form is the documents'; no tenant is known to have it. Events are signed as the stand-in's owner
//! says, in base64 under `X-Hub-Signature-256`: the documents name no scheme for CXone.

use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::dfo::json_body;
use super::fields::differences;
use super::issuer::told;
use super::state::{Attachment, Shown, State, Stored, Uploaded, lock};
use crate::faults::Fault;
use crate::wire::{Answer, Request};

const EVENT: &str = include_str!("../../examples/cxone/conversation-message.json");
const MESSAGE: &str = include_str!("../../examples/cxone/conversation-outbound-message.json");

/// The surface as its owner sees it.
#[derive(Clone)]
pub struct Conversations {
    pub(super) state: Arc<State>,
}

impl Conversations {
    /// Sets where events go.
    pub fn set_callback(&self, callback: url::Url) {
        *lock(&self.state.events_url) = Some(callback);
    }

    /// Tells of a message with files (name, type, bytes); what was answered, and the event.
    ///
    /// # Errors
    /// If nobody is there.
    pub async fn announce(
        &self,
        conversation: &str,
        files: &[(&str, &str, Bytes)],
    ) -> anyhow::Result<(u16, Value)> {
        let state = &self.state;
        let callback = lock(&state.events_url)
            .clone()
            .context("no callback is set")?;
        let mut event: Value = serde_json::from_str(EVENT)?;
        let now = state.options.clock.now();
        event["event_id"] = json!(format!("evt-cxone-{}", crate::random::digits(8)));
        event["timestamp"] = json!(now.format(&time::format_description::well_known::Rfc3339)?);
        event["data"]["conversation_id"] = json!(conversation);
        event["data"]["message_id"] = json!(format!("msg-cxone-{}", crate::random::digits(8)));
        let mut attachments = Vec::new();
        for (name, mime, bytes) in files {
            let id = format!("att-{}", crate::random::hex(7));
            let file = Stored {
                bytes: bytes.clone(),
                mime: (*mime).to_owned(),
                created_at: now,
            };
            lock(&state.stored).insert(id.clone(), file);
            let url = format!("http://{}/v1/conversations/media/{id}", state.hosts[1]);
            attachments.push(json!({
                "attachment_id": id, "download_url": url, "mime_type": mime, "file_name": name, "size_bytes": bytes.len(),
            }));
        }
        event["data"]["attachments"] = json!(attachments);
        let body = event.to_string();
        let signature = crate::signature::genesys(&state.options.webhook_secret, body.as_bytes());
        let request = state
            .client
            .post(callback)
            .header("X-Hub-Signature-256", signature);
        let request = request
            .header("content-type", "application/json")
            .body(body);
        Ok((request.send().await?.status().as_u16(), event))
    }
}

pub(super) async fn answer(
    state: &State,
    request: &Request,
    rest: &[&str],
    fault: Option<Fault>,
) -> Answer {
    match (request.method.clone(), rest) {
        (Method::GET, ["media", id]) => download(state, request, id, fault),
        (Method::POST, ["media"]) => upload(state, request).await,
        (Method::POST, [conversation, "messages"]) => message(state, request, conversation),
        _ => told(StatusCode::NOT_FOUND, "Not found"),
    }
}

fn download(state: &State, request: &Request, id: &str, fault: Option<Fault>) -> Answer {
    let Some(file) = lock(&state.stored).get(id).cloned() else {
        return told(StatusCode::NOT_FOUND, "No such media");
    };
    let sha256_hex = {
        use sha2::Digest as _;
        data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&file.bytes))
    };
    let served = crate::serving::Served {
        bytes: &file.bytes,
        mime: &file.mime,
        sha256_hex: &sha256_hex,
        modified_at: file.created_at,
        ranges: true,
    };
    crate::serving::serve(request, &served, fault, &state.faults)
}

async fn upload(state: &State, request: &Request) -> Answer {
    let Some(uploaded) = form(request).await else {
        return told(StatusCode::BAD_REQUEST, "expected a form with mediaFile");
    };
    if uploaded.name.is_none() {
        state.violated("a form part without a filename (S1-47)");
    }
    let answer = json!({ "attachment_id": uploaded.id });
    lock(&state.uploads).push(uploaded);
    Answer::json(StatusCode::OK, &answer)
}

async fn form(request: &Request) -> Option<Uploaded> {
    let mut given = http::Request::new(axum::body::Body::from(request.body.clone()));
    *given.headers_mut() = request.headers.clone();
    // The listener has read the body already: it is as long as it is.
    given.extensions_mut().insert(DefaultBodyLimit::disable());
    let mut form = Multipart::from_request(given, &()).await.ok()?;
    let field = form.next_field().await.ok()??;
    if field.name() != Some("mediaFile") {
        return None;
    }
    let (name, mime) = (
        field.file_name().map(str::to_owned),
        field.content_type()?.to_owned(),
    );
    Some(Uploaded {
        id: format!("att-{}", crate::random::hex(7)),
        mime,
        name,
        bytes: field.bytes().await.ok()?,
    })
}

fn message(state: &State, request: &Request, conversation: &str) -> Answer {
    let Some(body) = json_body(request) else {
        return told(StatusCode::BAD_REQUEST, "expected JSON");
    };
    let published: Value = serde_json::from_str(MESSAGE).unwrap_or_default();
    for difference in differences(&body, &published, "") {
        state.violated(format!("conversation message: {difference}"));
    }
    if body["type"] != "OUTBOUND" || !body["content"].is_object() {
        return told(
            StatusCode::BAD_REQUEST,
            "expected type OUTBOUND and content",
        );
    }
    let uploads = lock(&state.uploads).clone();
    let named = body
        .pointer("/content/attachments")
        .and_then(Value::as_array);
    let mut attachments = Vec::new();
    for given in named.into_iter().flatten() {
        let Some(file) = uploads.iter().find(|it| given["attachmentId"] == *it.id) else {
            return told(StatusCode::BAD_REQUEST, "attachmentId is not known");
        };
        if given["mimeType"] != *file.mime {
            // The documents' trap: accepted, and gone without its file (S1-45).
            state.violated("a message with another type than its upload");
            continue;
        }
        attachments.push(Attachment {
            name: given["fileName"].as_str().unwrap_or_default().to_owned(),
            bytes: Ok(file.bytes.clone()),
        });
    }
    state.show(Shown {
        thread: conversation.to_owned(),
        id: String::new(),
        text: body
            .pointer("/content/text")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        attachments,
        body,
    });
    Answer::json(
        StatusCode::OK,
        &json!({ "id": format!("msg-cxone-{}", crate::random::digits(8)) }),
    )
}
