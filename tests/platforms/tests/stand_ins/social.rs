//! Messenger and Instagram: webhooks of the published shapes, files by links of their own, hand-overs, sends, windows, reports.

use std::{collections::BTreeSet, time::Duration};

use attache_platforms::{
    clock::Clock,
    delivery::MessageId,
    faults::{Fault, Point, Times},
    messenger::{CallsPerSecond, Customer, File, Messenger, MessengerOptions, Page, Say, Surface},
};
use serde_json::{Value, json};

use crate::{
    outbound::{FORM, form},
    support::*,
};

/// A stand-in whose webhooks, of both surfaces, go to one callback.
async fn calling(options: MessengerOptions) -> (Messenger, Callback) {
    let messenger = Messenger::start(options).await.expect("starts");
    let (callback, url) = Callback::start(&[]).await;
    for surface in Surface::ALL {
        messenger.set_callback(surface, url.clone());
    }
    (messenger, callback)
}

/// The published example of this name.
fn published(name: &str) -> Value {
    let path = format!("{}/examples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("an example");
    serde_json::from_str(&text).expect("JSON")
}

/// Every path in a value with the type of what is there; members of lists count as one.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, at: &str, shape: &mut BTreeSet<String>) {
        let kind = match value {
            Value::Object(fields) => {
                let fields = fields.iter();
                fields.for_each(|(key, value)| walk(value, &format!("{at}/{key}"), shape));
                return;
            }
            Value::Array(items) => {
                items
                    .iter()
                    .for_each(|item| walk(item, &format!("{at}[]"), shape));
                return;
            }
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            Value::Null => "null",
        };
        shape.insert(format!("{at}: {kind}"));
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

/// The webhook of a message.
async fn webhook(messenger: &Messenger, message: &MessageId) -> Value {
    let delivery = messenger.wait_for_delivery(message, SOON).await;
    serde_json::from_slice(&delivery.expect("delivered").body).expect("JSON")
}

fn picture() -> File {
    File::new(&b"\x89PNG"[..], "image/png")
}

#[tokio::test]
async fn what_customers_say_has_the_published_shapes() {
    let options = MessengerOptions {
        stickers_twice: true,
        ..MessengerOptions::default()
    };
    let (messenger, _callback) = calling(options).await;
    let film = || File::new(&b"film"[..], "video/mp4");
    let sound = || File::new(&b"sound"[..], "audio/mp4");
    let paper = || File::new(&b"%PDF"[..], "application/pdf").named("receipt.pdf");
    let all = || vec![picture(), paper(), sound(), film()];
    let rows = [
        (
            Surface::Messenger,
            Say::Files(vec![picture()], None),
            "messenger/webhook-image",
        ),
        (
            Surface::Messenger,
            Say::Files(all(), None),
            "messenger/webhook-multi-attachments",
        ),
        (
            Surface::Messenger,
            Say::Sticker(picture(), 7),
            "messenger/webhook-sticker-transition",
        ),
        (
            Surface::Messenger,
            Say::Link("https://x.example".into()),
            "messenger/webhook-fallback-no-payload",
        ),
        (
            Surface::Instagram,
            Say::Files(vec![picture()], None),
            "instagram/webhook-image",
        ),
        (
            Surface::Instagram,
            Say::Files(all(), Some("both".into())),
            "instagram/webhook-multi-media",
        ),
        (
            Surface::Instagram,
            Say::StoryMention(picture()),
            "instagram/webhook-story-mention",
        ),
        (
            Surface::Instagram,
            Say::Unsupported,
            "instagram/webhook-unsupported",
        ),
    ];
    for (surface, say, example) in rows {
        let message = messenger.customer(surface).say(say);
        let posted = webhook(&messenger, &message).await;
        let published = published(example);
        assert_eq!(shape(&posted), shape(&published), "{example}");
        assert_eq!(posted["object"], published["object"], "{example}");
    }
    let customer = messenger.customer(Surface::Instagram);
    let message = customer.send_text("Oops");
    customer.unsend(&message);
    let deleted = posted(&messenger, |body| body.pointer(DELETED).is_some()).await;
    assert_eq!(
        shape(&deleted),
        shape(&published("instagram/webhook-deleted"))
    );
}

const DELETED: &str = "/entry/0/messaging/0/message/is_deleted";

/// The first webhook that is as wanted, once it was posted.
async fn posted(messenger: &Messenger, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = || {
        let bodies = messenger.deliveries().into_iter();
        let bodies = bodies.filter_map(|it| serde_json::from_slice::<Value>(&it.body).ok());
        { bodies }.find(|body| wanted(body))
    };
    look().expect("posted")
}

async fn get(link: &str) -> (u16, String, Vec<u8>) {
    let answer = client().get(link).send().await.expect("an answer");
    let kind = answer.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_owned();
    let status = answer.status().as_u16();
    (status, kind, answer.bytes().await.expect("whole").to_vec())
}

/// The link to the one file of a message.
async fn link(messenger: &Messenger, message: &MessageId) -> String {
    let body = webhook(messenger, message).await;
    let link = body.pointer("/entry/0/messaging/0/message/attachments/0/payload/url");
    link.and_then(Value::as_str).expect("a link").to_owned()
}

#[tokio::test]
async fn links_are_credentials_of_their_own_and_die() {
    for surface in Surface::ALL {
        let clock = Clock::real();
        let options = MessengerOptions {
            clock: clock.clone(),
            ..MessengerOptions::default()
        };
        let (messenger, _callback) = calling(options).await;
        let message = messenger.customer(surface).send_files(vec![picture()]);
        let link = link(&messenger, &message).await;
        assert!(link.starts_with(&messenger.media_url()), "{link}");
        let expected = (200, "image/png".to_owned(), b"\x89PNG".to_vec());
        assert_eq!(get(&link).await, expected);
        assert_eq!(get(&link.replace("AR", "XR")).await.0, 403);
        let token = &messenger.options().pages[0].access_token;
        let bearing = client().get(&link).bearer_auth(token).send();
        assert!(bearing.await.is_ok());
        let stray = messenger.token_sightings();
        assert!(stray.iter().any(|it| !it.at_home), "a bearer is seen here");
        clock.advance(Duration::from_secs(24 * 3600));
        assert_eq!(get(&link).await.0, 403);
        let customer = messenger.customer(surface);
        let message = customer.send_files(vec![picture()]);
        let link = self::link(&messenger, &message).await;
        customer.unsend(&message);
        assert_eq!(get(&link).await.0, 404, "taken back, gone");
    }
}

/// Posts to a page's path; status and answer.
async fn call(messenger: &Messenger, page: &Page, body: &Value) -> (u16, Value) {
    let url = format!("{}/v23.0/{}/messages", messenger.graph_url(), page.page_id);
    let request = client()
        .post(url)
        .bearer_auth(&page.access_token)
        .json(body);
    let answer = request.send().await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.json().await.unwrap_or_default(),
    )
}

