//! The files of Genesys' agents and events: token to the platform's hosts, none to the object store, links that die.

use std::time::Duration;

use attache_platforms::{
    canary::Place,
    faults::{Fault, Point, Times},
    genesys::{AgentFile, AttachmentLinks, DeliveryState, Genesys, GenesysOptions},
    signature,
};
use serde_json::{Value, json};

use crate::support::*;

const BYTES: usize = 200_000;

/// A photo on its way: the stand-in, a token, the link in the webhook, the bytes.
async fn photo(options: GenesysOptions) -> (Genesys, String, String, Vec<u8>) {
    let (genesys, token, callback) = genesys_calling(options, &[]).await;
    let bytes: Vec<u8> = (0..BYTES).map(|n| (n % 251) as u8).collect();
    let file = AgentFile::new(bytes.clone(), "image/jpeg").named("r.jpg");
    let sent = genesys.agent().send_file("16505551234", file, "");
    let sent = sent.expect("allowed");
    genesys
        .wait_for_delivery(&sent, SOON)
        .await
        .expect("settled");
    let link = callback.bodies()[0]["content"][0]["attachment"]["url"].clone();
    (
        genesys,
        token,
        link.as_str().expect("a link").to_owned(),
        bytes,
    )
}

/// The signed link behind a downloads path, asked for without a redirect.
async fn signed(link: &str, token: &str) -> String {
    let answer = get_with(&format!("{link}?issueRedirect=false"), Some(token)).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.expect("JSON");
    answer["url"].as_str().expect("a link").to_owned()
}

async fn status(url: &str, token: Option<&str>) -> u16 {
    let answer = get_with(url, token).await.expect("an answer");
    answer.status().as_u16()
}

#[tokio::test]
async fn the_downloads_path_of_both_hosts_leads_to_a_signed_link() {
    let forms = [
        (AttachmentLinks::ApiDownloads, "/api/v2/downloads/"),
        (
            AttachmentLinks::AppsDownloads,
            "/platform/api/v2/downloads/",
        ),
    ];
    for (attachment_links, path) in forms {
        let options = GenesysOptions {
            attachment_links,
            ..GenesysOptions::default()
        };
        let (genesys, token, link, bytes) = photo(options).await;
        let host = match attachment_links {
            AttachmentLinks::AppsDownloads => genesys.apps_url(),
            _ => genesys.api_url(),
        };
        assert!(link.starts_with(&format!("{host}{path}")), "{link}");
        assert_eq!(status(&link, None).await, 401);
        assert_eq!(status(&format!("{link}0"), Some(&token)).await, 404);
        let moved = get_with(&link, Some(&token)).await.expect("an answer");
        assert_eq!(moved.status(), 302);
        let location = moved.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned();
        for store in [location, signed(&link, &token).await] {
            assert!(store.starts_with(&genesys.store_url()), "{store}");
            let got = get_with(&store, None).await.expect("an answer");
            assert_eq!(got.headers()["content-length"], BYTES.to_string());
            assert_eq!(got.headers()["content-type"], "image/jpeg");
            assert_eq!(got.bytes().await.expect("whole"), bytes);
        }
        assert_eq!(genesys.options().canary.strays(), []);
        assert_eq!(genesys.violations(), []);
    }
}

#[tokio::test]
async fn a_signed_link_takes_no_token_and_lives_a_quarter_of_an_hour() {
    let options = GenesysOptions {
        attachment_links: AttachmentLinks::Signed,
        ..GenesysOptions::default()
    };
    let (genesys, token, link, bytes) = photo(options).await;
    assert!(genesys.store_url().starts_with("http://localhost:"));
    assert_eq!(status(&link, None).await, 200);
    assert_eq!(status(&link, Some(&token)).await, 400);
    let strays = genesys.options().canary.strays();
    assert_eq!(strays.len(), 1);
    assert_eq!(strays[0].place, Place::Header("authorization".into()));
    assert_eq!(
        status(&link.replace("Signature=AR", "Signature=AX"), None).await,
        403
    );
    assert_eq!(status(&genesys.store_url(), None).await, 403);
    let request = client().get(&link).header("Range", "bytes=199990-");
    let part = request.send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    assert_eq!(
        part.headers()["content-range"],
        "bytes 199990-199999/200000"
    );
    assert_eq!(part.bytes().await.expect("whole"), bytes[199_990..]);
    genesys
        .options()
        .clock
        .advance(Duration::from_secs(15 * 60));
    assert_eq!(status(&link, None).await, 403);
}

