//! What a platform tells of its limits, what it refuses in spite of them, and what goes out in the place of a file.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::channels::{Bounds, TypePattern, Ways};
use attache_domain::connection::Row;
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::Plan;
use attache_flow::decision::{Decided, Decision};
use attache_flow::memory::Calm;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::world::{Answer, PHOTO, Site, directory_of};

const BRIEF: &[u8] = include_bytes!("../../../../tests/media/brief.docx");
const TABLE: &[u8] = b"name;price\nbread;2\n";

const LINK: Ways = Ways {
    convert: false,
    link: true,
    summary: false,
    base64_summary: false,
};

/// A site whose connections allow these ways, and of files at most this.
fn site(file: &[u8], ways: Ways, limits: &Bounds) -> Site {
    let directory = directory_of(|row| {
        if let Row::Connection(connection) = row {
            (connection.ways, connection.limits) = (ways, limits.clone());
        }
    });
    Site::with(file, directory, Rc::new(Calm))
}

/// The same, whose customer has just written, so that the agent may answer.
fn open(file: &[u8], ways: Ways, limits: &Bounds) -> Site {
    let site = site(file, ways, limits);
    site.says("wamid.first", "text", json!({"body": "Hello"}));
    site.run(3);
    site.platforms.sends.borrow_mut().clear();
    site
}

fn agent_sends(site: &Site, message: &str, text: &str, name: &str) {
    let reply = site.agent_says(message, text, json!([site.attachment("a1", name)]));
    assert_eq!(reply.status, 200);
}

/// What the agent reads.
fn told(site: &Site) -> Vec<String> {
    let text = |body: &Value| body["text"].as_str().unwrap_or_default().to_owned();
    site.platforms.sends.borrow().iter().map(text).collect()
}

/// What the customer reads.
fn said(site: &Site) -> Vec<String> {
    let text = |body: &Value| {
        body["text"]["body"]
            .as_str()
            .unwrap_or("(a file)")
            .to_owned()
    };
    site.platforms.said.borrow().iter().map(text).collect()
}

fn receipts(site: &Site) -> Vec<String> {
    let status = |body: &Value| body["status"].as_str().unwrap_or_default().to_owned();
    site.platforms
        .receipts
        .borrow()
        .iter()
        .map(status)
        .collect()
}

fn end(item: &Item) -> (Stage, &str) {
    let plan = item.record.plan.as_ref();
    (item.gate.stage, plan.map_or("none", Plan::as_str))
}

fn only(types: &[&str]) -> Bounds {
    let parse = |it: &&str| TypePattern::parse(it).unwrap();
    Bounds {
        max_bytes: None,
        types: Some(types.iter().map(parse).collect()),
    }
}

#[test]
fn what_a_platform_would_drop_in_silence_is_told_instead() {
    for (supported, expected) in [
        (None, Stage::Sent),
        (Some(vec!["image/*"]), Stage::Sent),
        (Some(vec!["application/pdf"]), Stage::Rejected),
        (Some(vec![]), Stage::Rejected),
    ] {
        let site = Site::new(PHOTO);
        site.platforms.supported.replace(supported.clone());
        site.refresh();
        site.announce("m", None);
        site.run(5);
        assert_eq!(site.item().gate.stage, expected, "{supported:?}");
        assert_eq!(site.platforms.integrations.get(), 1, "once an hour");
        let is_told = expected == Stage::Rejected;
        assert_eq!(told(&site).len(), 1);
        assert_eq!(told(&site)[0].contains("does not take"), is_told);
    }
}

#[test]
fn limits_that_cannot_be_read_hold_nothing_up_and_are_forgotten_in_a_day() {
    let site = Site::new(PHOTO);
    site.platforms.supported.replace(Some(vec![]));
    site.refresh();
    assert_eq!(site.platforms.integrations.get(), 1);
    site.platforms.unsupported.set(Some(403));
    // Still believed, then too old.
    for (message, seconds, sent) in [("m1", 23 * 3600, 0), ("m2", 3600, 1)] {
        site.pass(seconds);
        site.announce(message, None);
        site.run(5);
        assert_eq!(site.files_sent().len(), sent, "{message}");
    }
    site.platforms.unsupported.set(None);
    site.pass(600);
    site.refresh();
    site.announce("m3", None);
    site.pass(60);
    site.run(5);
    assert_eq!(site.files_sent().len(), 1, "known again");
}

