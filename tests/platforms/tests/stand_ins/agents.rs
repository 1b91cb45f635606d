//! Genesys' agents: what they write, and the webhooks that carry it until the receiver has it or has lost it.

use std::time::Duration;

use attache_platforms::{
    genesys::{
        AgentFile, AttachmentLinks, Card, CardAction, DeliveryState, GenesysOptions, NotSent,
        Structured,
    },
    signature,
};
use serde_json::{Value, json};

use crate::support::*;

const CUSTOMER: &str = "16505551234";

#[tokio::test]
async fn a_text_comes_signed_in_base64_with_the_static_headers() {
    let options = GenesysOptions {
        webhook_headers: vec![("X-Relay".into(), "demo".into())],
        ..GenesysOptions::default()
    };
    let (genesys, _, callback) = genesys_calling(options, &[204]).await;
    let id = genesys.agent().send_text(CUSTOMER, "Grüße 👍");
    let delivery = genesys.wait_for_delivery(&id, SOON).await.expect("settled");
    assert_eq!(delivery.state, DeliveryState::Acknowledged);
    let (headers, body) = callback.received.lock().expect("lock")[0].clone();
    let secret = &genesys.options().webhook_secret;
    let expected = signature::genesys(secret, &body);
    assert!(expected.len() == "sha256=".len() + 44 && expected.ends_with('='));
    assert_eq!(headers[signature::HEADER], expected);
    assert_eq!(headers["x-relay"], "demo");
    assert_eq!(headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (&body["id"], &body["text"]),
        (&json!(id.as_str()), &json!("Grüße 👍"))
    );
    let channel = &body["channel"];
    assert_eq!(channel["id"], genesys.options().integration_id);
    assert_eq!(
        (&channel["to"]["id"], &body["type"]),
        (&json!(CUSTOMER), &json!("Text"))
    );
    assert_eq!(genesys.sent()[0].id, id);
    assert_eq!(genesys.violations(), []);
}

#[tokio::test]
async fn passing_troubles_bring_a_webhook_back_every_five_seconds() {
    let (genesys, _, callback) =
        genesys_calling(GenesysOptions::default(), &[429, 503, SILENCE]).await;
    let clock = genesys.options().clock.clone();
    let id = genesys.agent().send_text(CUSTOMER, "Hello");
    for tries in [1, 2] {
        let tried = genesys.wait_for_attempts(&id, tries, SOON).await;
        tried.expect("posted");
        clock.advance(Duration::from_secs(5));
    }
    let received = async {
        while callback.received.lock().expect("lock").len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, received).await.expect("posted");
    clock.advance(Duration::from_secs(10));
    let tried = genesys.wait_for_attempts(&id, 3, SOON).await.expect("over");
    assert!(tried.attempts[2].outcome.is_err(), "ten seconds are enough");
    clock.advance(Duration::from_secs(5));
    let delivery = genesys.wait_for_delivery(&id, SOON).await.expect("settled");
    let outcomes: Vec<_> = delivery
        .attempts
        .iter()
        .map(|a| a.outcome.clone().ok())
        .collect();
    assert_eq!(outcomes, [Some(429), Some(503), None, Some(200)]);
    let received = callback.received.lock().expect("lock");
    assert!(received.windows(2).all(|pair| pair[0].1 == pair[1].1));
}

#[tokio::test]
async fn after_five_retries_a_message_is_lost() {
    let (genesys, _) = genesys(GenesysOptions::default()).await;
    genesys.set_callback("http://127.0.0.1:9/nobody".parse().expect("a URL"));
    let id = genesys.agent().send_text(CUSTOMER, "Hello");
    for tries in 1..=5 {
        let tried = genesys.wait_for_attempts(&id, tries, SOON).await;
        assert_eq!(tried.expect("posted").state, DeliveryState::Pending);
        genesys.options().clock.advance(Duration::from_secs(5));
    }
    let delivery = genesys.wait_for_delivery(&id, SOON).await.expect("settled");
    assert_eq!(delivery.state, DeliveryState::GivenUp);
    assert_eq!(delivery.attempts.len(), 6);
}

#[tokio::test]
async fn a_refusal_ends_a_message_and_an_acknowledged_one_can_come_again() {
    let (genesys, _, callback) = genesys_calling(GenesysOptions::default(), &[400]).await;
    let agent = genesys.agent();
    let refused = agent.send_text(CUSTOMER, "Hello");
    let refused = genesys
        .wait_for_delivery(&refused, SOON)
        .await
        .expect("settled");
    assert_eq!(
        (refused.state, refused.attempts.len()),
        (DeliveryState::GivenUp, 1)
    );
    let typing = agent.typing(CUSTOMER);
    genesys
        .wait_for_delivery(&typing, SOON)
        .await
        .expect("settled");
    let again = genesys.redeliver(&typing, 2).await;
    assert!(again.iter().all(|attempt| attempt.acknowledged()));
    let bodies = callback.bodies();
    assert_eq!(bodies.len(), 4);
    assert_eq!(bodies[3]["events"][0]["eventType"], "Typing");
    assert!(genesys.sent().iter().all(|sent| sent.id != typing));
    assert_eq!(genesys.violations(), []);
}