#[tokio::test]
async fn faults_of_the_downloads_path() {
    let (genesys, token, link, _) = photo(GenesysOptions::default()).await;
    let rows = [
        (Fault::RateLimit, 429),
        (Fault::FiveHundreds, 503),
        (Fault::HtmlErrorPage, 502),
        (Fault::Unauthorised, 401),
        (Fault::RedirectOffHost, 302),
    ];
    for (fault, expected) in rows {
        let armed = genesys.faults().arm_at(fault, Times(1), Point::Resolve);
        let answer = get_with(&link, Some(&token)).await.expect("an answer");
        assert_eq!(answer.status(), expected, "{fault}");
        assert_eq!(armed.expect("applies").fired(), 1);
        if fault == Fault::RedirectOffHost {
            let to = answer.headers()["location"].to_str().expect("text");
            assert!(to.starts_with(&genesys.foreign_url()), "{to}");
            assert_eq!(
                status(to, None).await,
                200,
                "following blindly seems to work"
            );
        }
    }
    genesys
        .faults()
        .arm(Fault::LostAnswer, Times(1))
        .expect("applies");
    assert!(get_with(&link, Some(&token)).await.is_err());
    assert_eq!(genesys.violations(), []);
}

#[tokio::test]
async fn faults_of_the_object_store() {
    let (genesys, token, link, bytes) = photo(GenesysOptions::default()).await;
    let link = signed(&link, &token).await;
    let rows = [
        (Fault::ExpiredLink, 403),
        (Fault::FiveHundreds, 503),
        (Fault::HtmlErrorPage, 200),
        (Fault::RedirectOffHost, 302),
    ];
    for (fault, expected) in rows {
        genesys
            .faults()
            .arm_at(fault, Times(1), Point::Download)
            .expect("applies");
        let answer = get_with(&link, None).await.expect("an answer");
        assert_eq!(answer.status(), expected, "{fault}");
        assert_ne!(answer.bytes().await.expect("a body"), bytes, "{fault}");
    }
    genesys.faults().set_slow_rate(4_000_000);
    let rows = [
        (Fault::TruncatedBody, false),
        (Fault::ResetMidBody, false),
        (Fault::DigestMismatch, false),
        (Fault::LengthLies, false),
        (Fault::SlowBody, true),
    ];
    for (fault, right) in rows {
        genesys
            .faults()
            .arm_at(fault, Times(1), Point::Download)
            .expect("applies");
        let answer = get_with(&link, None).await.expect("an answer");
        let got = answer.bytes().await;
        assert_eq!(got.is_ok_and(|got| got == bytes), right, "{fault}");
    }
    genesys
        .faults()
        .arm_at(Fault::Stall, Times(1), Point::Download)
        .expect("applies");
    let stalled = tokio::spawn(async move { get_with(&link, None).await?.bytes().await });
    genesys.faults().wait_until_held(SOON).await.expect("held");
    genesys.faults().release();
    let whole = stalled.await.expect("ran").expect("whole");
    assert_eq!(whole, bytes);
}

#[tokio::test]
async fn a_media_event_has_the_documents_form_and_its_link_answers_a_bearer() {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    let (callback, url) = Callback::start(&[500]).await;
    let events = genesys.message_media();
    events.set_callback(url);
    let event = events.announce(AgentFile::new("the bytes", "image/png"));
    let tried = genesys.wait_for_attempts(&event.event_id, 1, SOON).await;
    assert_eq!(tried.expect("posted").attempts[0].outcome, Ok(500));
    genesys.options().clock.advance(Duration::from_secs(5));
    let delivery = genesys.wait_for_delivery(&event.event_id, SOON).await;
    assert_eq!(
        delivery.expect("settled").state,
        DeliveryState::Acknowledged
    );
    let (headers, body) = callback.received.lock().expect("lock")[1].clone();
    let secret = &genesys.options().webhook_secret;
    assert_eq!(
        headers[signature::HEADER],
        signature::genesys(secret, &body)
    );
    let body = &callback.bodies()[1];
    assert_eq!(body["event_type"], "message:message-media");
    let data = json!({
        "id": event.media_id, "url": event.url, "media_type": "image/png", "size": 9,
        "conversation_id": event.conversation_id, "message_id": event.message_id,
    });
    assert_eq!(body["data"], data);
    let base = genesys.api_url();
    assert_eq!(
        event.url,
        format!("{base}/api/v2/message/mediadata/{}", event.media_id)
    );
    assert_eq!(status(&event.url, None).await, 401);
    let got = get_with(&event.url, Some(&token)).await.expect("an answer");
    assert_eq!(got.bytes().await.expect("whole"), "the bytes");
    for fault in [Fault::TruncatedBody, Fault::ResetMidBody] {
        genesys
            .faults()
            .arm_on(fault, Times(1), &event.media_id)
            .expect("applies");
        let got = get_with(&event.url, Some(&token)).await.expect("an answer");
        assert!(got.bytes().await.is_err(), "{fault}");
    }
    genesys
        .options()
        .clock
        .advance(Duration::from_secs(20 * 60));
    assert_eq!(status(&event.url, Some(&token)).await, 403);
    assert_eq!(genesys.options().canary.strays(), []);
}
