//! One tenant's storm is nobody else's, and neither is it the other lane's.

use std::collections::BTreeMap;
use std::rc::Rc;

use attache_domain::connection::{Directory, Row};
use attache_domain::digest::Sha256Digest;
use attache_domain::journey::{Item, Stage};
use attache_flow::memory::Calm;
use attache_flow::ports::Clock;
use serde_json::{Value, json};

use crate::world::{PHOTO, Site, integration, number, route, rows_of_the_site};

/// The numbers of three tenants, and the integrations that they lead to.
const NUMBERS: [&str; 3] = ["106540352242922", "206540352242922", "306540352242922"];
const TENANTS: [&str; 3] = ["genesys", "genesys-b", "genesys-c"];

fn three_tenants() -> Site {
    let others = [
        number("wa-b", NUMBERS[1]),
        integration("genesys-b", "integration-b"),
        route("wa-b", "genesys-b"),
        number("wa-c", NUMBERS[2]),
        integration("genesys-c", "integration-c"),
        route("wa-c", "genesys-c"),
    ];
    let rows: Vec<Row> = rows_of_the_site().into_iter().chain(others).collect();
    let site = Site::with(PHOTO, Directory::new(rows), Rc::new(Calm));
    site.refresh();
    site
}

fn writes(site: &Site, number: &str, (id, kind, content): (&str, &str, Value)) {
    let at = (site.world.now().as_millis() / 1000).to_string();
    let mut message = json!({"from": "16505551234", "id": id, "timestamp": at, "type": kind});
    message[kind] = content;
    site.post_value_of(number, &json!({ "messages": [message] }));
}

/// For ten minutes and more (a pause may end behind them) each customer writes every ten seconds, and sends a picture every thirty. Then what is under way is seen to its
/// end.
fn ten_minutes(site: &Site, then: impl Fn(&Site)) {
    let digest = data_encoding::BASE64.encode(Sha256Digest::of(PHOTO).as_bytes());
    for second in 0..690 {
        for number in NUMBERS {
            if second % 10 == 0 {
                let text = json!({"body": "hello"});
                writes(
                    site,
                    number,
                    (&format!("t-{number}-{second}"), "text", text),
                );
            }
            if second % 30 == 0 {
                let id = format!("f-{number}-{second}");
                let picture = json!({"id": id, "mime_type": "image/jpeg", "sha256": digest});
                writes(site, number, (&id, "image", picture));
            }
        }
        site.run(1);
    }
    then(site);
    site.run(300);
}

/// How many reached their agent, by tenant and by whether it was a file. That a file could not be sent is told in words, which
/// are not counted.
fn arrived(site: &Site) -> BTreeMap<(String, bool), usize> {
    let mut arrived = BTreeMap::new();
    let written = |item: &Item| {
        item.gate.stage == Stage::Sent
            && (item.origin.file().is_some() || item.origin.message.as_str().starts_with("t-"))
    };
    for item in site.items(written) {
        let tenant = item.origin.target.as_ref().map(ToString::to_string);
        let key = (tenant.unwrap_or_default(), item.origin.file().is_some());
        *arrived.entry(key).or_default() += 1;
    }
    arrived
}

#[test]
fn ten_minutes_of_429_for_one_tenants_files_change_nothing_for_the_others_nor_for_words() {
    let calm = three_tenants();
    ten_minutes(&calm, |_| {});
    let in_calm = arrived(&calm);
    let stormy = three_tenants();
    let refuses = ("/2d1f6a3c/", true, 429);
    stormy.platforms.refuses.set(Some(refuses));
    ten_minutes(&stormy, |site| {
        let state = site.world.state.borrow();
        let line = state
            .learnt
            .get("media/genesys")
            .cloned()
            .unwrap_or_default();
        assert!(line.contains(r#""degraded":true"#), "it is told of: {line}");
        drop(state);
        site.platforms.refuses.set(None);
    });
    let in_storm = arrived(&stormy);
    for tenant in TENANTS {
        for files in [false, true] {
            let key = (tenant.to_owned(), files);
            let sent = [&in_calm, &in_storm].map(|sent| sent.get(&key).copied().unwrap_or(0));
            let wanted = if files { 23 } else { 69 };
            assert_eq!(sent[0], wanted, "{key:?}");
            match key == (TENANTS[0].to_owned(), true) {
                true => assert!(sent[1] < wanted, "it was refused"),
                false => assert_eq!(sent[1], wanted, "{key:?}"),
            }
        }
    }
    let open = |item: &Item| !item.gate.stage.is_over();
    assert_eq!(
        stormy.items(open).len(),
        0,
        "nothing is left without an end"
    );
    let refused = stormy.platforms.refused.get();
    assert!(refused <= 80, "{refused} refusals of 23 files");
}
