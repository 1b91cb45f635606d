//! What is taken back, or kept by reference only: its bytes are gone from every store, and stay gone.

use std::rc::Rc;

use attache_domain::audit::Actor;
use attache_domain::connection::{Retention, Row};
use attache_domain::delivery::LINK_LIFE;
use attache_domain::event::Content;
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::Reason;
use attache_flow::erasure::{Erased, Erasure};
use attache_flow::memory::{Calm, Object};
use futures_util::FutureExt;
use serde_json::json;

use crate::world::{Answer, DISGUISED, PHOTO, Site, directory_of};

/// A site whose number has this retention.
fn site(file: &[u8], retention: Retention) -> Site {
    let directory = directory_of(|row| {
        if let Row::Connection(connection) = row {
            connection.retention = retention;
        }
    });
    let site = Site::with(file, directory, Rc::new(Calm));
    site.refresh();
    site
}

fn takes_back(site: &Site, message: &str) {
    let words = json!({ "original_message_id": message });
    assert_eq!(site.says("wamid.revoke", "revoke", words).status, 200);
}

/// Nothing of any file is in any store.
fn nothing_left(site: &Site) -> bool {
    let state = site.world.state.borrow();
    state.objects.is_empty() && state.quarantine.is_empty() && state.uploads.is_empty()
}

#[test]
fn what_the_customer_takes_back_is_removed_where_the_owner_says_so() {
    for (retention, gone) in [
        (Retention::Keep, false),
        (Retention::KeepUntilUnsend, true),
        (Retention::ReferenceOnly, true),
    ] {
        let site = site(PHOTO, retention);
        site.announce("wamid.1", Some("me.jpg"));
        site.run(10);
        assert_eq!(site.item().gate.stage, Stage::Sent);
        takes_back(&site, "wamid.1");
        site.run(10);
        assert_eq!(nothing_left(&site), gone, "{retention:?}");
        let item = site.item();
        assert_eq!(item.gate.stage == Stage::Erased, gone);
        assert_eq!(item.origin.customer.is_empty(), gone);
        let told = site.platforms.sends.borrow();
        assert_eq!(told.len(), 2, "the file, and that it was deleted: {told:?}");
        assert!(item.trail.verify(&item.id).is_ok());
    }
}

#[test]
fn whenever_it_is_taken_back_nothing_of_it_goes_out_afterwards() {
    for (name, done) in [("announced", 0), ("fetched", 1), ("judged", 2)] {
        for file in [PHOTO, DISGUISED] {
            let site = site(file, Retention::KeepUntilUnsend);
            site.announce("wamid.1", Some("me.jpg"));
            if done > 0 {
                site.fetch();
            }
            if done > 1 {
                site.judge();
            }
            takes_back(&site, "wamid.1");
            site.run(10);
            assert!(nothing_left(&site), "{name}");
            assert_eq!(site.item().gate.stage, Stage::Erased, "{name}");
            assert!(site.files_sent().is_empty(), "{name}");
            // Its platform says it once more.
            site.announce("wamid.1", Some("me.jpg"));
            site.run(10);
            assert!(nothing_left(&site), "{name}: again");
        }
    }
}

#[test]
fn taken_back_before_it_comes_it_is_never_fetched() {
    let site = site(PHOTO, Retention::KeepUntilUnsend);
    takes_back(&site, "wamid.1");
    site.announce("wamid.1", Some("me.jpg"));
    site.run(10);
    assert_eq!(site.calls("http.download"), 0);
    assert!(site.items(|item| item.origin.file().is_some()).is_empty());
    assert_eq!(site.platforms.sends.borrow().len(), 1, "the agent is told");
}

#[test]
fn a_late_store_and_a_lost_job_change_nothing() {
    let site = site(PHOTO, Retention::KeepUntilUnsend);
    site.announce("wamid.1", Some("me.jpg"));
    site.fetch();
    let id = site.id();
    let bytes = site.world.state.borrow().objects[&id].clone();
    site.world.state.borrow_mut().events.clear();
    takes_back(&site, "wamid.1");
    // The job is lost; `sweep` finds the row.
    site.world.receive(attache_flow::ports::Queue::Judge);
    site.pass(1);
    assert_eq!(site.sweep(), 1);
    site.judge();
    assert!(nothing_left(&site));
    // A holder that had stalled past its lease finds the key free, and the event of it is lost.
    site.world.state.borrow_mut().objects.insert(id, bytes);
    site.pass(910);
    site.sweep();
    site.judge();
    assert!(nothing_left(&site));
    assert_eq!(site.item().gate.due_at, None);
}

