//! Recorded batches of the `fetch` queue through the handler, over the twins and a platform that gives one file.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::connection::{Directory, Row};
use attache_domain::digest::Sha256Digest;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::{Item, Stage};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, TokenRow, row_id};
use attache_domain::transfer::PART_BYTES;
use attache_domain::transfer::Rest;
use attache_domain::wire::{CallError, Headers, Request, Response};
use attache_edge::lambda;
use attache_flow::bearer::{Cache, Desk, SEALED_AS};
use attache_flow::fetch::{Fetch, InParts, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::memory::{Calm, World};
use attache_flow::ports::{Credential, Download, Http, Items, Source, SourceError, Tokens, Vault};
use aws_lambda_events::sqs::SqsEvent;
use bytes::Bytes;
use serde_json::{Value, json};

const FILE: &[u8] = b"the customer's file";
const NOW: Timestamp = Timestamp::from_seconds(1_744_344_500);

/// The Graph API and its download host.
struct Platform;

struct Once(Option<Bytes>);

#[async_trait(?Send)]
impl Source for Once {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}

#[async_trait(?Send)]
impl Http for Platform {
    async fn call(&self, _: &Request, _: &Credential) -> Result<Response, CallError> {
        let link = json!({
            "url": "https://lookaside.fbsbx.com/x?hash=h", "mime_type": "image/jpeg",
            "file_size": FILE.len(), "sha256": Sha256Digest::of(FILE).to_string(),
        });
        Ok(Response {
            status: 200,
            headers: Headers::default(),
            body: link.to_string().into_bytes(),
        })
    }

    async fn upload(
        &self,
        _: &Request,
        _: &Credential,
        _: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        Err(CallError::NotSent("fetch sends no file".to_owned()))
    }

    async fn download(
        &self,
        _: &Request,
        _: &Credential,
        _: Option<&Rest>,
    ) -> Result<Download, CallError> {
        let length = FILE.len().to_string();
        Ok(Download {
            status: 200,
            headers: Headers::new([("content-length".to_owned(), length)]),
            body: Box::new(Once(Some(Bytes::from_static(FILE)))),
        })
    }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One announced item, and a token to fetch it with.
async fn world() -> (World, Item) {
    let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
    let world = World::new(Directory::new(rows), Rc::new(Platform), Rc::new(Calm), NOW);
    let origin = Origin {
        target: Some(ConnectionId::new("genesys")),
        ..Origin::new(
            (ConnectionId::new("wa-sales"), Direction::ToAgent),
            (
                MessageId::new("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="),
                AttachmentId::new("1003383421387256"),
            ),
            ("16505551234", NOW),
            Content::File(File {
                declared_type: Some("image/jpeg".to_owned()),
                digest: Some(Sha256Digest::of(FILE)),
                ..File::new(MediaKind::Image)
            }),
        )
    };
    let item = Item::announce(
        origin,
        Actor::Intake,
        NOW,
        (Duration::from_secs(30), Duration::from_secs(3600)),
    );
    world.announce(&item).await.unwrap();
    let id = row_id(&item.origin.connection, Purpose::Media);
    let token = Secret::new("wa-token").unwrap();
    let mut row = TokenRow {
        sealed: Some(world.seal(SEALED_AS, &id, &token).await.unwrap()),
        id,
        obtained_at: NOW,
        expires_at: None,
        version: 1,
        revision: 0,
        lease_until: None,
        api: None,
    };
    Tokens::save(&world, &mut row).await.unwrap();
    (world, item)
}

/// The partial batch response, as Lambda reads it.
async fn answer(world: &World, name: &str) -> Value {
    let event: SqsEvent = serde_json::from_value(fixture(name)).unwrap();
    let (cache, known, room) = (Cache::default(), Known::default(), Room::default());
    let fetch = Fetch {
        items: world,
        objects: world,
        jobs: world,
        http: world,
        clock: world,
        directories: world,
        desk: Desk {
            tokens: world,
            vault: world,
            jobs: world,
            clock: world,
            cache: &cache,
        },
        lease: Duration::from_secs(30),
        in_parts: Some(InParts {
            store: world,
            part_bytes: PART_BYTES,
        }),
        guard: Guard {
            limits: world,
            clock: world,
            known: &known,
        },
        room: &room,
    };
    let failed =
        attache_fetch::handle(&lambda::records(event), &fetch, Duration::from_secs(840)).await;
    serde_json::to_value(lambda::partial(failed)).unwrap()
}

#[tokio::test]
async fn a_job_brings_the_file_in_and_strangers_fail_alone() {
    let strangers = json!([
        {"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000002-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000004-5fd1-4b1a-9a52-8a2f7a7d9c10"},
    ]);
    for (name, failed) in [("batch", json!([])), ("batch-mixed", strangers)] {
        let (world, item) = world().await;
        assert_eq!(
            answer(&world, name).await,
            json!({ "batchItemFailures": failed }),
            "{name}"
        );
        let state = world.state.borrow();
        assert_eq!(state.objects[&item.id].bytes, FILE, "{name}");
        assert_eq!(state.events, [item.id.arrival_key()], "{name}");
        assert_eq!(state.items[&item.id].gate.stage, Stage::Fetching, "{name}");
    }
}

#[tokio::test]
async fn the_same_batch_again_fetches_nothing() {
    let (world, _) = world().await;
    for _ in 0..2 {
        assert_eq!(
            answer(&world, "batch").await,
            json!({ "batchItemFailures": [] })
        );
    }
    assert_eq!(world.state.borrow().calls["http.download"], 1);
}
