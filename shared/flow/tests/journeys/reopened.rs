//! What a person sets going again, and what a person knows of a message that may have been sent.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use attache_domain::event::Content;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Stage, Unfit};
use attache_flow::decision::Decision;
use attache_flow::ports::Queue;
use attache_flow::reopening::{Redriven, Reopening, Resolved, Word};
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::world::{Answer, PHOTO, Site};

const TRUNCATED: &[u8] = include_bytes!("../../../../tests/media/truncated.pdf");
const VOICE: &[u8] = include_bytes!("../../../../tests/media/voice.ogg");

fn reopening(site: &Site) -> Reopening<'_> {
    Reopening {
        items: &site.world,
        objects: &site.world,
        jobs: &site.world,
        clock: &site.world,
        directories: &site.world,
    }
}

fn redriven(site: &Site, id: &MediaId) -> Redriven {
    let reopening = reopening(site);
    let foreseen = reopening.would_redrive(id).now_or_never();
    let redriven = reopening.redrive(id, "mended").now_or_never();
    let redriven = redriven.unwrap().unwrap();
    assert_eq!(foreseen.unwrap().unwrap(), redriven);
    redriven
}

fn resolved(site: &Site, id: &MediaId, word: Word) -> Resolved {
    let reopening = reopening(site);
    let resolved = reopening.resolve(id, word, "asked the customer");
    resolved.now_or_never().unwrap().unwrap()
}

/// The notices that the agent reads.
fn notices(site: &Site) -> usize {
    let sends = site.platforms.sends.borrow();
    let is_notice = |body: &&Value| {
        let text = body["text"].as_str();
        text.is_some_and(|text| text.starts_with("[Attaché]"))
    };
    sends.iter().filter(is_notice).count()
}

fn receipts(site: &Site) -> Vec<String> {
    let receipts = site.platforms.receipts.borrow();
    let status = |body: &Value| body["status"].as_str().unwrap().to_owned();
    receipts.iter().map(status).collect()
}

/// A customer who has written, and whom an agent may therefore answer.
fn open(file: &[u8]) -> Site {
    let site = Site::new(file);
    site.says("wamid.first", "text", json!({"body": "Hello"}));
    site.run(3);
    site
}

/// The next sends are answered so.
fn answer(site: &Site, answers: &[Answer]) {
    site.platforms.answers.borrow_mut().extend(answers);
}

/// The item of the agent's words.
fn words(site: &Site) -> Item {
    let own = |item: &Item| {
        let said = matches!(&item.origin.content, Content::Words(words) if !words.notice);
        said && item.origin.connection.as_str() == "genesys"
    };
    let mut items = site.items(own);
    assert_eq!(items.len(), 1);
    items.remove(0)
}

#[test]
fn a_refused_file_arrives_once_what_refused_it_is_mended_and_each_failure_is_told() {
    let site = Site::new(PHOTO);
    answer(&site, &[Answer::Status(400)]);
    site.announce("m", Some("photo.jpg"));
    site.run(5);
    let id = site.id();
    assert_eq!(site.item().gate.stage, Stage::Failed);
    assert_eq!((site.files_sent().len(), notices(&site)), (0, 1));

    answer(&site, &[Answer::Status(400)]);
    assert_eq!(redriven(&site, &id), Redriven::Now(Stage::Stored));
    let on_its_way = Redriven::Unfit(Stage::Stored, Unfit::OnItsWay);
    assert_eq!(redriven(&site, &id), on_its_way);
    site.run(5);
    assert_eq!(site.item().gate.stage, Stage::Failed);
    assert_eq!(notices(&site), 2, "told again");

    assert_eq!(redriven(&site, &id), Redriven::Now(Stage::Stored));
    site.run(5);
    let item = site.item();
    assert_eq!((item.gate.stage, item.gate.epoch), (Stage::Sent, 2));
    assert_eq!((site.files_sent().len(), notices(&site)), (1, 2));
    assert!(item.trail.verify(&id).is_ok());
    let arrived = Redriven::Unfit(Stage::Sent, Unfit::Arrived);
    assert_eq!(redriven(&site, &id), arrived);
    site.run(5);
    assert_eq!(site.files_sent().len(), 1);
}

