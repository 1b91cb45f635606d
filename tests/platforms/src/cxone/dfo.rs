//! The Digital Engagement API: customers' messages and temporary attachments. Paths of the source documents' surface are passed on
//! ([`super::conversations`]).

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use http::{Method, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};

use super::conversations;
use super::fields::differences;
use super::issuer::told;
use super::state::{Attachment, Shown, State, Stored, Uploaded, lock};
use crate::faults::{Fault, Point};
use crate::spoil::marred;
use crate::wire::{Answer, Request};

const MESSAGE: &str =
    include_str!("../../examples/cxone/request-create-message-with-attachment.json");

/// Answers a request to the API host.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    let path = request.path.clone();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let point = match segments.as_slice() {
        ["dfo", "3.0", "attachments", "temporary"] | ["v1", "conversations", "media"] => {
            Point::Upload
        }
        ["v1", "conversations", "media", _] => Point::Download,
        _ => Point::Inbound,
    };
    let fault = match point {
        Point::Download => state
            .faults
            .take_at_download(&request, &[segments[3].to_owned()]),
        _ => state.faults.take(point, &segments),
    };
    if let Some(refused) = struck(&state, fault).await {
        return refused;
    }
    if !has_token(&state, &request) {
        return told(StatusCode::UNAUTHORIZED, "Token is missing or expired");
    }
    let answer = match (request.method.clone(), segments.as_slice()) {
        (Method::POST, ["dfo", "3.0", "channels", channel, "messages"]) => {
            message(&state, &request, channel)
        }
        (Method::POST, ["dfo", "3.0", "attachments", "temporary"]) => temporary(&state, &request),
        (_, ["v1", "conversations", rest @ ..]) => {
            return marred(
                conversations::answer(&state, &request, rest, fault).await,
                fault,
                &state.faults,
            );
        }
        _ => told(StatusCode::NOT_FOUND, "Not found"),
    };
    marred(answer, fault, &state.faults)
}

