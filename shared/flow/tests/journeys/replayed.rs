//! What came for a number nobody had configured: kept, and taken in once somebody has.

use crate::world::{PHOTO, Site, integration, number, route};
use attache_domain::event::KeptBecause;
use attache_domain::journey::Stage;
use serde_json::{Value, json};

/// A number, and nobody who configured it.
const UNKNOWN: &str = "106540352249999";

fn text(id: &str, body: &str) -> Value {
    json!({"from": "16505551234", "id": id, "timestamp": "1744344499", "type": "text", "text": {"body": body}})
}

fn photo(id: &str) -> Value {
    json!({"from": "16505551234", "id": id, "timestamp": "1744344499", "type": "image", "image": {"id": "media-1"}})
}

/// A site to whose endpoint somebody wrote under a number nobody configured: a text, and in the next second a photo.
fn written_to_nobody() -> Site {
    let site = Site::new(PHOTO);
    for message in [text("wamid.text", "Anybody there?"), photo("wamid.photo")] {
        let reply = site.post_value_of(UNKNOWN, &json!({ "messages": [message] }));
        assert_eq!(reply.status, 200);
        site.pass(1);
    }
    let kept = site.pending();
    assert!(
        kept.iter()
            .all(|event| event.because == KeptBecause::UnknownBusiness)
    );
    assert_eq!((kept.len(), site.items(|_| true).len()), (2, 0));
    site
}

fn told(site: &Site) -> Vec<Value> {
    let sends = site.platforms.sends.borrow();
    sends.iter().map(|body| body["text"].clone()).collect()
}

#[test]
fn once_configured_everything_arrives_once() {
    let mut site = written_to_nobody();
    assert_eq!(site.replay(), ["waiting", "waiting"], "not configured yet");
    assert_eq!(site.items(|_| true), []);
    site.configure([number("wa-new", UNKNOWN)]);
    assert_eq!(site.replay(), ["waiting", "waiting"], "nor routed");
    site.configure([number("wa-new", UNKNOWN), route("wa-new", "genesys")]);
    let before = site.items(|_| true).len();
    assert_eq!((before, site.pending().len()), (0, 2));
    assert_eq!(site.replay(), ["carried", "carried"]);
    site.run(5);
    assert_eq!(told(&site), [json!("Anybody there?"), Value::Null]);
    assert_eq!(site.files_sent().len(), 1);
    assert_eq!(site.item().origin.connection.as_str(), "wa-new");
    assert_eq!(site.replay(), Vec::<&str>::new(), "nothing to replay");

    // Meta repeats what it has sent, for seven days: it is known by now. So is what a killed replay left unsettled.
    site.post_value_of(
        UNKNOWN,
        &json!({ "messages": [text("wamid.text", "Anybody there?"), photo("wamid.photo")] }),
    );
    site.world.state.borrow_mut().settled.clear();
    assert_eq!(site.replay(), ["carried", "carried"]);
    site.run(5);
    assert_eq!(site.platforms.sends.borrow().len(), 2);
    let settled = site.world.state.borrow().settled.clone();
    assert!(
        settled
            .values()
            .all(|settled| settled.reason.as_deref() == Some("configured")),
        "{settled:?}"
    );
}

#[test]
fn a_connection_without_a_route_keeps_and_a_route_carries() {
    let mut site = written_to_nobody();
    site.configure([number("wa-new", UNKNOWN)]);
    site.post_value_of(
        UNKNOWN,
        &json!({ "messages": [text("wamid.later", "Hello?")] }),
    );
    let why: Vec<_> = site.pending().iter().map(|event| event.because).collect();
    assert_eq!(why[2], KeptBecause::NoRoute);
    site.configure([number("wa-new", UNKNOWN), route("wa-new", "genesys")]);
    assert_eq!(site.replay(), ["carried", "carried", "carried"]);
    site.run(5);
    assert_eq!(told(&site).len(), 3);
}

#[test]
fn a_file_that_is_gone_meanwhile_ends_in_a_notice() {
    let mut site = written_to_nobody();
    site.pass(8 * 24 * 3600);
    let gone =
        include_str!("../../../domain/src/platforms/whatsapp/fixtures/error-100-media-id.json");
    let answers = (0..4).map(|_| (400, gone.to_owned()));
    site.platforms.look_ups.borrow_mut().extend(answers);
    site.configure([number("wa-new", UNKNOWN), route("wa-new", "genesys")]);
    assert_eq!(site.replay(), ["carried", "carried"]);
    site.run(60);
    assert_eq!(site.item().gate.stage, Stage::Lost);
    let told = told(&site);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter().any(|text| text
            .as_str()
            .is_some_and(|text| text.starts_with("[Attaché]"))),
        "{told:?}"
    );
}

#[test]
fn an_agents_file_is_left_to_fetch_and_a_dead_link_is_told() {
    for alive in [true, false] {
        let mut site = Site::new(PHOTO);
        site.says("wamid.first", "text", json!({"body": "Hello"}));
        site.run(3);
        let file = json!([site.attachment("a1", "photo.jpg")]);
        assert_eq!(site.agent_of("other", "g1", "", file).status, 200);
        assert_eq!(site.items(|item| item.origin.file().is_some()), []);
        site.configure([
            integration("genesys-new", "other"),
            route("genesys-new", "wa-sales"),
        ]);
        if !alive {
            site.pass(3600);
            site.platforms.cut.borrow_mut().extend([100; 400]);
        }
        assert_eq!(site.replay(), ["carried"]);
        assert_eq!(site.calls("http.download"), 0, "nobody waits for it");
        site.run(10);
        let (stage, reached) = if alive {
            (Stage::Sent, 1)
        } else {
            (Stage::Lost, 0)
        };
        assert_eq!(site.item().gate.stage, stage);
        assert_eq!(site.platforms.uploads.borrow().len(), reached);
        assert_eq!(site.platforms.receipts.borrow().len(), 1 - reached);
    }
}

#[test]
fn a_status_is_noted_and_what_cannot_be_read_stays() {
    let mut site = Site::new(PHOTO);
    let status = json!({"id": "wamid.x", "status": "delivered", "timestamp": "1744344500", "recipient_id": "16505551234"});
    site.post_value_of(UNKNOWN, &json!({ "statuses": [status] }));
    site.pass(1);
    site.post_value_of(
        UNKNOWN,
        &json!({ "messages": [text("wamid.cut", "Hello")] }),
    );
    site.pass(1);
    site.post_value_of(
        UNKNOWN,
        &json!({ "messages": [text("wamid.two", "Hello")] }),
    );
    for (id, slice) in [
        ("wa/wamid.cut", "{\"entry\":[{"),
        ("wa/wamid.two", "{\"entry\":[{\"changes\":[{},{}]}]}"),
    ] {
        let mut state = site.world.state.borrow_mut();
        state.kept.get_mut(id).unwrap().slice = slice.to_owned();
    }
    site.configure([number("wa-new", UNKNOWN), route("wa-new", "genesys")]);
    assert_eq!(site.replay(), ["noted", "unreadable", "unreadable"]);
    site.run(3);
    assert_eq!(told(&site), Vec::<Value>::new());
    assert_eq!(site.replay(), ["unreadable", "unreadable"]);
}
