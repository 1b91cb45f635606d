//! WhatsApp's webhooks: signed, escaped, batched, repeated until acknowledged; the GET challenge.

use std::time::Duration;

use attache_platforms::{
    signature,
    whatsapp::{
        DeliveryState, MediaFile, MessageId, PhoneNumber, RetryPlan, WhatsApp, WhatsAppOptions,
    },
};
use serde_json::{Value, json};

use crate::support::*;

async fn delivered(whatsapp: &WhatsApp, message: &MessageId) {
    let delivery = whatsapp
        .wait_for_delivery(message, SOON)
        .await
        .expect("settled");
    assert_eq!(delivery.state, DeliveryState::Acknowledged);
}

#[tokio::test]
async fn a_webhook_is_signed_over_its_escaped_bytes() {
    let (whatsapp, callback) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    let customer = whatsapp.customer_named("4915112345678", "Jürgen 👍", 0);
    let file = MediaFile::new(&b"%PDF-1.7"[..], "application/pdf");
    let message = customer.send_media(file.named("Rechnung März (1).pdf").captioned("für März"));
    delivered(&whatsapp, &message).await;
    let (headers, body) = callback.received.lock().expect("lock")[0].clone();
    assert!(body.is_ascii());
    assert!(String::from_utf8_lossy(&body).contains("Rechnung M\\u00e4rz (1).pdf"));
    let expected = signature::meta(&whatsapp.options().app_secret, &body);
    assert_eq!(headers[signature::HEADER], expected);
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!(value["contacts"][0]["profile"]["name"], "Jürgen 👍");
    let document = &value["messages"][0]["document"];
    assert_eq!(document["filename"], "Rechnung März (1).pdf");
    let medium = whatsapp.medium(&message).expect("a medium");
    assert_eq!(
        document["sha256"],
        data_encoding::BASE64.encode(&medium.sha256)
    );
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn every_kind_of_message_fits_the_schema() {
    let options = WhatsAppOptions {
        url_in_webhook: true,
        ..WhatsAppOptions::default()
    };
    let (whatsapp, _) = whatsapp_calling(options, &[]).await;
    let customer = whatsapp.customer();
    let types = [
        "image/png",
        "audio/ogg; codecs=opus",
        "video/mp4",
        "image/webp",
        "application/zip",
    ];
    for mime in types {
        let message = customer.send_media(MediaFile::new("x", mime).captioned("c"));
        delivered(&whatsapp, &message).await;
    }
    delivered(&whatsapp, &customer.send_text("Hello")).await;
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn a_refused_webhook_comes_again_less_and_less_often() {
    let (whatsapp, callback) = whatsapp_calling(WhatsAppOptions::default(), &[500, 503, 202]).await;
    let message = whatsapp.customer().send_text("Hello");
    for (tries, wait) in [(1, 5), (2, 10), (3, 20)] {
        let tried = whatsapp.wait_for_attempts(&message, tries, SOON).await;
        assert_eq!(tried.expect("posted").attempts.len(), tries);
        whatsapp.options().clock.advance(Duration::from_secs(wait));
    }
    delivered(&whatsapp, &message).await;
    let deliveries = whatsapp.deliveries();
    let attempts = &deliveries[0].attempts;
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.outcome.clone())
        .collect();
    assert_eq!(outcomes, [Ok(500), Ok(503), Ok(202), Ok(200)]);
    for (pair, least) in attempts.windows(2).zip([5, 10, 20]) {
        assert!(pair[1].at - pair[0].at >= Duration::from_secs(least));
    }
    let received = callback.received.lock().expect("lock");
    assert!(
        received.windows(2).all(|pair| pair[0].1 == pair[1].1),
        "the same bytes each time"
    );
}

#[tokio::test]
async fn after_seven_days_a_webhook_is_given_up() {
    let whatsapp = WhatsApp::start(WhatsAppOptions::default())
        .await
        .expect("starts");
    whatsapp.set_callback("http://127.0.0.1:9/nobody".parse().expect("a URL"));
    let message = whatsapp.customer().send_text("Hello");
    let days_pass = async {
        for tries in 1.. {
            let tried = whatsapp.wait_for_attempts(&message, tries, SOON).await;
            tried.expect("posted");
            whatsapp
                .options()
                .clock
                .advance(Duration::from_secs(12 * 3600));
        }
    };
    let delivery = tokio::select! {
        delivery = whatsapp.wait_for_delivery(&message, SOON) => delivery.expect("settled"),
        () = days_pass => panic!("posted for ever"),
    };
    assert_eq!(delivery.state, DeliveryState::GivenUp);
    assert!(delivery.attempts.len() > 3);
    assert!(
        delivery
            .attempts
            .iter()
            .all(|attempt| attempt.outcome.is_err())
    );
}

#[test]
fn the_waits_grow_to_a_limit() {
    let seconds = Duration::from_secs;
    let plan = RetryPlan {
        first: seconds(5),
        factor: 2,
        longest: seconds(60),
        horizon: seconds(999),
    };
    let rows = [(1, 5), (2, 10), (4, 40), (5, 60), (u32::MAX, 60)];
    for (tries, expected) in rows {
        assert_eq!(plan.wait_after(tries), seconds(expected), "{tries}");
    }
}

#[tokio::test]
async fn one_post_carries_several_tenants() {
    let numbers = vec![
        PhoneNumber::new("n1", "1555", "w1"),
        PhoneNumber::new("n2", "1556", "w2"),
    ];
    let options = WhatsAppOptions {
        numbers,
        ..WhatsAppOptions::default()
    };
    let (whatsapp, callback) = whatsapp_calling(options, &[]).await;
    let (one, two) = (
        whatsapp.customer_named("1", "A", 0),
        whatsapp.customer_named("2", "B", 1),
    );
    let batch = vec![
        one.compose_text("a"),
        two.compose_text("b"),
        one.compose_text("c"),
    ];
    let ids: Vec<_> = batch.iter().map(|message| message.id().clone()).collect();
    whatsapp.send_batch(batch);
    for id in &ids {
        delivered(&whatsapp, id).await;
    }
    let received = callback.received.lock().expect("lock").clone();
    assert_eq!(received.len(), 1);
    let body: Value = serde_json::from_slice(&received[0].1).expect("JSON");
    let entries = body["entry"].as_array().expect("entries");
    let accounts: Vec<_> = entries.iter().map(|entry| &entry["id"]).collect();
    assert_eq!(accounts, ["w1", "w2"]);
    assert_eq!(
        entries[0]["changes"][0]["value"]["messages"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn a_message_can_be_delivered_again_and_a_body_sent_as_it_is() {
    let (whatsapp, callback) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    let message = whatsapp.customer().send_text("Hello");
    delivered(&whatsapp, &message).await;
    let attempts = whatsapp.redeliver(&message, 4).await;
    assert!(attempts.len() == 4 && attempts.iter().all(|attempt| attempt.acknowledged()));
    assert_eq!(whatsapp.deliveries()[0].attempts.len(), 5);
    whatsapp.send_raw("not json");
    let arrived = async {
        while callback.received.lock().expect("lock").len() < 6 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, arrived).await.expect("posted");
    let received = callback.received.lock().expect("lock");
    let (headers, body) = &received[5];
    assert_eq!(body, "not json");
    let expected = signature::meta(&whatsapp.options().app_secret, b"not json");
    assert_eq!(headers[signature::HEADER], expected);
}

#[tokio::test]
async fn the_challenge_wants_the_bare_challenge_back() {
    let (whatsapp, callback) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    whatsapp.verify_callback().await.expect("echoed");
    *callback.challenge.lock().expect("lock") = Some("something else");
    assert!(whatsapp.verify_callback().await.is_err());
}

#[tokio::test]
async fn a_webhook_without_a_listener_is_a_recorded_failure() {
    let whatsapp = WhatsApp::start(WhatsAppOptions::default())
        .await
        .expect("starts");
    let message = whatsapp.customer().send_text("Hello");
    let tries = whatsapp.redeliver(&message, 1).await;
    assert_eq!(
        tries[0].outcome,
        Err("no callback is configured".to_owned())
    );
    assert_eq!(json!(message.as_str()), json!(message.to_string()));
}