/// Hands a file over; status and answer.
async fn hand(messenger: &Messenger, surface: Surface, (kind, mime): (&str, &str)) -> (u16, Value) {
    let page = &messenger.options().pages[0];
    let base = messenger.graph_url();
    let url = format!("{base}/v23.0/{}/message_attachments", page.page_id);
    let message = json!({ "attachment": { "type": kind, "payload": { "is_reusable": true } } });
    let message = message.to_string();
    let mut fields = vec![("message", message.as_str())];
    if surface == Surface::Instagram {
        fields.push(("platform", "instagram"));
    }
    let body = form(&fields, Some(("filedata", "a.png", mime, b"\x89PNG")));
    let request = client().post(url).bearer_auth(&page.access_token);
    let request = request.header("content-type", FORM).body(body);
    let answer = request.send().await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.json().await.unwrap_or_default(),
    )
}

fn to(customer: &Customer, message: Value) -> Value {
    json!({ "recipient": { "id": customer.id() }, "message": message })
}

fn by_id(kind: &str, id: &Value) -> Value {
    json!({ "attachment": { "type": kind, "payload": { "attachment_id": id } } })
}

#[tokio::test]
async fn a_file_is_handed_over_sent_and_reported() {
    for surface in Surface::ALL {
        let (messenger, _callback) = calling(MessengerOptions::default()).await;
        let page = messenger.options().pages[0].clone();
        let customer = messenger.customer(surface);
        customer.send_text("Hello");
        let (status, handed) = hand(&messenger, surface, ("image", "image/png")).await;
        assert_eq!(status, 200, "{handed}");
        assert_eq!(
            shape(&handed),
            shape(&published("messenger/response-attachment-upload"))
        );
        let body = to(&customer, by_id("image", &handed["attachment_id"]));
        let (status, answer) = call(&messenger, &page, &body).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(shape(&answer), shape(&published("instagram/response-send")));
        let sent = messenger.sent().remove(0);
        let file = sent.file.clone().expect("a file");
        assert_eq!(
            (&*file.bytes, file.name.as_deref()),
            (&b"\x89PNG"[..], Some("a.png"))
        );
        let echo = messenger
            .wait_for_report(&sent.id, "echo", SOON)
            .await
            .expect("told");
        let echo: Value = serde_json::from_slice(&echo.body).expect("JSON");
        let example = match surface {
            Surface::Messenger => "messenger/webhook-echo",
            Surface::Instagram => "instagram/webhook-echo",
        };
        assert_eq!(shape(&echo), shape(&published(example)));
        messenger.read(&MessageId::new(&sent.id)).expect("there");
        let read = messenger
            .wait_for_report(&sent.id, "read", SOON)
            .await
            .expect("told");
        let read: Value = serde_json::from_slice(&read.body).expect("JSON");
        let example = match surface {
            Surface::Messenger => "messenger/webhook-read",
            Surface::Instagram => "instagram/webhook-seen",
        };
        assert_eq!(shape(&read), shape(&published(example)));
        assert_eq!(messenger.breaches(), [""; 0]);
        // The other surface has no such file.
        let other = match surface {
            Surface::Messenger => Surface::Instagram,
            Surface::Instagram => Surface::Messenger,
        };
        let stranger = messenger.customer_of(other, "77", 0);
        stranger.send_text("Hello");
        let body = to(&stranger, by_id("image", &handed["attachment_id"]));
        assert_eq!(
            call(&messenger, &page, &body).await.1["error"]["error_subcode"],
            2_018_074
        );
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_in_the_published_words() {
    let (messenger, _callback) = calling(MessengerOptions::default()).await;
    let page = messenger.options().pages[0].clone();
    let text = |customer: &Customer| to(customer, json!({ "text": "Hello" }));
    let customer = messenger.customer(Surface::Messenger);
    let code = |(status, answer): (u16, Value)| {
        let error = &answer["error"];
        (
            status,
            error["code"].as_u64(),
            error["error_subcode"].as_u64(),
        )
    };
    let nobody = code(call(&messenger, &page, &text(&customer)).await);
    assert_eq!(
        nobody,
        (400, Some(100), Some(2_018_001)),
        "nobody has written"
    );
    customer.send_text("Hello");
    assert_eq!(call(&messenger, &page, &text(&customer)).await.0, 200);
    let both = json!({ "text": "Hello", "attachment": {} });
    let refused = [
        both,
        json!({}),
        json!({ "text": "" }),
        json!({ "text": "x".repeat(2001) }),
        json!({ "text": "x", "made_up": 1 }),
        json!({ "attachment": { "type": "image", "payload": { "url": "https://x.example" } } }),
    ];
    for (number, message) in refused.into_iter().enumerate() {
        let answer = call(&messenger, &page, &to(&customer, message.clone())).await;
        assert_eq!(code(answer), (400, Some(100), None), "{message}");
        assert_eq!(messenger.breaches().len(), number + 1, "{message}");
    }
    let instagram = messenger.customer(Surface::Instagram);
    instagram.send_text("Hello");
    let metadata = json!({ "text": "x", "metadata": "y" });
    let long = json!({ "text": "ä".repeat(501) });
    for message in [metadata, long] {
        let answer = call(&messenger, &page, &to(&instagram, message)).await;
        assert_eq!(code(answer), (400, Some(100), None));
    }
    customer.block();
    let answer = call(&messenger, &page, &text(&customer)).await;
    assert_eq!(
        answer.1["error"]["message"],
        published("messenger/error-551-unavailable")["error"]["message"]
    );
    let wrong = Page {
        access_token: "another".into(),
        ..page
    };
    assert_eq!(
        code(call(&messenger, &wrong, &text(&instagram)).await),
        (401, Some(190), None)
    );
}

#[tokio::test]
async fn windows_close_for_pages_and_later_for_persons() {
    let hour = Duration::from_secs(3600);
    for (human_agent, hours, tagged, expected) in [
        (false, 23, false, None),
        (false, 24, false, Some(2_018_278)),
        (true, 24, false, Some(2_018_278)),
        (true, 24, true, None),
        (true, 24 * 7, true, Some(2_018_278)),
        (false, 1, true, Some(0)),
    ] {
        let clock = Clock::real();
        let mut options = MessengerOptions {
            clock: clock.clone(),
            ..MessengerOptions::default()
        };
        options.pages[0].human_agent = human_agent;
        let (messenger, _callback) = calling(options).await;
        let customer = messenger.customer(Surface::Messenger);
        customer.send_text("Hello");
        clock.advance(hour * hours);
        let mut body = to(&customer, json!({ "text": "Hello" }));
        if tagged {
            body["messaging_type"] = "MESSAGE_TAG".into();
            body["tag"] = "HUMAN_AGENT".into();
        }
        let page = messenger.options().pages[0].clone();
        let (status, answer) = call(&messenger, &page, &body).await;
        let case = format!("{human_agent} {hours} {tagged}: {answer}");
        match expected {
            None => assert_eq!(status, 200, "{case}"),
            Some(subcode) => {
                assert_eq!(answer["error"]["code"], 10, "{case}");
                let told = answer["error"]["error_subcode"]
                    .as_u64()
                    .unwrap_or_default();
                assert_eq!(told, subcode, "{case}");
            }
        }
        if expected == Some(2_018_278) {
            let example = published("messenger/error-10-outside-window");
            assert_eq!(
                answer["error"]["message"], example["error"]["message"],
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_sends_so_many_films_in_a_second() {
    let options = MessengerOptions {
        limits: CallsPerSecond {
            texts: 300,
            media: 2,
        },
        ..MessengerOptions::default()
    };
    let (messenger, _callback) = calling(options).await;
    let page = messenger.options().pages[0].clone();
    let customer = messenger.customer(Surface::Messenger);
    customer.send_text("Hello");
    let (_, handed) = hand(&messenger, Surface::Messenger, ("video", "video/mp4")).await;
    let body = to(&customer, by_id("video", &handed["attachment_id"]));
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(call(&messenger, &page, &body).await);
    }
    let example = published("messenger/error-613-rate");
    let refused = answers
        .iter()
        .filter(|(_, answer)| answer["error"]["message"] == example["error"]["message"]);
    assert_eq!(refused.count(), messenger.throttled());
    assert_eq!(messenger.sent().len() + messenger.throttled(), 3);
}

#[tokio::test]
async fn one_app_has_several_pages_each_with_its_own_token() {
    let mut options = MessengerOptions::default();
    options.pages.push(Page::new("2", "i2", "second-token"));
    let (messenger, _callback) = calling(options).await;
    let pages = messenger.options().pages.clone();
    let first = messenger.customer_of(Surface::Messenger, "a", 0);
    let second = messenger.customer_of(Surface::Messenger, "b", 1);
    let account = messenger.customer_of(Surface::Instagram, "c", 1);
    let written = [&first, &second, &account].map(|it| it.compose(Say::Text("Hello".into())));
    let ids = written.each_ref().map(|it| it.id().clone());
    messenger.send_batch(written.to_vec());
    let both = webhook(&messenger, &ids[0]).await;
    let named =
        |body: &Value| shape(body).len() > 1 && body["entry"].as_array().map(Vec::len) == Some(2);
    assert!(named(&both), "{both}");
    assert_eq!(webhook(&messenger, &ids[2]).await["entry"][0]["id"], "i2");
    let body = to(&second, json!({ "text": "Hello" }));
    assert_eq!(call(&messenger, &pages[1], &body).await.0, 200);
    assert_eq!(
        call(&messenger, &pages[0], &body).await.0,
        400,
        "another page's customer"
    );
    let foreign = Page {
        access_token: pages[0].access_token.clone(),
        ..pages[1].clone()
    };
    let (_, answer) = call(&messenger, &foreign, &body).await;
    assert_eq!(answer["error"]["code"], 200, "another page's token");
}

#[tokio::test]
async fn faults_strike_in_the_channel_s_own_words() {
    let (messenger, _callback) = calling(MessengerOptions::default()).await;
    let page = messenger.options().pages[0].clone();
    let customer = messenger.customer(Surface::Messenger);
    let message = customer.send_files(vec![picture()]);
    let link = link(&messenger, &message).await;
    let body = to(&customer, json!({ "text": "Hello" }));
    for (fault, status, code) in [
        (Fault::RateLimit, 429, json!(613)),
        (Fault::MetaThrottleAs400, 400, json!(613)),
        (Fault::FiveHundreds, 500, json!(2)),
        (Fault::DeadToken, 401, json!(190)),
        (Fault::HtmlErrorPage, 502, Value::Null),
    ] {
        let armed = messenger
            .faults()
            .arm_at(fault, Times(1), Point::Send)
            .expect("here");
        let (got, answer) = call(&messenger, &page, &body).await;
        assert_eq!((got, &answer["error"]["code"]), (status, &code), "{fault}");
        assert_eq!(armed.fired(), 1, "{fault}");
    }
    for (fault, subcode) in [
        (Fault::LimitDrift, 2_018_109),
        (Fault::ProviderRejectsType, 2_018_047),
    ] {
        messenger.faults().arm(fault, Times(1)).expect("here");
        let (_, answer) = hand(&messenger, Surface::Messenger, ("image", "image/png")).await;
        assert_eq!(answer["error"]["error_subcode"], subcode, "{fault}");
    }
    messenger
        .faults()
        .arm(Fault::ExpiredLink, Times(1))
        .expect("here");
    assert_eq!(get(&link).await.0, 403);
    messenger
        .faults()
        .arm_at(Fault::LostAnswer, Times(1), Point::Send)
        .expect("here");
    let url = format!("{}/v23.0/{}/messages", messenger.graph_url(), page.page_id);
    let lost = client()
        .post(url)
        .bearer_auth(&page.access_token)
        .json(&body)
        .send();
    assert!(lost.await.is_err(), "no answer");
    assert_eq!(messenger.sent().len(), 1, "and its full effect");
}
