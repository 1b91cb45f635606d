//! Tokens that are refused, or are not to be had: each purpose has its own, one is renewed once, and nobody waits for one for ever.

use std::rc::Rc;

use attache_domain::journey::{Item, Stage};
use attache_flow::memory::Calm;
use attache_flow::ports::Clock;
use serde_json::{Value, json};

use crate::world::{Answer, PHOTO, Site, web_directory};

const REFUSED: &str = r#"{"error":{"code":190,"type":"OAuthException","fbtrace_id":"x"}}"#;

/// A site whose customer has just written.
fn open_window() -> Site {
    let site = Site::new(PHOTO);
    site.refresh();
    site.says("wamid.first", "text", json!({"body": "Hello"}));
    site.run(3);
    site
}

fn version(site: &Site, token: &str) -> u32 {
    site.world.state.borrow().tokens[token].version
}

fn sends_a_file(site: &Site) {
    let file = site.attachment("a1", "photo.jpg");
    site.agent_says("g1", "", json!([file]));
}

fn of_file(site: &Site) -> Item {
    site.item()
}

#[test]
fn a_refused_token_for_media_says_nothing_of_the_one_for_messages() {
    let site = open_window();
    let mut state = site.world.state.borrow_mut();
    state.tokens.get_mut("wa-sales/media").unwrap().version = 10;
    drop(state);
    let refused = (401, REFUSED);
    site.platforms
        .upload_answers
        .borrow_mut()
        .push_back(refused);
    sends_a_file(&site);
    site.run(30);
    assert_eq!(of_file(&site).gate.stage, Stage::Sent);
    assert_eq!(version(&site, "wa-sales/media"), 11, "renewed once");
    assert_eq!(version(&site, "wa-sales/messages"), 1, "never renewed");
    assert_eq!(of_file(&site).record.attempts, 0);
}

#[test]
fn both_tokens_may_be_refused_of_one_item_and_each_is_renewed_once() {
    let site = open_window();
    let mut state = site.world.state.borrow_mut();
    state.tokens.get_mut("wa-sales/messages").unwrap().version = 3;
    drop(state);
    let refused = (401, REFUSED);
    site.platforms
        .upload_answers
        .borrow_mut()
        .push_back(refused);
    let refused = Answer::Status(401);
    site.platforms.answers.borrow_mut().push_back(refused);
    sends_a_file(&site);
    site.run(60);
    assert_eq!(of_file(&site).gate.stage, Stage::Sent);
    assert_eq!(version(&site, "wa-sales/media"), 2);
    assert_eq!(version(&site, "wa-sales/messages"), 4);
}

#[test]
fn a_token_that_stays_refused_is_renewed_once_and_then_told_of() {
    let site = open_window();
    let refused = (401, REFUSED.to_owned());
    site.platforms.errs.replace(Some(refused));
    site.agent_says("g1", "Hello yourself", Value::Null);
    site.run(120);
    let calls = site.platforms.erred.get();
    assert_eq!(calls, 2, "with the old one and with the new one");
    assert_eq!(version(&site, "wa-sales/messages"), 2);
}

#[test]
fn look_ups_that_are_refused_renew_the_token_once() {
    let site = Site::with(PHOTO, web_directory(), Rc::new(Calm));
    site.refresh();
    site.announce("wamid.A", Some("photo.jpg"));
    let all = std::iter::repeat_n((401, ""), 500);
    site.platforms.web.looks.borrow_mut().extend(all);
    site.run(59);
    assert!(site.platforms.web.looked.get() >= 8);
    assert_eq!(version(&site, "web/media"), 2, "one forced renewal");
    site.platforms.web.looks.borrow_mut().clear();
    site.run(120);
    assert_eq!(of_file(&site).gate.stage, Stage::Sent);
}

/// As [`Site::run`], while the host of tokens does not work.
fn without_tokens(site: &Site, seconds: u64) {
    for _ in 0..seconds {
        site.fetch();
        site.judge();
        site.deliver();
        site.pass(1);
    }
}

#[test]
fn who_waits_for_a_token_longer_than_a_day_is_told_so() {
    let site = Site::new(PHOTO);
    site.refresh();
    for n in 0..3 {
        site.says(&format!("m{n}"), "text", json!({"body": "Hello"}));
    }
    site.announce("f", Some("photo.jpg"));
    site.fetch();
    site.judge();
    site.world.state.borrow_mut().tokens.clear();
    without_tokens(&site, 60);
    let waiting =
        |item: &Item| item.gate.stage == Stage::Waiting || item.gate.stage == Stage::Sending;
    assert_eq!(site.items(waiting).len(), 4, "for a day it may come");
    let begun = site.world.now();
    site.pass(25 * 3600);
    without_tokens(&site, 30);
    let failed = site.items(|item| item.gate.stage == Stage::Failed);
    assert!(failed.len() >= 4, "{} of 4", failed.len());
    for item in failed.iter().filter(|item| item.origin.sent_at < begun) {
        let diagnosis = item
            .record
            .diagnosis
            .clone()
            .unwrap_or_else(|| panic!("{item:?}"));
        assert_eq!(diagnosis.code, "delivery.no-token");
        assert!(
            diagnosis
                .evidence
                .starts_with("no usable token for messages since"),
            "{diagnosis:?}"
        );
    }
    assert!(site.platforms.sends.borrow().is_empty());
}

#[test]
fn a_template_that_met_a_throttle_is_tried_again_and_the_customer_is_invited_once() {
    let site = Site::inviting(PHOTO);
    site.says("wamid.first", "text", json!({"body": "Hello"}));
    site.run(3);
    site.pass(25 * 3600);
    site.platforms
        .answers
        .borrow_mut()
        .push_back(Answer::Status(429));
    site.agent_says("g1", "Still there?", Value::Null);
    site.run(60);
    assert_eq!(site.platforms.said.borrow().len(), 1, "invited");
    let state = site.world.state.borrow();
    let expired = |item: &&Item| item.gate.stage == Stage::Failed;
    let item = state.items.values().find(expired);
    let code = item.and_then(|item| item.record.diagnosis.clone());
    assert_eq!(
        code.map(|it| it.code).as_deref(),
        Some("whatsapp.window-closed")
    );
}

#[test]
fn a_template_that_is_never_taken_leaves_the_customer_to_be_invited_later() {
    let site = Site::inviting(PHOTO);
    site.says("wamid.first", "text", json!({"body": "Hello"}));
    site.run(3);
    site.pass(25 * 3600);
    let all = std::iter::repeat_n(Answer::Status(429), 4);
    site.platforms.answers.borrow_mut().extend(all);
    site.agent_says("g1", "Still there?", Value::Null);
    site.run(200);
    assert_eq!(site.platforms.answers.borrow().len(), 0, "four calls");
    assert!(site.platforms.said.borrow().is_empty());
    site.agent_says("g2", "Hello?", Value::Null);
    site.run(200);
    assert_eq!(site.platforms.said.borrow().len(), 1, "invited");
    // An open outcome may have reached the customer: nobody is invited twice.
    site.pass(25 * 3600);
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    for message in ["g3", "g4"] {
        site.agent_says(message, "Hello?", Value::Null);
        site.run(60);
    }
    assert_eq!(site.platforms.said.borrow().len(), 2, "once, lost or not");
}