#[test]
fn a_file_that_is_refused_as_too_large_is_planned_anew_and_others_learn_of_it() {
    let site = open(PHOTO, Ways::default(), &Bounds::default());
    let answers = [(413, "<html>too large</html>")];
    site.platforms.upload_answers.borrow_mut().extend(answers);
    agent_sends(&site, "g1", "Look", "photo.jpg");
    site.run(5);
    let item = site.item();
    assert_eq!(end(&item), (Stage::Rejected, "rejected"));
    assert_eq!((item.gate.epoch, said(&site).len()), (1, 0));
    let why = item.record.diagnosis.unwrap();
    assert_eq!(why.code, "channel.limit-drift");
    for number in [PHOTO.len().to_string().as_str(), "5000000"] {
        assert!(why.evidence.contains(number), "{}", why.evidence);
    }
    assert!(item.trail.verify(&item.id).is_ok());
    assert_eq!(receipts(&site), ["Failed"]);
    let notice = told(&site).remove(0);
    assert!(
        notice.contains("refused one of 0.1 MB as too large"),
        "{notice}"
    );
    // The next one of its size is not even handed over; after an hour it is tried.
    agent_sends(&site, "g2", "", "photo.jpg");
    site.run(5);
    assert_eq!(site.platforms.uploads.borrow().len(), 0);
    site.pass(3600);
    agent_sends(&site, "g3", "", "photo.jpg");
    site.run(5);
    assert_eq!(
        (site.platforms.uploads.borrow().len(), said(&site).len()),
        (1, 1)
    );
}

#[test]
fn what_is_refused_goes_as_a_link_if_the_owner_allows_it() {
    for (status, body) in [
        (413, ""),
        (
            400,
            r#"{"error":{"code":131053,"message":"Media upload error"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":100,"message":"Invalid parameter"}}"#,
        ),
    ] {
        let site = open(PHOTO, LINK, &Bounds::default());
        site.platforms
            .upload_answers
            .borrow_mut()
            .push_back((status, body));
        agent_sends(&site, "g1", "Look", "photo.jpg");
        site.run(8);
        let item = site.item();
        assert_eq!(end(&item), (Stage::Sent, "link"), "{status} {body}");
        assert_eq!(said(&site).len(), 1);
        assert!(said(&site)[0].starts_with("Look\n\nphoto.jpg\nhttps://media.twin.example/"));
    }
}

#[test]
fn a_file_that_is_refused_in_its_second_form_is_given_up() {
    let site = open(PHOTO, LINK, &Bounds::default());
    let answers = [(413, ""), (413, "")];
    site.platforms.upload_answers.borrow_mut().extend(answers);
    agent_sends(&site, "g1", "", "photo.jpg");
    site.fetch();
    site.judge();
    site.deliver();
    // As if its second form were a file again: what was learnt is forgotten.
    for item in site.world.state.borrow_mut().items.values_mut() {
        if let Some(refused) = &mut item.record.refused {
            refused.bytes = u64::MAX;
        }
    }
    site.pass(3600);
    site.run(5);
    let item = site.item();
    assert_eq!((item.gate.stage, item.gate.epoch), (Stage::Failed, 1));
    assert_eq!(item.record.diagnosis.unwrap().code, "channel.limit-drift");
    assert_eq!(
        (said(&site).len(), receipts(&site)),
        (0, vec!["Failed".to_owned()])
    );
}

#[test]
fn genesys_refuses_a_file_it_should_take_and_gets_a_link() {
    let site = site(PHOTO, LINK, &Bounds::default());
    site.platforms
        .answers
        .borrow_mut()
        .push_back(Answer::Status(413));
    site.announce("m", Some("photo.jpg"));
    site.run(6);
    assert_eq!(end(&site.item()), (Stage::Sent, "link"));
    assert_eq!(site.files_sent().len(), 0);
    // What it tells of its limits is read anew at once, not in an hour.
    assert_eq!(site.platforms.integrations.get(), 2);
    let told = told(&site);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("photo.jpg\nhttps://media.twin.example/"),
        "{told:?}"
    );
}

