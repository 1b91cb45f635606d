//! What an organisation set up, as its clients may see it: integrations and supported-content profiles.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    error,
    state::{Line, State},
};
use crate::wire::Answer;

const DEFAULT: &str = "default";

/// An integration; it names a profile only if it has one of its own.
pub(super) fn integration(state: &State, line: &Line) -> Answer {
    if !state.options.shows_configuration {
        return error::missing_permissions("messaging:integration:view");
    }
    let integration = &line.integration;
    let callback = integration.callback.as_ref();
    let mut shown = json!({
        "id": integration.id, "name": integration.name, "status": "Active",
        "outboundNotificationWebhookUrl": callback.map_or("https://unset.example/", |url| url.as_str()),
        "outboundNotificationWebhookSignatureSecretToken": integration.webhook_secret,
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
