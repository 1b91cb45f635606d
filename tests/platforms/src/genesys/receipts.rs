//! Receipts for messages of agents: they name a message that was really sent, and end it once.

use http::StatusCode;
use serde_json::Value;

use super::{
    desk::Receipt,
    error,
    inbound::{channel, text},
    state::{Line, State, lock},
};
use crate::{specs::Operation, wire::Answer};

/// Takes a receipt that fits its schema.
pub(super) fn receipt(state: &State, line: &Line, body: Value) -> Answer {
    let id = text(&body["id"]).unwrap_or_default();
    let integration = &line.integration.id;
    let to = {
        let sent = lock(&state.sent);
        let mut sent = sent.iter();
        let message = sent.find(|one| one.id.as_str() == id && one.integration_id == *integration);
        message.map(|message| message.to.clone())
    };
    let Some(to) = to else {
        breach(state, "/id", format!("no message {id} was sent"));
        return error::not_found();
    };
    if body["channel"]["to"]["id"] != to.as_str() {
        let problem = format!("message {id} went to another customer");
        breach(state, "/channel/to/id", problem);
    }
    let mut answer = body.clone();
    answer["channel"] = channel(line, &body["channel"]);
    answer["type"] = "Receipt".into();
    answer["direction"] = "Inbound".into();
    let receipt = Receipt {
        integration_id: integration.clone(),
        id,
        status: text(&body["status"]).unwrap_or_default(),
        is_final: body["isFinalReceipt"] == true,
        request: body,
    };
    if receipt.request.get("reasons").is_some() && receipt.status != "Failed" {
        let problem = "reasons belong to failed receipts only";
        breach(state, "/reasons", problem.to_owned());
    }
    let mut receipts = lock(&state.receipts);
    let mut earlier = receipts.iter();
    if earlier.any(|earlier| earlier.is_final && earlier.id == receipt.id) {
        let problem = format!("a receipt for {} after its final one", receipt.id);
        breach(state, "/isFinalReceipt", problem);
    }
    receipts.push(receipt);
    drop(receipts);
    state.background.changed();
    Answer::json(StatusCode::OK, &answer)
}

fn breach(state: &State, at: &str, problem: String) {
    state.checker.breach(Operation::InboundReceipt, at, problem);
}
