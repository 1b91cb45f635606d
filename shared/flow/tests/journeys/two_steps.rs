//! A file towards web messaging: accepted is not delivered. What completes it, what ends it, and that it is sent once.

use std::rc::Rc;

use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::Verdict;
use attache_flow::memory::{Calm, Weather};
use attache_flow::ports::Queue;
use serde_json::{Value, json};

use crate::world::{Answer, Mortal, PHOTO, Site, web_directory};

fn web() -> Site {
    Site::with(PHOTO, web_directory(), Rc::new(Calm))
}

/// One whose customer sent a picture, which was judged.
fn announced() -> Site {
    let site = web();
    announce(&site);
    site
}

fn announce(site: &Site) {
    site.refresh();
    assert_eq!(site.announce("wamid.A", Some("photo.jpg")).status, 200);
    site.fetch();
    site.judge();
    assert_eq!(site.item().gate.stage, Stage::Waiting);
}

/// The same, and the platform works on it.
fn accepted() -> Site {
    let site = announced();
    site.platforms.web.tell(json!({"status": "processing"}));
    site.deliver();
    assert_eq!(site.item().gate.stage, Stage::Processing);
    site
}

fn completed() -> Value {
    json!({"status": "completed", "virusScanResult": "clean", "formatValidation": "passed"})
}

fn code(item: &Item) -> String {
    let diagnosis = item.record.diagnosis.as_ref();
    diagnosis.map_or_else(String::new, |it| it.code.clone())
}

fn waiting_in(site: &Site, queue: Queue) -> usize {
    let state = site.world.state.borrow();
    state.queues.get(&queue).map_or(0, Vec::len)
}

#[test]
fn a_file_goes_in_two_steps_and_its_message_names_it() {
    let site = accepted();
    let files = site.platforms.web.files.borrow().clone();
    let file = &files["file-1"];
    assert_eq!(file.bytes.as_deref(), Some(PHOTO));
    assert_eq!(
        file.metadata,
        json!({"fileName": "photo.jpg", "contentType": "image/jpeg", "fileSize": PHOTO.len(),
            "channelId": "7d3a0c11", "messageId": "wamid.A", "uploadType": "webmessaging"})
    );
    site.run(3);
    assert_eq!(
        site.platforms.web.looked.get(),
        0,
        "not before five seconds"
    );
    site.run(20);
    assert!((3..=5).contains(&site.platforms.web.looked.get()));
    assert!(site.files_sent().is_empty(), "accepted is not delivered");
    site.platforms.web.tell(completed());
    site.run(7);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    let sent = site.files_sent();
    assert_eq!(sent.len(), 1);
    let attachment = &sent[0]["content"][0]["attachment"];
    assert_eq!(
        (&attachment["id"], &attachment["url"]),
        (
            &json!("file-1"),
            &json!("https://files.example/file-1?sig=secret")
        )
    );
    assert_eq!(sent[0]["channel"]["messageId"], "wamid.A");
    let bearers = site.platforms.bearers.borrow();
    assert!(!bearers.iter().any(|host| host.ends_with(".example")));
    let rows = format!("{:?}", site.world.state.borrow().items);
    assert!(!rows.contains("sig=secret"), "no link is kept");
}

#[test]
fn an_event_brings_it_back_at_once_however_often_it_comes() {
    let site = accepted();
    site.platforms.web.tell(completed());
    for _ in 0..3 {
        assert_eq!(site.completes("file-1", &completed()).status, 200);
        site.run(1);
    }
    assert_eq!(
        site.item().gate.stage,
        Stage::Sent,
        "without waiting for the next look"
    );
    site.run(20);
    assert_eq!(
        site.completes("file-1", &json!({"status": "failed"}))
            .status,
        200
    );
    site.run(20);
    assert_eq!(
        (site.files_sent().len(), site.item().gate.stage),
        (1, Stage::Sent)
    );
    assert_eq!(site.completes("nobody's", &completed()).status, 200);
    let kept = site.world.state.borrow().kept.len();
    assert_eq!(kept, 1, "an event of nobody's file is kept");
}