#[tokio::test]
async fn a_file_and_a_text_travel_in_one_message_with_every_optional_field_or_none() {
    let (genesys, _, callback) = genesys_calling(GenesysOptions::default(), &[]).await;
    let full = AgentFile::new(&b"\x89PNG"[..], "image/png")
        .named("März.png")
        .captioned("chart");
    let rows = [
        (full.with_digest(), "See here", 7),
        (AgentFile::new("x", "image/gif").bare(), "", 2),
    ];
    for (count, (file, text, fields)) in rows.into_iter().enumerate() {
        let id = genesys
            .agent()
            .send_file(CUSTOMER, file, text)
            .expect("allowed");
        genesys.wait_for_delivery(&id, SOON).await.expect("settled");
        let body = &callback.bodies()[count];
        assert_eq!(body["text"].as_str().unwrap_or_default(), text);
        let attachment = body["content"][0]["attachment"]
            .as_object()
            .expect("a file");
        // The id is always there too.
        assert_eq!(attachment.len(), fields + 1, "{attachment:?}");
        assert_eq!(attachment["mediaType"], "Image");
    }
    assert_eq!(genesys.violations(), []);
}

#[tokio::test]
async fn the_profile_keeps_files_from_being_sent_unless_it_is_wider() {
    let pdf = || AgentFile::new("%PDF", "application/pdf");
    let (genesys, _, _) = genesys_calling(GenesysOptions::default(), &[]).await;
    let mime = "application/pdf".to_owned();
    let refused = genesys.agent().send_file(CUSTOMER, pdf(), "Your invoice");
    assert_eq!(refused, Err(NotSent::MediaTypeNotAllowed { mime }));
    let photo = || AgentFile::new("x", "image/png");
    let two = genesys
        .agent()
        .send_files(CUSTOMER, vec![photo(), photo()], "");
    assert_eq!(two, Err(NotSent::SeveralAttachments { count: 2 }));
    assert!(genesys.sent().is_empty() && genesys.deliveries().is_empty());
    let options = GenesysOptions {
        outbound_types: vec!["image/*".into(), "application/pdf".into()],
        several_attachments: true,
        attachment_links: AttachmentLinks::Signed,
        ..GenesysOptions::default()
    };
    let (genesys, _, callback) = genesys_calling(options, &[]).await;
    let sent = genesys
        .agent()
        .send_files(CUSTOMER, vec![pdf(), photo()], "Both");
    genesys
        .wait_for_delivery(&sent.expect("allowed"), SOON)
        .await
        .expect("settled");
    let content = callback.bodies()[0]["content"].clone();
    assert_eq!(content.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn every_kind_of_content_fits_the_schema() {
    let (genesys, _, callback) = genesys_calling(GenesysOptions::default(), &[]).await;
    let pair = |one: &str, two: &str| (one.to_owned(), two.to_owned());
    let card = || Card {
        title: "Parcel".into(),
        description: Some("Small".into()),
        image: Some("https://example.com/p.png".into()),
        actions: vec![
            CardAction::Postback {
                text: "Take it".into(),
                payload: "take".into(),
            },
            CardAction::Link {
                text: "More".into(),
                url: "https://example.com".into(),
            },
        ],
    };
    let rows = [
        (
            "QuickReply",
            Structured::QuickReplies("Red?".into(), vec![pair("Yes", "y"), pair("No", "n")]),
        ),
        ("Card", Structured::Card(card())),
        ("Carousel", Structured::Carousel(vec![card(), card()])),
        (
            "ListPicker",
            Structured::ListPicker("Sizes".into(), vec![pair("s", "Small")]),
        ),
        (
            "ButtonResponse",
            Structured::ButtonResponse("Yes".into(), "y".into()),
        ),
        (
            "Story",
            Structured::Story("https://example.com/story".into()),
        ),
        (
            "Notification",
            Structured::Notification("n@t".into(), "en_US".into(), "Hello".into()),
        ),
        (
            "Location",
            Structured::Location(48.13, 11.57, "Munich".into()),
        ),
    ];
    for (count, (kind, content)) in rows.into_iter().enumerate() {
        let id = genesys.agent().send_structured(CUSTOMER, content);
        genesys.wait_for_delivery(&id, SOON).await.expect("settled");
        let body = &callback.bodies()[count];
        assert_eq!(
            (&body["type"], &body["content"][0]["contentType"]),
            (&json!("Structured"), &json!(kind))
        );
        assert_eq!(genesys.violations(), [], "{kind}");
    }
}

#[tokio::test]
async fn a_raw_body_is_signed_as_it_is_and_known_by_its_id() {
    let (genesys, _, callback) = genesys_calling(GenesysOptions::default(), &[]).await;
    let agent = genesys.agent();
    agent.send_raw("not json");
    agent.send_raw(json!({ "id": "r1", "type": "Mystery" }).to_string());
    let known = attache_platforms::genesys::MessageId::new("r1");
    let delivery = genesys
        .wait_for_delivery(&known, SOON)
        .await
        .expect("settled");
    assert!(delivery.attempts[0].acknowledged());
    assert_eq!(genesys.deliveries().len(), 2);
    let received = callback.received.lock().expect("lock").clone();
    let secret = &genesys.options().webhook_secret;
    for (headers, body) in received {
        assert_eq!(
            headers[signature::HEADER],
            signature::genesys(secret, &body)
        );
    }
}
