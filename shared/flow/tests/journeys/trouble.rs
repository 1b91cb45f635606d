//! Hosts and numbers in trouble: they are left alone, by everybody, and asked again in time.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::claim::{Lease, Terms, Work};
use attache_domain::ids::ConnectionId;
use attache_domain::journey::{Item, Stage};
use attache_flow::guard::{Guard, Known, Left};
use attache_flow::held::Held;
use attache_flow::memory::Weather;
use attache_flow::ports::{Answer, Claimed, Clock, Items, Queue};
use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use serde_json::json;

use crate::world::{LEASE, Site, directory};

const FILE: &[u8] = b"a note";

/// A site whose customer sent so many files.
fn sent(files: usize) -> Site {
    let site = Site::new(FILE);
    site.refresh();
    for n in 0..files {
        announce(&site, &format!("m{n}"));
    }
    site
}

fn announce(site: &Site, message: &str) {
    assert_eq!(site.announce(message, Some("note.txt")).status, 200);
}

fn in_stage(site: &Site, stage: Stage) -> usize {
    let files = |item: &Item| item.origin.file().is_some() && item.gate.stage == stage;
    site.items(files).len()
}

fn asked(site: &Site) -> usize {
    site.platforms.asked_from.borrow().len()
}

#[test]
fn where_there_is_no_trouble_nobody_asks() {
    let (site, idle) = (sent(5), sent(0));
    site.run(20);
    idle.run(20);
    assert_eq!(in_stage(&site, Stage::Sent), 5);
    // What the target takes is read once a minute by whoever plans; `refresh` looks at it beside.
    let asked = |site: &Site| site.world.state.borrow().asked.clone();
    let (mut asked, idle) = (asked(&site), asked(&idle));
    assert_eq!(
        asked.remove("taken/genesys"),
        Some(idle["taken/genesys"] + 1)
    );
    // The errors of a number are read when a process first looks up something for it.
    let errors = ("errors/wa-sales".to_owned(), 1);
    assert_eq!(asked, [errors].into());
}

#[test]
fn a_host_that_is_down_is_asked_by_one_at_a_time_and_nothing_is_lost() {
    let site = sent(20);
    let down = [(503, &[][..]); 8];
    site.platforms.downloads.borrow_mut().extend(down);
    // Five failures shut it for 10 s, then one asks, fails, and shuts it for 20 s.
    site.run(9);
    assert_eq!(asked(&site), 5);
    site.run(15);
    assert_eq!(asked(&site), 6);
    site.run(25);
    assert_eq!(asked(&site), 7);
    site.run(400);
    assert_eq!(in_stage(&site, Stage::Sent), 20);
    assert_eq!(asked(&site), 28, "eight refused, twenty given");
}

/// Whoever calls waits for whoever called before.
struct Turns;

#[async_trait(?Send)]
impl Weather for Turns {
    async fn before(&self, _call: &'static str) -> Answer<()> {
        let mut waits = true;
        poll_fn(|_| match std::mem::take(&mut waits) {
            true => Poll::Pending,
            false => Poll::Ready(Ok(())),
        })
        .await
    }

    async fn after(&self, _call: &'static str) -> Answer<()> {
        Ok(())
    }

    async fn wait(&self, _duration: Duration) {}
}

/// Whoever waits, waits long.
struct Patient;

#[async_trait(?Send)]
impl Weather for Patient {
    async fn before(&self, _call: &'static str) -> Answer<()> {
        Ok(())
    }

    async fn after(&self, _call: &'static str) -> Answer<()> {
        Ok(())
    }

    async fn wait(&self, _duration: Duration) {
        pending().await
    }
}

fn to_the_end<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Some(done) = work.as_mut().now_or_never() {
            return done;
        }
    }
}

