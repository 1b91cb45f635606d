//! Uploads of web messaging: metadata, bytes by a signed link, states, events, and their faults.

use attache_platforms::{
    faults::{Fault, Times},
    genesys::{Genesys, GenesysOptions, Progress},
    signature,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::*;

const BYTES: &[u8] = b"a note";

async fn set_up() -> (Genesys, String, Callback) {
    let (genesys, token) = genesys(GenesysOptions::default()).await;
    let (callback, url) = Callback::start(&[]).await;
    genesys.web_messaging().set_callback(url);
    (genesys, token, callback)
}

fn metadata(genesys: &Genesys) -> Value {
    json!({"fileName": "note.txt", "contentType": "text/plain", "fileSize": BYTES.len(),
        "channelId": genesys.options().integration_id, "messageId": "wamid.A", "uploadType": "webmessaging"})
}

async fn place(genesys: &Genesys, token: &str, metadata: &Value) -> (u16, Value) {
    let url = format!(
        "{}/api/v2/conversations/messaging/webmessaging/upload",
        genesys.api_url()
    );
    status_and_body(
        client()
            .post(url)
            .bearer_auth(token)
            .json(metadata)
            .send()
            .await,
    )
    .await
}

/// A put as it should be, but for these headers.
async fn put(
    place: &Value,
    bytes: &'static [u8],
    headers: &[(&str, &str)],
) -> reqwest::Result<Response> {
    let text = |key: &str| place[key].as_str().expect("text").to_owned();
    let mut all = reqwest::header::HeaderMap::new();
    for (name, value) in [
        ("content-type", "text/plain"),
        ("x-genesys-file-id", text("fileId").as_str()),
    ]
    .iter()
    .chain(headers)
    {
        let name: reqwest::header::HeaderName = name.parse().expect("a name");
        all.insert(name, value.parse().expect("a value"));
    }
    client()
        .put(text("uploadUrl"))
        .headers(all)
        .body(bytes)
        .send()
        .await
}

async fn ask(genesys: &Genesys, token: &str, method: Method, file: &str) -> Response {
    let url = format!(
        "{}/api/v2/conversations/messaging/messages/wamid.A/attachments/{file}",
        genesys.api_url()
    );
    let request = client().request(method, url).bearer_auth(token);
    request.send().await.expect("an answer")
}

async fn attachment(genesys: &Genesys, token: &str, file: &str) -> (u16, Value) {
    status_and_body(Ok(ask(genesys, token, Method::GET, file).await)).await
}

/// Metadata and bytes; the file's id.
async fn uploaded(genesys: &Genesys, token: &str) -> String {
    let (status, place) = place(genesys, token, &metadata(genesys)).await;
    assert_eq!(status, 200);
    let answer = put(&place, BYTES, &[]).await.expect("an answer");
    assert_eq!(answer.status(), 202);
    place["fileId"].as_str().expect("an id").to_owned()
}

/// Waits until the file is so far.
async fn until(
    genesys: &Genesys,
    token: &str,
    file: &str,
    wanted: impl Fn(&(u16, Value)) -> bool,
) -> Value {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let seen = attachment(genesys, token, file).await;
        if wanted(&seen) {
            return seen.1;
        }
        assert!(tokio::time::Instant::now() < deadline, "{seen:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_file_is_announced_put_scanned_told_and_had() {
    let (genesys, token, callback) = set_up().await;
    let file = uploaded(&genesys, &token).await;
    let done = until(&genesys, &token, &file, |(_, body)| {
        body["status"] == "completed"
    })
    .await;
    assert_eq!(
        (
            &done["fileSize"],
            &done["contentType"],
            &done["virusScanResult"]
        ),
        (&json!(BYTES.len()), &json!("text/plain"), &json!("clean"))
    );
    let link = done["downloadUrl"].as_str().expect("a link");
    let got = get_with(link, None).await.expect("an answer");
    assert_eq!(got.bytes().await.expect("whole"), BYTES);
    let event = genesys.deliveries().remove(0);
    genesys
        .wait_for_delivery(&event.messages[0], SOON)
        .await
        .expect("settled");
    let (headers, body) = callback.received.lock().expect("lock")[0].clone();
    let signed = signature::genesys(&genesys.options().webhook_secret, &body);
    assert_eq!(headers["x-genesys-signature"], signed);
    assert_eq!(
        genesys.web_messaging().events()[0]["data"]["fileId"],
        file.as_str()
    );
    let deleted = ask(&genesys, &token, Method::DELETE, &file).await;
    assert_eq!(deleted.status(), 204);
    assert_eq!(attachment(&genesys, &token, &file).await.0, 404);
    assert_eq!(genesys.options().canary.strays(), []);
}

#[tokio::test]
async fn what_the_documents_do_not_allow_is_refused() {
    let (genesys, token, _) = set_up().await;
    for (key, value) in [
        ("fileName", json!("a b.txt")),
        ("contentType", json!("audio/ogg")),
        ("fileSize", json!(10 * 1024 * 1024 + 1)),
        ("channelId", json!("nobody's")),
        ("messageId", json!("")),
        ("uploadType", json!("other")),
    ] {
        let mut wrong = metadata(&genesys);
        wrong[key] = value;
        assert_eq!(place(&genesys, &token, &wrong).await.0, 400, "{key}");
    }
    let (_, place) = place(&genesys, &token, &metadata(&genesys)).await;
    let bearer = format!("Bearer {token}");
    for (name, headers, bytes) in [
        ("a bearer", [("authorization", bearer.as_str())], BYTES),
        ("another file", [("x-genesys-file-id", "f2")], BYTES),
        (
            "another type",
            [("content-type", "application/octet-stream")],
            BYTES,
        ),
        ("packed", [("content-encoding", "gzip")], BYTES),
        ("another length", [("x-more", "1")], b"a longer note"),
    ] {
        let answer = put(&place, bytes, &headers).await.expect("an answer");
        assert_eq!(answer.status(), 400, "{name}");
    }
    genesys
        .options()
        .clock
        .advance(genesys.options().upload_life);
    let late = put(&place, BYTES, &[]).await.expect("an answer");
    assert_eq!(late.status(), 403);
    assert!(
        late.text()
            .await
            .expect("text")
            .contains("Request has expired")
    );
    assert_eq!(
        genesys.web_messaging().files()[0].progress,
        Progress::Announced
    );
}

#[tokio::test]
async fn what_becomes_of_an_upload_can_be_told_by_name() {
    for (name, expected, events) in [
        ("completion-first", "completed", 1),
        ("completion-twice", "completed", 2),
        ("completion-never", "completed", 0),
        ("stuck-queued", "queued", 0),
        ("silent-202", "processing", 0),
        ("virus-found", "completed", 1),
        ("scan-500", "", 1),
    ] {
        let (genesys, token, callback) = set_up().await;
        let armed = genesys.faults().arm_named(name, Times(1)).expect("applies");
        let file = uploaded(&genesys, &token).await;
        assert_eq!(armed.fired(), 1, "{name}");
        if name == "completion-first" {
            assert_eq!(callback.bodies().len(), 1, "before the answer");
        }
        let settled = |(status, body): &(u16, Value)| match expected {
            "" => *status == 500,
            expected => body["status"] == expected,
        };
        let body = until(&genesys, &token, &file, settled).await;
        let clean = body["virusScanResult"] == "clean";
        assert_eq!(body["downloadUrl"].is_string(), clean, "{name}");
        for event in genesys.deliveries() {
            let settled = genesys.wait_for_delivery(&event.messages[0], SOON).await;
            settled.expect("settled");
        }
        assert_eq!(genesys.web_messaging().events().len(), events, "{name}");
    }
    let (genesys, token, _) = set_up().await;
    let (_, place) = place(&genesys, &token, &metadata(&genesys)).await;
    for (fault, status) in [
        (Fault::UploadLinkExpired, 403),
        (Fault::FiveHundreds, 503),
        (Fault::Unauthorised, 403),
    ] {
        genesys.faults().arm(fault, Times(1)).expect("applies");
        let answer = put(&place, BYTES, &[]).await.expect("an answer");
        assert_eq!(answer.status(), status, "{fault}");
    }
    genesys
        .faults()
        .arm(Fault::LostAnswer, Times(1))
        .expect("applies");
    assert!(put(&place, BYTES, &[]).await.is_err());
    let files = genesys.web_messaging().files();
    assert_eq!(files[0].bytes.as_deref(), Some(BYTES), "it took effect");
}
