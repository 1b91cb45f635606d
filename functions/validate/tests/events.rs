//! Recorded object events and batches of the `judge` queue through the handler, over the twins.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::connection::{Directory, Row};
use attache_domain::digest::Sha256Digest;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::{Item, Stage};
use attache_domain::scan::guardduty;
use attache_domain::verdict::Verdict;
use attache_edge::lambda::{self, Trigger};
use attache_flow::batch::Trouble;
use attache_flow::judge::{Judge, Scanning, Scans};
use attache_flow::memory::{Object, World};
use attache_flow::ports::{Clock, Items, Queue};
use attache_flow::taken::{Ledger, Recalled};
use attache_inspect::Policy;
use serde_json::{Value, json};

const PHOTO: &[u8] = include_bytes!("../../../tests/media/photo.jpg");

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One announced item whose file has just been stored.
async fn world() -> (World, Item) {
    let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
    let world = World::calm(Directory::new(rows));
    let origin = Origin {
        target: Some(ConnectionId::new("genesys")),
        ..Origin::new(
            (ConnectionId::new("wa-sales"), Direction::ToAgent),
            (
                MessageId::new("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="),
                AttachmentId::new("1003383421387256"),
            ),
            ("16505551234", world.now()),
            Content::File(File {
                declared_type: Some("image/jpeg".to_owned()),
                digest: Some(Sha256Digest::of(PHOTO)),
                ..File::new(MediaKind::Image)
            }),
        )
    };
    let item = Item::announce(
        origin,
        Actor::Intake,
        world.now(),
        (Duration::from_secs(30), Duration::from_secs(3600)),
    );
    world.announce(&item).await.unwrap();
    let stored = Object {
        bytes: PHOTO.to_vec(),
        declared_type: Some("image/jpeg".to_owned()),
        fence: 1,
        joined: false,
    };
    world
        .state
        .borrow_mut()
        .objects
        .insert(item.id.clone(), stored);
    world.state.borrow_mut().calls.clear();
    (world, item)
}

/// What `main` does with an event, and the answer as Lambda reads it.
async fn answer(world: &World, name: &str) -> Result<Value, Trouble> {
    heard(world, None, name).await
}

/// The same where a scanner is to be waited for.
async fn heard(
    world: &World,
    scanning: Option<Scanning<'_>>,
    name: &str,
) -> Result<Value, Trouble> {
    let standard = Policy::default();
    let judge = Judge {
        items: world,
        objects: world,
        jobs: world,
        clock: world,
        directories: world,
        standard: &standard,
        scanning,
        ledger: Ledger {
            limits: world,
            clock: world,
            recalled: &Recalled::default(),
        },
    };
    match Trigger::read(fixture(name)).unwrap() {
        Trigger::Batch(records) => {
            let failed = attache_validate::handle_jobs(&records, &judge).await;
            Ok(serde_json::to_value(lambda::partial(failed)).unwrap())
        }
        Trigger::Objects(keys) => {
            attache_validate::handle_objects(&keys, &judge).await?;
            Ok(Value::Null)
        }
        Trigger::Scanned(scan) => {
            attache_validate::handle_scan(&scan, "media-bucket", &judge).await?;
            Ok(Value::Null)
        }
        Trigger::Tick => panic!("{name} is a tick"),
    }
}

#[tokio::test]
async fn every_way_an_object_is_announced_leads_to_one_verdict_and_its_job() {
    let strangers = json!([
        {"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000002-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000004-5fd1-4b1a-9a52-8a2f7a7d9c10"},
    ]);
    for (name, expected) in [
        ("object-put", Value::Null),
        ("object-multipart", Value::Null),
        ("batch", json!({"batchItemFailures": []})),
        ("batch-mixed", json!({ "batchItemFailures": strangers })),
    ] {
        let (world, item) = world().await;
        assert_eq!(answer(&world, name).await.unwrap(), expected, "{name}");
        let gate = world.load(&item.id).await.unwrap().unwrap().gate;
        assert_eq!(
            (gate.stage, gate.verdict),
            (Stage::Waiting, Verdict::Clean),
            "{name}"
        );
        let jobs = world.receive(Queue::Media);
        let body: Value = serde_json::from_str(&jobs[0].body).unwrap();
        let job =
            json!({"v": 1, "media": item.id, "connection": "genesys", "epoch": 0, "sequence": 0});
        assert_eq!((body, jobs.len()), (job, 1), "{name}");
    }
}

#[tokio::test]
async fn a_scans_result_is_waited_for_and_decides_once() {
    for (name, end) in [
        ("scan-clean", (Stage::Waiting, Verdict::Clean)),
        ("scan-threats", (Stage::Rejected, Verdict::Quarantined)),
        ("scan-skipped", (Stage::Planned, Verdict::Held)),
    ] {
        for first in [true, false] {
            let (world, item) = world().await;
            let scanning = Scanning {
                by: Scans::Told(guardduty::NAME),
                patience: Duration::from_secs(900),
            };
            let gate = async || world.load(&item.id).await.unwrap().unwrap().gate;
            if first {
                heard(&world, Some(scanning), "object-put").await.unwrap();
                assert_eq!(gate().await.verdict, Verdict::Unjudged, "{name}");
                assert_eq!(world.receive(Queue::Media), []);
            }
            for _ in 0..2 {
                heard(&world, Some(scanning), name).await.unwrap();
                heard(&world, Some(scanning), "object-put").await.unwrap();
            }
            let gate = gate().await;
            assert_eq!((gate.stage, gate.verdict), end, "{name}");
        }
    }
}

#[tokio::test]
async fn a_scan_of_something_else_is_refused() {
    let (world, item) = world().await;
    for (name, expected) in [
        (
            "scan-other-bucket",
            "the scan of an object in bucket \"other-bucket\", expected one in \"media-bucket\"",
        ),
        ("scan-stranger", "object key \"arrivals/x\" is no item's"),
    ] {
        let told = answer(&world, name).await.unwrap_err().to_string();
        assert_eq!(told, expected);
    }
    let gate = world.load(&item.id).await.unwrap().unwrap().gate;
    assert_eq!(gate.stage, Stage::Announced);
}

#[tokio::test]
async fn the_event_that_s3_sends_on_set_up_asks_for_nothing() {
    let (world, _) = world().await;
    assert_eq!(answer(&world, "test-event").await.unwrap(), Value::Null);
    assert!(world.state.borrow().calls.is_empty());
}

#[tokio::test]
async fn objects_that_are_no_items_are_named_as_they_are_called() {
    let (world, item) = world().await;
    let error = answer(&world, "object-encoded-key").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"object key "arrivals/Rechnung März (1)+.pdf" is no item's"#
    );
    assert!(world.state.borrow().calls.is_empty());

    world.state.borrow_mut().items.clear();
    let orphan = answer(&world, "object-put").await.unwrap_err();
    assert_eq!(
        orphan.to_string(),
        format!("object of unknown item {}", item.id)
    );
}

#[test]
fn what_has_no_business_here_is_told_apart() {
    assert_eq!(Trigger::read(fixture("scheduled")).unwrap(), Trigger::Tick);
    let error = Trigger::read(fixture("foreign")).unwrap_err().to_string();
    assert!(error.starts_with("an event of"), "{error}");
}
