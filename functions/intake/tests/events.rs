//! Recorded requests of API Gateway through the handler, over the twins: each shape it must accept or refuse.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::connection::{Directory, Row, SecretName};
use attache_domain::ids::ConnectionId;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::{Purpose, TokenRow, row_id};
use attache_domain::transfer::Rest;
use attache_domain::wire::{CallError, Headers, Request, Response};
use attache_edge::lambda;
use attache_flow::bearer::{Cache, Desk, SEALED_AS};
use attache_flow::fetch::{Fetch, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::intake::{Doorway, Intake, LARGEST_BODY, LastHeard};
use attache_flow::memory::{Calm, World};
use attache_flow::ports::{
    Clock, Credential, Download, Http, Queue, Source, SourceError, Tokens, Vault,
};
use attache_intake::doorway::Keeper;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use bytes::Bytes;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_744_344_500);
const MEDIA: &str = "l2wfnx2ykow6332tuxvuxtr2em";

const INVOICE: &[u8] = b"%PDF-1.7 some invoice";

/// Genesys' downloads: a link that names another, which gives the file.
struct Downloads;

struct Once(Option<Bytes>);

#[async_trait(?Send)]
impl Source for Once {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}

#[async_trait(?Send)]
impl Http for Downloads {
    async fn call(&self, request: &Request, _: &Credential) -> Result<Response, CallError> {
        assert_eq!(request.url.path(), "/api/v2/downloads/3f7c1a9be2d04455");
        Ok(Response {
            status: 200,
            headers: Headers::default(),
            body: br#"{"url":"https://files.example.com/x?signature=s"}"#.to_vec(),
        })
    }

    async fn upload(
        &self,
        _: &Request,
        _: &Credential,
        _: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        Err(CallError::NotSent("intake sends no file".to_owned()))
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        _rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        assert_eq!(request.url.host_str(), Some("files.example.com"));
        assert!(
            matches!(credential, Credential::None),
            "a bearer went astray"
        );
        let length = INVOICE.len().to_string();
        Ok(Download {
            status: 200,
            headers: Headers::new([("content-length".to_owned(), length)]),
            body: Box::new(Once(Some(Bytes::from_static(INVOICE)))),
        })
    }
}

struct Site {
    world: World,
    doorway: Rc<Doorway>,
}

impl Site {
    /// With its doors open and nothing asked yet.
    async fn new() -> Self {
        let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
        let world = World::new(Directory::new(rows), Rc::new(Downloads), Rc::new(Calm), NOW);
        for (name, value) in [
            ("whatsapp/secret-1", "meta-app-secret-0123456789abcdef"),
            ("whatsapp/verify-token", "meaty hamster"),
            ("genesys/secret-1", "genesys-webhook-secret-0123456789"),
        ] {
            let name = SecretName(format!("attache/prod/endpoints/{name}"));
            world.put_secret(&name, Secret::new(value).unwrap());
        }
        let keeper = Keeper::new(Duration::from_secs(60));
        let doorway = keeper.current(&world, &world, &world).await.unwrap();
        world.state.borrow_mut().calls.clear();
        Self { world, doorway }
    }

    /// A token to bring Genesys' files in with.
    async fn give_token(&self) {
        let id = row_id(&ConnectionId::new("genesys"), Purpose::Media);
        let token = Secret::new("token").unwrap();
        let mut row = TokenRow {
            sealed: Some(self.world.seal(SEALED_AS, &id, &token).await.unwrap()),
            id,
            obtained_at: NOW,
            expires_at: None,
            version: 1,
            revision: 0,
            lease_until: None,
            api: None,
        };
        Tokens::save(&self.world, &mut row).await.unwrap();
    }

    /// The answer as API Gateway reads it.
    async fn ask(&self, event: Value) -> Value {
        let event: ApiGatewayV2httpRequest = serde_json::from_value(event).unwrap();
        let world = &self.world;
        let (cache, heard) = (Cache::default(), LastHeard::default());
        let (known, room) = (Known::default(), Room::default());
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
            in_parts: None,
            guard: Guard {
                limits: world,
                clock: world,
                known: &known,
            },
            room: &room,
        };
        let intake = Intake {
            items: world,
            claims: world,
            conversations: world,
            jobs: world,
            vault: world,
            fetch,
            clock: world,
            due_in: Duration::from_secs(30),
            heard: &heard,
        };
        let reply = attache_intake::handle(&lambda::request(event), &self.doorway, &intake).await;
        serde_json::to_value(lambda::response(reply)).unwrap()
    }

    fn calls(&self) -> BTreeMap<&'static str, usize> {
        self.world.state.borrow().calls.clone()
    }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn each_request_is_answered_as_its_sender_expects() {
    let announced: &[_] = &[
        ("conversations.heard", 1),
        ("items.announce", 1),
        ("jobs.send", 1),
    ];
    let kept: &[_] = &[("claims.keep", 1)];
    // Nothing else may be called; for what is refused, nothing at all.
    for (name, status, body, calls) in [
        ("post", 200, "", announced),
        ("post-base64", 200, "", announced),
        ("post-text", 200, "", announced),
        ("post-status", 200, "", kept),
        ("post-unknown-number", 200, "", kept),
        ("get-challenge", 200, "1158201444", &[]),
        (
            "get-wrong-token",
            403,
            "the verify token does not match",
            &[],
        ),
        ("post-unknown-endpoint", 404, "no such endpoint", &[]),
        ("post-unsigned", 401, "the signature header is missing", &[]),
        (
            "post-wrong-signature",
            401,
            "the signature does not match the body",
            &[],
        ),
    ] {
        let site = Site::new().await;
        let answer = site.ask(fixture(name)).await;
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
        assert_eq!(answer["body"], body, "{name}");
        assert_eq!(answer["isBase64Encoded"], false, "{name}");
        assert_eq!(
            answer["headers"]["content-type"], "text/plain; charset=utf-8",
            "{name}"
        );
        assert_eq!(site.calls(), calls.iter().copied().collect(), "{name}");
    }
}