#[test]
fn a_link_goes_out_once_and_lies_nowhere() {
    let site = open(TABLE, LINK, &Bounds::default());
    agent_sends(&site, "g1", "The prices", "prices.csv");
    site.run(5);
    let item = site.item();
    assert_eq!(end(&item), (Stage::Sent, "link"));
    let words = said(&site);
    assert_eq!(words.len(), 1);
    let link = "https://media.twin.example/arrivals/";
    assert!(
        words[0].starts_with(&format!("The prices\n\nprices.csv\n{link}")),
        "{words:?}"
    );
    assert!(words[0].ends_with(" UTC)"));
    let notice = &told(&site)[0];
    assert!(notice.contains("The customer gets a link"), "{notice}");
    assert!(
        notice.contains("does not take files of type text/csv"),
        "{notice}"
    );
    let state = format!("{:?}", site.world.state.borrow().items);
    assert!(!state.contains("twin.example"), "no row holds a link");
    site.reports("wamid.1", "delivered", item.id.as_str(), None);
    site.run(3);
    assert_eq!(site.item().gate.stage, Stage::Delivered);
    assert_eq!(receipts(&site), ["Delivered"]);
}

#[test]
fn a_link_whose_answer_is_lost_is_not_sent_again() {
    let site = open(TABLE, LINK, &Bounds::default());
    // The agent's notice goes first.
    let answers = [Answer::Status(200), Answer::Lost];
    site.platforms.answers.borrow_mut().extend(answers);
    agent_sends(&site, "g1", "", "prices.csv");
    for _ in 0..8 {
        site.run(3);
        site.pass(10);
        site.sweep();
    }
    assert_eq!(site.item().gate.stage, Stage::Unconfirmed);
    assert_eq!(said(&site).len(), 1);
    let notices = told(&site);
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(
        notices[1].contains("It is not known whether"),
        "{notices:?}"
    );
}

#[test]
fn a_link_keeps_its_place_among_the_parts_of_a_message() {
    let site = open(TABLE, LINK, &Bounds::default());
    let parts = json!([
        site.attachment("a1", "one.csv"),
        site.attachment("a2", "two.csv")
    ]);
    assert_eq!(site.agent_says("g1", "Both", parts).status, 200);
    site.run(10);
    let said = said(&site);
    let positions =
        ["Both", "one.csv", "two.csv"].map(|word| said.iter().position(|text| text.contains(word)));
    assert!(positions.is_sorted() && positions[2].is_some(), "{said:?}");
}

#[test]
fn an_office_file_that_a_channel_does_not_carry_is_described_in_words() {
    let summary = Ways {
        summary: true,
        base64_summary: false,
        ..Ways::default()
    };
    let site = open(BRIEF, summary, &only(&["image/*"]));
    agent_sends(&site, "g1", "The letter", "brief.docx");
    site.run(5);
    assert_eq!(end(&site.item()), (Stage::Sent, "summary"));
    let words = said(&site);
    assert_eq!(words.len(), 1);
    assert!(
        words[0].starts_with("The letter\n\nbrief.docx ("),
        "{words:?}"
    );
    assert!(told(&site)[0].contains("words that say what it is"));
}

#[test]
fn a_held_file_that_is_released_goes_as_a_link_and_the_agent_learns_of_it() {
    let truncated = include_bytes!("../../../../tests/media/truncated.pdf");
    let site = open(truncated, LINK, &only(&["image/*"]));
    agent_sends(&site, "g1", "", "truncated.pdf");
    site.run(4);
    let item = site.item();
    assert!(item.is_held());
    assert_eq!(told(&site).len(), 1, "held back");
    let decision = Decision {
        items: &site.world,
        jobs: &site.world,
        clock: &site.world,
    };
    let released = decision.release(&item.id, "looked at it").now_or_never();
    assert_eq!(released.unwrap().unwrap(), Decided::Now(Stage::Waiting));
    site.run(4);
    assert_eq!(end(&site.item()), (Stage::Sent, "link"));
    assert_eq!(said(&site).len(), 1);
    assert!(told(&site)[1].contains("The customer gets a link"));
}
