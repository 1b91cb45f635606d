//! What must not come in does not: through the real HTTP API, with the status that tells the sender why.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use attache_domain::connection::Profile;
use attache_domain::platforms;
use attache_e2e::{Setup, Stage, eventually};
use attache_flow::intake::LARGEST_BODY;
use attache_local::iam::CallCount;
use attache_operator::site::table_name;
use attache_operator::standins::ENDPOINT;
use attache_platforms::signature;
use flate2::read::DeflateDecoder;
use reqwest::{Client, Response};
use serde_json::{Value, json};

const MEBIBYTE: usize = 1024 * 1024;

/// A stage whose intake has no reason of its own to call AWS: its copy of the connections outlives the scenario.
async fn stage() -> Result<Stage> {
    let parameters = vec![("ConnectionsMaxAgeSeconds", "3600")];
    Stage::start(Setup {
        parameters,
        ..Setup::default()
    })
    .await
}

fn url(stage: &Stage, endpoint: &str) -> String {
    format!("{}/webhooks/{endpoint}", stage.run.api_url())
}

/// Posts a body; `signature` is the whole header.
async fn post(
    stage: &Stage,
    endpoint: &str,
    body: impl Into<Vec<u8>>,
    signature: Option<&str>,
) -> Result<Response> {
    let request = Client::new()
        .post(url(stage, endpoint))
        .header("Content-Type", "application/json")
        .body(body.into());
    let request = match signature {
        Some(signature) => request.header(signature::HEADER, signature),
        None => request,
    };
    Ok(request.send().await?)
}

async fn post_signed(stage: &Stage, body: impl Into<Vec<u8>>) -> Result<Response> {
    let body = body.into();
    let signature = signature::meta(&stage.standins.whatsapp.options().app_secret, &body);
    post(stage, ENDPOINT, body, Some(&signature)).await
}

/// Intake's calls to AWS so far.
fn calls(stage: &Stage) -> Vec<CallCount> {
    let calls = stage.run.calls().into_iter();
    calls
        .filter(|call| call.principal == "IntakeFunction")
        .collect()
}

