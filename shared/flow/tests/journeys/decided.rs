//! What a person decides about a file that is held.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use attache_domain::ids::MediaId;
use attache_domain::journey::Stage;
use attache_domain::verdict::Verdict;
use attache_flow::decision::{Decided, Decision};
use futures_util::FutureExt;
use serde_json::json;

use crate::world::{DISGUISED, Site};

const TRUNCATED: &[u8] = include_bytes!("../../../../tests/media/truncated.pdf");

fn decision(site: &Site) -> Decision<'_> {
    Decision {
        items: &site.world,
        jobs: &site.world,
        clock: &site.world,
    }
}

fn released(site: &Site, id: &MediaId) -> Decided {
    let decision = decision(site);
    let released = decision.release(id, "the customer sent it so");
    released.now_or_never().unwrap().unwrap()
}

fn rejected(site: &Site, id: &MediaId) -> Decided {
    let decision = decision(site);
    let rejected = decision.reject(id, "nobody needs it");
    rejected.now_or_never().unwrap().unwrap()
}

/// A site with a file that is held.
fn held() -> Site {
    let site = Site::new(TRUNCATED);
    site.announce("m", Some("truncated.pdf"));
    site.run(5);
    assert!(site.item().is_held());
    site
}

#[test]
fn a_released_file_arrives_once() {
    let site = held();
    let id = site.id();
    assert_eq!(released(&site, &id), Decided::Now(Stage::Waiting));
    site.run(5);
    let item = site.item();
    assert_eq!((item.gate.stage, item.gate.epoch), (Stage::Sent, 1));
    assert_eq!(site.files_sent().len(), 1);
    assert!(item.trail.verify(&id).is_ok());
    assert_eq!(released(&site, &id), Decided::Before(Stage::Sent));
    assert_eq!(
        rejected(&site, &id),
        Decided::NotHeld(Stage::Sent, Verdict::Clean)
    );
    site.run(5);
    assert_eq!(site.files_sent().len(), 1);
}

#[test]
fn a_release_that_died_half_way_is_carried_on() {
    let site = held();
    let id = site.id();
    released(&site, &id);
    // The job is lost; it is done again, or `sweep` finds the row.
    for again in [true, false] {
        site.world.receive(attache_flow::ports::Queue::Media);
        if again {
            assert_eq!(released(&site, &id), Decided::Before(Stage::Waiting));
        }
    }
    site.pass(60);
    assert_eq!(site.sweep(), 1);
    site.run(5);
    assert_eq!(site.files_sent().len(), 1);
}

#[test]
fn an_agents_file_is_released_with_its_text() {
    let site = Site::new(TRUNCATED);
    site.says("wamid.first", "text", json!({"body": "Hello"}));
    site.run(3);
    let file = json!([site.attachment("a1", "truncated.pdf")]);
    assert_eq!(site.agent_says("g1", "As you asked", file).status, 200);
    site.run(5);
    assert!(site.item().is_held());
    assert!(site.platforms.said.borrow().is_empty(), "nor its text");
    released(&site, &site.id());
    site.run(10);
    assert_eq!(site.platforms.uploads.borrow().len(), 1);
    let said = format!("{:?}", site.platforms.said.borrow());
    assert!(said.contains("As you asked"), "{said}");
}

#[test]
fn a_rejected_file_stays_and_what_is_not_held_is_left_alone() {
    let site = held();
    let id = site.id();
    assert_eq!(rejected(&site, &id), Decided::Now(Stage::Rejected));
    assert_eq!(rejected(&site, &id), Decided::Before(Stage::Rejected));
    assert_eq!(
        released(&site, &id),
        Decided::NotHeld(Stage::Rejected, Verdict::Held)
    );
    site.run(5);
    assert!(site.files_sent().is_empty());

    let site = Site::new(DISGUISED);
    site.announce("m", Some("invoice.png"));
    site.run(5);
    assert_eq!(
        released(&site, &site.id()),
        Decided::NotHeld(Stage::Rejected, Verdict::Quarantined),
        "what is dangerous stays in quarantine"
    );
    let nobody: MediaId = "abcdefghijklmnopqrstuvwxyz".parse().unwrap();
    assert_eq!(released(&site, &nobody), Decided::Unknown);
}
