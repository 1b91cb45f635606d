//! Targets in trouble: a refusal holds the whole line, for all processes; a platform that fails is spared, and what waits for it
//! loses nothing but time, and not for ever.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::time::Duration;

use attache_domain::journey::{Item, Stage};
use attache_domain::time::Timestamp;
use attache_flow::deliver::Learnt;
use attache_flow::memory::Queued;
use attache_flow::ports::{Clock, Queue};
use serde_json::{Value, json};

use crate::world::{Answer, Site};

/// A site whose customer wrote so many texts.
fn wrote(texts: usize) -> Site {
    let site = Site::new(b"x");
    site.refresh();
    for n in 0..texts {
        write(&site, n);
    }
    site
}

fn write(site: &Site, n: usize) {
    site.says(&format!("m{n}"), "text", json!({ "body": "hello" }));
}

fn answers(site: &Site, several: usize, answer: Answer) {
    let all = std::iter::repeat_n(answer, several);
    site.platforms.answers.borrow_mut().extend(all);
}

/// How many of the answers that were laid out were called for.
fn refused(site: &Site, of: usize) -> usize {
    of - site.platforms.answers.borrow().len()
}

fn sent(site: &Site) -> usize {
    site.platforms.sends.borrow().len()
}

fn failed(site: &Site) -> Vec<Item> {
    site.items(|item| item.gate.stage == Stage::Failed)
}

/// What all know of the line of words to the agents.
fn line(site: &Site) -> Value {
    let state = site.world.state.borrow();
    let known = state.learnt.get("text/genesys");
    known.map_or(Value::Null, |known| serde_json::from_str(known).unwrap())
}

const TOLD: &[(&str, &str)] = &[("retry-after", "20")];

#[test]
fn in_calm_nothing_is_asked_and_nothing_is_written_down() {
    let site = wrote(10);
    site.run(5);
    assert_eq!((sent(&site), line(&site)), (10, Value::Null));
    let state = site.world.state.borrow();
    assert!(!state.asked.contains_key("text/genesys"));
    assert_eq!(state.calls["limits.reserve"], 1, "one for the batch");
}

#[test]
fn one_refusal_holds_the_whole_line_shut_and_then_it_goes_slower() {
    let site = wrote(1);
    site.platforms.told.set(TOLD);
    answers(&site, 1, Answer::Status(429));
    site.run(1);
    site.platforms.told.set(&[]);
    for n in 1..10 {
        write(&site, n);
    }
    site.run(18);
    assert_eq!(sent(&site), 0, "nobody calls before the pause is over");
    assert_eq!(line(&site)["slowed"]["percent"], 50);
    site.run(6);
    let soon = sent(&site);
    assert!((1..=5).contains(&soon), "no burst of {soon} after it");
    site.run(30);
    assert_eq!((sent(&site), failed(&site).len()), (10, 0));
}

#[test]
fn another_process_learns_of_the_pause_with_its_next_reservation() {
    let mut site = wrote(1);
    site.platforms.told.set(TOLD);
    answers(&site, 1, Answer::Status(429));
    site.run(1);
    // A process that never met anything takes over.
    site.learnt = Learnt::default();
    for n in 1..6 {
        write(&site, n);
    }
    let asked = |site: &Site| site.world.state.borrow().asked["text/genesys"];
    let before = asked(&site);
    site.run(17);
    assert_eq!(sent(&site), 0);
    assert_eq!(asked(&site), before, "it need not ask");
}

#[test]
fn slots_from_before_a_refusal_are_void() {
    // A burst of 20 goes at once, the others have their slots 0.8 s apart.
    let site = wrote(40);
    site.run(2);
    let before = sent(&site);
    assert!((20..25).contains(&before), "{before}");
    site.platforms.told.set(TOLD);
    answers(&site, 1, Answer::Status(429));
    while refused(&site, 1) == 0 {
        site.run(1);
    }
    let before = sent(&site);
    site.run(17);
    assert_eq!(sent(&site), before);
    site.run(60);
    assert_eq!((sent(&site), failed(&site).len()), (40, 0));
}

