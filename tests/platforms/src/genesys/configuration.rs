//! What an organisation set up, as its clients may see it: integrations and supported-content profiles.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    error,
    state::{Line, State, lock},
};
use crate::{
    specs::Operation,
    wire::{Answer, Request},
};

const DEFAULT: &str = "default";

/// An integration; it names a profile only if it has one of its own.
pub(super) fn integration(state: &State, line: &Line) -> Answer {
    if !state.options.shows_configuration {
        return error::missing_permissions("messaging:integration:view");
    }
    let integration = &line.integration;
    let callback = line.address.callback();
    let mut shown = json!({
        "id": integration.id, "name": integration.name, "status": "Active",
        "outboundNotificationWebhookUrl": callback.as_ref().map_or("https://unset.example/", |url| url.as_str()),
        "outboundNotificationWebhookSignatureSecretToken": *lock(&line.secret),
        "selfUri": format!("/api/v2/conversations/messaging/integrations/open/{}", integration.id),
    });
    if let Some(id) = &state.options.supported_content {
        shown["supportedContent"] = json!({
            "id": id, "name": "Own",
            "selfUri": format!("/api/v2/conversations/messaging/supportedcontent/{id}"),
        });
    }
    Answer::json(StatusCode::OK, &shown)
}

/// Changes where an integration's webhooks go and what they are signed with; what is not named stays.
pub(super) fn update(state: &State, line: &Line, request: &Request) -> Answer {
    if !state.options.shows_configuration {
        return error::missing_permissions("messaging:integration:edit");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        return error::answer(StatusCode::BAD_REQUEST, "bad.request", "not JSON");
    };
    let broken = state.checker.request(Operation::IntegrationUpdate, &body);
    if !broken.is_empty() {
        return error::invalid(&broken);
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    if let Some(secret) = text("outboundNotificationWebhookSignatureSecretToken") {
        if secret.chars().count() <= 15 {
            let why = "The signature secret token must be longer than 15 characters.";
            return error::answer(StatusCode::BAD_REQUEST, "invalid.value", why);
        }
        *lock(&line.secret) = secret.to_owned();
    }
    if let Some(url) = text("outboundNotificationWebhookUrl") {
        match url.parse() {
            Ok(url) => line.address.set_callback(url),
            Err(_) => {
                return error::answer(StatusCode::BAD_REQUEST, "invalid.value", "no URL");
            }
        }
    }
    integration(state, line)
}

/// The webhooks of events (`S3-22`), listed.
pub(super) fn event_webhooks(state: &State) -> Answer {
    let all = lock(&state.event_webhooks).clone();
    Answer::json(
        StatusCode::OK,
        &json!({ "entities": all, "total": all.len() }),
    )
}

/// One more of them; the same address for the same events again is a conflict (`S3-25`).
pub(super) fn add_event_webhook(state: &State, request: &Request) -> Answer {
    let mut body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
    let needed = ["name", "uri", "method", "eventFilter", "contentType"];
    if let Some(missing) = needed.iter().find(|key| !body[**key].is_string()) {
        let why = format!("{missing} is missing.");
        return error::answer(StatusCode::BAD_REQUEST, "bad.request", &why);
    }
    let mut all = lock(&state.event_webhooks);
    let same =
        |known: &Value| known["uri"] == body["uri"] && known["eventFilter"] == body["eventFilter"];
    if all.iter().any(same) {
        return error::answer(StatusCode::CONFLICT, "conflict", "It exists already.");
    }
    body["id"] = crate::random::uuid().into();
    all.push(body.clone());
    Answer::json(StatusCode::OK, &body)
}

/// One of them taken away.
pub(super) fn remove_event_webhook(state: &State, id: &str) -> Answer {
    let mut all = lock(&state.event_webhooks);
    let before = all.len();
    all.retain(|known| known["id"] != id);
    match all.len() == before {
        true => error::not_found(),
        false => Answer::json(StatusCode::OK, &json!({})),
    }
}

/// One profile, or all. Without one of its own, the organisation's default is what holds.
pub(super) fn supported(state: &State, id: Option<&str>) -> Answer {
    let options = &state.options;
    if !options.shows_configuration {
        return error::missing_permissions("messaging:supportedContent:view");
    }
    let own = options.supported_content.as_deref().unwrap_or(DEFAULT);
    let profile = json!({
        "id": own, "name": "What holds", "version": 1,
        "mediaTypes": { "allow": {
            "inbound": types(&options.inbound_types), "outbound": types(&options.outbound_types),
        } },
        "selfUri": format!("/api/v2/conversations/messaging/supportedcontent/{own}"),
    });
    match id {
        Some(id) if id == own => Answer::json(StatusCode::OK, &profile),
        Some(_) => error::not_found(),
        None => {
            let listing = json!({ "entities": [profile], "pageSize": 25, "pageNumber": 1, "total": 1, "pageCount": 1 });
            Answer::json(StatusCode::OK, &listing)
        }
    }
}

fn types(types: &[String]) -> Vec<Value> {
    types.iter().map(|one| json!({ "type": one })).collect()
}