#[test]
fn a_notice_that_crosses_with_the_taking_back_goes_too() {
    let site = site(DISGUISED, Retention::KeepUntilUnsend);
    site.announce("wamid.1", Some("invoice.png"));
    site.fetch();
    site.judge();
    // As if its judge had told of it only after the notice was looked for.
    let is_notice = |item: &Item| matches!(&item.origin.content, Content::Words(it) if it.notice);
    let notice = site.items(is_notice).remove(0);
    let state = &site.world.state;
    state.borrow_mut().items.remove(&notice.id);
    takes_back(&site, "wamid.1");
    state.borrow_mut().items.insert(notice.id.clone(), notice);
    site.run(10);
    assert_eq!(site.items(is_notice)[0].gate.stage, Stage::Erased);
    let rows = format!("{:?}", site.items(|_| true));
    assert!(!rows.contains("invoice"), "{rows}");
}

#[test]
fn by_reference_only_the_bytes_go_once_no_link_lives() {
    let site = site(PHOTO, Retention::ReferenceOnly);
    site.announce("wamid.1", Some("me.jpg"));
    site.run(10);
    site.pass(LINK_LIFE.as_secs() - 20);
    assert_eq!(site.sweep(), 0);
    assert!(!nothing_left(&site), "Genesys may still follow its link");
    site.pass(20);
    assert_eq!(site.sweep(), 1);
    site.judge();
    assert!(nothing_left(&site));
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Sent, "what became of it stays");
    assert!(item.record.object.is_some(), "the reference stays");
    site.pass(2000);
    assert_eq!(site.sweep(), 1, "one more look");
    site.judge();
    assert_eq!(site.item().gate.due_at, None);
}

#[test]
fn the_bytes_go_also_where_a_status_comes_before_the_answer() {
    let site = site(PHOTO, Retention::ReferenceOnly);
    site.says("m1", "text", json!({"body": "Hello"}));
    site.run(3);
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    site.agent_says("g1", "", json!([site.attachment("a1", "photo.png")]));
    site.run(5);
    let id = site.item().id;
    assert_eq!(site.item().gate.stage, Stage::Sending);
    site.reports("wamid.1", "delivered", id.as_str(), None);
    site.run(2);
    assert_eq!(site.item().gate.stage, Stage::Delivered);
    assert!(!nothing_left(&site));
    site.pass(LINK_LIFE.as_secs());
    assert_eq!(site.sweep(), 1);
    site.judge();
    assert!(nothing_left(&site));
    // A status that comes now does not call the last look off.
    site.reports("wamid.1", "read", id.as_str(), None);
    assert_eq!(site.item().gate.stage, Stage::Read);
    assert!(site.item().gate.due_at.is_some());
}

#[test]
fn by_reference_only_nothing_of_a_lost_file_stays_either() {
    let site = site(PHOTO, Retention::ReferenceOnly);
    site.platforms.dead.set(Some("wamid.1"));
    site.announce("wamid.1", Some("me.jpg"));
    site.run(30);
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Lost);
    // A holder that had stalled finds the key free after somebody else gave up; nobody hears of it.
    let bytes = Object {
        bytes: PHOTO.to_vec(),
        declared_type: None,
        fence: 1,
        joined: false,
    };
    site.world.state.borrow_mut().objects.insert(item.id, bytes);
    site.pass(LINK_LIFE.as_secs());
    assert_eq!(site.sweep(), 1);
    site.judge();
    assert!(nothing_left(&site));
    assert_eq!(site.item().gate.stage, Stage::Lost);
}

#[test]
fn a_person_can_have_any_item_erased() {
    let site = site(DISGUISED, Retention::Keep);
    site.announce("wamid.1", Some("invoice.png"));
    site.run(10);
    let (id, world) = (site.id(), &site.world);
    let erasure = Erasure {
        items: world,
        claims: world,
        jobs: world,
        clock: world,
    };
    let why = Reason {
        code: "erased".to_owned(),
        evidence: "ticket 7".to_owned(),
    };
    for expected in [Erased::Now, Erased::Before] {
        let erased = erasure.with_follow_ups(&id, &why, Actor::Operator);
        assert_eq!(erased.now_or_never().unwrap().unwrap(), expected);
        site.run(3);
        assert!(nothing_left(&site));
    }
    let said = format!("{:?}", site.items(|_| true));
    assert!(!said.contains("invoice"), "also in the notice: {said}");
    assert_eq!(site.item().record.reasons, [why]);
}
