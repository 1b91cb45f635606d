//! Faults of WhatsApp's two hops, seen by a client; faults that fit nowhere.

use attache_platforms::{
    canary::Place,
    faults::{Fault, FaultError, Times},
    genesys::GenesysOptions,
    whatsapp::{WhatsApp, WhatsAppOptions},
};
use serde_json::Value;

use crate::support::*;

/// What a client sees of a refused call.
pub(crate) async fn seen(answer: reqwest::Response) -> (u16, String, Value) {
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type");
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = answer.bytes().await.expect("a body");
    (
        status,
        kind,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

#[tokio::test]
async fn faults_of_a_look_up() {
    let (whatsapp, message, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let rows = [
        ("rate-limit", 429, 130_429),
        ("meta-throttle-as-400", 400, 130_429),
        ("five-hundreds", 500, 131_000),
        ("dead-token", 401, 190),
        ("unauthorised", 401, 190),
    ];
    for (name, status, code) in rows {
        let armed = whatsapp
            .faults()
            .arm_named(name, Times(2))
            .expect("applies");
        for _ in 0..2 {
            let (got, _, body) = seen(look_up(&whatsapp, &message).await).await;
            assert_eq!(
                (got, &body["error"]["code"]),
                (status, &code.into()),
                "{name}"
            );
        }
        assert_eq!(armed.fired(), 2, "{name}");
        assert_eq!(
            look_up(&whatsapp, &message).await.status(),
            200,
            "{name} is used up"
        );
    }
    whatsapp
        .faults()
        .arm(Fault::HtmlErrorPage, Times(1))
        .expect("applies");
    let (status, kind, _) = seen(look_up(&whatsapp, &message).await).await;
    assert_eq!((status, kind.as_str()), (502, "text/html; charset=utf-8"));
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn faults_of_a_download_before_its_body() {
    let (whatsapp, message, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let link = link(&whatsapp, &message).await;
    let rows = [
        (Fault::ExpiredLink, 404),
        (Fault::FiveHundreds, 503),
        (Fault::Unauthorised, 401),
        (Fault::HtmlErrorPage, 200),
        (Fault::RedirectOffHost, 302),
    ];
    for (fault, status) in rows {
        whatsapp.faults().arm(fault, Times(1)).expect("applies");
        let answer = download(&whatsapp, &link).await.expect("an answer");
        assert_eq!(answer.status(), status, "{fault}");
        if fault == Fault::HtmlErrorPage {
            assert!(
                answer
                    .text()
                    .await
                    .expect("a page")
                    .starts_with("<!DOCTYPE html>")
            );
        }
    }
    assert_eq!(
        download(&whatsapp, &link)
            .await
            .expect("an answer")
            .status(),
        200
    );
}

/// A download as far as it goes, the length announced, and whether it ended in order.
async fn fetched(whatsapp: &WhatsApp, link: &str) -> (Vec<u8>, Option<u64>, bool) {
    let answer = download(whatsapp, link).await.expect("an answer");
    let announced = answer.content_length();
    let (got, in_order) = read(answer).await;
    (got, announced, in_order)
}

#[tokio::test]
async fn faults_of_a_body() {
    let (whatsapp, message, bytes) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let link = link(&whatsapp, &message).await;
    let whole = bytes.len() as u64;

    for fault in [Fault::TruncatedBody, Fault::ResetMidBody] {
        whatsapp.faults().arm(fault, Times(1)).expect("applies");
        let (got, announced, in_order) = fetched(&whatsapp, &link).await;
        assert_eq!((announced, in_order), (Some(whole), false), "{fault}");
        assert!(
            got.len() <= bytes.len() / 2 && bytes.starts_with(&got),
            "{fault}"
        );
    }

    whatsapp
        .faults()
        .arm(Fault::LengthLies, Times(1))
        .expect("applies");
    let (got, announced, in_order) = fetched(&whatsapp, &link).await;
    assert_eq!(
        (got.len(), announced, in_order),
        (150_000, Some(150_000), true)
    );

    whatsapp
        .faults()
        .arm(Fault::DigestMismatch, Times(1))
        .expect("applies");
    let (got, _, in_order) = fetched(&whatsapp, &link).await;
    assert!(in_order && got.len() == bytes.len() && got != bytes);

    whatsapp.faults().set_slow_rate(4_000_000);
    whatsapp
        .faults()
        .arm(Fault::SlowBody, Times(1))
        .expect("applies");
    let started = std::time::Instant::now();
    let (got, _, _) = fetched(&whatsapp, &link).await;
    assert!(got == bytes && started.elapsed().as_millis() >= 50);

    let (got, _, in_order) = fetched(&whatsapp, &link).await;
    assert!(in_order && got == bytes, "every fault is used up");
}

#[tokio::test]
async fn a_stalled_body_waits_for_its_release() {
    let (whatsapp, message, bytes) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let link = link(&whatsapp, &message).await;
    whatsapp
        .faults()
        .arm_on(Fault::Stall, Times(1), message.as_str())
        .expect("applies");
    let mut answer = download(&whatsapp, &link).await.expect("headers");
    let mut got = Vec::new();
    while got.len() < bytes.len() / 2 {
        got.extend_from_slice(&answer.chunk().await.expect("in order").expect("more"));
    }
    assert_eq!(
        got.len(),
        bytes.len() / 2,
        "half, and no byte more before the release"
    );
    whatsapp.faults().release();
    while let Some(piece) = answer.chunk().await.expect("in order") {
        got.extend_from_slice(&piece);
    }
    assert_eq!(got, bytes);
}

#[tokio::test]
async fn following_a_redirect_with_the_token_is_seen() {
    let (whatsapp, message, bytes) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let link = link(&whatsapp, &message).await;
    whatsapp
        .faults()
        .arm(Fault::RedirectOffHost, Times(1))
        .expect("applies");
    let answer = download(&whatsapp, &link).await.expect("an answer");
    let to = answer.headers()["location"]
        .to_str()
        .expect("a location")
        .to_owned();
    assert!(to.starts_with(&whatsapp.foreign_url()));
    let canary = whatsapp.options().canary.clone();
    let without = client().get(&to).send().await.expect("an answer");
    assert_eq!(without.bytes().await.expect("whole"), bytes);
    assert_eq!(canary.strays(), []);
    download(&whatsapp, &to).await.expect("an answer");
    let strays = canary.strays();
    assert_eq!(strays.len(), 1);
    assert_eq!(strays[0].place, Place::Header("authorization".into()));
    assert!(whatsapp.foreign_url().ends_with(&strays[0].host));
}

#[tokio::test]
async fn faults_that_cannot_strike_are_refused() {
    let (genesys, _) = genesys(GenesysOptions::default()).await;
    let (whatsapp, _, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    for fault in Fault::ALL {
        let here = genesys.faults().arm(*fault, Times(0)).is_ok()
            || whatsapp.faults().arm(*fault, Times(0)).is_ok();
        assert!(here, "{fault} can strike at neither platform");
    }
    let refused = genesys.faults().arm(Fault::MetaThrottleAs400, Times(1));
    assert!(matches!(refused, Err(FaultError::NotHere { .. })));
}
