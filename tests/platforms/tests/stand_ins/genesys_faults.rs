//! Faults of Genesys' login host and inbound calls, seen by a client.

use attache_platforms::{
    faults::{Fault, Point, Times},
    genesys::GenesysOptions,
    whatsapp::WhatsAppOptions,
};

use crate::{faults::seen, support::*};

#[tokio::test]
async fn a_lost_answer_is_an_effect_without_a_word() {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    genesys
        .faults()
        .arm(Fault::LostAnswer, Times(1))
        .expect("applies");
    let lost = post(&genesys, &token, "message", &message("m1", None)).await;
    assert!(lost.is_err_and(|error| !error.is_timeout()));
    let shown = genesys
        .wait_for_messages(1, SOON)
        .await
        .expect("shown all the same");
    assert_eq!(shown[0].channel_message_id.as_deref(), Some("m1"));
    assert!(genesys.posts()[0].answer_lost);
}

#[tokio::test]
async fn faults_of_an_inbound_message() {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    genesys.faults().set_retry_after_seconds(3);
    let rows = [
        ("rate-limit", 429, "too.many.requests"),
        ("five-hundreds", 503, "service.unavailable"),
        ("unauthorised", 401, "bad.credentials"),
        ("limit-drift", 413, "request.entity.too.large"),
    ];
    for (name, status, code) in rows {
        genesys.faults().arm_named(name, Times(1)).expect("applies");
        let answer = post(&genesys, &token, "message", &message("m1", None))
            .await
            .expect("an answer");
        if status == 429 {
            assert_eq!(answer.headers()["retry-after"], "3");
            assert_eq!(answer.headers()["inin-ratelimit-reset"], "3");
        }
        let (got, _, body) = seen(answer).await;
        assert_eq!((got, &body["code"]), (status, &code.into()), "{name}");
    }
    genesys
        .faults()
        .arm(Fault::DeadToken, Times(1))
        .expect("applies");
    for _ in 0..2 {
        let answer = post(&genesys, &token, "message", &message("m1", None))
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 401, "a dead token stays dead");
    }
    assert!(genesys.posts().is_empty(), "none of these had an effect");
    let token = crate::support::token(&genesys).await;
    let answer = post(&genesys, &token, "message", &message("m1", None))
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(genesys.violations(), []);
}

#[tokio::test]
async fn faults_of_the_token_endpoint() {
    let (genesys, _) = genesys(GenesysOptions::default()).await;
    let secret = genesys.options().client_secret.clone();
    let rows = [
        (Fault::RateLimit, 429),
        (Fault::FiveHundreds, 503),
        (Fault::Unauthorised, 401),
        (Fault::HtmlErrorPage, 502),
    ];
    for (fault, status) in rows {
        genesys.faults().arm(fault, Times(1)).expect("applies");
        let answer = ask_token(&genesys, &secret).await.expect("an answer");
        assert_eq!(answer.status(), status, "{fault}");
    }
    genesys
        .faults()
        .arm(Fault::LostAnswer, Times(1))
        .expect("applies");
    assert!(ask_token(&genesys, &secret).await.is_err());
    assert_eq!(
        genesys.tokens_issued(),
        2,
        "the first, and the one whose answer was lost"
    );
}

#[tokio::test]
async fn a_stalled_fetch_comes_after_the_link_has_died() {
    let (whatsapp, photo, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    genesys
        .faults()
        .arm_at(Fault::Stall, Times(1), Point::Fetch)
        .expect("applies");
    let link = link(&whatsapp, &photo).await;
    let sent = post(&genesys, &token, "message", &message("m1", Some(&link))).await;
    assert_eq!(sent.expect("an answer").status(), 200);
    genesys.faults().wait_until_held(SOON).await.expect("held");
    assert!(genesys.messages().is_empty());
    genesys.faults().release();
    let shown = &genesys.wait_for_messages(1, SOON).await.expect("shown")[0];
    assert!(
        shown.attachments[0].bytes().is_none(),
        "that link needs a token"
    );
}
