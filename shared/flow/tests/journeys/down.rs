//! Targets that say for how long they do not work: a pause for everybody, and a failure all the same.

use attache_domain::journey::{Item, Stage};
use serde_json::{Value, json};

use crate::world::{Answer, PHOTO, Site};

/// A site whose customer wrote so many texts.
fn wrote(texts: usize) -> Site {
    let site = Site::new(b"x");
    site.refresh();
    for n in 0..texts {
        site.says(&format!("m{n}"), "text", json!({ "body": "hello" }));
    }
    site
}

fn down(site: &Site, seconds: &'static [(&'static str, &'static str)]) {
    site.platforms.told.set(seconds);
    let all = std::iter::repeat_n(Answer::Status(503), 1000);
    site.platforms.answers.borrow_mut().extend(all);
}

fn line(site: &Site) -> Value {
    let state = site.world.state.borrow();
    let known = state.learnt.get("text/genesys");
    known.map_or(Value::Null, |known| {
        serde_json::from_str(known).unwrap_or_default()
    })
}

fn sent(site: &Site) -> usize {
    site.platforms.sends.borrow().len()
}

fn failed(site: &Site) -> Vec<Item> {
    site.items(|item| item.gate.stage == Stage::Failed)
}

#[test]
fn an_hour_of_503_with_a_wait_opens_the_breaker_and_is_told_of() {
    for pause in [
        &[("retry-after", "30")][..],
        &[("retry-after", "120")],
        &[("retry-after", "soon")],
    ] {
        let site = wrote(30);
        down(&site, pause);
        site.run(3600);
        assert_eq!(line(&site)["degraded"], json!(true), "{pause:?}");
        let calls = 1000 - site.platforms.answers.borrow().len();
        assert!(calls <= 70, "{calls} calls in an hour");
        site.platforms.answers.borrow_mut().clear();
        site.platforms.told.set(&[]);
        site.run(300);
        // A probe is one of its item's four attempts, and there are thirty of them in the hour.
        let lost = failed(&site).len();
        assert!(lost <= 8, "{lost} of 30 ran out of attempts, {pause:?}");
        assert_eq!(sent(&site) + lost, 30, "{pause:?}");
        assert!(line(&site).get("failing_since").is_none());
    }
}

#[test]
fn a_server_error_that_does_not_say_that_nothing_was_sent_is_not_repeated_to_a_customer() {
    for (code, calls) in [(139_999, 1), (131_000, 1), (1, 1), (131_016, 4)] {
        let site = Site::new(PHOTO);
        site.says("wamid.first", "text", json!({"body": "Hello"}));
        site.run(3);
        let body = json!({"error": {"code": code, "type": "OAuthException", "fbtrace_id": "x"}});
        site.platforms.errs.replace(Some((500, body.to_string())));
        site.agent_says("g1", "Still there?", Value::Null);
        site.run(300);
        assert_eq!(site.platforms.erred.get(), calls, "{code}");
    }
}