/// A webhook of one change.
fn webhook(field: &str, value: Value) -> String {
    let entry = json!({ "id": "419561257915477", "changes": [{ "field": field, "value": value }] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string()
}

const BOUND: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_turned_away_without_a_call_to_aws() -> Result<()> {
    let stage = stage().await?;
    let body = webhook("messages", json!({}));
    let secret = stage.standins.whatsapp.options().app_secret.clone();
    let right = signature::meta(&secret, body.as_bytes());
    let other_body = signature::meta(&secret, b"{}");
    let other_secret = signature::meta("another-secret", body.as_bytes());
    let in_base64 = signature::genesys(&secret, body.as_bytes());
    let before = calls(&stage);
    assert!(!before.is_empty(), "intake has loaded its connections");
    for (what, endpoint, signature, expected) in [
        ("an unknown endpoint", "nobody", Some(right.as_str()), 404),
        (
            "an endpoint in other letters",
            "WhatsApp",
            Some(&right),
            404,
        ),
        ("a climbing path", "..%2Fwhatsapp", Some(&right), 404),
        ("no signature", ENDPOINT, None, 401),
        ("an empty signature", ENDPOINT, Some(""), 401),
        (
            "a signature without its scheme",
            ENDPOINT,
            Some(&right["sha256=".len()..]),
            401,
        ),
        (
            "a signature cut short",
            ENDPOINT,
            Some(&right[..right.len() - 2]),
            401,
        ),
        (
            "a signature of another body",
            ENDPOINT,
            Some(&other_body),
            401,
        ),
        (
            "a signature by another secret",
            ENDPOINT,
            Some(&other_secret),
            401,
        ),
        ("Genesys' encoding of it", ENDPOINT, Some(&in_base64), 401),
    ] {
        let answer = post(&stage, endpoint, body.clone(), signature).await?;
        assert_eq!(answer.status(), expected, "{what}");
    }
    assert_eq!(calls(&stage), before, "a refused request led to a call");
    let answer = post(&stage, ENDPOINT, body.clone(), Some(&right)).await?;
    assert_eq!(answer.status(), 200, "the right signature");
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_over_the_limit_are_refused_wherever_they_are_noticed() -> Result<()> {
    let stage = stage().await?;
    let before = calls(&stage);
    for (what, bytes) in [
        ("over intake's own limit", LARGEST_BODY + 1),
        ("over what a function can be given", 7 * MEBIBYTE),
        ("over what the HTTP API takes", 11 * MEBIBYTE),
    ] {
        let answer = post_signed(&stage, vec![b'a'; bytes]).await?;
        assert_eq!(answer.status(), 413, "{what}");
    }
    // Signed and just within: read, and found to be no JSON.
    let answer = post_signed(&stage, vec![b'a'; LARGEST_BODY]).await?;
    assert_eq!(answer.status(), 400);
    assert_eq!(calls(&stage), before, "a refused request led to a call");
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_nonsense_is_answered_with_an_id_that_the_log_knows() -> Result<()> {
    let stage = stage().await?;
    let before = calls(&stage);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{\"object\": \"page\", \"entry\": []",
        "\u{0}\u{1}",
    ] {
        let answer = post_signed(&stage, body).await?;
        assert_eq!(answer.status(), 400, "{body:?}");
        let text = answer.text().await?;
        let (_, id) = text
            .split_once("correlation id ")
            .with_context(|| format!("{body:?}: no id in {text:?}"))?;
        let id = id.trim_end_matches(')').to_owned();
        let logged = || async {
            Ok((!stage
                .log
                .containing(&format!("\"correlation.id\":\"{id}\""))
                .is_empty())
            .then_some(()))
        };
        eventually("the id in the log", Duration::from_secs(10), logged).await?;
    }
    assert_eq!(calls(&stage), before, "a refused request led to a call");
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_nobodys_is_kept_once() -> Result<()> {
    let stage = stage().await?;
    let number = stage.standins.whatsapp.options().numbers[0]
        .phone_number_id
        .clone();
    let message = |phone_number_id: &str, message: Value| {
        let metadata =
            json!({ "display_phone_number": "15550783881", "phone_number_id": phone_number_id });
        webhook(
            "messages",
            json!({ "messaging_product": "whatsapp", "metadata": metadata, "messages": [message] }),
        )
    };
    let of_kind = |id: &str, kind: &str| json!({ "from": "16505551234", "id": id, "timestamp": "1750000000", "type": kind, kind: { "body": "x" } });
    let status = json!({ "id": "wamid.status", "status": "delivered", "timestamp": "1750000000", "recipient_id": "16505551234" });
    let metadata = json!({ "display_phone_number": "15550783881", "phone_number_id": number });
    let bodies = [
        message(&number, of_kind("wamid.text", "text")),
        message(&number, of_kind("wamid.future", "hologram")),
        message("999", of_kind("wamid.stranger", "image")),
        webhook(
            "messages",
            json!({ "messaging_product": "whatsapp", "metadata": metadata, "statuses": [status] }),
        ),
    ];
    for body in bodies.iter().chain(&bodies) {
        let answer = post_signed(&stage, body.clone()).await?;
        assert_eq!(answer.status(), 200, "{body}");
    }
    // A text and a kind that is newer than this version are carried; the rest is kept.
    let expected = [
        ("wamid.status/delivered", "not-ours"),
        ("wamid.stranger", "unknown-business"),
    ];
    let expected = expected.map(|(id, why)| (format!("{ENDPOINT}/{id}"), why.to_owned()));
    assert_eq!(kept(&stage).await?, BTreeMap::from(expected));
    stage.standins.genesys.wait_for_messages(2, BOUND).await?;
    stage.quiet(BOUND).await?;
    assert_eq!(stage.standins.genesys.texts().len(), 2, "each once");
    stage.stop().await
}

/// Why each event in the `claims` table was kept; each row has its slice of the webhook.
async fn kept(stage: &Stage) -> Result<BTreeMap<String, String>> {
    let table = table_name(stage.run.template(), "ClaimsTable")?;
    let rows = stage
        .run
        .clients()
        .dynamodb
        .scan()
        .table_name(table)
        .send()
        .await?
        .items
        .unwrap_or_default();
    let mut kept = BTreeMap::new();
    for row in rows {
        let text = |column: &str| row.get(column).and_then(|value| value.as_s().ok()).cloned();
        let id = text("id").context("a row without id")?;
        let packed = row.get("slice").and_then(|value| value.as_b().ok());
        let packed = packed.context("no slice")?.as_ref();
        let slice: Value = serde_json::from_reader(DeflateDecoder::new(packed))?;
        let again = platforms::parse(Profile::WhatsApp, slice.to_string().as_bytes())?;
        let [announcement] = again.as_slice() else {
            panic!("{id}: {slice}")
        };
        assert!(id.contains(announcement.message.as_str()), "{id}: {slice}");
        kept.insert(id, text("why").context("no reason")?);
    }
    Ok(kept)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_challenge_is_answered() -> Result<()> {
    let stage = stage().await?;
    let token = stage.standins.whatsapp.options().verify_token.clone();
    let before = calls(&stage);
    for (what, endpoint, mode, token, expected) in [
        ("the right one", ENDPOINT, "subscribe", token.as_str(), 200),
        ("another token", ENDPOINT, "subscribe", "another", 403),
        ("no token", ENDPOINT, "subscribe", "", 403),
        ("another mode", ENDPOINT, "unsubscribe", token.as_str(), 403),
        (
            "another endpoint",
            "nobody",
            "subscribe",
            token.as_str(),
            404,
        ),
    ] {
        let query = [
            ("hub.mode", mode),
            ("hub.challenge", "1158201444"),
            ("hub.verify_token", token),
        ];
        let answer = Client::new()
            .get(url(&stage, endpoint))
            .query(&query)
            .send()
            .await?;
        assert_eq!(answer.status(), expected, "{what}");
        let body = answer.text().await?;
        assert_eq!(body == "1158201444", expected == 200, "{what}: {body:?}");
    }
    for method in [reqwest::Method::PUT, reqwest::Method::DELETE] {
        let answer = Client::new()
            .request(method.clone(), url(&stage, ENDPOINT))
            .send()
            .await?;
        assert_eq!(answer.status(), 404, "{method}: the API has no such route");
    }
    assert_eq!(calls(&stage), before, "a challenge led to a call");
    stage.stop().await
}
