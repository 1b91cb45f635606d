//! On the way from another system: what it is sent, how often, when no more, and what is left undone while we only watch.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::world::{DISGUISED, GENESYS_SECRET, PHOTO, SECRET, Site, directory, directory_with};
use async_trait::async_trait;
use attache_domain::connection::Endpoint;
use attache_domain::job::ForwardJob;
use attache_domain::journey::Stage;
use attache_domain::signature::{Scheme, Secret, Verifier};
use attache_domain::verdict::Verdict;
use attache_domain::wire::Verbatim;
use attache_flow::intake::LARGEST_BODY;
use attache_flow::memory::{Calm, Weather};
use attache_flow::ports::{self, Directories as _, Outage, Queue};
use futures_util::FutureExt;
use serde_json::{Value, json};
use url::Url;

const VOICE: &[u8] = include_bytes!("../../../../tests/media/voice.ogg");
const TRUNCATED: &[u8] = include_bytes!("../../../../tests/media/truncated.pdf");

fn passes_on(endpoint: &mut Endpoint) {
    endpoint.forward_to = Url::parse("https://old.example/hook?key=PATHSECRET").ok();
}

fn only_watches(endpoint: &mut Endpoint) {
    passes_on(endpoint);
    endpoint.shadow = true;
}

fn site(change: impl Fn(&mut Endpoint)) -> Site {
    Site::with(PHOTO, directory_with(change), Rc::new(Calm))
}

fn forwarded(site: &Site) -> Vec<Verbatim> {
    site.platforms.forwarded.borrow().clone()
}

fn waiting(site: &Site, queue: Queue) -> usize {
    site.world
        .state
        .borrow()
        .queues
        .get(&queue)
        .map_or(0, Vec::len)
}

/// Until nothing is left to be passed on; how long that took.
fn forward_all(site: &Site) -> u64 {
    for second in 0..6000 {
        site.forward();
        if waiting(site, Queue::Forward) == 0 {
            return second;
        }
        site.pass(1);
    }
    panic!("it never ends")
}

/// A webhook with an escape, a line break and an umlaut: written anew it would be another.
fn peculiar(message: &str) -> Vec<u8> {
    let text = json!({"entry": [{"changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": "106540352242922"},
        "messages": [{"from": "16505551234", "id": message, "timestamp": "1744344496", "type": "text", "text": {"body": "SLOT"}}]}}]}]});
    let text = text.to_string().replace("SLOT", "K\\u00f6ln ä \\/");
    format!("{text}\r\n").into_bytes()
}

#[test]
fn what_passes_verification_arrives_byte_for_byte_and_verifies() {
    let site = site(passes_on);
    let body = peculiar("wamid.1");
    assert_eq!(site.post(&body).status, 200);
    assert_eq!(site.agent_says("g1", "Hello", Value::Null).status, 200);
    assert_eq!(forward_all(&site), 0);
    let got = forwarded(&site);
    assert_eq!((got.len(), &got[0].bytes), (2, &body));
    for (got, scheme, secret) in [
        (&got[0], Scheme::META, SECRET),
        (&got[1], Scheme::GENESYS, GENESYS_SECRET),
    ] {
        let names: Vec<_> = got.headers.keys().map(String::as_str).collect();
        assert_eq!(names, ["content-type", "user-agent", "x-hub-signature-256"]);
        let verifier = Verifier::new(scheme, Secret::new(secret).unwrap(), None);
        let signature = got.headers.get("x-hub-signature-256").unwrap();
        assert_eq!(verifier.verify(Some(signature), &got.bytes), Ok(()));
        assert_eq!(
            got.headers["content-type"],
            "application/json; charset=utf-8"
        );
    }
    site.run(3);
    assert_eq!(
        site.platforms.sends.borrow().len(),
        1,
        "and the agent reads it as ever"
    );
}

#[test]
fn what_is_unreadable_here_may_be_understood_there() {
    let site = site(passes_on);
    assert_eq!(site.post(b"\x00 no JSON").status, 400);
    forward_all(&site);
    assert_eq!(forwarded(&site)[0].bytes, b"\x00 no JSON");
}