#[test]
fn a_redrive_that_died_half_way_is_carried_on_by_sweep() {
    let site = Site::new(PHOTO);
    answer(&site, &[Answer::Status(400)]);
    site.announce("m", Some("photo.jpg"));
    site.run(5);
    redriven(&site, &site.id());
    assert_eq!(site.world.receive(Queue::Judge).len(), 1, "and it is lost");
    site.pass(60);
    assert_eq!(site.sweep(), 1);
    site.run(5);
    assert_eq!(site.files_sent().len(), 1);
}

#[test]
fn words_that_stand_apart_go_along_with_their_file() {
    let site = open(VOICE);
    answer(&site, &[Answer::Status(400)]);
    let file = json!([site.attachment("a1", "voice.ogg")]);
    site.agent_says("g1", "Listen", file);
    site.run(10);
    assert!(site.platforms.said.borrow().is_empty());
    assert_eq!(receipts(&site), ["Failed"]);
    assert_eq!(redriven(&site, &site.id()), Redriven::Now(Stage::Stored));
    site.run(10);
    let said = site.platforms.said.borrow();
    let kinds: Vec<&str> = said.iter().filter_map(|it| it["type"].as_str()).collect();
    assert_eq!(kinds, ["audio", "text"], "{said:?}");
    drop(said);
    let sent = site.items(|item| item.gate.stage == Stage::Sent && item.gate.epoch == 1);
    assert_eq!(sent.len(), 2);
    for (n, item) in sent.iter().enumerate() {
        let wamid = format!("wamid.{}", n + 1);
        site.reports(&wamid, "delivered", item.id.as_str(), None);
    }
    site.run(3);
    assert_eq!(receipts(&site), ["Failed", "Delivered"]);
}

#[test]
fn a_lost_file_is_fetched_for_as_long_as_its_platform_has_it() {
    let site = Site::new(PHOTO);
    site.platforms.dead.set(Some("media-m"));
    site.announce("m", Some("photo.jpg"));
    site.run(120);
    for _ in 0..10 {
        site.pass(3600);
        site.sweep();
        site.run(5);
    }
    assert_eq!(site.item().gate.stage, Stage::Lost);
    site.platforms.dead.set(None);
    assert_eq!(redriven(&site, &site.id()), Redriven::Now(Stage::Announced));
    site.run(10);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    assert_eq!(site.files_sent().len(), 1);

    let late = Site::new(PHOTO);
    late.platforms.dead.set(Some("media-m"));
    late.announce("m", Some("photo.jpg"));
    late.run(120);
    for _ in 0..15 {
        late.pass(12 * 3600);
        late.sweep();
        late.run(5);
    }
    let gone = Redriven::Unfit(Stage::Lost, Unfit::Gone);
    assert_eq!(redriven(&late, &late.id()), gone);
}

#[test]
fn bytes_that_the_bucket_dropped_are_not_promised() {
    let site = Site::new(PHOTO);
    answer(&site, &[Answer::Status(400)]);
    site.announce("m", Some("photo.jpg"));
    site.run(5);
    let id = site.id();
    site.world.state.borrow_mut().objects.clear();
    let without = Redriven::Unfit(Stage::Failed, Unfit::NoBytes);
    assert_eq!(redriven(&site, &id), without);
    assert_eq!(site.item().gate.epoch, 0);
    let nobody: MediaId = "abcdefghijklmnopqrstuvwxyz".parse().unwrap();
    assert_eq!(redriven(&site, &nobody), Redriven::Unknown);
}

