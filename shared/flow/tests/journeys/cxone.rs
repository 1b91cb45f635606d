//! A CXone channel of one's own making: tokens that we issue, agents' messages and our id in the answer, one line for each contact,
//! temporary attachments, and receipts that have nowhere to go.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::connection::Attachments;
use attache_domain::event::Content;
use attache_domain::journey::Stage;
use attache_flow::intake::{self, Reply};
use attache_flow::memory::Calm;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::world::{PHOTO, Site, byoc_directory};

const THREAD: &str = "whatsapp_106540352242922_16505551234";

fn site(attachments: Attachments) -> Site {
    let site = Site::with(PHOTO, byoc_directory(attachments), Rc::new(Calm));
    site.refresh();
    site
}

fn post(site: &Site, path: &str, bearer: Option<&str>, body: &Value) -> Reply {
    let intake = site.intake();
    let headers = bearer.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    let request = intake::Request {
        method: "POST".to_owned(),
        endpoint: "cx".to_owned(),
        path: path.to_owned(),
        headers: headers.into_iter().collect(),
        body: body.to_string().into_bytes(),
        ..intake::Request::default()
    };
    intake
        .handle(&site.doorway, &request)
        .now_or_never()
        .unwrap()
}

fn token(site: &Site, client: &str) -> String {
    let grant =
        json!({"grant_type": "client_credentials", "client_id": client, "client_secret": "s3cret"});
    let reply = post(site, "1.0/token", None, &grant);
    assert_eq!((reply.status, reply.is_json), (200, true), "{}", reply.body);
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

fn outbound(text: &str, files: Value) -> Value {
    json!({"thread": {"idOnExternalPlatform": THREAD}, "messageContent": {"type": "TEXT", "payload": {"text": text}},
        "createdAtWithMilliseconds": "2025-04-11T04:08:16.000Z", "attachments": files})
}

fn name(reply: &Reply) -> Value {
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    answer
        .pointer("/message/idOnExternalPlatform")
        .unwrap()
        .clone()
}

/// An agent's answer in the thread that the tenant was last told of, or in the usual one.
pub(crate) fn answers(site: &Site, text: &str, files: Value) -> Reply {
    let mut body = outbound(text, files);
    if let Some(told) = site.platforms.cxone.messages.borrow().last() {
        body["thread"]["idOnExternalPlatform"] = told["thread"]["idOnExternalPlatform"].clone();
    }
    let bearer = token(site, "cx");
    post(site, TWO, Some(&bearer), &body)
}

const TWO: &str = "2.0/channel/byoc_1/outbound";

#[test]
fn without_a_token_of_ours_nothing_happens_and_nothing_is_called() {
    let site = site(Attachments::Link);
    let before = site.all_calls();
    let body = outbound("Hi", json!([]));
    let other = token(&site, "cx/byoc_2");
    for (path, bearer, status) in [
        (TWO, None, 401),
        (TWO, Some("1.YQ.YQ"), 401),
        (TWO, Some(other.as_str()), 403),
        ("1.0/action", None, 200),
        ("4.0/else", None, 404),
        ("", None, 404),
    ] {
        assert_eq!(post(&site, path, bearer, &body).status, status, "{path}");
    }
    let denied = post(&site, "1.0/token", None, &json!({"client_id": "cx"}));
    assert_eq!((denied.status, denied.is_json), (400, true));
    assert_eq!(site.all_calls(), before, "no call of AWS");
    let good = token(&site, "cx/byoc_1");
    assert_eq!(post(&site, TWO, Some(&good), &json!({})).status, 400);
    assert_eq!(post(&site, TWO, Some(&good), &body).status, 200);
    site.pass(3600);
    assert_eq!(
        post(&site, TWO, Some(&good), &body).status,
        401,
        "an hour later"
    );
}

#[test]
fn an_agents_files_are_stored_before_the_answer_that_names_them() {
    let site = site(Attachments::Link);
    site.says("wamid.hello", "text", json!({"body": "Hello"}));
    site.run(3);
    let bearer = token(&site, "cx");
    let file = |id: &str| json!({"id": id, "friendlyName": "photo.jpg", "mimeType": "image/jpeg", "url": format!("https://signed.example/{id}?sig=secret")});
    let body = outbound("These", json!([file("a"), file("b")]));
    let first = post(&site, TWO, Some(&bearer), &body);
    site.judge();
    let replies = [first, post(&site, TWO, Some(&bearer), &body)];
    assert_eq!(replies[0].status, 200);
    assert_eq!(
        name(&replies[0]),
        name(&replies[1]),
        "a repeat has the same name"
    );
    let files = site.items(|item| item.origin.file().is_some());
    assert_eq!(files.len(), 2);
    assert!(
        files.iter().all(|item| item.record.object.is_some()),
        "stored already"
    );
    assert!(
        files
            .iter()
            .any(|item| name(&replies[0]) == item.id.as_str())
    );
    site.run(6);
    assert_eq!(site.platforms.said.borrow().len(), 2);
    let bearers = site.platforms.bearers.borrow();
    assert!(!bearers.iter().any(|host| host == "signed.example"));
}

#[test]
fn words_go_to_the_area_of_the_tenant_and_one_token_is_enough() {
    let site = site(Attachments::Link);
    site.says("wamid.1", "text", json!({"body": "Hello"}));
    site.run(3);
    let messages = site.platforms.cxone.messages.borrow().clone();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["thread"]["idOnExternalPlatform"], THREAD);
    assert_eq!(messages[0]["idOnExternalPlatform"], "wamid.1");
    assert_eq!(site.platforms.cxone.issued.get(), 1);
}

