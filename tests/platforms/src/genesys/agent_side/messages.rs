//! Messages of agents: checked, taken, `queued`.

use http::StatusCode;
use serde_json::{Value, json};

use super::{AgentSaid, Conversation, MediaState, Medium, media};
use crate::{
    faults::{Fault, Point},
    genesys::{
        agent::written,
        api, error,
        state::{State, lock},
    },
    specs::Operation,
    wire::{Answer, Request},
};

/// The longest words, in characters.
const LONGEST: usize = 2000;

/// Answers a message.
pub(in crate::genesys) async fn send(
    state: &State,
    request: &Request,
    ids: (&str, &str),
) -> Answer {
    let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
    let named: Vec<String> = ids_of(&body).map(str::to_owned).collect();
    let media: Vec<Medium> = named
        .iter()
        .filter_map(|id| state.agent_side.medium(id))
        .collect();
    let subjects: Vec<String> = media.iter().flat_map(media::subjects).collect();
    let fault = state.faults.take(Point::AgentMessage, &subjects);
    if let Some(fault) = fault
        && let Some(refused) = api::struck(state, request, fault).await
    {
        return refused;
    }
    if request.media_type().as_deref() != Some("application/json") {
        return error::unsupported(api::CONTENT_TYPE);
    }
    let Some(of) = state.agent_side.conversation(ids.0, ids.1) else {
        return error::not_found();
    };
    let broken = state.checker.request(Operation::AgentMessage, &body);
    if !broken.is_empty() {
        return error::invalid(&broken);
    }
    if let Some(problem) = problem(&body, &of, (&named, &media)) {
        return error::answer(StatusCode::BAD_REQUEST, "bad.request", &problem);
    }
    let answer = take(state, of, body, media);
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

fn ids_of(body: &Value) -> impl Iterator<Item = &str> {
    let ids = body["mediaIds"].as_array().into_iter().flatten();
    ids.filter_map(Value::as_str)
}

/// What no schema can say.
fn problem(
    body: &Value,
    of: &Conversation,
    (named, media): (&[String], &[Medium]),
) -> Option<String> {
    let words = body["textBody"].as_str().unwrap_or_default();
    if words.is_empty() || words.chars().count() > LONGEST {
        return Some(format!("textBody must have 1 to {LONGEST} characters"));
    }
    if media.len() != named.len() || media.iter().any(|medium| medium.of != *of) {
        return Some(
            "media not found, or the media does not belong to the conversation".to_owned(),
        );
    }
    let open = media.iter().find(|it| it.state != MediaState::Valid)?;
    Some(format!("the media {} is not valid", open.id))
}

fn take(state: &State, of: Conversation, request: Value, media: Vec<Medium>) -> Answer {
    let (id, at) = (crate::random::hex(16), state.options.clock.now());
    let api = &state.files.hosts().api;
    let shown = media.iter().map(|medium| {
        let whole = media::shown(medium, api);
        json!({
            "id": whole["id"], "url": whole["url"],
            "mediaType": whole["mediaType"], "contentLengthBytes": whole["contentLengthBytes"],
        })
    });
    let body = json!({
        "id": id, "timestamp": written(at), "direction": "outbound", "messengerType": "open",
        "fromAddress": state.options.integration_id, "toAddress": "messaging-user@externalservice.com",
        "textBody": request["textBody"], "status": "queued", "media": shown.collect::<Vec<_>>(),
        "conversationId": of.conversation_id,
    });
    lock(&state.agent_side.said).push(AgentSaid {
        id,
        of,
        request,
        media,
        at,
    });
    state.background.changed();
    Answer::json(StatusCode::OK, &body)
}