#[test]
fn of_two_who_ask_in_the_same_moment_one_is_the_probe() {
    let site = Site::with(FILE, directory(), Rc::new(Turns));
    let known = [Known::default(), Known::default()];
    let [one, other] = known.each_ref().map(|known| Guard {
        limits: &site.world,
        clock: &site.world,
        known,
    });
    let wa = ConnectionId::new("wa");
    let host = "lookaside.fbsbx.com";
    for guard in [one, one, one, one, other] {
        let pass = to_the_end(guard.enter(&wa, host)).unwrap().ok();
        let pass = pass.expect("it is not shut yet");
        to_the_end(guard.left(&pass, Left::Failed(None))).unwrap();
    }
    // `one` learns that it is shut.
    assert!(to_the_end(one.enter(&wa, host)).unwrap().is_err());
    site.pass(10);
    let (a, b) = to_the_end(join(one.enter(&wa, host), other.enter(&wa, host)));
    let may = [a.unwrap().is_ok(), b.unwrap().is_ok()];
    assert_eq!(may.iter().filter(|may| **may).count(), 1);
}

#[test]
fn a_host_that_asks_for_less_gets_less_from_everybody() {
    let site = sent(20);
    let busy = (429, &[("retry-after", "60")][..]);
    site.platforms.downloads.borrow_mut().push_back(busy);
    site.run(59);
    assert_eq!(asked(&site), 1, "all wait, not only who was told");
    site.run(600);
    assert_eq!((in_stage(&site, Stage::Sent), asked(&site)), (20, 21));
}

#[test]
fn a_throttle_that_only_the_body_tells_holds_for_everybody() {
    let site = sent(20);
    let busy = r#"{"error": {"code": 130429, "message": "(#130429) Rate limit hit"}}"#;
    let look_ups = &site.platforms.look_ups;
    look_ups.borrow_mut().push_back((400, busy.to_owned()));
    site.run(9);
    assert_eq!(asked(&site), 0, "all wait, not only who was told");
    site.run(600);
    assert_eq!((in_stage(&site, Stage::Sent), asked(&site)), (20, 20));
}

#[test]
fn dead_ids_do_not_lock_out_the_living() {
    let site = sent(0);
    site.platforms.dead.set(Some("dead"));
    for n in 0..6 {
        announce(&site, &format!("dead-{n}"));
    }
    site.run(30);
    announce(&site, "alive");
    site.run(30);
    assert_eq!(in_stage(&site, Stage::Sent), 1, "the living one");
    site.run(3500);
    let errors = site.platforms.not_found.get();
    assert!(errors <= 15, "{errors} errors in an hour");
    site.run(4 * 3600);
    assert_eq!(in_stage(&site, Stage::Lost), 6, "each had its four chances");
    assert_eq!(site.platforms.not_found.get(), 24);
}

#[test]
fn an_error_out_of_a_cache_is_named_and_asked_past() {
    let id = "8f14e45f-ceea-467f-9a3d-1f2e3d4c5b6a";
    let poisoned: &[(&str, &str)] = &[("X-Request-ID", "8f14e45f-ceea-467f-9a3d-1f2e3d4c5b6a")];
    let hit: &[(&str, &str)] = &[
        ("X-Cache", "Error from cloudfront"),
        ("Age", "7"),
        ("X-Amz-Cf-Pop", "FRA60-P1"),
    ];
    for (answers, evidence) in [
        (vec![(503, poisoned), (503, poisoned)], format!("status 503; X-Request-ID {id} (transfer.unavailable)")),
        (vec![(404, hit)], "status 404; X-Cache Error from cloudfront, edge node FRA60-P1, Age 7 (transfer.link-refused)".to_owned()),
    ] {
        let site = sent(1);
        let refused = answers.len();
        site.platforms.downloads.borrow_mut().extend(answers);
        while asked(&site) < refused {
            site.run(1);
        }
        let diagnosis = site.item().record.diagnosis.unwrap();
        assert_eq!(diagnosis.code, "pipeline.cached-error");
        assert_eq!(diagnosis.evidence, evidence);
        site.run(60);
        assert_eq!(in_stage(&site, Stage::Sent), 1);
    }
}