#[test]
fn an_answer_that_was_lost_is_asked_for_again_under_the_same_id() {
    let site = site(Attachments::Link);
    site.platforms.cxone.loses.set(true);
    site.says("wamid.1", "text", json!({"body": "Hello"}));
    site.run(30);
    let messages = site.platforms.cxone.messages.borrow();
    let ids: Vec<_> = messages
        .iter()
        .map(|it| &it["idOnExternalPlatform"])
        .collect();
    assert_eq!(ids, ["wamid.1", "wamid.1"]);
}

#[test]
fn one_contact_takes_two_hundred_and_fifty_and_then_seventeen_a_minute() {
    let site = site(Attachments::Link);
    let sent = || site.platforms.cxone.messages.borrow().len();
    for n in 0..270 {
        site.says(
            &format!("wamid.{n}"),
            "text",
            json!({"body": format!("{n}")}),
        );
    }
    site.run(20);
    let first = sent();
    assert!((240..=256).contains(&first), "{first} at once");
    site.run(60);
    let minute = sent() - first;
    assert!(minute <= 18, "{minute} in a minute");
    site.run(120);
    assert_eq!(sent(), 270, "none is lost");
    let late = site.items(|item| item.record.attempts > 0);
    assert!(late.is_empty(), "waiting is no failed attempt");
}

#[test]
fn a_temporary_attachment_is_given_again_where_its_message_was_lost() {
    let site = site(Attachments::Temporary);
    site.platforms.cxone.loses.set(true);
    site.announce("wamid.1", Some("photo.jpg"));
    site.run(40);
    let cxone = &site.platforms.cxone;
    let uploads = cxone.uploads.borrow();
    assert_eq!(uploads.len(), 2);
    assert!(uploads.iter().all(|bytes| bytes == PHOTO));
    let messages = cxone.messages.borrow();
    let links: Vec<_> = messages
        .iter()
        .map(|it| it["attachments"][0]["url"].as_str().unwrap())
        .collect();
    assert_eq!(
        links,
        [
            "https://files.example/tmp/1?sig=secret",
            "https://files.example/tmp/2?sig=secret"
        ]
    );
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Sent);
    let row = serde_json::to_string(&item.record).unwrap();
    assert!(!row.contains("sig="), "no link in the row: {row}");
}

#[test]
fn receipts_are_kept_and_a_failure_is_told_in_words() {
    let site = site(Attachments::Link);
    let bearer = token(&site, "cx");
    // The customer never wrote: the window is closed.
    assert_eq!(
        post(&site, TWO, Some(&bearer), &outbound("Hi", json!([]))).status,
        200
    );
    site.run(20);
    let receipts = site.items(|item| matches!(item.origin.content, Content::Receipt(_)));
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].gate.stage, Stage::Kept);
    let messages = site.platforms.cxone.messages.borrow();
    let [notice] = messages.as_slice() else {
        panic!("{messages:?}")
    };
    assert!(
        notice["messageContent"]["payload"]["text"]
            .as_str()
            .unwrap()
            .starts_with("[Attaché] ")
    );
    assert_eq!(
        notice["thread"]["idOnExternalPlatform"], THREAD,
        "in the customer's own thread"
    );
}