#[test]
fn a_person_who_asked_resolves_what_nobody_knew() {
    for (word, stage, said) in [
        (Word::Sent, Stage::Sent, 1),
        (Word::Resend, Stage::Waiting, 2),
    ] {
        let site = open(PHOTO);
        answer(&site, &[Answer::Lost]);
        site.agent_says("g1", "Are you there?", Value::Null);
        site.run(60);
        site.sweep();
        site.run(3);
        let item = words(&site);
        assert_eq!(item.gate.stage, Stage::Unconfirmed);
        let unfit = Redriven::Unfit(Stage::Unconfirmed, Unfit::Unconfirmed);
        assert_eq!(redriven(&site, &item.id), unfit);
        assert_eq!(resolved(&site, &item.id, word), Resolved::Now(stage));
        site.run(5);
        assert_eq!(words(&site).gate.stage, Stage::Sent);
        assert_eq!(site.platforms.said.borrow().len(), said);
        let again = resolved(&site, &item.id, word);
        assert_eq!(again, Resolved::NotOpen(Stage::Sent));
    }
}

#[test]
fn a_second_ending_is_told_as_well() {
    // Nobody knew whether it was sent, and the agent was told; then the platform says that it was not.
    let site = open(PHOTO);
    answer(&site, &[Answer::Lost]);
    site.agent_says("g1", "Are you there?", Value::Null);
    site.run(60);
    site.sweep();
    site.run(3);
    assert_eq!(notices(&site), 1);
    let id = words(&site).id;
    site.reports("wamid.x", "failed", id.as_str(), Some(131_026));
    site.run(3);
    assert_eq!(words(&site).gate.stage, Stage::Undelivered);
    assert_eq!(
        (notices(&site), receipts(&site)),
        (2, vec!["Failed".to_owned()])
    );

    // A file was held, and the agent was told; it is released, and the platform refuses it.
    let site = open(TRUNCATED);
    let file = json!([site.attachment("a1", "truncated.pdf")]);
    site.agent_says("g1", "", file);
    site.run(5);
    assert_eq!(notices(&site), 1);
    let decision = Decision {
        items: &site.world,
        jobs: &site.world,
        clock: &site.world,
    };
    let id = site.id();
    decision
        .release(&id, "seen")
        .now_or_never()
        .unwrap()
        .unwrap();
    answer(&site, &[Answer::Status(400)]);
    site.run(5);
    assert_eq!(site.item().gate.stage, Stage::Failed);
    assert_eq!(notices(&site), 2);
}

#[test]
fn an_agents_file_that_was_lost_is_taken_up_under_another_link() {
    let site = open(PHOTO);
    let dead = [(404, &[][..]); 60];
    site.platforms.downloads.borrow_mut().extend(dead);
    let file = |link: &str| {
        let mut file = site.attachment("f", "photo.jpg");
        let url = format!("https://api.mypurecloud.de/api/v2/downloads/{link}");
        file["attachment"]["url"] = json!(url);
        json!([file])
    };
    assert_eq!(site.agent_says("a", "Look", file("dead")).status, 503);
    site.run(5);
    site.pass(1900);
    for _ in 0..10 {
        site.run(60);
    }
    assert_eq!(site.item().gate.stage, Stage::Lost, "{:?}", site.item());
    assert!(receipts(&site).contains(&"Failed".to_owned()));
    let told = (receipts(&site).len(), notices(&site));
    site.platforms.downloads.borrow_mut().clear();

    assert_eq!(site.agent_says("a", "Look", file("dead")).status, 200);
    site.run(5);
    assert_eq!(site.item().gate.stage, Stage::Lost, "the same link");
    assert_eq!((receipts(&site).len(), notices(&site)), told, "nothing new");

    for _ in 0..2 {
        assert_eq!(site.agent_says("a", "Look", file("fresh")).status, 200);
        site.run(5);
        assert_eq!(site.item().gate.stage, Stage::Sent);
    }
    let said = site.platforms.said.borrow();
    let words = said.iter().filter(|body| body.to_string().contains("Look"));
    assert_eq!((said.len(), words.count()), (1, 1), "{said:?}");
}
