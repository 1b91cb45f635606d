//! WhatsApp's two hops: links, lives, tenants, tokens, the look-up budget.

use std::time::Duration;

use attache_platforms::whatsapp::{ErrorBudget, FileSizeForm, PhoneNumber, WhatsAppOptions};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_photo_comes_back_over_two_hosts() {
    for (form, as_string) in [(FileSizeForm::Integer, false), (FileSizeForm::String, true)] {
        let options = WhatsAppOptions {
            file_size: form,
            ..WhatsAppOptions::default()
        };
        let (whatsapp, message, bytes) = whatsapp_with_photo(options).await;
        let found: Value = look_up(&whatsapp, &message)
            .await
            .json()
            .await
            .expect("JSON");
        let size = match as_string {
            true => json!("200000"),
            false => json!(200_000),
        };
        assert_eq!(found["file_size"], size);
        let medium = whatsapp.medium(&message).expect("a medium");
        assert_eq!(found["sha256"], medium.sha256_hex());
        let link = found["url"].as_str().expect("a link");
        assert!(link.starts_with("http://localhost:"), "{link}");
        assert!(whatsapp.graph_url().starts_with("http://127.0.0.1:"));
        let got = download(&whatsapp, link).await.expect("an answer");
        assert_eq!(got.headers()["content-type"], "image/jpeg");
        assert_eq!(got.headers()["content-length"], "200000");
        assert_eq!(got.bytes().await.expect("whole"), bytes);
        assert_eq!(whatsapp.violations(), []);
        assert_eq!(whatsapp.options().canary.strays(), []);
        assert!(whatsapp.token_sightings().len() >= 2);
    }
}

#[tokio::test]
async fn links_die_after_five_minutes_and_ids_after_seven_days() {
    let (whatsapp, message, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let clock = &whatsapp.options().clock;
    let first = link(&whatsapp, &message).await;
    clock.advance(Duration::from_secs(290));
    assert_eq!(
        download(&whatsapp, &first)
            .await
            .expect("an answer")
            .status(),
        200
    );
    clock.advance(Duration::from_secs(11));
    assert_eq!(
        download(&whatsapp, &first)
            .await
            .expect("an answer")
            .status(),
        404
    );
    let second = link(&whatsapp, &message).await;
    assert_eq!(
        download(&whatsapp, &second)
            .await
            .expect("an answer")
            .status(),
        200
    );
    clock.advance(Duration::from_secs(7 * 24 * 3600));
    let gone = look_up(&whatsapp, &message).await;
    assert_eq!(gone.status(), 400);
    let gone: Value = gone.json().await.expect("JSON");
    assert_eq!(
        (&gone["error"]["code"], &gone["error"]["error_subcode"]),
        (&json!(100), &json!(33))
    );
    assert_own_words_fit(&whatsapp.violations());
}

#[tokio::test]
async fn refusals_are_the_documented_ones() {
    let (whatsapp, message, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let medium = whatsapp.medium(&message).expect("a medium").id;
    let link = link(&whatsapp, &message).await;
    let graph = |path: &str| format!("{}/v23.0/{path}", whatsapp.graph_url());
    let forged = link.replace("hash=AR", "hash=AX");
    let good = whatsapp.options().access_token.as_str();
    let rows = [
        ("no token at hop 1", graph(&medium), None, 401),
        ("another token at hop 1", graph(&medium), Some("other"), 401),
        (
            "another number's medium",
            graph(&format!("{medium}?phone_number_id=1")),
            Some(good),
            400,
        ),
        ("an unknown id", graph("1"), Some(good), 400),
        ("no token at hop 2", link.clone(), None, 401),
        ("another token at hop 2", link, Some("other"), 401),
        ("an altered link", forged, Some(good), 403),
    ];
    for (name, url, token, status) in rows {
        let mut request = client().get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(
            request.send().await.expect("an answer").status(),
            status,
            "{name}"
        );
    }
    assert_own_words_fit(&whatsapp.violations());
}

#[tokio::test]
async fn a_download_needs_a_user_agent() {
    let (whatsapp, message, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let link = link(&whatsapp, &message).await;
    let bare = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let request = bare.get(link).bearer_auth(&whatsapp.options().access_token);
    assert_eq!(request.send().await.expect("an answer").status(), 403);
}

#[tokio::test]
async fn a_deleted_medium_is_gone_and_a_replaced_token_dead() {
    let (whatsapp, message, _) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let medium = whatsapp.medium(&message).expect("a medium").id;
    let url = format!("{}/v23.0/{medium}", whatsapp.graph_url());
    let deleted = client()
        .delete(url)
        .bearer_auth(&whatsapp.options().access_token);
    let deleted: Value = deleted
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(deleted, json!({ "success": true }));
    assert_eq!(look_up_id(&whatsapp, &medium).await.status(), 400);
    whatsapp.replace_access_token("another");
    assert_eq!(look_up_id(&whatsapp, &medium).await.status(), 401);
    assert_own_words_fit(&whatsapp.violations());
}

#[tokio::test]
async fn failing_look_ups_block_all_look_ups_for_a_while() {
    let budget = ErrorBudget {
        errors: 3,
        window: Duration::from_secs(3600),
        block: Duration::from_secs(1800),
    };
    let options = WhatsAppOptions {
        error_budget: Some(budget),
        ..WhatsAppOptions::default()
    };
    let (whatsapp, message, _) = whatsapp_with_photo(options).await;
    for _ in 0..3 {
        assert_eq!(look_up_id(&whatsapp, "1").await.status(), 400);
    }
    let blocked: Value = look_up(&whatsapp, &message)
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(blocked["error"]["code"], 4);
    whatsapp.options().clock.advance(Duration::from_secs(1801));
    assert_eq!(look_up(&whatsapp, &message).await.status(), 200);
}

#[tokio::test]
async fn ranges_are_honoured_unless_the_options_say_no() {
    for ranges in [false, true] {
        let options = WhatsAppOptions {
            ranges,
            ..WhatsAppOptions::default()
        };
        let (whatsapp, message, bytes) = whatsapp_with_photo(options).await;
        let request = client().get(link(&whatsapp, &message).await);
        let request = request.bearer_auth(&whatsapp.options().access_token);
        let answer = request
            .header("Range", "bytes=199990-")
            .send()
            .await
            .expect("an answer");
        let (status, from) = if ranges { (206, 199_990) } else { (200, 0) };
        assert_eq!(answer.status(), status);
        assert_eq!(answer.bytes().await.expect("whole"), bytes[from..]);
    }
}

#[tokio::test]
async fn media_of_one_number_are_hidden_from_another() {
    let numbers = vec![
        PhoneNumber::new("n1", "1555", "w1"),
        PhoneNumber::new("n2", "1556", "w2"),
    ];
    let options = WhatsAppOptions {
        numbers,
        ..WhatsAppOptions::default()
    };
    let (whatsapp, message, _) = whatsapp_with_photo(options).await;
    let medium = whatsapp.medium(&message).expect("a medium");
    assert_eq!(medium.phone_number_id, "n1");
    for (number, status) in [("n1", 200), ("n2", 400)] {
        let url = format!(
            "{}/v23.0/{}?phone_number_id={number}",
            whatsapp.graph_url(),
            medium.id
        );
        let request = client()
            .get(url)
            .bearer_auth(&whatsapp.options().access_token);
        assert_eq!(request.send().await.expect("an answer").status(), status);
    }
}
