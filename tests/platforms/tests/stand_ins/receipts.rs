//! Genesys' receipts and typing: for what was really sent, by the schema, and one last word.

use attache_platforms::{
    genesys::{Genesys, GenesysOptions, MessageId},
    specs::Side,
};
use serde_json::{Value, json};

use crate::support::*;

fn receipt(id: &MessageId, status: &str, last: bool) -> Value {
    json!({
        "id": id.as_str(), "status": status, "isFinalReceipt": last,
        "channel": { "to": { "id": "16505551234" }, "time": "2026-01-15T13:41:27.000Z" },
    })
}

/// Posts a receipt; the status of the answer.
async fn give(genesys: &Genesys, token: &str, body: &Value) -> u16 {
    let answer = post(genesys, token, "receipt", body).await;
    answer.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_receipt_ends_a_message_that_was_sent_once() {
    let (genesys, token, _) = genesys_calling(GenesysOptions::default(), &[]).await;
    let id = genesys.agent().send_text("16505551234", "Hello");
    for (status, last) in [("Sent", false), ("Delivered", true)] {
        assert_eq!(
            give(&genesys, &token, &receipt(&id, status, last)).await,
            200
        );
    }
    let ended = genesys.wait_for_final_receipt(&id, SOON).await;
    assert_eq!(ended.expect("received").status, "Delivered");
    assert_eq!(genesys.violations(), []);
    assert_eq!(
        give(&genesys, &token, &receipt(&id, "Delivered", true)).await,
        200
    );
    assert_eq!(genesys.violations().len(), 1, "a second last word");
    assert_eq!(genesys.receipts().len(), 3);
}

#[tokio::test]
async fn receipts_for_nothing_or_with_a_wrong_word_are_refused() {
    let (genesys, token, _) = genesys_calling(GenesysOptions::default(), &[]).await;
    let id = genesys.agent().send_text("16505551234", "Hello");
    let with_reason = |code: &str| {
        let mut body = receipt(&id, "Failed", true);
        body["reasons"] = json!([{ "code": code, "message": "m" }]);
        body
    };
    let rows = [
        (
            "an unknown message",
            receipt(&MessageId::new("0a1b"), "Delivered", true),
            404,
        ),
        (
            "a status of other channels",
            receipt(&id, "Read", true),
            400,
        ),
        ("a made-up reason", with_reason("TooUgly"), 400),
        ("a listed reason", with_reason("MediaTypeNotAllowed"), 200),
    ];
    for (name, body, expected) in rows {
        assert_eq!(give(&genesys, &token, &body).await, expected, "{name}");
    }
    assert_eq!(genesys.receipts().len(), 1);
    assert_own_words_fit(&genesys.violations());
}

/// The change to a good receipt, and where the breach is noted.
#[tokio::test]
async fn rules_in_prose_are_noted() {
    let reason = json!([{ "code": "ServerError", "message": "m" }]);
    let rows = [
        ("/reasons", "reasons", reason),
        (
            "/channel/to/id",
            "channel",
            json!({ "to": { "id": "1" }, "time": "2026-01-15T13:41:27.000Z" }),
        ),
    ];
    for (at, field, value) in rows {
        let (genesys, token, _) = genesys_calling(GenesysOptions::default(), &[]).await;
        let id = genesys.agent().send_text("16505551234", "Hello");
        let mut body = receipt(&id, "Delivered", true);
        body[field] = value;
        assert_eq!(give(&genesys, &token, &body).await, 200, "{at}");
        let noted = genesys.violations();
        assert_eq!(
            (noted.len(), noted[0].side, noted[0].at.as_str()),
            (1, Side::Request, at)
        );
    }
}

#[tokio::test]
async fn typing_of_a_customer_is_kept() {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    let typing = json!({
        "channel": { "from": { "id": "1", "idType": "Opaque" }, "time": "2026-01-15T13:41:27.000Z" },
        "events": [{ "eventType": "Typing" }]
    });
    let answer = post(&genesys, &token, "event", &typing).await;
    assert_eq!(answer.expect("an answer").status(), 200);
    assert_eq!(genesys.events(), [typing]);
    assert_eq!(genesys.violations(), []);
}
