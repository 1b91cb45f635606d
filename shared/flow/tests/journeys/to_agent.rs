//! A customer's file on its way to the agent: what becomes of it, how often it is sent, and what it costs.

use std::cell::Cell;
use std::future::poll_fn;
use std::mem::replace;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::world::{Answer, DISGUISED, PHOTO, Site, directory};
use async_trait::async_trait;
use attache_domain::connection::Directory;
use attache_domain::journey::Stage;
use attache_domain::verdict::Verdict;
use attache_flow::memory::Weather;
use attache_flow::ports::{self, Directories, Queue};
use futures_util::FutureExt;

const TRUNCATED: &[u8] = include_bytes!("../../../../tests/media/truncated.pdf");

#[expect(clippy::unwrap_used, reason = "a broken trail ends the test")]
fn stages(site: &Site) -> Vec<&'static str> {
    let item = site.item();
    item.trail
        .verify(&item.id)
        .unwrap()
        .iter()
        .map(|entry| entry.stage.as_str())
        .collect()
}

#[test]
fn a_photo_arrives_within_the_budget_of_writes() {
    let site = Site::new(PHOTO);
    site.refresh();
    assert_eq!(
        site.announce(
            "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
            Some("photo.jpg")
        )
        .status,
        200
    );
    site.fetch();
    site.judge();
    site.deliver();
    assert_eq!(
        stages(&site),
        [
            "announced",
            "fetching",
            "stored",
            "planned",
            "waiting",
            "sending",
            "sent"
        ]
    );
    let sends = site.platforms.sends.borrow();
    assert_eq!(sends.len(), 1);
    assert_eq!(
        sends[0]["content"][0]["attachment"]["filename"],
        "photo.jpg"
    );
    // design §4: at most five single-item updates and seven write units per medium, index writes included.
    let writes = site.world.state.borrow().writes.clone();
    assert_eq!(writes.len(), 5, "{writes:?}");
    assert_eq!(
        writes.iter().map(|write| write.units).sum::<usize>(),
        7,
        "{writes:?}"
    );
    assert_eq!(site.item().gate.due_at, None, "it has left the sweep index");
    let hosts: std::collections::BTreeSet<_> =
        site.platforms.bearers.borrow().iter().cloned().collect();
    assert_eq!(
        hosts.into_iter().collect::<Vec<_>>(),
        [
            "api.mypurecloud.de",
            "graph.facebook.com",
            "lookaside.fbsbx.com"
        ]
    );
}

#[test]
fn a_duplicate_of_finished_work_costs_one_call() {
    let site = Site::new(PHOTO);
    site.announce("m", None);
    site.run(3);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    let before = site.all_calls();
    assert_eq!(site.announce("m", None).status, 200);
    assert_eq!(site.all_calls() - before, 1);
    site.run(3);
    assert_eq!(site.platforms.sends.borrow().len(), 1);
}

#[test]
fn other_content_under_a_known_id_leaves_the_first_untouched() {
    let site = Site::new(PHOTO);
    site.announce("m", None);
    site.run(3);
    let before = site.item();
    site.platforms.file.borrow_mut().push(0);
    assert_eq!(site.announce("m", None).status, 200);
    site.run(3);
    assert_eq!(site.item(), before);
}

#[test]
fn what_a_signature_does_not_fit_causes_no_call() {
    let site = Site::new(PHOTO);
    for signature in [
        "",
        "sha256=",
        "sha256=00",
        "sha1=00",
        &format!("sha256={}", "0".repeat(64)),
    ] {
        assert_eq!(
            site.post_signed(b"not even json", signature).status,
            401,
            "{signature}"
        );
    }
    assert_eq!(site.all_calls(), 0);
    assert_eq!(site.post(b"not json").status, 400);
    assert_eq!(site.post(&vec![b' '; 5 * 1024 * 1024]).status, 413);
    assert_eq!(site.all_calls(), 0);
}

#[test]
fn what_is_not_carried_is_kept_once() {
    let site = Site::new(PHOTO);
    let text = include_bytes!("../../../domain/src/platforms/whatsapp/fixtures/webhook-text.json");
    for _ in 0..2 {
        assert_eq!(site.post(text).status, 200);
    }
    let batch =
        include_bytes!("../../../domain/src/platforms/whatsapp/fixtures/webhook-batched.json");
    assert_eq!(site.post(batch).status, 200);
    let state = site.world.state.borrow();
    assert_eq!(
        (state.kept.len(), state.items.len()),
        (1, 3),
        "somebody else's status; a text and two photos"
    );
}

