//! Tests that travel through a live system: the whole way, and into no alarm; only where they are known to be tests.

use std::rc::Rc;

use attache_domain::connection::Row;
use attache_domain::journey::Stage;
use attache_domain::signature::{Scheme, Secret};
use attache_flow::memory::Calm;
use attache_flow::ports::Queue;
use serde_json::{Value, json};

use crate::world::{PHOTO, SECRET, Site, directory_of};

/// A site whose number is one of tests, or not.
fn site(of_tests: bool) -> Site {
    let directory = directory_of(|row| {
        if let Row::Connection(connection) = row {
            connection.synthetic = of_tests;
        }
    });
    let site = Site::with(PHOTO, directory, Rc::new(Calm));
    site.refresh();
    site
}

fn photo() -> Value {
    let message = json!({"from": "16505551234", "id": "wamid.1", "timestamp": "1744344496", "type": "image",
        "image": {"id": "media-1", "mime_type": "image/jpeg"}});
    let value = json!({"metadata": {"phone_number_id": "106540352242922"}, "messages": [message]});
    json!({"entry": [{"changes": [{"field": "messages", "value": value}]}]})
}

#[test]
fn what_says_that_it_is_a_test_counts_as_one_on_a_number_of_tests_alone() {
    for (of_tests, mark, synthetic) in [
        (true, Some("true"), true),
        (true, Some("True "), true),
        (true, Some("1"), false),
        (true, None, false),
        (false, Some("true"), false),
    ] {
        let site = site(of_tests);
        let body = photo().to_string();
        let signature = Scheme::META.sign(&Secret::new(SECRET).unwrap(), body.as_bytes());
        let mark = mark.map(|mark| ("x-synthetic-test", mark));
        let reply = site.post_marked("wa", body.as_bytes(), (&signature, mark));
        assert_eq!(reply.status, 200);
        site.run(10);
        let item = site.item();
        assert_eq!(item.origin.synthetic, synthetic, "{of_tests} {mark:?}");
        assert_eq!(item.gate.stage, Stage::Sent, "it goes the whole way");
    }
}

#[test]
fn a_test_that_is_lost_raises_no_alarm() {
    for of_tests in [true, false] {
        let site = site(of_tests);
        site.platforms.dead.set(Some("media-1"));
        let body = photo().to_string();
        let signature = Scheme::META.sign(&Secret::new(SECRET).unwrap(), body.as_bytes());
        let mark = Some(("x-synthetic-test", "true"));
        site.post_marked("wa", body.as_bytes(), (&signature, mark));
        site.run(60);
        assert_eq!(site.item().gate.stage, Stage::Lost);
        let letters = site.world.receive(Queue::FetchDeadLetters).len();
        assert_eq!(letters, usize::from(!of_tests));
        assert_eq!(site.platforms.sends.borrow().len(), 1, "the agent is told");
    }
}