#[test]
fn an_event_may_come_before_the_answer() {
    // Lost, so that the row never learns that the bytes were accepted.
    let site = announced();
    site.platforms.web.puts.borrow_mut().push_back(Answer::Lost);
    site.deliver();
    assert_eq!(site.item().gate.stage, Stage::Uploading);
    assert_eq!(site.completes("file-1", &completed()).status, 200);
    assert_eq!(site.item().gate.stage, Stage::Ready);
    site.run(10);
    assert_eq!(
        (site.item().gate.stage, site.files_sent().len()),
        (Stage::Sent, 1)
    );
    assert_eq!(site.platforms.web.held(), ["file-1"], "handed over once");
}

#[test]
fn bytes_may_be_handed_over_again_and_each_time_by_a_link_of_their_own() {
    let site = announced();
    let web = &site.platforms.web;
    web.places.borrow_mut().push_back((503, ""));
    web.puts
        .borrow_mut()
        .extend([Answer::Lost, Answer::Status(503)]);
    site.run(60);
    assert_eq!(
        (site.item().gate.stage, site.files_sent().len()),
        (Stage::Sent, 1)
    );
    assert_eq!(web.files.borrow().len(), 3);
    assert_eq!(web.held(), ["file-1", "file-3"]);
    assert_eq!(
        site.files_sent()[0]["content"][0]["attachment"]["id"],
        "file-3"
    );
    assert_eq!(site.item().record.attempts, 3);
}

#[test]
fn what_stays_queued_is_cancelled_and_handed_over_again() {
    let site = announced();
    let web = &site.platforms.web;
    web.tell(json!({"status": "queued"}));
    site.run(44);
    assert_eq!(web.files.borrow().len(), 1);
    assert!(!web.files.borrow()["file-1"].cancelled);
    site.run(5);
    assert!(web.files.borrow()["file-1"].cancelled);
    assert_eq!(code(&site.item()), "pipeline.queued-too-long");
    let evidence = site.item().record.diagnosis.unwrap().evidence;
    assert!(
        evidence.contains("; the message is ") && evidence.ends_with(" s old, 1 in hand here"),
        "{evidence}"
    );
    web.tell(completed());
    // What is told of the upload that was cancelled is no news.
    site.completes("file-1", &completed());
    assert_eq!(site.item().gate.stage, Stage::Processing);
    site.run(20);
    assert_eq!(
        (site.item().gate.stage, site.files_sent().len()),
        (Stage::Sent, 1)
    );
    assert_eq!(web.held(), ["file-1", "file-2"]);
}

#[test]
fn a_wait_without_end_ends_with_what_is_underneath() {
    type Arrange = fn(&Site);
    let table: [(&str, Arrange, &str, &str); 3] = [
        (
            "silent",
            |site| site.platforms.web.tell(json!({"status": "processing"})),
            "pipeline.completion-timeout",
            "it still says \"processing\"",
        ),
        (
            "queued",
            |site| site.platforms.web.tell(json!({"status": "queued"})),
            "pipeline.queued-too-long",
            "still queued after",
        ),
        (
            "throttled",
            |site| {
                let looks = &site.platforms.web.looks;
                looks.borrow_mut().extend([(429, "{}"); 500]);
            },
            "pipeline.completion-timeout",
            "genesys.rate-limited",
        ),
    ];
    for (name, arrange, expected, evidence) in table {
        let site = announced();
        arrange(&site);
        // A platform that asks for less is asked at half the pace, and again at half of that.
        site.run(900);
        let item = site.item();
        assert_eq!(
            (item.gate.stage, code(&item).as_str()),
            (Stage::Failed, expected),
            "{name}"
        );
        let told = &item.record.diagnosis.as_ref().unwrap().evidence;
        assert!(told.contains(evidence), "{name}: {told}");
        let web = &site.platforms.web;
        let files = web.files.borrow().clone();
        assert_eq!(files.len(), 4, "{name}: four attempts in all");
        assert!(files.values().all(|file| file.cancelled), "{name}");
        assert!(site.files_sent().is_empty(), "{name}");
        assert_eq!(waiting_in(&site, Queue::MediaDeadLetters), 1, "{name}");
        // The agent is told, and what comes late changes nothing.
        assert_eq!(site.platforms.sends.borrow().len(), 1, "{name}");
        site.completes("file-4", &completed());
        site.run(5);
        assert_eq!(site.item().gate.stage, Stage::Failed, "{name}");
    }
}

