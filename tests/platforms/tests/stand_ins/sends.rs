//! Messages to WhatsApp's customers beside files: texts, replies, reactions, templates, marks; the window; faults.

use std::time::Duration;

use attache_platforms::{
    faults::{Fault, Times},
    specs::Side,
    whatsapp::{Mark, MessageId, PhoneNumber, Template, WhatsApp, WhatsAppOptions},
};
use serde_json::{Value, json};

use crate::{
    outbound::{send, upload},
    support::*,
};

const PDF: (&str, &[u8]) = ("application/pdf", b"%PDF");

fn to_customer(kind: &str, content: Value) -> Value {
    let mut body = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": kind,
    });
    body[kind] = content;
    body
}

fn text(words: &str) -> Value {
    to_customer("text", json!({ "body": words }))
}

/// A stand-in whose customer has just written.
async fn whatsapp_heard(options: WhatsAppOptions) -> (WhatsApp, Callback, MessageId) {
    let (whatsapp, callback) = whatsapp_calling(options, &[]).await;
    let heard = whatsapp.customer().send_text("Hello");
    (whatsapp, callback, heard)
}

/// Sends a message that is accepted; its id.
async fn sent(whatsapp: &WhatsApp, body: &Value) -> MessageId {
    let (status, answer) = send(whatsapp, body).await;
    assert_eq!(status, 200, "{answer}");
    MessageId::new(answer["messages"][0]["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn every_kind_of_message_reaches_the_customer() {
    let options = WhatsAppOptions {
        templates: vec![Template::new("order_update", "en_US")],
        ..WhatsAppOptions::default()
    };
    let (whatsapp, _, heard) = whatsapp_heard(options).await;
    let mut reply = text("To what you said");
    reply["context"] = json!({ "message_id": heard.as_str() });
    let template = json!({
        "name": "order_update", "language": { "code": "en_US" },
        "components": [
            { "type": "body", "parameters": [{ "type": "text", "text": "4711" }] },
            { "type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{ "type": "payload", "payload": "p" }] }
        ]
    });
    let buttons = json!({
        "type": "button", "body": { "text": "Red?" },
        "action": { "buttons": [{ "type": "reply", "reply": { "id": "y", "title": "Yes" } }] }
    });
    let rows = [
        ("a text", text("Hello")),
        ("a reply", reply),
        (
            "a reaction",
            to_customer(
                "reaction",
                json!({ "message_id": heard.as_str(), "emoji": "👍" }),
            ),
        ),
        (
            "a reaction taken back",
            to_customer(
                "reaction",
                json!({ "message_id": heard.as_str(), "emoji": "" }),
            ),
        ),
        (
            "a place",
            to_customer(
                "location",
                json!({ "latitude": 1.5, "longitude": 2.5, "name": "Here" }),
            ),
        ),
        ("buttons", to_customer("interactive", buttons)),
        ("a template", to_customer("template", template)),
    ];
    for (count, (name, body)) in rows.into_iter().enumerate() {
        let id = sent(&whatsapp, &body).await;
        whatsapp
            .wait_for_status(&id, "delivered", SOON)
            .await
            .expect(name);
        let all = whatsapp.wait_for_sent(count + 1, SOON).await.expect("sent");
        assert_eq!((all[count].status, &all[count].body), ("delivered", &body));
        assert_eq!(whatsapp.violations(), [], "{name}");
    }
    assert_eq!(whatsapp.sent()[0].text(), Some("Hello"));
}

#[tokio::test]
async fn replies_and_reactions_to_nothing_are_noted() {
    let (whatsapp, _, _) = whatsapp_heard(WhatsAppOptions::default()).await;
    let mut reply = text("To what?");
    reply["context"] = json!({ "message_id": "wamid.none" });
    let reaction = to_customer(
        "reaction",
        json!({ "message_id": "wamid.none", "emoji": "👍" }),
    );
    for (count, body) in [reply, reaction].iter().enumerate() {
        sent(&whatsapp, body).await;
        let noted = whatsapp.violations();
        assert_eq!((noted.len(), noted[count].side), (count + 1, Side::Request));
    }
}

#[tokio::test]
async fn texts_and_templates_that_break_the_rules_are_refused() {
    let (whatsapp, _, _) = whatsapp_heard(WhatsAppOptions {
        templates: vec![Template::new("order_update", "en_US")],
        ..WhatsAppOptions::default()
    })
    .await;
    let named = |name: &str, code: &str| {
        to_customer(
            "template",
            json!({ "name": name, "language": { "code": code } }),
        )
    };
    let headless = json!({ "name": "order_update", "language": { "code": "en_US" }, "components": [{ "type": "tail" }] });
    let rows = [
        ("an unknown template", named("other", "en_US"), 404, 132_001),
        (
            "another language",
            named("order_update", "de"),
            404,
            132_001,
        ),
        (
            "an unknown component",
            to_customer("template", headless),
            400,
            100,
        ),
        ("an empty text", text(""), 400, 100),
        ("a long text", text(&"x".repeat(4097)), 400, 100),
    ];
    for (name, body, status, code) in rows {
        let (got, answer) = send(&whatsapp, &body).await;
        assert_eq!(
            (got, &answer["error"]["code"]),
            (status, &json!(code)),
            "{name}: {answer}"
        );
    }
    assert!(whatsapp.sent().is_empty());
    assert_own_words_fit(&whatsapp.violations());
}

#[tokio::test]
async fn after_a_day_only_a_template_goes_through() {
    let (whatsapp, _, _) = whatsapp_heard(WhatsAppOptions {
        templates: vec![Template::new("order_update", "en_US")],
        ..WhatsAppOptions::default()
    })
    .await;
    whatsapp
        .options()
        .clock
        .advance(Duration::from_secs(24 * 3600));
    let late = sent(&whatsapp, &text("Too late")).await;
    let failed = whatsapp.wait_for_status(&late, "failed", SOON).await;
    assert_eq!(failed.expect("failed").body["errors"][0]["code"], 131_047);
    let template = json!({ "name": "order_update", "language": { "code": "en_US", "policy": "deterministic" } });
    let through = sent(&whatsapp, &to_customer("template", template)).await;
    let delivered = whatsapp.wait_for_status(&through, "delivered", SOON).await;
    delivered.expect("delivered");
    whatsapp.customer().send_text("I am back");
    let again = sent(&whatsapp, &text("Welcome")).await;
    let delivered = whatsapp.wait_for_status(&again, "delivered", SOON).await;
    delivered.expect("the window is open again");
}

#[tokio::test]
async fn a_message_is_marked_as_read_with_or_without_typing() {
    let ours = WhatsAppOptions::default().numbers.remove(0);
    let options = WhatsAppOptions {
        numbers: vec![ours, PhoneNumber::new("n2", "1556", "w2")],
        ..WhatsAppOptions::default()
    };
    let (whatsapp, _, heard) = whatsapp_heard(options).await;
    let other = whatsapp.customer_named("1", "A", 1).send_text("Hello");
    let mark =
        |id: &str| json!({ "messaging_product": "whatsapp", "status": "read", "message_id": id });
    let mut typing = mark(heard.as_str());
    typing["typing_indicator"] = json!({ "type": "text" });
    for body in [mark(heard.as_str()), typing] {
        assert_eq!(
            send(&whatsapp, &body).await,
            (200, json!({ "success": true }))
        );
    }
    let of = |typing| Mark {
        message: heard.clone(),
        typing,
    };
    assert_eq!(whatsapp.marks(), [of(false), of(true)]);
    assert_eq!(whatsapp.violations(), []);
    let mut wrong = mark(heard.as_str());
    wrong["typing_indicator"] = json!({ "type": "dance" });
    let foreign = mark(other.as_str());
    for body in [mark("wamid.none"), foreign, wrong] {
        assert_eq!(send(&whatsapp, &body).await.0, 400, "{body}");
    }
    assert!(whatsapp.marks().len() == 2 && whatsapp.sent().is_empty());
    assert_own_words_fit(&whatsapp.violations());
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_has_its_effect_all_the_same() {
    let (whatsapp, _, _) = whatsapp_heard(WhatsAppOptions::default()).await;
    let product = [("messaging_product", "whatsapp")];
    let (_, uploaded) = upload(&whatsapp, &product, Some(PDF)).await;
    let document = to_customer(
        "document",
        json!({ "id": uploaded["id"], "filename": "a.pdf" }),
    );
    for (count, mut body) in [text("Hello"), document].into_iter().enumerate() {
        body["biz_opaque_callback_data"] = format!("job-{count}").into();
        let armed = whatsapp.faults().arm(Fault::LostAnswer, Times(1));
        let number = &whatsapp.options().numbers[0].phone_number_id;
        let request = client().post(format!("{}/v23.0/{number}/messages", whatsapp.graph_url()));
        let request = request.bearer_auth(&whatsapp.options().access_token);
        let lost = request.json(&body).send().await;
        assert!(lost.is_err_and(|error| !error.is_timeout()));
        assert_eq!(armed.expect("applies").fired(), 1);
        let all = whatsapp.wait_for_sent(count + 1, SOON).await.expect("sent");
        let id = MessageId::new(&all[count].id);
        let told = whatsapp.wait_for_status(&id, "delivered", SOON).await;
        let told = told.expect("delivered").body;
        assert_eq!(told["biz_opaque_callback_data"], format!("job-{count}"));
    }
}

#[tokio::test]
async fn media_that_fail_afterwards_fail_by_status_and_texts_do_not() {
    let (whatsapp, _, _) = whatsapp_heard(WhatsAppOptions::default()).await;
    let product = [("messaging_product", "whatsapp")];
    let (_, uploaded) = upload(&whatsapp, &product, Some(PDF)).await;
    let armed = whatsapp.faults().arm(Fault::MediaUploadError, Times(1));
    let armed = armed.expect("applies");
    let words = sent(&whatsapp, &text("Hello")).await;
    whatsapp
        .wait_for_status(&words, "delivered", SOON)
        .await
        .expect("delivered");
    assert_eq!(armed.fired(), 0, "a text has no media");
    let document = to_customer("document", json!({ "id": uploaded["id"] }));
    let file = sent(&whatsapp, &document).await;
    let failed = whatsapp.wait_for_status(&file, "failed", SOON).await;
    assert_eq!(failed.expect("failed").body["errors"][0]["code"], 131_053);
    assert_eq!(armed.fired(), 1);
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn uploads_and_sends_are_throttled_in_both_ways() {
    let (whatsapp, _, _) = whatsapp_heard(WhatsAppOptions::default()).await;
    let product = [("messaging_product", "whatsapp")];
    for (fault, status) in [(Fault::RateLimit, 429), (Fault::MetaThrottleAs400, 400)] {
        let armed = whatsapp.faults().arm(fault, Times(2)).expect("applies");
        let answers = [
            upload(&whatsapp, &product, Some(PDF)).await,
            send(&whatsapp, &text("Hello")).await,
        ];
        for (got, answer) in answers {
            assert_eq!(
                (got, &answer["error"]["code"]),
                (status, &json!(130_429)),
                "{fault}"
            );
        }
        assert_eq!(armed.fired(), 2);
    }
    assert!(whatsapp.sent().is_empty());
    assert_eq!(whatsapp.violations(), []);
}
