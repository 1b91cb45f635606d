//! Whose limit a refusal is about: one customer's, a number's, or that of everybody behind one access token.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::connection::{Account, Connection, Directory, Row, SecretName};
use attache_domain::ids::ConnectionId;
use attache_domain::journey::{Item, Stage};
use attache_flow::memory::Calm;
use attache_flow::ports::Clock;
use serde_json::{Value, json};

use crate::world::{PHOTO, Site, number, rows_of_the_site};

fn error(code: u32) -> Option<(u16, String)> {
    let error = json!({"error": {"code": code, "type": "OAuthException", "fbtrace_id": "x"}});
    Some((400, error.to_string()))
}

/// A site whose number has two siblings: one of the same token, one of another. Its customer has just written.
fn site() -> Site {
    let mut stranger = number("wa-stranger", "306540352242922");
    if let Row::Connection(Connection {
        account: Account::WhatsApp { token, .. },
        ..
    }) = &mut stranger
    {
        *token = SecretName("another".to_owned());
    }
    let siblings = [number("wa-sibling", "206540352242922"), stranger];
    let rows = rows_of_the_site().into_iter().chain(siblings);
    let site = Site::with(PHOTO, Directory::new(rows), Rc::new(Calm));
    site.world.put_secret(
        &SecretName("another".to_owned()),
        attache_domain::signature::Secret::new("another").unwrap(),
    );
    site.refresh();
    for customer in ["16505551234", "16505550000"] {
        let at = (site.world.now().as_millis() / 1000).to_string();
        let hello = json!({"from": customer, "id": format!("h-{customer}"), "timestamp": at, "type": "text", "text": {"body": "Hello"}});
        site.post_value_of("106540352242922", &json!({"messages": [hello]}));
    }
    site.run(3);
    site
}

/// The lines that were told of.
fn slowed(site: &Site) -> Vec<String> {
    let state = site.world.state.borrow();
    let slowed = state
        .learnt
        .iter()
        .filter(|(_, known)| known.contains("slowed"));
    slowed.map(|(key, _)| key.clone()).collect()
}

#[test]
fn a_refusal_slows_whom_it_is_about_and_nobody_else() {
    let both = |connection: &str| ["media", "text"].map(|lane| format!("{lane}/{connection}"));
    let number = both("wa-sales");
    let token = both("wa-sales").into_iter().chain(both("wa-sibling"));
    for (code, expected) in [
        (613, vec!["text/wa-sales".to_owned()]),
        (130_429, number.to_vec()),
        (4, token.clone().collect()),
        (80_007, token.collect()),
        (131_056, vec![]),
    ] {
        let site = site();
        site.platforms.errs.replace(error(code));
        site.agent_says("g1", "Hello", Value::Null);
        site.run(1);
        let (mut slowed, mut expected) = (slowed(&site), expected);
        slowed.sort();
        expected.sort();
        assert_eq!(slowed, expected, "{code}");
    }
}

#[test]
fn one_customer_who_gets_too_much_waits_alone_and_gets_everything_in_time() {
    let site = site();
    site.platforms.most_a_pair.set(Some(6));
    for n in 0..12 {
        site.agent_says(&format!("g{n}"), "Hello", Value::Null);
    }
    site.run(3);
    let refused = site.platforms.erred.get();
    assert!((1..=12).contains(&refused), "{refused}");
    let other = json!({"id": "o1", "type": "Text", "text": "Hello", "direction": "Outbound",
        "channel": {"id": "2d1f6a3c", "to": {"id": "16505550000"}, "time": site.world.now().to_rfc3339()}});
    site.agent_posts(&other);
    site.run(2);
    let to = |site: &Site, customer: &str| {
        let said = site.platforms.said.borrow();
        said.iter().filter(|body| body["to"] == customer).count()
    };
    assert_eq!(
        to(&site, "16505550000"),
        1,
        "the other customer waits for nothing"
    );
    site.run(180);
    assert_eq!(to(&site, "16505551234"), 12);
    let failed = |item: &Item| item.gate.stage == Stage::Failed;
    assert!(site.items(failed).is_empty());
    let wa = ConnectionId::new("wa-sales");
    let key = format!("text/{wa}");
    assert!(!site.world.state.borrow().learnt.contains_key(&key));
    let refused = site.platforms.erred.get();
    assert!(refused <= 24, "{refused} refusals of 12 messages");
}
