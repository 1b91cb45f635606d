//! What comes in from a customer's channel: messages, receipts, typing.
//!
//! Accepted is not shown: a message reaches the agent when its attachments have been fetched or given up. Media that the profile does
//! not allow are dropped and the text stays, without an error. There is no idempotency key.

use std::{sync::Arc, time::Instant};

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    agent::written,
    desk::{AgentMessage, Attachment, Fetched, Post},
    error,
    fetch::{allowed, fetch},
    options::Duplicates,
    receipts::receipt,
    state::{Line, State, lock},
};
use crate::{
    delivery::{Cargo, MessageId},
    specs::Operation,
    wire::{Answer, Request},
};

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The ids by which a fault may be aimed at a request: of the message, the receipt, the attachments.
pub(super) fn subjects(body: &Value) -> Vec<String> {
    let attachments = body["content"].as_array().into_iter().flatten();
    let attachments = attachments.map(|item| &item["attachment"]["id"]);
    let all = [&body["channel"]["messageId"], &body["id"]]
        .into_iter()
        .chain(attachments);
    all.filter_map(text).collect()
}

/// Takes in a request that fits its schema.
pub(super) fn take(
    state: &Arc<State>,
    line: &Arc<Line>,
    request: &Request,
    operation: Operation,
    body: Value,
    lost: bool,
) -> Answer {
    match operation {
        Operation::InboundReceipt => receipt(state, line, body),
        Operation::InboundEvent => event(state, line, body),
        _ => message(state, line, request, body, lost),
    }
}

fn message(
    state: &Arc<State>,
    line: &Arc<Line>,
    request: &Request,
    body: Value,
    lost: bool,
) -> Answer {
    let count = body["content"].as_array().map_or(0, Vec::len);
    if state.options.one_attachment && count > 1 {
        let problem = "only one attachment is allowed in a message";
        state
            .checker
            .breach(Operation::InboundMessage, "/content", problem);
        return error::answer(StatusCode::BAD_REQUEST, "invalid.value", problem);
    }
    let id = crate::random::hex(16);
    let customer = text(&body["channel"]["from"]["id"]).unwrap_or_default();
    let integration = &line.integration.id;
    let conversation = state.conversation(integration, &customer);
    let prefetch = request.parameter("prefetchConversationId").as_deref() == Some("true");
    let answer = accepted(line, &id, prefetch.then_some(&conversation), &body);
    let channel_message_id = text(&body["channel"]["messageId"]);
    let (repeated, place) = {
        let mut posts = lock(&state.posts);
        let repeated = channel_message_id.is_some()
            && posts
                .iter()
                .any(|post| post.repeated_by(integration, &channel_message_id));
        posts.push(Post {
            integration_id: integration.clone(),
            channel_message_id,
            at: state.options.clock.now(),
            answer_lost: lost,
            request: body.clone(),
        });
        (repeated, posts.len())
    };
    if !(repeated && state.options.duplicates == Duplicates::Suppressed) {
        let (task_state, line) = (state.clone(), line.clone());
        let task = async move { show(&task_state, &line, id, conversation, body, place).await };
        state.background.spawn(task);
    }
    state.background.changed();
    answer
}

/// `OpenMessageNormalizedMessage`: the request again, with what Genesys adds.
fn accepted(line: &Line, id: &str, conversation: Option<&String>, body: &Value) -> Answer {
    let mut answer =
        json!({ "id": id, "channel": channel(line, &body["channel"]), "type": "Text" });
    for field in ["text", "metadata"] {
        if let Some(value) = body.get(field) {
            answer[field] = value.clone();
        }
    }
    if let Some(content) = body["content"].as_array() {
        let item =
            |item: &Value| json!({ "contentType": "Attachment", "attachment": item["attachment"] });
        answer["content"] = content.iter().map(item).collect();
    }
    if let Some(conversation) = conversation {
        answer["conversationId"] = conversation.as_str().into();
    }
    Answer::json(StatusCode::OK, &answer)
}

