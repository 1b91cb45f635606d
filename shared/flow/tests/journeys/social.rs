//! Messenger and Instagram: several files in one message over links without a bearer, answers as files and words apart, the
//! service window and the one for persons, and what the channel tells of messages: by name, by a moment, by echo.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::connection::Retention;
use attache_domain::event::Content;
use attache_domain::journey::{Item, Stage};
use attache_flow::memory::Calm;
use attache_flow::ports::Clock;
use serde_json::{Value, json};

use crate::world::{Answer, PHOTO, Site, page_directory};

const DAY: u64 = 24 * 3600;

/// One whose customer has just written over this endpoint.
fn open(endpoint: &str, human_agent: bool) -> Site {
    let directory = page_directory(human_agent, Retention::KeepUntilUnsend);
    let site = Site::with(PHOTO, directory, Rc::new(Calm));
    site.refresh();
    let hello = json!({"message": {"mid": "m_hello", "text": "Hello"}});
    assert_eq!(site.event(endpoint, &hello).status, 200);
    site.run(3);
    site
}

fn attachment(kind: &str, name: &str) -> Value {
    json!({"type": kind, "payload": {"url": format!("https://signed.example/{name}?sig=secret")}})
}

fn said(site: &Site) -> Vec<Value> {
    let said = site.platforms.said.borrow();
    said.iter().map(|body| body["message"].clone()).collect()
}

fn to_customer(site: &Site) -> Vec<Item> {
    let mut items = site.items(|item| item.origin.connection.as_str().starts_with("genesys"));
    items.retain(|item| !matches!(item.origin.content, Content::Receipt(_)));
    items
}

fn stages(site: &Site) -> Vec<Stage> {
    to_customer(site).iter().map(|it| it.gate.stage).collect()
}

fn receipts(site: &Site) -> Vec<String> {
    let read = |body: &Value| {
        let code = body["reasons"][0]["code"].as_str().unwrap_or("-");
        format!("{} {code}", body["status"].as_str().unwrap())
    };
    site.platforms.receipts.borrow().iter().map(read).collect()
}

#[test]
fn several_files_of_one_message_arrive_in_their_order_and_once() {
    for endpoint in ["fb", "ig"] {
        let site = open(endpoint, false);
        let files = json!({"message": {"mid": "m_1", "text": "These", "attachments": [
            attachment("image", "a"), attachment("file", "receipt.jpg"), attachment("image", "c")]}});
        for _ in 0..3 {
            assert_eq!(site.event(endpoint, &files).status, 200);
            site.judge();
        }
        site.run(10);
        let sent = site.files_sent();
        assert_eq!(sent.len(), 3, "{endpoint}");
        let names: Vec<_> = sent
            .iter()
            .map(|body| {
                body["content"][0]["attachment"]["filename"]
                    .as_str()
                    .unwrap()
            })
            .collect();
        assert_eq!(names[1], "receipt.jpg");
        assert_eq!(sent[0]["text"], "These");
        let asked = site.platforms.asked_from.borrow().len();
        assert_eq!(asked, 3, "each fetched once");
        let rows = format!("{:?}", site.world.state.borrow().items);
        assert!(!rows.contains("sig=secret"), "links are sealed");
        let bearers = site.platforms.bearers.borrow();
        assert!(!bearers.iter().any(|host| host == "signed.example"));
    }
}

#[test]
fn a_slow_host_is_never_the_sender_s_trouble() {
    let site = open("fb", false);
    let unavailable = (503, &[][..]);
    site.platforms.downloads.borrow_mut().push_back(unavailable);
    let file = json!({"message": {"mid": "m_1", "attachments": [attachment("image", "a")]}});
    assert_eq!(site.event("fb", &file).status, 200, "never 503");
    assert!(site.files_sent().is_empty());
    site.run(60);
    assert_eq!(site.files_sent().len(), 1);
}

#[test]
fn without_a_token_files_come_in_all_the_same() {
    let directory = page_directory(false, Retention::Keep);
    let site = Site::with(PHOTO, directory, Rc::new(Calm));
    let file = json!({"message": {"mid": "m_1", "attachments": [attachment("image", "a")]}});
    assert_eq!(site.event("fb", &file).status, 200);
    site.judge();
    assert_eq!(site.item().gate.stage, Stage::Waiting);
}

