//! Recorded batches of the `convert` queue through the handler, over the twins and the real renderer.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use attache_convert::Library;
use attache_domain::audit::Actor;
use attache_domain::channels::{Direction, Kind};
use attache_domain::connection::Directory;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::{Delivery, Plan, Refusal, Verdict};
use attache_edge::lambda;
use attache_flow::convert::{Convert, Order, Renderer};
use attache_flow::memory::{Object, World};
use attache_flow::ports::{Clock, Items, Queue};
use serde_json::{Value, json};

const GIF: &[u8] = include_bytes!("../../../tests/media/anim.gif");
const PDF: &str = "application/pdf";

/// A row, its original, and the bucket of renditions.
struct Site {
    world: World,
    renditions: World,
    item: Item,
}

fn object(bytes: &[u8], declared_type: &str) -> Object {
    Object {
        bytes: bytes.to_vec(),
        declared_type: Some(declared_type.to_owned()),
        fence: 1,
        joined: false,
    }
}

impl Site {
    /// An item in `converting`, whose plan asks for this type of this original.
    async fn new(original: &[u8], mime: &str) -> Self {
        let world = World::calm(Directory::new([]));
        let mut item = Item::announce(
            origin(&world),
            Actor::Intake,
            world.now(),
            (Duration::from_secs(30), Duration::from_secs(3600)),
        );
        let to = Delivery {
            mime: mime.to_owned(),
            name: "anim.png".to_owned(),
            kind: Some(Kind::Image),
            caption_apart: false,
        };
        let why = Refusal {
            code: "channel.type".to_owned(),
            reason: "WhatsApp does not take it.".to_owned(),
        };
        let original = object(original, "image/gif");
        item.record.object = Some(original.stored());
        item.record.plan = Some(Plan::Converted {
            to,
            max_bytes: 50_000,
            why,
        });
        item.gate.verdict = Verdict::Clean;
        item.cross(Stage::Converting, Actor::Validate, world.now());
        world.announce(&item).await.unwrap();
        let mut state = world.state.borrow_mut();
        state.objects.insert(item.id.clone(), original);
        drop(state);
        Self {
            world,
            renditions: World::calm(Directory::new([])),
            item,
        }
    }

    /// What `main` does with a batch, and the answer as Lambda reads it.
    async fn answer(&self, name: &str) -> Value {
        let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let event = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let convert = Convert {
            items: &self.world,
            originals: &self.world,
            renditions: &self.renditions,
            jobs: &self.world,
            clock: &self.world,
            renderer: &Library,
        };
        let failed = attache_convert::handle(&lambda::records(event), &convert).await;
        serde_json::to_value(lambda::partial(failed)).unwrap()
    }

    async fn row(&self) -> Item {
        self.world.load(&self.item.id).await.unwrap().unwrap()
    }

    /// Puts an object in the place of the rendition.
    fn leave(&self, object: Object) {
        let mut state = self.renditions.state.borrow_mut();
        state.objects.insert(self.item.id.clone(), object);
    }

    fn rendition(&self) -> Option<Object> {
        let state = self.renditions.state.borrow();
        state.objects.get(&self.item.id).cloned()
    }
}

fn origin(world: &World) -> Origin {
    Origin {
        target: Some(ConnectionId::new("genesys")),
        ..Origin::new(
            (ConnectionId::new("wa-sales"), Direction::ToAgent),
            (
                MessageId::new("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="),
                AttachmentId::new("1003383421387256"),
            ),
            ("16505551234", world.now()),
            Content::File(File {
                declared_type: Some("image/gif".to_owned()),
                file_name: Some("anim.gif".to_owned()),
                ..File::new(MediaKind::Image)
            }),
        )
    }
}

fn nothing_failed() -> Value {
    json!({"batchItemFailures": []})
}

#[tokio::test]
async fn a_rendition_is_stored_beside_its_original_and_the_item_goes_on() {
    let site = Site::new(GIF, "image/png").await;
    let strangers = json!([
        {"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000002-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000004-5fd1-4b1a-9a52-8a2f7a7d9c10"},
    ]);
    let expected = json!({ "batchItemFailures": strangers });
    assert_eq!(site.answer("batch-mixed").await, expected);
    let (row, made) = (site.row().await, site.rendition().unwrap());
    assert_eq!(row.gate.stage, Stage::Waiting);
    assert_eq!(row.record.rendition, Some(made.stored()));
    assert!(made.bytes.starts_with(b"\x89PNG") && made.bytes.len() <= 50_000);
    let (delivery, bytes) = row.outgoing().unwrap();
    assert_eq!(
        (delivery.mime.as_str(), bytes),
        ("image/png", &made.stored())
    );
    let original = row.record.object.clone().unwrap();
    assert_eq!(original.size_bytes, GIF.len() as u64, "the original stays");
    let jobs = site.world.receive(Queue::Media);
    let body: Value = serde_json::from_str(&jobs[0].body).unwrap();
    let job = json!({"v": 1, "media": row.id, "connection": "genesys", "epoch": 0, "sequence": 0});
    assert_eq!((body, jobs.len()), (job, 1));
}

#[tokio::test]
async fn whatever_a_dead_one_left_is_carried_on() {
    // Stored, and the row not written.
    let site = Site::new(GIF, "image/png").await;
    let order = Order {
        mime: "image/png",
        name: "anim.png",
        max_bytes: 50_000,
    };
    let made = Library.render(GIF, &order).unwrap();
    let left = object(&made, "image/png");
    site.leave(left.clone());
    assert_eq!(site.answer("batch").await, nothing_failed());
    let row = site.row().await;
    assert_eq!(row.record.rendition, Some(left.stored()));
    assert_eq!(site.world.receive(Queue::Media).len(), 1);
    // Written, and the job not sent: it is sent, and nothing else is done.
    assert_eq!(site.answer("batch").await, nothing_failed());
    assert_eq!(site.world.receive(Queue::Media).len(), 1);
    assert_eq!(site.row().await.gate.revision, row.gate.revision);
}

#[tokio::test]
async fn another_object_in_its_place_is_not_taken() {
    let site = Site::new(GIF, "image/png").await;
    let other = object(b"%PDF-1.7", PDF);
    site.leave(other);
    let failed = json!([{"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"}]);
    let answer = site.answer("batch").await;
    assert_eq!(answer, json!({ "batchItemFailures": failed }));
    assert_eq!(site.row().await.gate.stage, Stage::Converting);
}

#[tokio::test]
async fn a_text_becomes_a_pdf_and_what_is_neither_is_refused_and_told() {
    let site = Site::new("Posten;Betrag\nGröße;5 €\n".as_bytes(), PDF).await;
    assert_eq!(site.answer("batch").await, nothing_failed());
    assert!(site.rendition().unwrap().bytes.starts_with(b"%PDF-"));

    let site = Site::new(&GIF[..200], "image/png").await;
    assert_eq!(site.answer("batch").await, nothing_failed());
    let row = site.row().await;
    assert_eq!(row.gate.stage, Stage::Rejected);
    assert_eq!(row.record.plan.unwrap().as_str(), "rejected");
    assert_eq!(site.rendition().map(|made| made.bytes.len()), None);
    assert!(site.world.receive(Queue::Media).is_empty());
    assert_eq!(
        site.world.receive(Queue::Text).len(),
        1,
        "the agent is told"
    );
}
