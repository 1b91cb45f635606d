//! Recorded batches of the queues `media` and `media-retry` through the handler, over the twins and a Genesys that
//! answers as it is told.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::connection::{Directory, Lane, Row};
use attache_domain::digest::Sha256Digest;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, Stage};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, TokenRow, row_id};
use attache_domain::wire::{CallError, Headers, Request, Response};
use attache_edge::lambda;
use attache_flow::bearer::{Cache, Desk, SEALED_AS};
use attache_flow::deliver::{Deliver, Linked};
use attache_flow::judge::Judge;
use attache_flow::memory::{Calm, Object, World};
use attache_flow::ports::{Clock, Credential, Download, Http, Items, Queue, Source, Tokens, Vault};
use attache_inspect::Policy;
use aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};

const PHOTO: &[u8] = include_bytes!("../../../tests/media/photo.jpg");
const NOW: Timestamp = Timestamp::from_seconds(1_744_344_500);

/// Counts the messages it accepts; refuses as many as it is told to with 429.
#[derive(Default)]
struct Genesys {
    refuse: Cell<u32>,
    accepted: RefCell<Vec<String>>,
}

#[async_trait(?Send)]
impl Http for Genesys {
    async fn call(&self, request: &Request, _: &Credential) -> Result<Response, CallError> {
        let status = match self.refuse.get() {
            0 => {
                self.accepted
                    .borrow_mut()
                    .push(request.url.path().to_owned());
                200
            }
            left => {
                self.refuse.set(left - 1);
                429
            }
        };
        Ok(Response {
            status,
            headers: Headers::default(),
            body: br#"{"id":"genesys-1"}"#.to_vec(),
        })
    }

    async fn upload(
        &self,
        _: &Request,
        _: &Credential,
        _: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        Err(CallError::NotSent(
            "Genesys fetches files itself".to_owned(),
        ))
    }

    async fn download(&self, _: &Request, _: &Credential) -> Result<Download, CallError> {
        Err(CallError::NotSent("upload downloads nothing".to_owned()))
    }
}

struct Site {
    world: World,
    genesys: Rc<Genesys>,
    media: MediaId,
}

impl Site {
    /// One item, judged and waiting, its job taken from the queue; and a token to send it with.
    async fn new() -> Self {
        let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
        let genesys = Rc::new(Genesys::default());
        let http = Rc::clone(&genesys) as Rc<dyn Http>;
        let world = World::new(Directory::new(rows), http, Rc::new(Calm), NOW);
        let item = Item::announce(
            origin(),
            Actor::Intake,
            NOW,
            (Duration::from_secs(30), Duration::from_secs(3600)),
        );
        world.announce(&item).await.unwrap();
        let stored = Object {
            bytes: PHOTO.to_vec(),
            declared_type: None,
            fence: 1,
        };
        world
            .state
            .borrow_mut()
            .objects
            .insert(item.id.clone(), stored);
        let policy = Policy::default();
        let judge = Judge {
            items: &world,
            objects: &world,
            jobs: &world,
            clock: &world,
            directories: &world,
            policy: &policy,
        };
        judge.object_created(&item.id.arrival_key()).await.unwrap();
        let site = Self {
            media: item.id,
            world,
            genesys,
        };
        site.give_token().await;
        assert_eq!(site.job(Queue::Media), bodies("batch")[0]);
        site
    }

    async fn give_token(&self) {
        let id = row_id(&ConnectionId::new("genesys"), Purpose::Messages);
        let token = Secret::new("token").unwrap();
        let mut row = TokenRow {
            sealed: Some(self.world.seal(SEALED_AS, &id, &token).await.unwrap()),
            id,
            obtained_at: NOW,
            expires_at: Some(NOW + Duration::from_secs(86_400)),
            version: 1,
            revision: 0,
            lease_until: None,
        };
        Tokens::save(&self.world, &mut row).await.unwrap();
    }