#[test]
fn a_file_and_its_words_go_apart_and_reports_by_name_complete_them() {
    let site = open("fb", false);
    let reply = site.agent_says("g1", "Look", json!([site.attachment("a1", "photo.jpg")]));
    assert_eq!(reply.status, 200);
    site.run(10);
    let messages = said(&site);
    let file = json!({"type": "image", "payload": {"attachment_id": "uploaded-1"}});
    assert_eq!(messages[0]["attachment"], file);
    assert_eq!(messages[1]["text"], "Look");
    assert_eq!(
        site.platforms.said.borrow()[0]["messaging_type"],
        "RESPONSE"
    );
    assert_eq!(*site.platforms.uploads.borrow(), [PHOTO]);
    let ids: Vec<_> = to_customer(&site).into_iter().map(|it| it.id).collect();
    for message in &messages {
        let ours = ids.iter().any(|id| message["metadata"] == id.as_str());
        assert!(ours, "{message}");
    }
    let delivery = json!({"delivery": {"mids": ["m_1", "m_2"], "watermark": 1}});
    assert_eq!(site.event("fb", &delivery).status, 200);
    site.run(3);
    assert_eq!(stages(&site), [Stage::Delivered, Stage::Delivered]);
    assert_eq!(receipts(&site), ["Delivered -"], "one for the message");
}

#[test]
fn what_is_told_before_the_answer_is_not_lost() {
    for (endpoint, integration, report, expected) in [
        (
            "fb",
            "2d1f6a3c",
            json!({"delivery": {"mids": ["m_1"]}}),
            Stage::Delivered,
        ),
        (
            "ig",
            "9b1c7e55",
            json!({"read": {"mid": "m_1"}}),
            Stage::Read,
        ),
    ] {
        let site = open(endpoint, false);
        for _ in 0..2 {
            assert_eq!(site.event(endpoint, &report).status, 200);
        }
        site.agent_of(integration, "g1", "Look", Value::Null);
        site.run(5);
        assert_eq!(stages(&site), [expected], "{endpoint}");
        assert_eq!(receipts(&site), ["Delivered -"], "{endpoint}");
        // The next message has its own name, and nothing was told of it.
        site.agent_of(integration, "g2", "And this", Value::Null);
        site.run(5);
        let mut stages = stages(&site);
        stages.sort_unstable();
        assert_eq!(stages, [Stage::Sent, expected], "{endpoint}");
    }
}

#[test]
fn a_moment_reaches_what_was_sent_before_it_and_nothing_behind() {
    let site = open("fb", false);
    for message in ["g1", "g2"] {
        site.agent_says(message, message, Value::Null);
        site.run(3);
        site.pass(60);
    }
    let between = site.world.now().as_millis() - 70_000;
    let read = json!({"read": {"watermark": between}});
    assert_eq!(site.event("fb", &read).status, 200);
    let sorted = || {
        let mut stages = stages(&site);
        stages.sort_unstable();
        stages
    };
    assert_eq!(sorted(), [Stage::Sent, Stage::Read]);
    let now = site.world.now().as_millis();
    for report in ["delivery", "read", "read"] {
        let event = json!({report: {"watermark": now}});
        assert_eq!(site.event("fb", &event).status, 200);
    }
    assert_eq!(sorted(), [Stage::Read, Stage::Read]);
    let state = site.world.state.borrow();
    assert!(state.conversations.values().all(|it| it.sent.is_empty()));
    assert!(state.kept.is_empty(), "nothing is left to be looked at");
}

#[test]
fn instagram_tells_by_name_and_takes_a_thousand_bytes() {
    let site = open("ig", false);
    let long = "ä".repeat(750);
    site.agent_of("9b1c7e55", "g1", &long, Value::Null);
    site.run(5);
    let messages = said(&site);
    let lengths: Vec<_> = messages
        .iter()
        .map(|it| it["text"].as_str().unwrap().len())
        .collect();
    assert_eq!(lengths, [1000, 500]);
    assert!(messages[0].get("metadata").is_none());
    for mid in ["m_1", "m_2"] {
        assert_eq!(site.event("ig", &json!({"read": {"mid": mid}})).status, 200);
    }
    assert_eq!(stages(&site), [Stage::Read, Stage::Read]);
}

