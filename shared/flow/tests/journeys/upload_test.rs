//! The direct upload test: a form, a handshake, an event. Nobody gets the file, and nothing but the event tells what became of it.
#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::journey::{Item, Stage};
use attache_domain::signature::{Scheme, Secret};
use attache_flow::memory::Calm;
use serde_json::{Value, json};

use crate::world::{GENESYS_SECRET, PHOTO, Site, upload_test_directory};

/// One whose file was accepted.
fn accepted() -> Site {
    let site = Site::with(PHOTO, upload_test_directory(), Rc::new(Calm));
    site.refresh();
    assert_eq!(site.announce("wamid.A", Some("photo.jpg")).status, 200);
    site.run(3);
    assert_eq!(site.item().gate.stage, Stage::Processing);
    assert_eq!(site.item().record.uploaded.as_deref(), Some("uploaded-1"));
    site
}

/// The document's event.
fn told(site: &Site, data: &Value) {
    let body = json!({"event_type": "media.upload.completed", "data": data}).to_string();
    let secret = Secret::new(GENESYS_SECRET).unwrap();
    let signature = Scheme::GENESYS_EVENTS.sign(&secret, body.as_bytes());
    let header = ("x-genesys-signature", signature.as_str());
    let reply = site.post_marked("theirs", body.as_bytes(), ("", Some(header)));
    assert_eq!(reply.status, 200);
}

fn code(item: &Item) -> Option<&str> {
    item.record.diagnosis.as_ref().map(|it| it.code.as_str())
}

#[test]
fn the_handshake_is_no_success_and_the_event_is() {
    let site = accepted();
    site.run(20);
    assert_eq!(site.item().gate.stage, Stage::Processing);
    told(
        &site,
        &json!({"media_id": "uploaded-1", "status": "completed"}),
    );
    site.run(2);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    assert_eq!(site.platforms.uploads.borrow().len(), 1);
    assert!(site.platforms.sends.borrow().is_empty(), "nobody is told");
    assert!(site.platforms.said.borrow().is_empty());
}

#[test]
fn a_failure_behind_the_edge_is_the_pipelines_and_is_tried_again() {
    let site = accepted();
    let failed = json!({"media_id": "uploaded-1", "status": "failed", "error_code": "cdn_ingestion_timeout"});
    told(&site, &failed);
    site.deliver();
    assert_eq!(code(&site.item()), Some("pipeline.cdn-ingestion"));
    site.run(5);
    assert_eq!(site.item().record.uploaded.as_deref(), Some("uploaded-2"));
    told(
        &site,
        &json!({"media_id": "uploaded-2", "status": "completed"}),
    );
    site.run(2);
    assert_eq!(site.item().gate.stage, Stage::Sent);
}

#[test]
fn without_an_event_it_ends_with_its_cause() {
    let site = accepted();
    site.run(400);
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Failed);
    assert_eq!(code(&item), Some("pipeline.completion-timeout"));
    let evidence = item.record.diagnosis.unwrap().evidence;
    assert!(evidence.contains("no event yet"), "{evidence}");
    assert_eq!(site.platforms.uploads.borrow().len(), 4);
}
