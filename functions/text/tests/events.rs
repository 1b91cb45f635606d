//! Recorded batches of the queue `text` through the handler, over the twins and platforms that accept what they are told.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::connection::{Directory, Lane, Row};
use attache_domain::conversation::{ConversationId, Heard, WINDOW};
use attache_domain::event::{Content, File, FollowUp, MediaKind, Origin, Words};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, Stage};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, TokenRow, row_id};
use attache_domain::transfer::Rest;
use attache_domain::verdict::{Plan, Refusal, Verdict};
use attache_domain::wire::{Body, CallError, Headers, Request, Response};
use attache_edge::lambda;
use attache_flow::bearer::{Cache, Desk, SEALED_AS};
use attache_flow::deliver::{Deliver, Learnt};
use attache_flow::memory::{Calm, World};
use attache_flow::ports::{
    Conversations, Credential, Download, Http, Items, Queue, Source, Tokens, Vault,
};
use attache_flow::telling::Telling;
use aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_744_344_500);

/// Both platforms: they note what is said to them and accept it.
#[derive(Default)]
struct Platforms(RefCell<Vec<(String, Value)>>);

#[async_trait(?Send)]
impl Http for Platforms {
    async fn call(&self, request: &Request, _: &Credential) -> Result<Response, CallError> {
        let Body::Json(text) = &request.body else {
            return Err(CallError::NotSent("words are JSON".to_owned()));
        };
        let said = serde_json::from_str(text).unwrap();
        self.0
            .borrow_mut()
            .push((request.url.path().to_owned(), said));
        let body = json!({
            "id": "genesys-1", "success": true,
            "messaging_product": "whatsapp", "messages": [{"id": "wamid.ours"}],
        });
        Ok(Response {
            status: 200,
            headers: Headers::default(),
            body: body.to_string().into_bytes(),
        })
    }

    async fn upload(
        &self,
        _: &Request,
        _: &Credential,
        _: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        Err(CallError::NotSent("words are no files".to_owned()))
    }

    async fn download(
        &self,
        _: &Request,
        _: &Credential,
        _: Option<&Rest>,
    ) -> Result<Download, CallError> {
        Err(CallError::NotSent("words are no files".to_owned()))
    }
}

struct Site {
    world: World,
    platforms: Rc<Platforms>,
    learnt: Learnt,
}

impl Site {
    /// With tokens for both platforms, and a customer who wrote just now.
    async fn new() -> Self {
        let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
        let platforms = Rc::new(Platforms::default());
        let http = Rc::clone(&platforms) as Rc<dyn Http>;
        let world = World::new(Directory::new(rows), http, Rc::new(Calm), NOW);
        for connection in ["genesys", "wa-sales"] {
            let id = row_id(&ConnectionId::new(connection), Purpose::Messages);
            let token = Secret::new("token").unwrap();
            let mut row = TokenRow {
                sealed: Some(world.seal(SEALED_AS, &id, &token).await.unwrap()),
                id,
                obtained_at: NOW,
                expires_at: Some(NOW + Duration::from_secs(3 * 86_400)),
                version: 1,
                revision: 0,
                lease_until: None,
                api: None,
            };
            Tokens::save(&world, &mut row).await.unwrap();
        }
        let heard = Heard {
            at: NOW,
            message: MessageId::new("wamid.last"),
            name: None,
        };
        world.heard(&conversation(), &heard).await.unwrap();
        Self {
            world,
            platforms,
            learnt: Learnt::default(),
        }
    }

    /// Words on their way, as intake sends them; their job, taken from the queue.
    async fn announce(&self, from: &str, to: &str) -> (MediaId, Value) {
        let world = &self.world;
        let origin = words(from, to);
        let id = origin.media_id();
        let telling = Telling {
            items: world,
            jobs: world,
            clock: world,
        };
        assert!(telling.announce(origin, Actor::Intake).await.unwrap());
        let jobs = world.receive(Queue::Text);
        assert_eq!(jobs.len(), 1);
        (id, serde_json::from_str(&jobs[0].body).unwrap())
    }

    /// The partial batch response, as Lambda reads it.
    async fn answer(&self, name: &str) -> Value {
        let world = &self.world;
        let event: SqsEvent = serde_json::from_value(fixture(name)).unwrap();
        let cache = Cache::default();
        let deliver = Deliver {
            lane: Lane::Text,
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
            learnt: &self.learnt,
        };
        let failed = attache_text::handle(&lambda::records(event), &deliver).await;
        serde_json::to_value(lambda::partial(failed)).unwrap()
    }

    /// Path and body of every call since the last time this was asked.
    fn said(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.platforms.0.borrow_mut())
    }

    async fn stage(&self, id: &MediaId) -> Stage {
        let item = Items::load(&self.world, id).await.unwrap().unwrap();
        item.gate.stage
    }
}

fn conversation() -> ConversationId {
    ConversationId::new(&ConnectionId::new("wa-sales"), "16505551234")
}