#[tokio::test]
async fn what_is_signed_and_unreadable_names_its_correlation_id() {
    let site = Site::new().await;
    let answer = site.ask(fixture("post-not-json")).await;
    assert_eq!(answer["statusCode"], 400);
    let body = answer["body"].as_str().unwrap();
    assert!(
        body.ends_with("(correlation id IzKxxhdNliAEJbQ=)"),
        "{body}"
    );
    assert_eq!(site.calls(), BTreeMap::new());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_hashed() {
    let site = Site::new().await;
    let mut event = fixture("post");
    event["body"] = json!("x".repeat(LARGEST_BODY + 1));
    let answer = site.ask(event).await;
    assert_eq!(answer["statusCode"], 413);
    assert_eq!(site.calls(), BTreeMap::new());
}

#[tokio::test]
async fn an_announcement_becomes_one_row_and_its_job() {
    let site = Site::new().await;
    for name in ["post", "post-base64"] {
        assert_eq!(site.ask(fixture(name)).await["statusCode"], 200, "{name}");
    }
    let state = site.world.state.borrow();
    let item = state.items.values().next().unwrap();
    assert_eq!((state.items.len(), item.id.as_str()), (1, MEDIA));
    assert_eq!(item.origin.customer_name.as_deref(), Some("Zoë Nelson"));
    assert_eq!(
        item.gate.due_at,
        Some(site.world.now() + Duration::from_secs(30))
    );
    let expected =
        json!({"v": 1, "media": MEDIA, "connection": "wa-sales", "epoch": 0, "sequence": 0});
    // The row was still untouched when the webhook came again: perhaps its job was never sent.
    for job in &state.queues[&Queue::Fetch] {
        let body: Value = serde_json::from_str(&job.body).unwrap();
        assert_eq!((body, job.group.as_str()), (expected.clone(), "wa-sales"));
    }
    assert_eq!(state.queues[&Queue::Fetch].len(), 2);
}

#[tokio::test]
async fn words_become_one_row_and_a_job_of_their_own_queue() {
    let site = Site::new().await;
    assert_eq!(site.ask(fixture("post-text")).await["statusCode"], 200);
    let jobs = site.world.receive(Queue::Text);
    let state = site.world.state.borrow();
    let item = state.items.values().next().unwrap();
    let body: Value = serde_json::from_str(&jobs[0].body).unwrap();
    assert_eq!((state.items.len(), jobs.len()), (1, 1));
    assert_eq!(body["media"], item.id.as_str());
    assert_eq!(
        (&body["connection"], jobs[0].group.as_str()),
        (&json!("genesys"), "genesys")
    );
}

#[tokio::test]
async fn an_agents_file_is_stored_before_the_answer() {
    let site = Site::new().await;
    site.give_token().await;
    // The second comes after its lease has ended, before the file was judged.
    for (after, judged_by_hand) in [(0, 0), (60, 1)] {
        site.world.set_now(NOW + Duration::from_secs(after));
        let answer = site.ask(fixture("post-genesys-file")).await;
        assert_eq!(answer["statusCode"], 200, "{answer}");
        assert_eq!(site.world.receive(Queue::Judge).len(), judged_by_hand);
        let state = site.world.state.borrow();
        let item = state.items.values().next().unwrap();
        assert_eq!(state.objects[&item.id].bytes, INVOICE);
        assert_eq!(state.events.len(), 1, "stored once");
        let row = serde_json::to_string(&item.record).unwrap();
        assert!(item.record.link.is_some() && !row.contains("downloads"));
        assert!(!state.queues.contains_key(&Queue::Fetch));
    }
}

#[tokio::test]
async fn a_sender_without_its_file_stored_comes_again_and_is_not_refused_to_the_end() {
    let site = Site::new().await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        let answer = site.ask(fixture("post-genesys-file")).await;
        answers.push((
            answer["statusCode"].clone(),
            answer["headers"]["retry-after"].clone(),
        ));
        assert!(!answer.to_string().contains("downloads"), "{answer}");
    }
    let again = (json!(503), json!("2"));
    assert_eq!(answers[..5], vec![again; 5]);
    assert_eq!(answers[5], (json!(200), Value::Null), "the last try");
    assert!(
        !site.world.receive(Queue::Refresh).is_empty(),
        "for want of a token"
    );
    let state = site.world.state.borrow();
    assert!(!state.queues[&Queue::Fetch].is_empty());
    assert!(state.objects.is_empty());
}