#[test]
fn nothing_else_is_passed_on() {
    let site = site(passes_on);
    let body = peculiar("wamid.1");
    assert_eq!(site.post_signed(&body, "sha256=00").status, 401);
    assert_eq!(site.post_to("nobody", &body, "").status, 404);
    assert_eq!(site.post(&vec![b' '; LARGEST_BODY + 1]).status, 413);
    assert_eq!(
        site.world.state.borrow().queues.get(&Queue::Forward),
        None,
        "not even asked for"
    );
    let site = Site::new(PHOTO);
    assert_eq!(site.post(&body).status, 200);
    assert_eq!(waiting(&site, Queue::Forward), 0, "nobody to pass it on to");
}

/// One call fails every time.
struct Broken {
    call: &'static str,
    met: Cell<usize>,
}

#[async_trait(?Send)]
impl Weather for Broken {
    async fn before(&self, call: &'static str) -> ports::Answer<()> {
        if call == self.call {
            self.met.set(self.met.get() + 1);
            return Err(Outage::new(call, "broken"));
        }
        Ok(())
    }

    async fn after(&self, _call: &'static str) -> ports::Answer<()> {
        Ok(())
    }

    async fn wait(&self, _duration: Duration) {}
}

#[test]
fn without_a_durable_job_there_is_no_2xx_and_without_durable_items_no_job() {
    for (call, body) in [
        ("items.announce", peculiar("wamid.1")),
        ("jobs.send", peculiar("wamid.1")),
        // A job is all there is of it.
        ("jobs.send", b"no JSON".to_vec()),
    ] {
        let weather = Rc::new(Broken {
            call,
            met: Cell::new(0),
        });
        let site = Site::with(PHOTO, directory_with(passes_on), Rc::clone(&weather) as _);
        let reply = site.post(&body);
        assert!(weather.met.get() > 0, "{call} was never made");
        assert_eq!(reply.status, 503, "{call}");
        assert_eq!(waiting(&site, Queue::Forward), 0, "{call}");
    }
}

#[test]
fn it_is_tried_again_until_it_is_there() {
    let site = site(passes_on);
    // A redirect is not followed.
    let answers = [
        Some((503, None)),
        Some((429, Some(60))),
        None,
        Some((302, None)),
    ];
    site.platforms.old_answers.borrow_mut().extend(answers);
    let body = peculiar("wamid.1");
    site.post(&body);
    let took = forward_all(&site);
    let got = forwarded(&site);
    assert_eq!(got.len(), 5);
    assert!(got.iter().all(|sent| sent == &got[0] && sent.bytes == body));
    // 5 s, the minute that was asked for, 20 s and 40 s, each with its chance.
    assert!((112..=127).contains(&took), "{took} s");
    assert_eq!(waiting(&site, Queue::ForwardDeadLetters), 0);
}

#[test]
fn given_up_it_is_a_dead_letter_that_can_be_moved_back() {
    for (answer, attempts, code) in [
        (Some((500, None)), 12, "forward.unavailable"),
        (None, 12, "forward.no-answer"),
        (Some((404, None)), 3, "forward.refused"),
    ] {
        let site = site(passes_on);
        site.platforms
            .old_answers
            .borrow_mut()
            .extend(vec![answer; attempts]);
        site.post(&peculiar("wamid.1"));
        let took = forward_all(&site);
        assert!(took < 3980, "{code}: {took} s");
        assert_eq!(forwarded(&site).len(), attempts, "{code}");
        let letters = site.world.receive(Queue::ForwardDeadLetters);
        assert_eq!(letters.len(), 1);
        let letter = ForwardJob::parse(&letters[0].body).unwrap();
        assert_eq!(letter.diagnosis.unwrap().code, code);
        assert!(!letters[0].body.contains("PATHSECRET"));
        // Moved back, with the other system up again.
        let mut state = site.world.state.borrow_mut();
        state
            .queues
            .entry(Queue::Forward)
            .or_default()
            .extend(letters);
        drop(state);
        assert_eq!(forward_all(&site), 0);
        let got = forwarded(&site);
        assert_eq!(got.len(), attempts + 1);
        assert_eq!(got.last(), got.first());
    }
}