#[test]
fn throttled_twice_is_sent_on_the_third_attempt_after_waiting() {
    let site = Site::new(PHOTO);
    site.platforms
        .answers
        .borrow_mut()
        .extend([Answer::Status(429), Answer::Status(429)]);
    site.announce("m", None);
    let begun = attache_flow::ports::Clock::now(&site.world);
    site.run(30);
    let item = site.item();
    assert_eq!((item.gate.stage, item.record.attempts), (Stage::Sent, 2));
    let entries = item.trail.verify(&item.id).unwrap();
    let took = entries.last().unwrap().at.saturating_since(begun);
    assert!(
        took >= std::time::Duration::from_secs(3),
        "1 s and 2 s at the least, not {took:?}"
    );
    assert_eq!(site.platforms.sends.borrow().len(), 1);
}

#[test]
fn four_refusals_end_in_a_dead_letter_with_its_diagnosis() {
    let site = Site::new(PHOTO);
    site.platforms
        .answers
        .borrow_mut()
        .extend([Answer::Status(503); 4]);
    site.announce("m", None);
    site.run(60);
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Failed);
    assert_eq!(item.record.diagnosis.unwrap().code, "genesys.unavailable");
    assert_eq!(
        site.platforms.answers.borrow().len(),
        0,
        "four attempts in all"
    );
    assert!(site.files_sent().is_empty(), "and none behind them");
    let letters = site.world.receive(Queue::MediaDeadLetters);
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0].body.contains("genesys.unavailable"),
        "{}",
        letters[0].body
    );
}

#[test]
fn a_lost_answer_is_repeated_under_the_same_id_and_recorded() {
    let site = Site::new(PHOTO);
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    site.announce("m", None);
    site.run(20);
    let sends = site.platforms.sends.borrow();
    assert_eq!(sends.len(), 2);
    assert_eq!(
        sends[0]["channel"]["messageId"],
        sends[1]["channel"]["messageId"]
    );
    let item = site.item();
    assert_eq!((item.gate.stage, item.record.repeats), (Stage::Sent, 1));
}

/// The first claim to send takes that many seconds to be answered.
struct SlowClaim(Cell<u32>);

#[async_trait(?Send)]
impl Weather for SlowClaim {
    async fn before(&self, _call: &'static str) -> ports::Answer<()> {
        Ok(())
    }