#[test]
fn behind_the_window_a_person_may_answer_for_seven_days_if_meta_allows_it() {
    for (human_agent, days, expected) in [
        (false, 2, None),
        (true, 2, Some("HUMAN_AGENT")),
        (true, 8, None),
    ] {
        let site = open("fb", human_agent);
        site.pass(days * DAY);
        site.refresh();
        site.agent_says("g1", "Still there?", Value::Null);
        site.run(5);
        let tags: Vec<_> = site
            .platforms
            .said
            .borrow()
            .iter()
            .map(|body| body["tag"].as_str().map(str::to_owned))
            .collect();
        match expected {
            Some(tag) => assert_eq!(tags, [Some(tag.to_owned())]),
            None => {
                assert_eq!(tags, []);
                assert_eq!(receipts(&site), ["Failed MessageExpired"]);
            }
        }
    }
}

#[test]
fn an_echo_tells_what_a_lost_answer_did_not() {
    let site = open("fb", false);
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    site.agent_says("g1", "Hello?", Value::Null);
    site.run(2);
    assert_eq!(
        stages(&site),
        [Stage::Sending],
        "nobody knows, and it is not sent again"
    );
    let id = to_customer(&site).remove(0).id;
    let echo = |metadata: Option<&str>| {
        let mut message = json!({"is_echo": true, "mid": "m_1", "text": "Hello?"});
        if let Some(metadata) = metadata {
            message["metadata"] = json!(metadata);
        }
        site.event("fb", &json!({ "message": message })).status
    };
    assert_eq!(echo(None), 200);
    assert_eq!(stages(&site), [Stage::Sending], "another's");
    assert_eq!(echo(Some(id.as_str())), 200);
    site.run(60);
    assert_eq!(stages(&site), [Stage::Sent]);
    assert_eq!(said(&site).len(), 1);
    let delivery = json!({"delivery": {"mids": ["m_1"]}});
    assert_eq!(site.event("fb", &delivery).status, 200);
    assert_eq!(stages(&site), [Stage::Delivered], "it is known by its name");
}

#[test]
fn a_delivery_that_overtakes_its_echo_counts_all_the_same() {
    let site = open("fb", false);
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    site.agent_says("g1", "Hello?", Value::Null);
    site.run(2);
    let id = to_customer(&site).remove(0).id;
    let delivery = json!({"delivery": {"mids": ["m_1"]}});
    assert_eq!(site.event("fb", &delivery).status, 200);
    assert_eq!(stages(&site), [Stage::Sending], "nobody knows whose it is");
    let echo = json!({"message": {"is_echo": true, "mid": "m_1", "metadata": id.as_str()}});
    assert_eq!(site.event("fb", &echo).status, 200);
    assert_eq!(stages(&site), [Stage::Delivered]);
}

#[test]
fn what_is_unsent_is_removed_and_the_agent_is_told() {
    let site = open("ig", false);
    let file = json!({"message": {"mid": "m_1", "attachments": [attachment("image", "a")]}});
    assert_eq!(site.event("ig", &file).status, 200);
    site.run(5);
    assert_eq!(site.files_sent().len(), 1);
    let unsent = json!({"message": {"mid": "m_1", "is_deleted": true}});
    for _ in 0..2 {
        assert_eq!(site.event("ig", &unsent).status, 200);
    }
    site.run(60);
    let files = site.items(|item| item.origin.file().is_some());
    assert_eq!(files[0].gate.stage, Stage::Erased);
    let texts: Vec<_> = site
        .platforms
        .sends
        .borrow()
        .iter()
        .filter(|body| {
            body["text"]
                .as_str()
                .is_some_and(|text| text.contains("deleted"))
        })
        .cloned()
        .collect();
    assert_eq!(texts.len(), 1);
}

#[test]
fn an_error_that_comes_as_a_photo_is_none() {
    for page in [
        &b"<!DOCTYPE html><title>Oops</title>"[..],
        br#"{"error": {"message": "expired"}}"#,
    ] {
        let site = open("fb", false);
        *site.platforms.file.borrow_mut() = page.to_vec();
        let photo = json!({"message": {"mid": "m_1", "attachments": [attachment("image", "a")]}});
        site.event("fb", &photo);
        site.run(3);
        assert!(site.files_sent().is_empty());
        let diagnosis = site.item().record.diagnosis.map(|it| it.code);
        assert_eq!(diagnosis.as_deref(), Some("transfer.error-page"));
        *site.platforms.file.borrow_mut() = PHOTO.to_vec();
        site.run(30);
        assert_eq!(site.item().gate.stage, Stage::Sent);
        assert_eq!(site.files_sent().len(), 1);
    }
}
