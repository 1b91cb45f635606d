//! One file, judged and waiting, over the twins.

use std::rc::Rc;
use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::connection::{Directory, Lane, Row};
use attache_domain::event::Origin;
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::journey::{Item, Stage};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, TokenRow, row_id};
use attache_edge::lambda;
use attache_flow::bearer::{Cache, Desk, SEALED_AS};
use attache_flow::deliver::{Deliver, Learnt};
use attache_flow::judge::Judge;
use attache_flow::memory::{Calm, Object, World};
use attache_flow::ports::{Http, Items, Queue, Tokens, Vault};
use attache_flow::taken::{Ledger, Recalled};
use attache_inspect::Policy;
use aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};

pub(crate) const PHOTO: &[u8] = include_bytes!("../../../../tests/media/photo.jpg");
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_744_344_500);

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) media: MediaId,
}

impl Site {
    /// The item of `origin`, its job taken from the queue, and tokens to send it with.
    pub(crate) async fn new(origin: Origin, http: Rc<dyn Http>) -> Self {
        let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
        let world = World::new(Directory::new(rows), http, Rc::new(Calm), NOW);
        let spans = (Duration::from_secs(30), Duration::from_secs(3600));
        let item = Item::announce(origin, Actor::Intake, NOW, spans);
        world.announce(&item).await.unwrap();
        let stored = Object {
            bytes: PHOTO.to_vec(),
            declared_type: None,
            fence: 1,
            joined: false,
        };
        let (media, key) = (item.id.clone(), item.id.arrival_key());
        world.state.borrow_mut().objects.insert(item.id, stored);
        let standard = Policy::default();
        let judge = Judge {
            items: &world,
            objects: &world,
            jobs: &world,
            clock: &world,
            directories: &world,
            standard: &standard,
            scanning: None,
            ledger: Ledger {
                limits: &world,
                clock: &world,
                recalled: &Recalled::default(),
            },
        };
        judge.object_created(&key).await.unwrap();
        let site = Self { world, media };
        for (connection, purpose) in [
            ("genesys", Purpose::Messages),
            ("wa-sales", Purpose::Media),
            ("wa-sales", Purpose::Messages),
        ] {
            site.give_token(connection, purpose).await;
        }
        site
    }

    async fn give_token(&self, connection: &str, purpose: Purpose) {
        let id = row_id(&ConnectionId::new(connection), purpose);
        let token = Secret::new("token").unwrap();
        let mut row = TokenRow {
            sealed: Some(self.world.seal(SEALED_AS, &id, &token).await.unwrap()),
            id,
            obtained_at: NOW,
            expires_at: Some(NOW + Duration::from_secs(86_400)),
            version: 1,
            revision: 0,
            lease_until: None,
            api: None,
        };
        Tokens::save(&self.world, &mut row).await.unwrap();
    }

    /// The only job in a queue; it is taken out.
    pub(crate) fn job(&self, queue: Queue) -> Value {
        let jobs = self.world.receive(queue);
        assert_eq!(jobs.len(), 1, "{queue:?}");
        serde_json::from_str(&jobs[0].body).unwrap()
    }

    /// The partial batch response, as Lambda reads it.
    pub(crate) async fn answer(&self, name: &str) -> Value {
        let world = &self.world;
        let event: SqsEvent = serde_json::from_value(fixture(name)).unwrap();
        let (cache, learnt) = (Cache::default(), Learnt::default());
        let deliver = Deliver {
            lane: Lane::Media,
            items: world,
            claims: world,
            conversations: world,
            objects: Some(world),
            renditions: None,
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
            learnt: &learnt,
        };
        let failed = attache_upload::handle(&lambda::records(event), &deliver).await;
        serde_json::to_value(lambda::partial(failed)).unwrap()
    }

    pub(crate) async fn stage(&self) -> Stage {
        let item = Items::load(&self.world, &self.media).await.unwrap();
        item.unwrap().gate.stage
    }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The body of a recorded batch's first record.
pub(crate) fn body(name: &str) -> Value {
    let event = fixture(name);
    serde_json::from_str(event["Records"][0]["body"].as_str().unwrap()).unwrap()
}

/// Nothing failed.
pub(crate) fn done() -> Value {
    json!({ "batchItemFailures": [] })
}
