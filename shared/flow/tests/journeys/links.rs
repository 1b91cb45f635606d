//! Links that the agent's platform follows: how long they live, and what becomes of a file that it could not fetch.

use std::time::Duration;

use attache_domain::journey::Stage;
use attache_domain::pull::{MOST_FRESH, Through};
use serde_json::{Value, json};

use crate::world::{PHOTO, Site};

const TOO_LATE: Duration = Duration::from_secs(7 * 3600);
const UNREADABLE: &str = "Unable to download the attachment";

/// A customer's photo that was sent to the agent's platform, by a link.
fn sent() -> Site {
    let site = Site::new(PHOTO);
    site.refresh();
    assert_eq!(site.announce("wamid.A", Some("photo.jpg")).status, 200);
    site.run(3);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    site
}

/// What the platform calls the message that it accepted last.
fn called(site: &Site) -> String {
    site.item().record.delivered_as.unwrap_or_default()
}

/// The platform says that this message failed.
fn fails(site: &Site, message: &str, words: &str) {
    let reasons = json!([{"code": "GeneralError", "message": words}]);
    assert_eq!(site.receipt(message, "Failed", &reasons).status, 200);
}

fn links(site: &Site) -> Vec<Value> {
    let files = site.files_sent();
    let link = |sent: &Value| sent["content"][0]["attachment"]["url"].clone();
    files.iter().map(link).collect()
}

#[test]
fn the_life_of_a_link_is_written_down_and_the_link_is_not() {
    let site = sent();
    let pull = site.item().record.pull.unwrap();
    assert_eq!(pull.life(), Duration::from_secs(6 * 3600));
    assert_eq!((pull.through, pull.fresh), (Through::Store, 0));
    let rows = format!("{:?}", site.world.state.borrow().items);
    assert!(!rows.contains("media.twin.example"), "no link is kept");
}

#[test]
fn whoever_comes_too_late_gets_a_fresh_link_under_the_same_id() {
    let site = sent();
    let first = called(&site);
    site.pass(TOO_LATE.as_secs());
    site.refresh();
    for _ in 0..2 {
        fails(&site, &first, UNREADABLE);
    }
    let item = site.item();
    assert_eq!((item.gate.stage, item.gate.epoch), (Stage::Waiting, 1));
    let why = item.record.diagnosis.clone().unwrap();
    assert_eq!(why.code, "delivery.link-pulled-late");
    for part in ["a life of 21600 s", "2520", UNREADABLE] {
        assert!(why.evidence.contains(part), "{}", why.evidence);
    }
    site.run(3);
    let item = site.item();
    assert_eq!((item.gate.stage, item.record.repeats), (Stage::Sent, 1));
    assert_eq!(item.record.pull.unwrap().fresh, 1);
    let (links, files) = (links(&site), site.files_sent());
    assert_eq!(links.len(), 2);
    assert_ne!(links[0], links[1]);
    for file in files {
        assert_eq!(file["channel"]["messageId"], "wamid.A");
    }
    assert!(site.agent_reads().is_empty(), "nobody is told: it arrived");
}

#[test]
fn it_is_given_up_in_the_end_and_the_agent_is_told() {
    let site = sent();
    for round in 0..=MOST_FRESH {
        assert_eq!(links(&site).len() as u32, round + 1);
        fails(&site, &called(&site), UNREADABLE);
        site.run(3);
    }
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Undelivered);
    let why = item.record.diagnosis.clone().unwrap();
    assert_eq!(why.code, "delivery.link-not-pulled", "the link was alive");
    assert_eq!(links(&site).len() as u32, 1 + MOST_FRESH);
    let told = site.agent_reads();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("photo.jpg"), "{told:?}");
}

#[test]
fn what_failed_for_another_reason_is_not_sent_again() {
    let site = sent();
    fails(&site, &called(&site), "image/jpeg is not allowed");
    site.run(3);
    assert_eq!(site.item().gate.stage, Stage::Undelivered);
    assert_eq!(links(&site).len(), 1);
    assert_eq!(site.agent_reads().len(), 1);
}

#[test]
fn a_receipt_that_is_about_nothing_of_ours_is_kept() {
    let site = sent();
    fails(&site, "somebody-else-s", UNREADABLE);
    site.run(3);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    assert_eq!(links(&site).len(), 1);
    let state = site.world.state.borrow();
    let kept: Vec<_> = state.kept.keys().collect();
    assert_eq!(kept, ["gc/somebody-else-s/failed"]);
}