#[test]
fn every_answer_tells_whether_the_platform_works() {
    let site = announced();
    let failures = || {
        let state = site.world.state.borrow();
        let known = state.learnt.get("media/web").map(String::as_str);
        let line: Value = serde_json::from_str(known.unwrap_or("null")).unwrap();
        line["breaker"]["failures"].as_u64().unwrap_or(0)
    };
    let web = &site.platforms.web;
    web.tell(json!({"status": "processing"}));
    web.places.borrow_mut().push_back((503, "{}"));
    site.deliver();
    assert_eq!(failures(), 1);
    while site.item().gate.stage != Stage::Processing {
        site.run(1);
    }
    assert_eq!(failures(), 0, "the bytes were taken");
    web.looks.borrow_mut().extend([(503, "{}"), (502, "{}")]);
    site.run(11);
    assert_eq!((web.looks.borrow().len(), failures()), (0, 2));
    site.run(5);
    assert_eq!(failures(), 0, "a look was answered");
    assert_eq!(site.item().gate.stage, Stage::Processing);
}

#[test]
fn what_the_platform_told_it_has_outlasts_a_minute_of_looks_that_fail() {
    let site = accepted();
    let web = &site.platforms.web;
    web.tell(completed());
    assert_eq!(site.completes("file-1", &completed()).status, 200);
    // Five shut the line; then one by one, after half a minute and after a whole one.
    web.looks.borrow_mut().extend([(503, "{}"); 7]);
    site.run(400);
    assert!(web.looks.borrow().is_empty());
    let item = site.item();
    assert_eq!((item.gate.stage, site.files_sent().len()), (Stage::Sent, 1));
    assert_eq!((item.record.attempts, web.held().len()), (1, 1));
}

#[test]
fn malware_by_event_or_by_look_goes_nowhere_and_the_agent_is_told() {
    let malicious = json!({"status": "completed", "virusScanResult": "malicious"});
    for by_event in [true, false] {
        let site = accepted();
        if by_event {
            assert_eq!(site.completes("file-1", &malicious).status, 200);
        } else {
            site.platforms.web.tell(malicious.clone());
        }
        site.run(20);
        let item = site.item();
        assert_eq!(
            (item.gate.stage, item.gate.verdict),
            (Stage::Undelivered, Verdict::Quarantined)
        );
        assert_eq!(code(&item), "provider.malware");
        let state = site.world.state.borrow();
        assert!(!state.objects.contains_key(&item.id) && state.quarantine.contains_key(&item.id));
        drop(state);
        assert!(site.files_sent().is_empty());
        assert_eq!(site.platforms.sends.borrow().len(), 1, "a notice");
    }
}

#[test]
fn a_scan_that_failed_is_asked_for_once_more_after_five_minutes() {
    for by_event in [true, false] {
        let site = accepted();
        let failed = json!({"status": "failed", "virusScanResult": "error"});
        if by_event {
            site.completes("file-1", &failed);
        } else {
            site.platforms.web.tell(failed.clone());
        }
        site.run(8);
        assert_eq!(code(&site.item()), "genesys.scan-failed");
        assert_eq!(waiting_in(&site, Queue::MediaRetry), 1);
        site.platforms.web.tell(completed());
        site.run(280);
        assert_eq!(site.platforms.web.held(), ["file-1"]);
        site.run(40);
        assert_eq!(site.platforms.web.held(), ["file-1", "file-2"]);
        assert_eq!(
            (site.item().gate.stage, site.files_sent().len()),
            (Stage::Sent, 1)
        );
    }
}

