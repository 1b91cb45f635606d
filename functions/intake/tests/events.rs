//! Recorded requests of API Gateway through the handler, over the twins: each shape it must accept or refuse.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::{Directory, Row, SecretName};
use attache_domain::signature::Secret;
use attache_edge::lambda;
use attache_flow::bearer::{Cache, Desk};
use attache_flow::fetch::Fetch;
use attache_flow::intake::{Doorway, Intake, LARGEST_BODY, LastHeard};
use attache_flow::memory::World;
use attache_flow::ports::{Clock, Queue};
use attache_intake::doorway::Keeper;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use serde_json::{Value, json};

const MEDIA: &str = "l2wfnx2ykow6332tuxvuxtr2em";

struct Site {
    world: World,
    doorway: Rc<Doorway>,
}

impl Site {
    /// With its doors open and nothing asked yet.
    async fn new() -> Self {
        let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
        let world = World::calm(Directory::new(rows));
        for (name, value) in [
            ("secret-1", "meta-app-secret-0123456789abcdef"),
            ("verify-token", "meaty hamster"),
        ] {
            let name = SecretName(format!("attache/prod/endpoints/whatsapp/{name}"));
            world.put_secret(&name, Secret::new(value).unwrap());
        }
        let keeper = Keeper::new(Duration::from_secs(60));
        let doorway = keeper.current(&world, &world, &world).await.unwrap();
        world.state.borrow_mut().calls.clear();
        Self { world, doorway }
    }

    /// The answer as API Gateway reads it.
    async fn ask(&self, event: Value) -> Value {
        let event: ApiGatewayV2httpRequest = serde_json::from_value(event).unwrap();
        let world = &self.world;
        let (cache, heard) = (Cache::default(), LastHeard::default());
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
    let announced: &[_] = &[("items.announce", 1), ("jobs.send", 1)];
    let kept: &[_] = &[("claims.keep", 1)];
    // Nothing else may be called; for what is refused, nothing at all.
    for (name, status, body, calls) in [
        ("post", 200, "", announced),
        ("post-base64", 200, "", announced),
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