    /// The only job in a queue; it is taken out.
    fn job(&self, queue: Queue) -> Value {
        let jobs = self.world.receive(queue);
        assert_eq!(jobs.len(), 1, "{queue:?}");
        serde_json::from_str(&jobs[0].body).unwrap()
    }

    /// The partial batch response, as Lambda reads it.
    async fn answer(&self, name: &str) -> Value {
        let world = &self.world;
        let event: SqsEvent = serde_json::from_value(fixture(name)).unwrap();
        let (cache, linked) = (Cache::default(), Linked::default());
        let deliver = Deliver {
            lane: Lane::Media,
            items: world,
            claims: world,
            conversations: world,
            objects: Some(world),
            jobs: world,
            limits: world,
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
            patience: Duration::from_secs(20),
            linked: &linked,
        };
        let failed = attache_upload::handle(&lambda::records(event), &deliver).await;
        serde_json::to_value(lambda::partial(failed)).unwrap()
    }

    fn accepted(&self) -> usize {
        self.genesys.accepted.borrow().len()
    }

    async fn stage(&self) -> Stage {
        Items::load(&self.world, &self.media)
            .await
            .unwrap()
            .unwrap()
            .gate
            .stage
    }
}

fn origin() -> Origin {
    Origin {
        connection: ConnectionId::new("wa-sales"),
        target: Some(ConnectionId::new("genesys")),
        direction: Direction::ToAgent,
        message: MessageId::new("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="),
        attachment: AttachmentId::new("1003383421387256"),
        customer: "16505551234".to_owned(),
        customer_name: Some("Zoë Nelson".to_owned()),
        sent_at: NOW,
        bundle: Vec::new(),
        quote: None,
        shadow: false,
        content: Content::File(File {
            kind: MediaKind::Image,
            declared_type: Some("image/jpeg".to_owned()),
            file_name: None,
            digest: Some(Sha256Digest::of(PHOTO)),
            size_bytes: None,
            caption: None,
        }),
    }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bodies(name: &str) -> Vec<Value> {
    let event = fixture(name);
    let records = event["Records"].as_array().unwrap().iter();
    records
        .map(|record| serde_json::from_str(record["body"].as_str().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_job_is_sent_once_and_strangers_fail_alone() {
    let strangers = json!([
        {"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000002-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000004-5fd1-4b1a-9a52-8a2f7a7d9c10"},
    ]);
    for (name, failed) in [("batch", json!([])), ("batch-mixed", strangers)] {
        let site = Site::new().await;
        assert_eq!(
            site.answer(name).await,
            json!({ "batchItemFailures": failed }),
            "{name}"
        );
        assert_eq!(
            (site.stage().await, site.accepted()),
            (Stage::Sent, 1),
            "{name}"
        );
        // SQS delivers at least once.
        assert_eq!(
            site.answer("batch").await,
            json!({ "batchItemFailures": [] }),
            "{name}"
        );
        assert_eq!(site.accepted(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_throttled_job_comes_back_by_the_other_queue_as_its_own_copy() {
    let site = Site::new().await;
    site.genesys.refuse.set(1);
    assert_eq!(
        site.answer("batch").await,
        json!({ "batchItemFailures": [] })
    );
    assert_eq!((site.stage().await, site.accepted()), (Stage::Sending, 0));

    site.world
        .set_now(site.world.now() + Duration::from_secs(60));
    assert_eq!(site.job(Queue::MediaRetry), bodies("batch-retry")[0]);
    // The copy before it is out of date.
    assert_eq!(
        site.answer("batch").await,
        json!({ "batchItemFailures": [] })
    );
    assert_eq!(site.accepted(), 0);
    assert_eq!(
        site.answer("batch-retry").await,
        json!({ "batchItemFailures": [] })
    );
    assert_eq!((site.stage().await, site.accepted()), (Stage::Sent, 1));
}
