//! Tests: the vendors' own examples pass the checker, and broken ones do not.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::*;

fn example(file: &str) -> Value {
    let path = format!("{}/examples/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    serde_json::from_str(&text).expect(&path)
}

fn examples(folder: &str, start: &str) -> Vec<String> {
    let path = format!("{}/examples/{folder}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(path).expect("the examples");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let wanted = names.filter(|name| name.starts_with(start));
    wanted
        .map(|name| format!("{folder}/{}", name.trim_end_matches(".json")))
        .collect()
}

#[test]
fn the_published_whatsapp_examples_pass() {
    let checker = Checker::whatsapp().expect("compiles");
    let webhooks = examples("whatsapp", "webhook-");
    assert!(webhooks.len() >= 16);
    for name in webhooks {
        checker.webhook(Operation::Webhook, &example(&name));
        assert_eq!(checker.violations(), [], "{name}");
    }
    for name in examples("whatsapp", "request-send-") {
        assert_eq!(
            checker.request(Operation::Send, &example(&name)),
            [],
            "{name}"
        );
    }
    let answers = [
        ("whatsapp/response-media-get", Operation::MediaGet, 200),
        (
            "whatsapp/response-media-upload",
            Operation::MediaUpload,
            200,
        ),
        ("whatsapp/response-send", Operation::Send, 200),
        ("whatsapp/error-100-media-id", Operation::MediaGet, 400),
        ("whatsapp/error-130429", Operation::Send, 400),
        ("whatsapp/error-131056", Operation::Send, 400),
        ("whatsapp/error-190-expired", Operation::MediaGet, 401),
    ];
    for (name, operation, status) in answers {
        let status = StatusCode::from_u16(status).expect("a status");
        let body = example(name).to_string();
        checker.answer(operation, &Method::GET, name, status, body.as_bytes());
        assert_eq!(checker.violations(), [], "{name}");
    }
}

#[test]
fn the_published_genesys_examples_pass() {
    let checker = Checker::genesys().expect("compiles");
    let requests = [
        (
            "genesys/request-inbound-open-message-attachment",
            Operation::InboundMessage,
        ),
        (
            "genesys/request-inbound-receipt-delivered",
            Operation::InboundReceipt,
        ),
        (
            "genesys/request-inbound-receipt-failed",
            Operation::InboundReceipt,
        ),
        ("genesys/request-media-uploads", Operation::MediaPlace),
        (
            "genesys/request-send-message-with-media",
            Operation::AgentMessage,
        ),
    ];
    for (name, operation) in requests {
        checker.request(operation, &example(name));
        assert_eq!(checker.violations(), [], "{name}");
    }
    let webhooks = [
        ("genesys/webhook-outbound-text", Operation::OutboundMessage),
        (
            "genesys/webhook-outbound-attachment",
            Operation::OutboundMessage,
        ),
        (
            "genesys/webhook-outbound-attachment",
            Operation::OutboundStructured,
        ),
        ("genesys/webhook-outbound-typing", Operation::OutboundEvent),
    ];
    for (name, operation) in webhooks {
        checker.webhook(operation, &example(name));
        assert_eq!(checker.violations(), [], "{name}");
    }
    let inbound = Operation::InboundMessage;
    let answers = [
        ("genesys/response-inbound-open-message", inbound, 200),
        ("genesys/response-media-uploads", Operation::MediaPlace, 200),
        (
            "genesys/response-media-get-uploading",
            Operation::Medium,
            200,
        ),
        ("genesys/response-media-get-valid", Operation::Medium, 200),
        ("genesys/response-media-get-invalid", Operation::Medium, 200),
        (
            "genesys/response-send-message",
            Operation::AgentMessage,
            200,
        ),
        ("genesys/error-401", inbound, 401),
        ("genesys/error-429", inbound, 429),
    ];
    for (name, operation, status) in answers {
        let status = StatusCode::from_u16(status).expect("a status");
        let body = example(name).to_string();
        checker.answer(operation, &Method::POST, name, status, body.as_bytes());
        assert_eq!(checker.violations(), [], "{name}");
    }
}

/// The change to an example, as a pointer and a new value (`None` removes), and whether the request is refused for it.
#[test]
fn broken_requests_are_found() {
    let rows = [
        ("/channel", None, true),
        ("/channel/from/idType", Some(json!("phone")), true),
        ("/channel/time", Some(json!("yesterday")), true),
        ("/content/0/attachment/mime", None, true),
        (
            "/content/0/attachment/mediaType",
            Some(json!("Picture")),
            true,
        ),
        ("/content/0/contentType", Some(json!("Attachment")), false),
        ("/type", Some(json!("Text")), false),
    ];
    for (pointer, value, refused) in rows {
        let checker = Checker::genesys().expect("compiles");
        let mut body = example("genesys/request-inbound-open-message-attachment");
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
        let parent = parent.expect("an object");
        match value {
            Some(value) => parent.insert(key.into(), value),
            None => parent.remove(key),
        };
        let broken = checker.request(Operation::InboundMessage, &body);
        assert_eq!(!broken.is_empty(), refused, "{pointer}: {broken:?}");
        assert!(!checker.violations().is_empty(), "{pointer}");
    }
}

/// The operation, the change to a good webhook of an agent, and whether it is found.
#[test]
fn wrong_webhooks_of_agents_are_found() {
    let attachment = "genesys/webhook-outbound-attachment";
    let (text, other) = (Operation::OutboundMessage, Operation::OutboundStructured);
    let rows = [
        (text, "/channel/platform", json!("Whatsapp"), true),
        (text, "/content/0/contentType", json!("Card"), true),
        (other, "/content/0/contentType", json!("Card"), false),
        (other, "/content/0/contentType", json!("Poem"), true),
        (
            other,
            "/content/0/card",
            json!({ "title": "no actions" }),
            true,
        ),
    ];
    for (operation, pointer, value, found) in rows {
        let checker = Checker::genesys().expect("compiles");
        let mut body = example(attachment);
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("there")[key] = value;
        checker.webhook(operation, &body);
        assert_eq!(!checker.violations().is_empty(), found, "{pointer}");
    }
}

#[test]
fn a_webhook_with_a_wrong_message_is_found() {
    let checker = Checker::whatsapp().expect("compiles");
    let mut body = example("whatsapp/webhook-image");
    body["entry"][0]["changes"][0]["value"]["messages"][0]["image"]["sha256"] = Value::Null;
    checker.webhook(Operation::Webhook, &body);
    assert!(!checker.violations().is_empty());
}