#[test]
fn a_lease_runs_from_the_claim_whatever_its_holder_waited_for() {
    for (waited, renewed) in [(14, false), (15, true), (24, true), (29, true)] {
        let site = sent(1);
        let id = site.id();
        let lease = Lease {
            holder: 1,
            since: site.world.now(),
            until: site.world.now() + LEASE,
        };
        let terms = Terms {
            work: Work::Fetch,
            epoch: 0,
            sequence: 0,
            now: site.world.now(),
            lease,
        };
        let claimed = site.world.claim(&id, &terms).now_or_never();
        let Claimed::Granted(claimed) = claimed.unwrap().unwrap() else {
            panic!("it is free")
        };
        let mut item = (*claimed).clone();
        site.pass(waited);
        let mut held = Held::new((&site.world, &site.world), &mut item, LEASE);
        held.keep().now_or_never().unwrap().unwrap();
        let until = site.item().gate.lease.map(|lease| lease.until);
        let expected = match renewed {
            true => site.world.now() + LEASE,
            false => claimed.gate.lease.as_ref().unwrap().until,
        };
        assert_eq!(until, Some(expected), "after {waited} s");
    }
}

#[test]
fn who_waits_for_room_and_for_the_host_keeps_the_item_to_itself() {
    let site = Site::with(FILE, directory(), Rc::new(Patient));
    site.refresh();
    announce(&site, "m");
    let all = site.room.take_now(usize::MAX).unwrap();
    let fetch = site.fetcher();
    let jobs = site.world.receive(Queue::Fetch);
    let mut first = pin!(fetch.handle(&jobs[0].body, Duration::from_secs(840)));
    assert!(first.as_mut().now_or_never().is_none(), "it waits for room");
    site.pass(14);
    site.platforms.lingers.set(2);
    drop(all);
    assert!(first.as_mut().now_or_never().is_none(), "it looks up");
    site.pass(9);
    assert!(
        first.as_mut().now_or_never().is_none(),
        "it opens the download"
    );
    site.pass(9);
    // Its job is visible again, say; the first would have lost its lease two seconds ago.
    let second = fetch.handle(&jobs[0].body, Duration::from_secs(840));
    second
        .now_or_never()
        .expect("it is told to go away")
        .unwrap();
    site.slowly(first).unwrap();
    assert_eq!(asked(&site), 1, "one download");
}

/// Asks a question that is answered with an error a moment later; whether it was asked.
#[expect(clippy::unwrap_used, reason = "the world is calm")]
async fn err(site: &Site, guard: Guard<'_>) -> bool {
    let wa = ConnectionId::new("wa");
    let Ok(question) = guard.question(&wa, false).await.unwrap() else {
        return false;
    };
    Turns.before("the platform").await.unwrap();
    site.platforms
        .not_found
        .set(site.platforms.not_found.get() + 1);
    guard.answered(&wa, question, true).await.unwrap();
    true
}

#[test]
fn processes_that_know_nothing_of_each_other_make_few_more_errors_than_allowed() {
    let site = Site::with(FILE, directory(), Rc::new(Turns));
    let known: Vec<Known> = (0..5).map(|_| Known::default()).collect();
    let guard = |known| Guard {
        limits: &site.world,
        clock: &site.world,
        known,
    };
    let all = known.iter().flat_map(|known| [known; 6]);
    to_the_end(join_all(all.map(|known| err(&site, guard(known)))));
    let errors = site.platforms.not_found.get();
    assert!(
        (15..=15 + 2 * 5).contains(&errors),
        "{errors} errors of 30 dead ids"
    );
    let cold = Known::default();
    assert!(!to_the_end(err(&site, guard(&cold))), "the hour is used up");
    site.pass(3600);
    assert!(to_the_end(err(&site, guard(&Known::default()))));
}

#[test]
fn a_poisoned_edge_is_asked_something_else() {
    for from_agent in [false, true] {
        let site = Site::new(FILE);
        site.refresh();
        site.says("hello", "text", json!({"body": "Hello"}));
        site.run(3);
        site.platforms.poisoned.set(true);
        if from_agent {
            let file = site.attachment("f", "note.txt");
            assert_eq!(site.agent_says("a", "", json!([file])).status, 503);
        } else {
            announce(&site, "m");
        }
        site.run(20);
        let item = site.item();
        assert_eq!(item.gate.stage, Stage::Sent, "{:?}", item.record);
        let kept_of = site.platforms.kept_of.borrow().clone();
        assert!(kept_of.is_some_and(|url| !url.contains("attache=")));
    }
}
