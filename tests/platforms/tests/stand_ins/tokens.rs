//! Genesys: tokens and their lives, who gets one, how many calls one is good for.

use std::time::Duration;

use attache_platforms::genesys::{Allowance, Genesys, GenesysOptions};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn calls_over_the_allowance_are_refused_until_the_window_ends() {
    let allowance = Allowance {
        calls: 2,
        window: Duration::from_secs(60),
    };
    let (genesys, token) = genesys(GenesysOptions {
        allowance,
        ..GenesysOptions::default()
    })
    .await;
    let body = message("m1", None);
    for (count, status) in [(1, 200), (2, 200), (3, 429)] {
        let answer = post(&genesys, &token, "message", &body)
            .await
            .expect("an answer");
        assert_eq!(answer.status(), status);
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("inin-ratelimit-count"), count.to_string());
        assert_eq!(header("inin-ratelimit-allowed"), "2");
        assert!(
            header("inin-ratelimit-reset")
                .parse::<u64>()
                .is_ok_and(|left| left <= 60)
        );
        assert!(!header("inin-correlation-id").is_empty());
        if status == 429 {
            assert_eq!(header("retry-after"), header("inin-ratelimit-reset"));
            let body: Value = answer.json().await.expect("JSON");
            assert_eq!(
                body["message"],
                "Rate limit exceeded the maximum [2] requests within [60] seconds"
            );
        }
    }
    genesys.options().clock.advance(Duration::from_secs(60));
    let answer = post(&genesys, &token, "message", &body)
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_own_words_fit(&genesys.violations());
}

#[tokio::test]
async fn tokens_live_as_long_as_they_say() {
    let token_life = Duration::from_secs(600);
    let (genesys, token) = genesys(GenesysOptions {
        token_life,
        ..GenesysOptions::default()
    })
    .await;
    let body = message("m1", None);
    let status = async |genesys: &Genesys, token: &str| {
        post(genesys, token, "message", &body)
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    genesys.options().clock.advance(Duration::from_secs(590));
    assert_eq!(status(&genesys, &token).await, 200);
    genesys.options().clock.advance(Duration::from_secs(11));
    assert_eq!(status(&genesys, &token).await, 401);
    let (_, answer) =
        status_and_body(ask_token(&genesys, &genesys.options().client_secret).await).await;
    assert_eq!(
        (&answer["expires_in"], &answer["token_type"]),
        (&json!(600), &json!("bearer"))
    );
    let token = answer["access_token"].as_str().expect("a token");
    assert_eq!(status(&genesys, token).await, 200);
    genesys.revoke_tokens();
    assert_eq!(status(&genesys, token).await, 401);
    assert_eq!(genesys.tokens_issued(), 2);
}

#[tokio::test]
async fn the_login_host_refuses_strangers_and_other_grants() {
    let (genesys, _) = genesys(GenesysOptions::default()).await;
    let (status, answer) = status_and_body(ask_token(&genesys, "wrong").await).await;
    assert_eq!((status, &answer["code"]), (401, &json!("bad.credentials")));
    let url = format!("{}/oauth/token", genesys.login_url());
    let options = genesys.options();
    let ask = || {
        client()
            .post(&url)
            .basic_auth(&options.client_id, Some(&options.client_secret))
    };
    let refresh = ask()
        .form(&[("grant_type", "refresh_token"), ("refresh_token", "x")])
        .send()
        .await;
    let (status, answer) = status_and_body(refresh).await;
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("unsupported_grant_type"))
    );
    let (status, answer) = status_and_body(ask().json(&json!({})).send().await).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")));
}
