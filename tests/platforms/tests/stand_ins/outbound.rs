//! WhatsApp's uploads and sends, and the statuses that follow.

use attache_platforms::whatsapp::{SentMessage, WhatsApp, WhatsAppOptions};
use serde_json::{Value, json};

use crate::support::*;

const BOUNDARY: &str = "----part";
/// The type of a [`form`].
pub(crate) const FORM: &str = "multipart/form-data; boundary=----part";

/// Fields of a form: name and value.
pub(crate) type Parts<'a> = &'a [(&'a str, &'a str)];
/// The file of a form: declared type and bytes.
pub(crate) type File<'a> = (&'a str, &'a [u8]);

/// A multipart form by hand, so that broken ones can be written too.
pub(crate) async fn upload(
    whatsapp: &WhatsApp,
    parts: Parts<'_>,
    file: Option<File<'_>>,
) -> (u16, Value) {
    let body = form(
        parts,
        file.map(|(mime, bytes)| ("file", "f.bin", mime, bytes)),
    );
    let number = &whatsapp.options().numbers[0].phone_number_id;
    let request = client().post(format!("{}/v23.0/{number}/media", whatsapp.graph_url()));
    let request = request.bearer_auth(&whatsapp.options().access_token);
    let request = request.header("content-type", FORM);
    let answer = request.body(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// A form of these fields and, last, a file: its part, name, type and bytes.
pub(crate) fn form(parts: Parts<'_>, file: Option<(&str, &str, &str, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in parts {
        body.extend(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .bytes(),
        );
    }
    if let Some((part, name, mime, bytes)) = file {
        let disposition =
            format!("Content-Disposition: form-data; name=\"{part}\"; filename=\"{name}\"");
        body.extend(
            format!("--{BOUNDARY}\r\n{disposition}\r\nContent-Type: {mime}\r\n\r\n").bytes(),
        );
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

pub(crate) async fn send(whatsapp: &WhatsApp, body: &Value) -> (u16, Value) {
    let number = &whatsapp.options().numbers[0].phone_number_id;
    let request = client().post(format!("{}/v23.0/{number}/messages", whatsapp.graph_url()));
    let request = request
        .bearer_auth(&whatsapp.options().access_token)
        .json(body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn document(media: Value) -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": "document",
        "document": media, "biz_opaque_callback_data": "job-1"
    })
}

/// Waits until a message has left the state `sent` and its last status was posted.
async fn fate(whatsapp: &WhatsApp, callback: &Callback) -> (SentMessage, Value) {
    let ended = async {
        loop {
            let last = whatsapp.sent().pop().filter(|sent| sent.status != "sent");
            let received = callback.received.lock().expect("lock").clone();
            let bodies = received
                .iter()
                .filter_map(|(_, body)| serde_json::from_slice::<Value>(body).ok());
            let statuses =
                bodies.map(|body| body["entry"][0]["changes"][0]["value"]["statuses"][0].clone());
            if let Some(last) = last {
                let told = statuses
                    .into_iter()
                    .find(|s| s["id"] == last.id && s["status"] == last.status);
                if let Some(told) = told {
                    return (last, told);
                }
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, ended).await.expect("a fate")
}

#[tokio::test]
async fn uploads_follow_the_media_table() {
    let whatsapp = WhatsApp::start(WhatsAppOptions::default())
        .await
        .expect("starts");
    let large = vec![0; (5 << 20) + 1];
    let product = ("messaging_product", "whatsapp");
    let rows: [(&str, Parts<'_>, Option<File<'_>>, u16); 6] = [
        (
            "a PDF",
            &[product, ("type", "application/pdf")],
            Some(("application/pdf", b"%PDF")),
            200,
        ),
        (
            "type from the part",
            &[product],
            Some(("image/jpeg", b"x")),
            200,
        ),
        (
            "no product",
            &[("type", "image/jpeg")],
            Some(("image/jpeg", b"x")),
            400,
        ),
        ("no file", &[product, ("type", "image/jpeg")], None, 400),
        (
            "a type that is not in the table",
            &[product],
            Some(("application/zip", b"x")),
            400,
        ),
        (
            "an image over 5 MB",
            &[product],
            Some(("image/png", &large)),
            400,
        ),
    ];
    for (name, parts, file, status) in rows {
        let (got, answer) = upload(&whatsapp, parts, file).await;
        assert_eq!(got, status, "{name}: {answer}");
    }
    assert_own_words_fit(&whatsapp.violations());
}

#[tokio::test]
async fn a_document_reaches_the_customer_and_both_statuses_come_back() {
    let (callback, url) = Callback::start(&[]).await;
    let options = WhatsAppOptions {
        callback: Some(url),
        ..WhatsAppOptions::default()
    };
    let whatsapp = WhatsApp::start(options).await.expect("starts");
    whatsapp.customer().send_text("Hello");
    let (_, uploaded) = upload(
        &whatsapp,
        &[("messaging_product", "whatsapp")],
        Some(("application/pdf", b"%PDF")),
    )
    .await;
    let body = document(json!({ "id": uploaded["id"], "filename": "a.pdf" }));
    let (status, answer) = send(&whatsapp, &body).await;
    assert_eq!(status, 200, "{answer}");
    let (sent, told) = fate(&whatsapp, &callback).await;
    assert_eq!(
        (sent.status, sent.id.as_str()),
        (
            "delivered",
            answer["messages"][0]["id"].as_str().expect("an id")
        )
    );
    assert_eq!(sent.media.expect("its media").bytes, "%PDF");
    assert_eq!(told["biz_opaque_callback_data"], "job-1");
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn failures_come_as_statuses() {
    let rows = [
        ("a closed window", false, "document", 131_047),
        ("the wrong type", true, "image", 131_053),
    ];
    for (name, heard, kind, code) in rows {
        let (callback, url) = Callback::start(&[]).await;
        let options = WhatsAppOptions {
            callback: Some(url),
            ..WhatsAppOptions::default()
        };
        let whatsapp = WhatsApp::start(options).await.expect("starts");
        if heard {
            whatsapp.customer().send_text("Hello");
        }
        let (_, uploaded) = upload(
            &whatsapp,
            &[("messaging_product", "whatsapp")],
            Some(("application/pdf", b"%PDF")),
        )
        .await;
        let mut body = document(json!({ "id": uploaded["id"] }));
        body["type"] = kind.into();
        body[kind] = json!({ "id": uploaded["id"] });
        if kind != "document" {
            body.as_object_mut().expect("an object").remove("document");
        }
        let (status, answer) = send(&whatsapp, &body).await;
        assert_eq!(status, 200, "{name}: {answer}");
        let (sent, told) = fate(&whatsapp, &callback).await;
        assert_eq!(
            (sent.status, &told["errors"][0]["code"]),
            ("failed", &json!(code)),
            "{name}"
        );
        assert_own_words_fit(&whatsapp.violations());
    }
}

#[tokio::test]
async fn sends_that_break_the_rules_are_refused_at_once() {
    let whatsapp = WhatsApp::start(WhatsAppOptions::default())
        .await
        .expect("starts");
    let (_, uploaded) = upload(
        &whatsapp,
        &[("messaging_product", "whatsapp")],
        Some(("application/pdf", b"%PDF")),
    )
    .await;
    let id = &uploaded["id"];
    let long = "x".repeat(1025);
    let rows = [
        ("an unknown medium", document(json!({ "id": "1" }))),
        (
            "id and link",
            document(json!({ "id": id, "link": "http://127.0.0.1:9/x" })),
        ),
        (
            "neither id nor link",
            document(json!({ "filename": "a.pdf" })),
        ),
        (
            "a long caption",
            document(json!({ "id": id, "caption": long })),
        ),
        ("no JSON object", json!("hello")),
    ];
    for (name, body) in rows {
        let (status, answer) = send(&whatsapp, &body).await;
        assert_eq!(status, 400, "{name}: {answer}");
    }
    assert!(whatsapp.sent().is_empty());
    assert_own_words_fit(&whatsapp.violations());
}
