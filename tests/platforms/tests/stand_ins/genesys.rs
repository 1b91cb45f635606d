//! Genesys: the schema at the door, what is fetched and shown.

use attache_platforms::{
    faults::{Fault, Point, Times},
    genesys::{Duplicates, Fetched, GenesysOptions},
    specs::Side,
};
use axum::{Router, http::HeaderMap, response::Redirect, routing::get};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::*;

/// A store: a file, a large file, a redirect to the file; the file is refused to whoever sends credentials.
async fn store() -> String {
    async fn file(headers: HeaderMap) -> Result<&'static str, axum::http::StatusCode> {
        match headers.contains_key("authorization") {
            true => Err(axum::http::StatusCode::BAD_REQUEST),
            false => Ok("the bytes"),
        }
    }
    let app = Router::new()
        .route("/file", get(file))
        .route("/large", get(|| async { vec![7_u8; 3000] }))
        .route("/moved", get(|| async { Redirect::temporary("/file") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

#[tokio::test]
async fn the_agent_sees_the_text_and_the_bytes() {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    let body = message("m1", Some(&format!("{}/file", store().await)));
    let (status, answer) = status_and_body(
        post(
            &genesys,
            &token,
            "message?prefetchConversationId=true",
            &body,
        )
        .await,
    )
    .await;
    assert_eq!(status, 200, "{answer}");
    let shown = &genesys.wait_for_messages(1, SOON).await.expect("shown")[0];
    assert_eq!(shown.text.as_deref(), Some("Here is my receipt"));
    assert_eq!(
        (shown.from.as_str(), shown.nickname.as_deref()),
        ("16505551234", Some("Sheena Nelson"))
    );
    assert_eq!(answer["conversationId"], shown.conversation_id);
    let attachment = &shown.attachments[0];
    assert_eq!(attachment.filename.as_deref(), Some("r.jpg"));
    assert_eq!(attachment.bytes().expect("fetched"), "the bytes");
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest("the bytes"));
    assert_eq!(attachment.sha256(), Some(digest.as_str()));
    assert_eq!(genesys.violations(), []);
    assert_eq!(genesys.options().canary.strays(), []);
}

#[tokio::test]
async fn links_that_do_not_give_the_bytes_show_as_such() {
    let options = GenesysOptions {
        attachment_cap_bytes: 2000,
        ..GenesysOptions::default()
    };
    let (genesys, token) = genesys(options).await;
    let store = store().await;
    let rows = [
        ("/large", "TooLarge"),
        ("/moved", "Failed"),
        ("/none", "Failed"),
    ];
    for (count, (path, expected)) in rows.into_iter().enumerate() {
        let body = message(path, Some(&format!("{store}{path}")));
        post(&genesys, &token, "message", &body)
            .await
            .expect("an answer");
        let shown = genesys
            .wait_for_messages(count + 1, SOON)
            .await
            .expect("shown");
        let fetched = format!("{:?}", shown[count].attachments[0].fetched);
        assert!(fetched.starts_with(expected), "{path}: {fetched}");
    }
}

#[tokio::test]
async fn media_outside_the_profile_are_dropped_and_the_text_stays() {
    let options = GenesysOptions {
        inbound_types: vec!["application/pdf".into()],
        ..GenesysOptions::default()
    };
    let (genesys, token) = genesys(options).await;
    let body = message("m1", Some("http://127.0.0.1:9/never-fetched"));
    let (status, _) = status_and_body(post(&genesys, &token, "message", &body).await).await;
    assert_eq!(status, 200, "no error comes back");
    let shown = &genesys.wait_for_messages(1, SOON).await.expect("shown")[0];
    assert_eq!(shown.attachments[0].fetched, Fetched::NotAllowed);
    assert!(shown.text.is_some());
    let profile = format!(
        "{}/api/v2/conversations/messaging/supportedcontent",
        genesys.api_url()
    );
    for path in [profile.clone(), format!("{profile}/default")] {
        let answer = client()
            .get(path)
            .bearer_auth(&token)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(genesys.violations(), []);
}

#[tokio::test]
async fn an_integration_names_its_profile_to_whoever_may_see_it() {
    let seen = |own: Option<&str>, shows: bool| GenesysOptions {
        supported_content: own.map(str::to_owned),
        shows_configuration: shows,
        ..GenesysOptions::default()
    };
    for (options, named, profile) in [
        (seen(None, true), Some(None), "default"),
        (seen(Some("own"), true), Some(Some("own")), "own"),
        (seen(Some("own"), false), None, "own"),
    ] {
        let (genesys, token) = genesys(options).await;
        let base = format!("{}/api/v2/conversations/messaging", genesys.api_url());
        let integration = genesys.options().integration_id.clone();
        let get = async |path: String| {
            let request = client().get(format!("{base}/{path}")).bearer_auth(&token);
            status_and_body(request.send().await).await
        };
        let (status, body) = get(format!("integrations/open/{integration}")).await;
        let expected = if named.is_some() { 200 } else { 403 };
        assert_eq!(status, expected, "{body}");
        if let Some(named) = named {
            assert_eq!(body["id"], json!(integration));
            assert_eq!(body["supportedContent"]["id"].as_str(), named);
        }
        let (status, _) = get(format!("supportedcontent/{profile}")).await;
        assert_eq!(status, expected);
        let (status, _) = get("integrations/open/another".to_owned()).await;
        assert_eq!(status, 404);
        assert_eq!(genesys.violations(), []);
    }
}

#[tokio::test]
async fn a_repeated_message_is_two_posts_and_shown_as_the_option_says() {
    for (duplicates, shown) in [(Duplicates::Shown, 2), (Duplicates::Suppressed, 1)] {
        let (genesys, token) = genesys(GenesysOptions {
            duplicates,
            ..GenesysOptions::default()
        })
        .await;
        for _ in 0..2 {
            post(&genesys, &token, "message", &message("m1", None))
                .await
                .expect("an answer");
        }
        post(&genesys, &token, "message", &message("m2", None))
            .await
            .expect("an answer");
        assert_eq!(genesys.posts().len(), 3);
        let messages = genesys
            .wait_for_messages(shown + 1, SOON)
            .await
            .expect("shown");
        assert_eq!(messages.len(), shown + 1);
    }
}

#[tokio::test]
async fn the_door_refuses_what_does_not_fit() {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    let url = |integration: &str| {
        format!(
            "{}/api/v2/conversations/messages/{integration}/inbound/open/message",
            genesys.api_url()
        )
    };
    let ours = genesys.options().integration_id.clone();
    let good = message("m1", None).to_string();
    let json = "application/json";
    let mut two = message("m1", Some("http://127.0.0.1:9/x"));
    two["content"] = json!([two["content"][0], two["content"][0]]);
    let two = two.to_string();
    let rows = [
        (
            "no token",
            url(&ours),
            "",
            json,
            good.as_str(),
            401,
            "authentication.required",
        ),
        (
            "a made-up token",
            url(&ours),
            "nonsense",
            json,
            &good,
            401,
            "bad.credentials",
        ),
        (
            "a form",
            url(&ours),
            &token,
            "multipart/form-data; boundary=x",
            &good,
            415,
            "unsupported.media.type",
        ),
        (
            "not JSON",
            url(&ours),
            &token,
            json,
            "{",
            400,
            "bad.request",
        ),
        (
            "no channel",
            url(&ours),
            &token,
            json,
            "{}",
            400,
            "invalid.value",
        ),
        (
            "two attachments",
            url(&ours),
            &token,
            json,
            &two,
            400,
            "invalid.value",
        ),
        (
            "another integration",
            url("other"),
            &token,
            json,
            &good,
            404,
            "not.found",
        ),
        (
            "another path",
            format!("{}/api/v2/message/nothing", genesys.api_url()),
            &token,
            json,
            &good,
            404,
            "not.found",
        ),
    ];
    for (name, url, token, kind, body, status, code) in rows {
        let mut request = client()
            .post(url)
            .header("content-type", kind)
            .body(body.to_owned());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let (got, answer) = status_and_body(request.send().await).await;
        assert_eq!((got, &answer["code"]), (status, &code.into()), "{name}");
        assert!(answer["contextId"].is_string(), "{name}");
    }
    assert!(genesys.posts().is_empty());
    assert_own_words_fit(&genesys.violations());
    let noted = genesys.violations();
    assert!(
        noted.iter().any(|v| v.side == Side::Request),
        "the client's breaches are noted"
    );
}

#[tokio::test]
async fn texts_are_shown_at_once_and_listed_in_the_order_accepted() {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    let faults = genesys.faults();
    let stalled = faults.arm_at(Fault::Stall, Times(1), Point::Fetch);
    let mut first = message("m1", Some(&format!("{}/file", store().await)));
    first["text"] = "one".into();
    let mut second = message("m2", None);
    second["text"] = "two".into();
    for body in [&first, &second] {
        post(&genesys, &token, "message", body)
            .await
            .expect("an answer");
    }
    genesys.wait_for_messages(1, SOON).await.expect("shown");
    faults.wait_until_held(SOON).await.expect("held");
    assert_eq!(genesys.texts(), ["two"]);
    faults.release();
    genesys.wait_for_messages(2, SOON).await.expect("shown");
    assert_eq!(genesys.texts(), ["one", "two"]);
    assert_eq!(stalled.expect("applies").fired(), 1);
}