fn words(from: &str, to: &str) -> Origin {
    let direction = if to == "genesys" {
        Direction::ToAgent
    } else {
        Direction::ToCustomer
    };
    Origin {
        target: Some(ConnectionId::new(to)),
        customer_name: Some("Zoë Nelson".to_owned()),
        ..Origin::new(
            (ConnectionId::new(from), direction),
            (
                MessageId::new("message-1"),
                FollowUp::Words.part(&AttachmentId::new("")),
            ),
            ("16505551234", NOW),
            Content::Words(Words {
                text: "Grüße 🎉".to_owned(),
                notice: false,
            }),
        )
    }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn body(name: &str) -> Value {
    let event = fixture(name);
    serde_json::from_str(event["Records"][0]["body"].as_str().unwrap()).unwrap()
}

fn done() -> Value {
    json!({ "batchItemFailures": [] })
}

#[tokio::test]
async fn words_are_said_once_and_strangers_fail_alone() {
    let strangers = json!([
        {"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000002-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000004-5fd1-4b1a-9a52-8a2f7a7d9c10"},
    ]);
    for (name, failed) in [("batch", json!([])), ("batch-mixed", strangers)] {
        let site = Site::new().await;
        let (id, job) = site.announce("wa-sales", "genesys").await;
        assert_eq!(job, body("batch"));
        let expected = json!({ "batchItemFailures": failed });
        assert_eq!(site.answer(name).await, expected, "{name}");
        assert_eq!(site.stage(&id).await, Stage::Sent, "{name}");
        let said = site.said();
        assert_eq!(said.len(), 1, "{name}");
        assert!(said[0].1.to_string().contains("Grüße 🎉"), "{said:?}");
        // SQS delivers at least once.
        assert_eq!(site.answer("batch").await, done(), "{name}");
        assert_eq!(site.said(), [], "{name}");
    }
}

#[tokio::test]
async fn a_customer_is_written_to_within_the_window_and_not_after_it() {
    for (wait, stage, calls) in [
        (Duration::ZERO, Stage::Sent, 1),
        (WINDOW + Duration::from_secs(900), Stage::Failed, 0),
    ] {
        let site = Site::new().await;
        let (id, job) = site.announce("genesys", "wa-sales").await;
        assert_eq!(job, body("batch-to-customer"));
        site.world.set_now(NOW + wait);
        assert_eq!(site.answer("batch-to-customer").await, done());
        let said = site.said();
        assert_eq!((site.stage(&id).await, said.len()), (stage, calls));
        assert!(
            said.iter()
                .all(|(path, _)| path == "/v23.0/106540352242922/messages")
        );
        // Whoever wrote it is told what a person would see.
        let letters = site.world.receive(Queue::TextDeadLetters);
        assert_eq!(letters.len(), usize::from(stage == Stage::Failed));
        let notices = site.world.receive(Queue::Text);
        assert_eq!(!notices.is_empty(), stage == Stage::Failed, "{notices:?}");
    }
}

/// A file in whose place a link goes, waiting.
fn linked() -> Item {
    let origin = Origin {
        content: Content::File(File {
            kind: MediaKind::Document,
            declared_type: None,
            file_name: Some("prices.csv".to_owned()),
            caption: Some("The prices".to_owned()),
            digest: None,
            size_bytes: None,
        }),
        ..words("genesys", "wa-sales")
    };
    let spans = (Duration::from_secs(30), Duration::from_secs(3600));
    let mut item = Item::announce(origin, Actor::Intake, NOW, spans);
    item.gate.verdict = Verdict::Clean;
    item.record.plan = Some(Plan::Link {
        mime: "text/csv".to_owned(),
        name: "prices.csv".to_owned(),
        caption_apart: false,
        why: Refusal {
            code: "channel.type".to_owned(),
            reason: "no".to_owned(),
        },
    });
    item.proceed(Actor::Validate, NOW);
    item
}

#[tokio::test]
async fn a_link_to_a_file_is_made_when_it_is_said() {
    let site = Site::new().await;
    let item = linked();
    site.world.announce(&item).await.unwrap();
    for said in [1, 0] {
        assert_eq!(site.answer("batch-to-customer").await, done());
        let messages = site.said();
        assert_eq!(messages.len(), said);
        for (_, body) in messages {
            let words = body["text"]["body"].as_str().unwrap();
            assert!(
                words.starts_with("The prices\n\nprices.csv\nhttps://"),
                "{words}"
            );
            assert!(words.contains(&item.id.arrival_key()), "{words}");
        }
    }
    assert_eq!(site.stage(&item.id).await, Stage::Sent);
}

#[tokio::test]
async fn typing_is_shown_while_it_is_true() {
    for (wait, calls) in [(0, 1), (60, 0)] {
        let site = Site::new().await;
        site.world.set_now(NOW + Duration::from_secs(wait));
        assert_eq!(site.answer("batch-typing").await, done());
        let said = site.said();
        assert_eq!(said.len(), calls, "after {wait} s");
        assert!(said.iter().all(|(_, body)| {
            body["message_id"] == "wamid.last" && body["typing_indicator"]["type"] == "text"
        }));
    }
}