#[test]
fn a_dead_letter_that_was_moved_back_has_all_its_attempts_again() {
    let site = site(passes_on);
    site.platforms
        .old_answers
        .borrow_mut()
        .extend(vec![Some((404, None)); 6]);
    site.post(&peculiar("wamid.1"));
    for round in 1..=2 {
        forward_all(&site);
        assert_eq!(forwarded(&site).len(), 3 * round);
        let letters = site.world.receive(Queue::ForwardDeadLetters);
        let mut state = site.world.state.borrow_mut();
        state
            .queues
            .entry(Queue::Forward)
            .or_default()
            .extend(letters);
    }
}

#[test]
fn the_present_address_counts() {
    let site = site(passes_on);
    site.platforms
        .old_answers
        .borrow_mut()
        .push_back(Some((503, None)));
    site.post(&peculiar("wamid.1"));
    site.forward();
    assert_eq!(waiting(&site, Queue::Forward), 1);
    site.world.configure(directory());
    // As whoever's copy has grown too old.
    site.world.newest().now_or_never().unwrap().unwrap();
    forward_all(&site);
    assert_eq!(forwarded(&site).len(), 1, "dropped");
    assert_eq!(waiting(&site, Queue::ForwardDeadLetters), 0);
}

#[test]
fn a_copy_of_the_configuration_that_is_older_than_the_job_drops_nothing() {
    let mut site = Site::new(PHOTO);
    site.post(&peculiar("wamid.1"));
    site.world.current().now_or_never().unwrap().unwrap();
    let newer = directory_with(passes_on);
    site.world.configure(newer.clone());
    site.doorway.directory = newer;
    site.post(&peculiar("wamid.2"));
    forward_all(&site);
    assert_eq!(forwarded(&site).len(), 1);
}

#[test]
fn what_does_not_fit_into_a_message_stays_here() {
    let site = site(passes_on);
    // SplitMix64: as good as noise, so that it does not shrink.
    let mut state = 0_u64;
    let noise: Vec<u8> = (0..LARGEST_BODY / 8)
        .flat_map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed ^ (mixed >> 27)).to_le_bytes()
        })
        .collect();
    assert_eq!(site.post(&noise).status, 400, "as without forwarding");
    assert_eq!(waiting(&site, Queue::Forward), 0);
}

#[test]
fn a_shadow_judges_everything_and_sends_nothing() {
    for (file, verdict, stage) in [
        (PHOTO, Verdict::Clean, Stage::Kept),
        // Its caption would follow it.
        (VOICE, Verdict::Clean, Stage::Kept),
        (TRUNCATED, Verdict::Held, Stage::Planned),
        (DISGUISED, Verdict::Quarantined, Stage::Rejected),
    ] {
        let site = Site::with(file, directory_with(only_watches), Rc::new(Calm));
        assert_eq!(site.announce("wamid.1", Some("a file")).status, 200);
        let said = site.says("wamid.2", "text", json!({"body": "Hello"}));
        assert_eq!(said.status, 200);
        let attachment = site.attachment("a1", "a file");
        site.refresh();
        let said = site.agent_says("g1", "Look", json!([attachment]));
        assert_eq!(said.status, 200);
        let status = site.reports("wamid.9", "read", "another system's", None);
        assert_eq!(status.status, 200);
        for _ in 0..10 {
            site.run(1);
            site.pass(60);
            site.sweep();
        }
        forward_all(&site);
        assert_eq!(forwarded(&site).len(), 4);
        let items = site.items(|_| true);
        for item in &items {
            let words = (Verdict::Clean, Stage::Kept);
            let expected = match item.origin.file() {
                Some(_) => (verdict, stage),
                None => words,
            };
            assert_eq!((item.gate.verdict, item.gate.stage), expected, "{item:?}");
        }
        let files = items.iter().filter(|item| item.origin.file().is_some());
        assert_eq!(files.count(), 2, "each direction's");
        let platforms = &site.platforms;
        for sent in [&platforms.sends, &platforms.said, &platforms.receipts] {
            assert_eq!(*sent.borrow(), Vec::<Value>::new());
        }
        assert_eq!(*platforms.uploads.borrow(), Vec::<Vec<u8>>::new());
    }
}