async fn struck(state: &State, fault: Option<Fault>) -> Option<Answer> {
    match fault? {
        Fault::RateLimit => {
            let wait = state.faults.retry_after_seconds().to_string();
            let limited = told(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
            Some(limited.with(RETRY_AFTER, &wait))
        }
        Fault::FiveHundreds => Some(told(StatusCode::SERVICE_UNAVAILABLE, "unavailable")),
        Fault::Unauthorised => Some(told(StatusCode::UNAUTHORIZED, "Token expired")),
        Fault::HtmlErrorPage => Some(Answer::html(StatusCode::BAD_GATEWAY)),
        Fault::Stall => {
            state.faults.stalled().await;
            None
        }
        _ => None,
    }
}

fn has_token(state: &State, request: &Request) -> bool {
    let now = state.options.clock.now();
    let tokens = lock(&state.tokens);
    request
        .bearer()
        .and_then(|token| tokens.get(token))
        .is_some_and(|dies_at| now < *dies_at)
}

pub(super) fn json_body(request: &Request) -> Option<Value> {
    let is_json = request.media_type().as_deref() == Some("application/json");
    serde_json::from_slice(&request.body)
        .ok()
        .filter(|_| is_json)
}

fn message(state: &Arc<State>, request: &Request, channel: &str) -> Answer {
    if channel != state.options.channel_id {
        return told(StatusCode::NOT_FOUND, "Channel not found");
    }
    let Some(body) = json_body(request) else {
        return told(StatusCode::BAD_REQUEST, "expected JSON");
    };
    let published: Value = serde_json::from_str(MESSAGE).unwrap_or_default();
    for difference in differences(&body, &published, "") {
        state.violated(format!("message: {difference}"));
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    for pointer in [
        "/idOnExternalPlatform",
        "/thread/idOnExternalPlatform",
        "/authorEndUserIdentity/idOnExternalPlatform",
        "/createdAtWithMilliseconds",
    ] {
        if text(pointer).is_none_or(str::is_empty) {
            return told(StatusCode::BAD_REQUEST, &format!("{pointer} is missing"));
        }
    }
    let Some(words) = text("/messageContent/payload/text") else {
        return told(
            StatusCode::BAD_REQUEST,
            "messageContent.payload.text is missing",
        );
    };
    if text("/direction") != Some("inbound") {
        return told(StatusCode::UNPROCESSABLE_ENTITY, "direction is not inbound");
    }
    let thread = text("/thread/idOnExternalPlatform")
        .unwrap_or_default()
        .to_owned();
    if !lock(&state.contacts).take(&thread, state.options.clock.now()) {
        *lock(&state.limited) += 1;
        return told(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many updates of one contact",
        );
    }
    let message = Shown {
        id: text("/idOnExternalPlatform").unwrap_or_default().to_owned(),
        text: words.to_owned(),
        thread: thread.clone(),
        attachments: Vec::new(),
        body: body.clone(),
    };
    // Files are fetched once the message is taken.
    let fetching = state.clone();
    state.background.spawn(async move {
        let attachments = fetched(&fetching, &body).await;
        fetching.show(Shown {
            attachments,
            ..message
        });
    });
    Answer::json(
        StatusCode::OK,
        &json!({ "case": { "id": crate::random::digits(6) }, "message": { "id": crate::random::digits(10), "threadIdOnExternalPlatform": thread } }),
    )
}

async fn fetched(state: &State, body: &Value) -> Vec<Attachment> {
    let list = body.get("attachments").and_then(Value::as_array);
    let mut files = Vec::new();
    for attachment in list.into_iter().flatten() {
        let word = |key: &str| attachment.get(key).and_then(Value::as_str);
        let name = word("friendlyName").unwrap_or_default().to_owned();
        let url = word("url").unwrap_or_default();
        if state.faults.take(Point::Fetch, &[name.as_str()]) == Some(Fault::Stall) {
            state.faults.stalled().await;
        }
        files.push(Attachment {
            name,
            bytes: get(state, url).await,
        });
    }
    files
}

/// A plain GET, without a header of its own and without following a redirect.
async fn get(state: &State, url: &str) -> Result<Bytes, String> {
    let told = |error: reqwest::Error| error.without_url().to_string();
    let response = state.client.get(url).send().await.map_err(told)?;
    if response.status() != StatusCode::OK {
        return Err(format!("the link answered {}", response.status()));
    }
    let bytes = response.bytes().await.map_err(told)?;
    match bytes.len() > state.options.attachment_cap_bytes {
        true => Err("larger than CXone takes".to_owned()),
        false => Ok(bytes),
    }
}

fn temporary(state: &State, request: &Request) -> Answer {
    let Some(body) = json_body(request) else {
        return told(StatusCode::BAD_REQUEST, "expected JSON");
    };
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let bytes = word("content").and_then(|content| BASE64.decode(content.as_bytes()).ok());
    let (Some(bytes), Some(mime)) = (bytes, word("mimeType")) else {
        return told(StatusCode::BAD_REQUEST, "content or mimeType is missing");
    };
    let known = |(key, _): &(&String, &Value)| !["content", "mimeType"].contains(&key.as_str());
    if let Some((key, _)) = body.as_object().into_iter().flatten().find(known) {
        state.violated(format!(
            "temporary attachment: /{key} is in no published example"
        ));
    }
    if bytes.len() > state.options.attachment_cap_bytes {
        // As the published chat surface refuses: inside a success.
        return Answer::json(
            StatusCode::OK,
            &json!({ "allowedFileSize": "40", "allowedFileTypes": [{ "mimeType": "*/*", "description": "all" }] }),
        );
    }
    let id = crate::random::uuid();
    let (now, life) = (state.options.clock.now(), state.options.temporary_life);
    let (bytes, mime) = (Bytes::from(bytes), mime.to_owned());
    let file = Stored {
        bytes: bytes.clone(),
        mime: mime.clone(),
        created_at: now,
    };
    let url = state.store(&id, file, life);
    lock(&state.uploads).push(Uploaded {
        id: id.clone(),
        mime,
        name: None,
        bytes,
    });
    let format = &time::format_description::well_known::Rfc3339;
    let expire_at = (now + life).format(format).unwrap_or_default();
    Answer::json(
        StatusCode::OK,
        &json!({ "id": id, "url": url, "expireAt": expire_at }),
    )
}