#[test]
fn what_is_not_what_was_sent_is_handed_over_again_and_what_is_withheld_is_not() {
    let site = accepted();
    let mut other = completed();
    other["fileSize"] = json!(7);
    site.platforms.web.tell(other);
    site.run(7);
    assert_eq!(code(&site.item()), "transfer.returned-differs");
    site.platforms.web.tell(completed());
    site.run(30);
    assert_eq!(
        (site.item().gate.stage, site.files_sent().len()),
        (Stage::Sent, 1)
    );
    assert_eq!(site.platforms.web.held().len(), 2);

    let site = accepted();
    // Complete by a word of the published surface, and without a link.
    site.platforms.web.tell(json!({"status": "valid"}));
    site.run(10);
    assert_eq!(code(&site.item()), "genesys.file-withheld");
    assert_eq!(site.item().gate.stage, Stage::Failed);
}

#[test]
fn another_tenants_event_and_an_unsigned_one_move_nothing() {
    let site = accepted();
    let before = site.item();
    let malicious = json!({"status": "completed", "virusScanResult": "malicious"});
    for data in [completed(), malicious.clone(), json!({"status": "failed"})] {
        assert_eq!(site.completes_at("theirs", "file-1", &data).status, 200);
    }
    let body = json!({"eventType": "genesys.cloud.messaging.file.upload.completed",
        "data": {"fileId": "file-1", "virusScanResult": "malicious", "status": "completed"}});
    let reply = site.post_to("web", body.to_string().as_bytes(), "sha256=0");
    assert_eq!(reply.status, 401);
    assert_eq!(site.item(), before);
    assert_eq!(waiting_in(&site, Queue::Judge), 0);
    // Two of one name are kept once.
    assert_eq!(site.world.state.borrow().kept.len(), 1);
}

#[test]
fn words_go_by_the_lane_of_words() {
    let site = web();
    assert_eq!(
        site.says("wamid.T", "text", json!({"body": "Hello"}))
            .status,
        200
    );
    site.run(3);
    assert_eq!(site.platforms.sends.borrow()[0]["text"], "Hello");
    assert!(site.platforms.web.files.borrow().is_empty());
}

#[test]
fn sweep_finds_what_is_stuck_while_the_platform_works() {
    let site = accepted();
    // The delayed copy is lost.
    site.world.state.borrow_mut().queues.clear();
    site.platforms.web.tell(completed());
    for _ in 0..6 {
        site.pass(10);
        site.sweep();
        site.run(1);
    }
    assert_eq!(
        (site.item().gate.stage, site.files_sent().len()),
        (Stage::Sent, 1)
    );
}

/// Every boundary of the path: killed there, the file arrives all the same, and once.
#[test]
fn killed_anywhere_it_arrives_once() {
    let mut at = 0;
    loop {
        at += 1;
        let mut died = false;
        for behind in [false, true] {
            let mortal = Rc::new(Mortal::default());
            let site = Site::with(
                PHOTO,
                web_directory(),
                Rc::clone(&mortal) as Rc<dyn Weather>,
            );
            announce(&site);
            site.platforms.web.tell(json!({"status": "processing"}));
            mortal.calls.set(0);
            mortal.dies.set(Some((at, behind)));
            for second in 0..40 {
                died |= site.deliver_mortally(&mortal.dead);
                site.pass(1);
                if second == 12 {
                    site.platforms.web.tell(completed());
                }
            }
            mortal.dies.set(None);
            for _ in 0..30 {
                site.pass(10);
                site.sweep();
                site.run(1);
            }
            let item = site.item();
            let name = format!(
                "killed at call {at}, {}",
                if behind { "behind" } else { "before" }
            );
            assert_eq!(item.gate.stage, Stage::Sent, "{name}");
            let sent = site.files_sent();
            let ids: std::collections::BTreeSet<_> = sent
                .iter()
                .map(|body| body["channel"]["messageId"].to_string())
                .collect();
            // Towards agents an open outcome is repeated under the same message id, and counted.
            assert_eq!(ids.len(), 1, "{name}");
            assert!(
                sent.len() == 1 + usize::try_from(item.record.repeats).unwrap() || sent.len() == 1,
                "{name}: {} sent, {} repeats",
                sent.len(),
                item.record.repeats
            );
            item.trail.verify(&item.id).unwrap();
        }
        if !died {
            break;
        }
    }
    assert!(at > 10, "{at} calls");
}
