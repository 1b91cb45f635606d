//! When a message was sent, where its platform does not say so, or says what cannot be: then it was when it came.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::Retention;
use attache_domain::journey::Stage;
use attache_domain::signature::{Scheme, Secret};
use attache_domain::time::Timestamp;
use attache_flow::memory::Calm;
use attache_flow::ports::Clock;
use serde_json::{Value, json};

use crate::world::{GENESYS_SECRET, PHOTO, SECRET, Site, directory, page_directory};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A webhook of this endpoint with a message sent `at`, if that is anything, and the value left out if it is null.
fn webhook(endpoint: &str, message: &str, at: &Value) -> Value {
    let mut body = match endpoint {
        "wa" => json!({"entry": [{"changes": [{"field": "messages", "value": {
            "metadata": {"phone_number_id": "106540352242922"},
            "messages": [{"from": "16505551234", "id": message, "timestamp": at, "type": "text", "text": {"body": "Hi"}}]}}]}]}),
        "gc" => {
            let file = json!({"contentType": "Attachment", "attachment": {"id": message, "mediaType": "Image",
                "url": "https://api.mypurecloud.de/api/v2/downloads/1"}});
            json!({"id": message, "type": "Text", "content": [file],
                "channel": {"id": "2d1f6a3c", "to": {"id": "16505551234"}, "time": at}})
        }
        _ => {
            let business = match endpoint {
                "fb" => "682498302938465",
                _ => "17841405793187218",
            };
            json!({"object": "page", "entry": [{"id": business, "messaging": [{"sender": {"id": "16505551234"},
                "recipient": {"id": business}, "timestamp": at, "message": {"mid": message, "text": "Hi"}}]}]})
        }
    };
    if at.is_null() {
        let pointer = match endpoint {
            "wa" => "/entry/0/changes/0/value/messages/0",
            "gc" => "/channel",
            _ => "/entry/0/messaging/0",
        };
        let holder = body.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        holder.remove("timestamp");
        holder.remove("time");
    }
    body
}

fn site(endpoint: &str) -> Site {
    let directory = match endpoint {
        "wa" | "gc" => directory(),
        _ => page_directory(false, Retention::Keep),
    };
    let site = Site::with(PHOTO, directory, Rc::new(Calm));
    site.refresh();
    site
}

fn post(site: &Site, endpoint: &str, body: &Value) {
    let body = body.to_string();
    let (scheme, secret) = match endpoint {
        "gc" => (Scheme::GENESYS, GENESYS_SECRET),
        _ => (Scheme::META, SECRET),
    };
    let signature = scheme.sign(&Secret::new(secret).unwrap(), body.as_bytes());
    let reply = site.post_to(endpoint, body.as_bytes(), &signature);
    assert_eq!(reply.status, 200, "{endpoint}: {}", reply.body);
}

#[test]
fn what_is_said_of_no_time_or_of_one_that_cannot_be_was_said_when_it_came() {
    let now = site("wa").world.now();
    let ago = |days: u32| Timestamp::from_millis(now.as_millis() - u64::from(days) * 86_400_000);
    let texts = [
        Value::Null,
        json!("soon"),
        json!(true),
        json!({}),
        json!(""),
    ];
    for (endpoint, fits, odd) in [
        (
            "wa",
            json!(ago(7).as_seconds().to_string()),
            vec![
                json!(now.to_rfc3339()),
                json!(now.as_millis().to_string()),
                json!("0"),
                json!((now + DAY * 2).as_seconds().to_string()),
            ],
        ),
        (
            "gc",
            json!(ago(7).to_rfc3339()),
            vec![json!(now.as_millis()), json!("1970-01-01T00:00:00Z")],
        ),
        (
            "fb",
            json!(ago(7).as_millis()),
            vec![json!(now.to_rfc3339()), json!(now.as_seconds())],
        ),
        (
            "ig",
            json!(ago(7).as_millis()),
            vec![json!(-5), json!(u64::MAX)],
        ),
    ] {
        for at in texts.iter().chain(&odd) {
            let site = site(endpoint);
            post(&site, endpoint, &webhook(endpoint, "m", at));
            let items = site.items(|item| item.origin.message.as_str() == "m");
            let sent_at: Vec<_> = items.iter().map(|it| it.origin.sent_at).collect();
            assert_eq!(sent_at, [now], "{endpoint}: {at}");
            let state = site.world.state.borrow();
            for heard in state
                .conversations
                .values()
                .filter_map(|it| it.heard.as_ref())
            {
                assert_eq!(heard.at, now, "{endpoint}: {at}");
            }
        }
        let site = site(endpoint);
        post(&site, endpoint, &webhook(endpoint, "m", &fits));
        let items = site.items(|item| item.origin.message.as_str() == "m");
        assert_eq!(
            items[0].origin.sent_at.as_seconds(),
            ago(7).as_seconds(),
            "{endpoint}"
        );
    }
}

#[test]
fn an_agent_may_answer_a_message_without_a_time() {
    let site = site("wa");
    post(&site, "wa", &webhook("wa", "m", &Value::Null));
    assert_eq!(site.agent_says("a", "Hello", Value::Null).status, 200);
    site.run(5);
    assert_eq!(site.platforms.said.borrow().len(), 1, "the window is open");
    site.pass(2 * DAY.as_secs());
    assert_eq!(
        site.agent_says("b", "Still there?", Value::Null).status,
        200
    );
    site.run(5);
    assert_eq!(site.platforms.said.borrow().len(), 1, "and closes");
}

#[test]
fn an_agents_file_without_a_time_outlasts_a_short_outage() {
    let site = site("gc");
    let hello = webhook(
        "wa",
        "hello",
        &json!(site.world.now().as_seconds().to_string()),
    );
    post(&site, "wa", &hello);
    site.platforms
        .downloads
        .borrow_mut()
        .extend(vec![(503, &[][..]); 5]);
    let body = webhook("gc", "m", &json!(site.world.now().as_millis())).to_string();
    let signature = Scheme::GENESYS.sign(&Secret::new(GENESYS_SECRET).unwrap(), body.as_bytes());
    site.post_to("gc", body.as_bytes(), &signature);
    site.run(120);
    assert_eq!(
        site.item().gate.stage,
        Stage::Sent,
        "{:?}",
        site.item().record
    );
}
