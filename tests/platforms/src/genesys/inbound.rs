//! What comes in from a customer's channel: messages, receipts, typing.
//!
//! Accepted is not shown: a message reaches the agent when its attachments have been fetched or given up. Media that the profile does
//! not allow are dropped and the text stays, without an error. There is no idempotency key.

use std::{collections::HashSet, sync::Arc, time::Instant};

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    desk::{AgentMessage, Attachment, Fetched, Post, Receipt},
    error,
    fetch::{allowed, fetch},
    options::Duplicates,
    state::{State, lock},
};
use crate::{
    specs::Operation,
    wire::{Answer, Request},
};

fn text(value: &Value) -> Option<String> {
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
    request: &Request,
    operation: Operation,
    body: Value,
    lost: bool,
) -> Answer {
    match operation {
        Operation::InboundReceipt => receipt(state, body),
        Operation::InboundEvent => event(state, body),
        _ => message(state, request, body, lost),
    }
}

fn message(state: &Arc<State>, request: &Request, body: Value, lost: bool) -> Answer {
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
    let conversation = lock(&state.conversations)
        .entry(customer)
        .or_insert_with(crate::random::uuid)
        .clone();
    let prefetch = request.parameter("prefetchConversationId").as_deref() == Some("true");
    let answer = accepted(state, &id, prefetch.then_some(&conversation), &body);
    let channel_message_id = text(&body["channel"]["messageId"]);
    let repeated = {
        let mut posts = lock(&state.posts);
        let repeated = channel_message_id.is_some()
            && posts
                .iter()
                .any(|post| post.channel_message_id == channel_message_id);
        posts.push(Post {
            channel_message_id,
            at: state.options.clock.now(),
            answer_lost: lost,
            request: body.clone(),
        });
        repeated
    };
    if !(repeated && state.options.duplicates == Duplicates::Suppressed) {
        let task_state = state.clone();
        state.spawn(async move { show(&task_state, id, conversation, body).await });
    }
    state.changed();
    answer
}

/// `OpenMessageNormalizedMessage`: the request again, with what Genesys adds.
fn accepted(state: &State, id: &str, conversation: Option<&String>, body: &Value) -> Answer {
    let mut answer =
        json!({ "id": id, "channel": channel(state, &body["channel"]), "type": "Text" });
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
fn channel(state: &State, sent: &Value) -> Value {
    let integration = &state.options.integration_id;
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

async fn show(state: &State, id: String, conversation_id: String, body: Value) {
    let subjects = subjects(&body);
    let mut attachments = Vec::new();
    for item in body["content"].as_array().into_iter().flatten() {
        attachments.push(attach(state, &item["attachment"], &subjects).await);
    }
    let from = &body["channel"]["from"];
    let message = AgentMessage {
        id,
        channel_message_id: text(&body["channel"]["messageId"]),
        conversation_id,
        from: text(&from["id"]).unwrap_or_default(),
        nickname: text(&from["nickname"]),
        text: text(&body["text"]),
        attachments,
        request: body,
        shown_at: state.options.clock.now(),
        shown: Instant::now(),
    };
    lock(&state.messages).push(message);
    state.changed();
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

fn receipt(state: &State, body: Value) -> Answer {
    let mut answer = body.clone();
    answer["channel"] = channel(state, &body["channel"]);
    answer["type"] = "Receipt".into();
    answer["direction"] = "Inbound".into();
    let receipt = Receipt {
        id: text(&body["id"]).unwrap_or_default(),
        status: text(&body["status"]).unwrap_or_default(),
        is_final: body["isFinalReceipt"] == true,
        request: body,
    };
    if receipt.request.get("reasons").is_some() && receipt.status != "Failed" {
        let problem = "reasons belong to failed receipts only";
        state
            .checker
            .breach(Operation::InboundReceipt, "/reasons", problem);
    }
    let mut receipts = lock(&state.receipts);
    let ended: HashSet<&str> = receipts
        .iter()
        .filter(|r| r.is_final)
        .map(|r| r.id.as_str())
        .collect();
    if ended.contains(receipt.id.as_str()) {
        let problem = format!("a receipt for {} after its final one", receipt.id);
        state
            .checker
            .breach(Operation::InboundReceipt, "/isFinalReceipt", problem);
    }
    receipts.push(receipt);
    drop(receipts);
    state.changed();
    Answer::json(StatusCode::OK, &answer)
}

fn event(state: &State, body: Value) -> Answer {
    let answer = json!({
        "id": crate::random::hex(16), "channel": channel(state, &body["channel"]), "type": "Event",
        "events": body["events"].as_array().into_iter().flatten()
            .map(|event| json!({ "eventType": event["eventType"] })).collect::<Vec<_>>(),
    });
    lock(&state.events).push(body);
    state.changed();
    Answer::json(StatusCode::OK, &answer)
}