#[test]
fn a_platform_that_is_down_gets_one_probe_at_a_time_and_everything_arrives_after() {
    let site = wrote(8);
    answers(&site, 1000, Answer::Status(503));
    site.run(25);
    let met = refused(&site, 1000);
    assert!((5..=8).contains(&met), "{met} calls until all knew");
    site.run(95);
    let probes = refused(&site, 1000) - met;
    assert!((1..=2).contains(&probes), "{probes} probes in 95 s");
    site.platforms.answers.borrow_mut().clear();
    site.run(240);
    assert_eq!((sent(&site), failed(&site).len()), (8, 0));
    assert_eq!(line(&site)["failing_since"], Value::Null);
}

#[test]
fn a_probe_that_has_nothing_to_ask_is_the_next_ones() {
    let site = wrote(8);
    answers(&site, 5, Answer::Status(503));
    site.run(1);
    let opens = site.world.now() + Duration::from_secs(29);
    // Copies that nobody needs any more are the first to find the line open again.
    let mut state = site.world.state.borrow_mut();
    let waiting = state.queues.get_mut(&Queue::Text).unwrap();
    let stale = |queued: &Queued| {
        let mut job: Value = serde_json::from_str(&queued.body).unwrap();
        job["sequence"] = json!(0);
        Queued {
            body: job.to_string(),
            visible_at: opens,
            ..queued.clone()
        }
    };
    let copies: Vec<_> = waiting.iter().map(stale).collect();
    waiting.splice(0..0, copies);
    drop(state);
    site.run(40);
    assert!(sent(&site) > 0, "{}", line(&site));
    site.run(40);
    assert_eq!((sent(&site), failed(&site).len()), (8, 0));
}

#[test]
fn who_waits_longer_than_a_day_is_told_since_when_the_platform_is_down() {
    let site = wrote(6);
    let begun = site.world.now();
    answers(&site, 5, Answer::Status(503));
    site.run(1);
    let waiting = site.items(|item| item.record.attempts == 0);
    assert_eq!(waiting.len(), 1, "one was not tried");
    let text = line(&site).to_string();
    // It stays down, and nobody else was here meanwhile.
    site.pass(25 * 3600);
    let down = format!(
        r#"{{"breaker":{{"state":"open","until":{},"openings":9}},"failing_since":{}}}"#,
        (site.world.now().as_millis()) + 60_000,
        begun.as_millis()
    );
    assert!(text.contains("open"), "{text}");
    let mut learnt = site.world.state.borrow_mut();
    learnt.learnt.insert("text/genesys".to_owned(), down);
    drop(learnt);
    site.run(3);
    let failed = failed(&site);
    assert_eq!(failed.len(), 6);
    for item in failed {
        let diagnosis = item.record.diagnosis.unwrap();
        assert_eq!(diagnosis.code, "delivery.platform-down");
        let since = Timestamp::to_rfc3339(begun);
        let told = format!(
            "genesys down since {since}; waited for it 1500 minutes; status page https://status.mypurecloud.com"
        );
        assert!(diagnosis.evidence.starts_with(&told), "{diagnosis:?}");
    }
}

#[test]
fn four_calls_in_all_whatever_the_platform_answers() {
    for answer in [
        Answer::Status(503),
        Answer::Status(429),
        Answer::Status(500),
        Answer::Lost,
    ] {
        let site = wrote(1);
        answers(&site, 1000, answer);
        site.run(1800);
        let calls = refused(&site, 1000);
        assert_eq!(calls, 4, "{answer:?}");
        assert_eq!(failed(&site).len(), 1, "{answer:?}");
    }
}

#[test]
fn while_one_tenant_is_down_the_others_calls_stay_as_they_were() {
    let calm = wrote(5);
    let stormy = wrote(5);
    let mut state = stormy.world.state.borrow_mut();
    let shut =
        r#"{"breaker":{"state":"open","until":99999999999999,"openings":1},"failing_since":1}"#;
    state
        .learnt
        .insert("text/another".to_owned(), shut.to_owned());
    drop(state);
    calm.run(10);
    stormy.run(10);
    assert_eq!(sent(&stormy), 5);
    assert_eq!(calm.all_calls(), stormy.all_calls());
}