/// The channel of an answer: what came in, with the integration as the other end.
pub(super) fn channel(line: &Line, sent: &Value) -> Value {
    let integration = &line.integration.id;
    let mut channel = sent.clone();
    channel["id"] = integration.as_str().into();
    channel["platform"] = "Open".into();
    channel["type"] = "Private".into();
    for end in ["from", "to"] {
        if channel.get(end).is_none() {
            channel[end] = json!({ "id": integration, "idType": "Opaque" });
        }
    }
    channel
}

async fn show(
    state: &State,
    line: &Line,
    id: String,
    conversation_id: String,
    body: Value,
    accepted: usize,
) {
    let subjects = subjects(&body);
    let mut attachments = Vec::new();
    for item in body["content"].as_array().into_iter().flatten() {
        attachments.push(attach(state, &item["attachment"], &subjects).await);
    }
    let from = &body["channel"]["from"];
    let message = AgentMessage {
        id,
        integration_id: line.integration.id.clone(),
        channel_message_id: text(&body["channel"]["messageId"]),
        conversation_id,
        from: text(&from["id"]).unwrap_or_default(),
        nickname: text(&from["nickname"]),
        text: text(&body["text"]),
        attachments,
        request: body,
        shown_at: state.options.clock.now(),
        shown: Instant::now(),
        accepted,
    };
    if state.options.reports_unfetched {
        tell_unfetched(state, line, &message);
    }
    let mut messages = lock(&state.messages);
    let place = messages.partition_point(|earlier| earlier.accepted < accepted);
    messages.insert(place, message);
    drop(messages);
    state.background.changed();
}

/// Posts a failed receipt to the webhook, if a file of the message could not be fetched. The shape of a receipt is published, its words
/// are not.
fn tell_unfetched(state: &State, line: &Line, message: &AgentMessage) {
    let failed = |it: &Attachment| match &it.fetched {
        Fetched::Failed(why) => Some(why.clone()),
        _ => None,
    };
    let Some(why) = message.attachments.iter().find_map(failed) else {
        return;
    };
    let body = json!({
        "id": message.id, "type": "Receipt", "status": "Failed", "isFinalReceipt": true, "direction": "Outbound",
        "reasons": [{ "code": "GeneralError", "message": format!("Unable to download the attachment: {why}") }],
        "channel": {
            "id": line.integration.id, "platform": "Open", "type": "Private",
            "to": { "id": message.from }, "from": { "id": line.integration.id, "idType": "Opaque" },
            "time": written(state.options.clock.now()),
        },
    });
    let cargo = Cargo {
        messages: vec![MessageId(message.id.clone())],
        body: body.to_string().into_bytes(),
        ..Cargo::default()
    };
    state.courier.queue(&line.address, cargo);
}

async fn attach(state: &State, sent: &Value, subjects: &[String]) -> Attachment {
    let mime = text(&sent["mime"]).unwrap_or_default();
    let url = text(&sent["url"]).unwrap_or_default();
    let fetched = match allowed(&state.options.inbound_types, &mime) {
        true => fetch(state, &url, subjects).await,
        false => Fetched::NotAllowed,
    };
    Attachment {
        id: text(&sent["id"]),
        media_type: text(&sent["mediaType"]).unwrap_or_default(),
        mime,
        filename: text(&sent["filename"]),
        declared_sha256: text(&sent["sha256"]),
        url,
        fetched,
    }
}

fn event(state: &State, line: &Line, body: Value) -> Answer {
    let answer = json!({
        "id": crate::random::hex(16), "channel": channel(line, &body["channel"]), "type": "Event",
        "events": body["events"].as_array().into_iter().flatten()
            .map(|event| json!({ "eventType": event["eventType"] })).collect::<Vec<_>>(),
    });
    lock(&state.events).push(body);
    state.background.changed();
    Answer::json(StatusCode::OK, &answer)
}