    async fn after(&self, call: &'static str) -> ports::Answer<()> {
        while call == "items.claim" && self.0.get() > 0 {
            self.0.set(self.0.get() - 1);
            let mut given_way = false;
            let once = poll_fn(|context| {
                if replace(&mut given_way, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            });
            once.await;
        }
        Ok(())
    }

    async fn wait(&self, _duration: Duration) {}
}

#[test]
fn what_would_only_just_begin_in_time_begins_another_time() {
    for (seconds, attempts) in [(0, 0), (18, 0), (19, 1), (25, 1)] {
        let weather = Rc::new(SlowClaim(Cell::new(0)));
        let site = Site::with(PHOTO, directory(), Rc::clone(&weather) as _);
        site.refresh();
        site.announce("m", None);
        site.fetch();
        site.judge();
        weather.0.set(seconds);
        site.deliver();
        assert_eq!(site.item().record.attempts, attempts, "{seconds} s");
        site.run(20);
        assert_eq!(site.item().gate.stage, Stage::Sent, "{seconds} s");
        assert_eq!(site.platforms.sends.borrow().len(), 1, "{seconds} s");
    }
}

#[test]
fn a_refused_token_is_renewed_once_and_then_the_end() {
    let site = Site::new(PHOTO);
    site.platforms
        .answers
        .borrow_mut()
        .push_back(Answer::Status(401));
    site.announce("m", None);
    site.run(20);
    assert_eq!(
        (site.item().gate.stage, *site.platforms.issued.borrow()),
        (Stage::Sent, 3),
        "one token for files, one for messages, and its renewal"
    );

    let site = Site::new(PHOTO);
    site.platforms
        .answers
        .borrow_mut()
        .extend([Answer::Status(401); 9]);
    site.announce("m", None);
    site.run(40);
    assert_eq!(site.item().gate.stage, Stage::Failed);
    assert_eq!(
        site.platforms.answers.borrow().len(),
        5,
        "refused, renewed, refused: the end, and the same for the notice of it"
    );
}

#[test]
fn a_disguised_executable_never_leaves() {
    let site = Site::new(DISGUISED);
    site.announce("m", Some("invoice.png"));
    site.run(5);
    let item = site.item();
    assert_eq!(
        (item.gate.stage, item.gate.verdict),
        (Stage::Rejected, Verdict::Quarantined)
    );
    let state = site.world.state.borrow();
    assert!(!state.objects.contains_key(&item.id) && state.quarantine.contains_key(&item.id));
    assert!(site.files_sent().is_empty());
}

#[test]
fn a_late_store_does_not_bring_a_quarantined_file_back() {
    let site = Site::new(DISGUISED);
    site.announce("m", Some("invoice.png"));
    site.refresh();
    site.fetch();
    let bytes = site.world.state.borrow().objects[&site.id()].clone();
    site.judge();
    site.deliver();
    // As if a fetcher that had stalled past its lease found the key free; the event of it is lost.
    let id = site.id();
    site.world.state.borrow_mut().objects.insert(id, bytes);
    site.pass(890);
    site.sweep();
    site.pass(20);
    assert_eq!(site.sweep(), 1);
    site.judge();
    assert!(site.world.state.borrow().objects.is_empty());
    assert_eq!(site.item().gate.due_at, None);
    site.pass(3600);
    assert_eq!(site.sweep(), 0, "one look is enough");
}

#[test]
fn a_quarantine_that_died_half_way_is_finished() {
    let site = Site::new(DISGUISED);
    site.announce("m", Some("invoice.png"));
    site.refresh();
    site.fetch();
    // As if the process had died after the verdict was written, before the original was removed.
    let bytes = site.world.state.borrow().objects[&site.id()].clone();
    site.judge();
    site.deliver();
    {
        let id = site.id();
        let mut state = site.world.state.borrow_mut();
        state.objects.insert(id.clone(), bytes);
        let item = state.items.get_mut(&id).unwrap();
        item.gate.stage = Stage::Planned;
        item.record.wait_until = None;
        item.gate.due_at = Some(attache_domain::time::Timestamp::from_millis(1));
    }
    assert_eq!(site.sweep(), 1);
    site.judge();
    assert_eq!(site.item().gate.stage, Stage::Rejected);
    assert!(site.world.state.borrow().objects.is_empty());
}

#[test]
fn a_truncated_file_is_held() {
    let site = Site::new(TRUNCATED);
    site.announce("m", Some("truncated.pdf"));
    site.run(5);
    let item = site.item();
    assert_eq!(
        (item.gate.stage, item.gate.verdict),
        (Stage::Planned, Verdict::Held)
    );
    assert!(
        item.record
            .reasons
            .iter()
            .any(|reason| reason.code == "truncated"),
        "{:?}",
        item.record.reasons
    );
    site.pass(3600);
    assert_eq!(site.sweep(), 0, "held until a person decides");
}

#[test]
fn an_interrupted_download_stores_nothing_and_is_tried_again() {
    let site = Site::new(PHOTO);
    site.refresh();
    site.platforms.cut.borrow_mut().extend([100, 200]);
    site.announce("m", None);
    site.fetch();
    assert!(site.world.state.borrow().objects.is_empty());
    site.run(30);
    assert_eq!(site.item().gate.stage, Stage::Sent);
}

/// What a look-up says of an id that the platform does not know.
const GONE: &str =
    include_str!("../../../domain/src/platforms/whatsapp/fixtures/error-100-media-id.json");

#[test]
fn a_file_that_is_late_is_asked_for_again() {
    let site = Site::new(PHOTO);
    site.refresh();
    let late = (0..3).map(|_| (400, GONE.to_owned()));
    site.platforms.look_ups.borrow_mut().extend(late);
    site.announce("m", None);
    site.run(60);
    assert_eq!(site.item().gate.stage, Stage::Sent);
}

#[test]
fn a_file_the_platform_no_longer_has_is_lost_with_a_reason() {
    let site = Site::new(PHOTO);
    let gone = (0..4).map(|_| (400, GONE.to_owned()));
    site.platforms.look_ups.borrow_mut().extend(gone);
    site.announce("m", None);
    site.run(60);
    let item = site.item();
    assert_eq!(
        (
            item.gate.stage,
            item.record.diagnosis.unwrap().code.as_str()
        ),
        (Stage::Lost, "whatsapp.media-gone")
    );
    assert_eq!(site.world.receive(Queue::FetchDeadLetters).len(), 1);
}

#[test]
fn a_lost_event_and_a_lost_job_are_swept_home() {
    let site = Site::new(PHOTO);
    site.refresh();
    site.announce("m", None);
    site.world.receive(Queue::Fetch); // the job is lost
    site.pass(31);
    assert_eq!(site.sweep(), 1);
    site.fetch();
    site.world.state.borrow_mut().events.clear(); // the event is lost
    site.pass(120);
    assert_eq!(site.sweep(), 1);
    site.run(5);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    assert_eq!(site.platforms.sends.borrow().len(), 1);
}

#[test]
fn a_send_that_nobody_finished_is_repeated_only_after_its_grace() {
    let site = Site::new(PHOTO);
    site.refresh();
    site.announce("m", None);
    site.fetch();
    site.judge();
    // As if the process had died right after the claim.
    {
        let mut state = site.world.state.borrow_mut();
        let item = state.items.values_mut().next().unwrap();
        item.gate.stage = Stage::Sending;
        item.gate.intent_until =
            Some(attache_flow::ports::Clock::now(&site.world) + std::time::Duration::from_secs(20));
    }
    site.world.receive(Queue::Media);
    site.pass(49);
    assert_eq!(site.sweep(), 0);
    site.pass(1);
    assert_eq!(site.sweep(), 1);
    site.deliver();
    assert_eq!(
        (site.item().gate.stage, site.item().record.repeats),
        (Stage::Sent, 1)
    );
}

#[test]
fn a_burst_is_paced_by_delayed_copies() {
    let site = Site::new(PHOTO);
    site.refresh();
    for n in 0..60 {
        site.announce(&format!("m{n}"), None);
    }
    site.fetch();
    site.judge();
    site.deliver();
    let first = site.platforms.sends.borrow().len();
    assert!(
        (20..60).contains(&first),
        "a burst of twenty and what two seconds allow, not {first}"
    );
    site.run(30);
    assert_eq!(site.platforms.sends.borrow().len(), 60);
    assert_eq!(
        site.calls("limits.reserve"),
        1,
        "one write for the whole batch"
    );
}

#[test]
fn a_line_that_is_too_long_is_asked_again_not_joined() {
    let site = Site::new(PHOTO);
    site.refresh();
    site.announce("m", None);
    site.fetch();
    site.judge();
    // Other traffic of the client has filled the line beyond its horizon: nothing is reserved for us.
    let now = attache_flow::ports::Clock::now(&site.world);
    let line = now + std::time::Duration::from_secs(200);
    let key = "media/genesys".to_owned();
    site.world.state.borrow_mut().limits.insert(key, line);
    site.deliver();
    let copies = site.world.state.borrow().queues[&Queue::Media].clone();
    assert_eq!(copies.len(), 1);
    assert!(
        !copies[0].body.contains("slot"),
        "the moment to come back is no slot: {}",
        copies[0].body
    );
    site.run(240);
    assert_eq!(
        (site.item().gate.stage, site.calls("limits.reserve")),
        (Stage::Sent, 2)
    );
}

#[test]
fn what_a_copy_of_the_configuration_does_not_know_is_looked_up_before_it_counts_as_gone() {
    let site = Site::new(PHOTO);
    site.refresh();
    // Every copy in hand is from before the number was configured; intake has heard of it since.
    site.world.configure(Directory::default());
    assert!(site.world.newest().now_or_never().is_some());
    site.world.configure(directory());
    assert_eq!(site.announce("m", None).status, 200);
    site.run(5);
    assert_eq!(site.item().gate.stage, Stage::Sent);
}
