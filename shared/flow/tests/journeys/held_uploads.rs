//! What WhatsApp was given once is sent again by its id, as long as it holds it.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use crate::world::{PHOTO, Site};
use attache_domain::journey::Stage;
use serde_json::{Value, json};

const OTHER: &[u8] = include_bytes!("../../../../tests/media/animation.webp");

/// A site whose customer has just written, so that the agent may answer.
fn open() -> Site {
    let site = Site::new(PHOTO);
    hears(&site);
    site
}

fn hears(site: &Site) {
    let message = format!("wamid.hello.{}", site.platforms.said.borrow().len());
    let reply = site.says(&message, "text", json!({"body": "Hello"}));
    assert_eq!(reply.status, 200);
    site.run(3);
}

/// The agent sends the file that Genesys has.
fn sends(site: &Site, message: &str) {
    let attachment = site.attachment(&format!("a-{message}"), "photo.jpg");
    let reply = site.agent_says(message, "", json!([attachment]));
    assert_eq!(reply.status, 200);
    site.run(6);
}

/// With which ids of files messages went out.
fn named(site: &Site) -> Vec<String> {
    let said = site.platforms.said.borrow();
    let id = |body: &Value| {
        let kind = body["type"].as_str().unwrap();
        body[kind]["id"].as_str().unwrap().to_owned()
    };
    said.iter().map(id).collect()
}

fn uploads(site: &Site) -> usize {
    site.platforms.uploads.borrow().len()
}

/// The stages of the agent's files.
fn stages(site: &Site) -> Vec<Stage> {
    let files = site.items(|item| item.origin.file().is_some());
    files.iter().map(|item| item.gate.stage).collect()
}

#[test]
fn the_same_bytes_are_handed_over_once_in_a_month() {
    let site = open();
    for message in ["g1", "g2", "g3"] {
        sends(&site, message);
    }
    assert_eq!(named(&site), ["uploaded-1"; 3]);
    assert_eq!(uploads(&site), 1);
    assert_eq!(stages(&site), [Stage::Sent; 3]);
    site.pass(29 * 24 * 3600);
    hears(&site);
    sends(&site, "g4");
    assert_eq!(named(&site).last().unwrap(), "uploaded-2", "a month later");
}

#[test]
fn other_bytes_are_handed_over_for_themselves() {
    let site = open();
    sends(&site, "g1");
    *site.platforms.file.borrow_mut() = OTHER.to_vec();
    sends(&site, "g2");
    assert_eq!(named(&site), ["uploaded-1", "uploaded-2"]);
    assert_eq!(uploads(&site), 2);
}

#[test]
fn what_was_lost_there_is_handed_over_again_and_the_message_goes_out_once() {
    let site = open();
    sends(&site, "g1");
    site.platforms.forgotten.borrow_mut().push("uploaded-1");
    sends(&site, "g2");
    assert_eq!(named(&site), ["uploaded-1", "uploaded-2"]);
    sends(&site, "g3");
    assert_eq!(named(&site)[2], "uploaded-2", "the new name is known");
    assert_eq!((uploads(&site), stages(&site)), (2, vec![Stage::Sent; 3]));
}

#[test]
fn what_is_refused_with_fresh_bytes_is_not_tried_again() {
    let site = open();
    let lost = ["uploaded-1", "uploaded-2", "uploaded-3"];
    site.platforms.forgotten.borrow_mut().extend(lost);
    sends(&site, "g1");
    assert_eq!((uploads(&site), stages(&site)), (1, vec![Stage::Failed]));
    sends(&site, "g2");
    assert_eq!(uploads(&site), 2, "handed over again once");
    assert_eq!(stages(&site), [Stage::Failed; 2]);
    assert_eq!(named(&site), [""; 0]);
}

#[test]
fn a_status_that_tells_of_a_dead_file_ends_its_use() {
    let site = open();
    sends(&site, "g1");
    let id = site.items(|item| item.origin.file().is_some()).remove(0).id;
    let reply = site.reports("wamid.1", "failed", id.as_str(), Some(131_053));
    assert_eq!(reply.status, 200);
    site.run(2);
    sends(&site, "g2");
    assert_eq!(named(&site), ["uploaded-1", "uploaded-2"]);
}

#[test]
fn an_upload_that_a_cache_refuses_is_named_and_holds_nobody_else_up() {
    // The same request id twice: the second is no answer to what was asked.
    let told: &[(&str, &str)] = &[("X-Request-ID", "8f14e45f-ceea-467f-9a3d-1f2e3d4c5b6a")];
    let site = open();
    site.platforms.told.set(told);
    let answers = [(429, ""), (429, "")];
    site.platforms.upload_answers.borrow_mut().extend(answers);
    sends(&site, "g1");
    while !site.platforms.upload_answers.borrow().is_empty() {
        site.run(1);
    }
    site.platforms.told.set(&[]);
    let diagnosis = site.item().record.diagnosis.unwrap();
    assert_eq!(diagnosis.code, "pipeline.cached-error");
    assert!(
        diagnosis.evidence.contains("X-Request-ID 8f14e45f"),
        "{diagnosis:?}"
    );
    let lines = site.world.state.borrow().learnt.clone();
    assert!(
        lines["media/wa-sales"].contains(r#""generation":1"#),
        "the first may be the platform's own: {lines:?}"
    );
    site.run(30);
    assert_eq!((stages(&site), uploads(&site)), (vec![Stage::Sent], 1));
}
