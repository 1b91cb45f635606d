//! Recorded batches of the `forward` queue through the handler, over the twins and another system.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use attache_domain::connection::{Directory, Row};
use attache_domain::job::ForwardJob;
use attache_domain::signature::{Scheme, Secret, Verifier};
use attache_domain::time::Timestamp;
use attache_domain::wire::{Body, CallError, Headers, Request, Response, Verbatim};
use attache_edge::lambda;
use attache_flow::forward::Forward;
use attache_flow::memory::{Calm, World};
use attache_flow::ports::{Credential, Download, Http, Queue, Source};
use aws_lambda_events::sqs::SqsEvent;
use serde_json::{Value, json};

const APP_SECRET: &str = "meta-app-secret-0123456789abcdef";

/// The other system: remembers what it gets and answers with one status.
struct Other {
    status: u16,
    got: RefCell<Vec<Verbatim>>,
}

#[async_trait(?Send)]
impl Http for Other {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        assert_eq!(request.url.as_str(), "https://old.example/hook?key=1");
        assert!(matches!(credential, Credential::None) && !request.local);
        let Body::Verbatim(body) = &request.body else {
            panic!("as it came, not {:?}", request.body)
        };
        self.got.borrow_mut().push(body.clone());
        Ok(Response {
            status: self.status,
            headers: Headers::default(),
            body: Vec::new(),
        })
    }

    async fn upload(
        &self,
        _: &Request,
        _: &Credential,
        _: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        panic!("forward uploads nothing")
    }

    async fn download(&self, _: &Request, _: &Credential) -> Result<Download, CallError> {
        panic!("forward downloads nothing")
    }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn site(status: u16) -> (World, Rc<Other>) {
    let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
    let other = Rc::new(Other {
        status,
        got: RefCell::default(),
    });
    let now = Timestamp::from_seconds(1_744_344_500);
    let http: Rc<dyn Http> = Rc::clone(&other) as _;
    let world = World::new(Directory::new(rows), http, Rc::new(Calm), now);
    (world, other)
}

/// What `main` does with an event, and the answer as Lambda reads it.
async fn answer(world: &World, name: &str) -> Value {
    let event: SqsEvent = serde_json::from_value(fixture(name)).unwrap();
    let forward = Forward {
        jobs: world,
        http: world,
        clock: world,
        directories: world,
    };
    let failed = attache_forward::handle(&lambda::records(event), &forward).await;
    serde_json::to_value(lambda::partial(failed)).unwrap()
}

#[tokio::test]
async fn a_job_is_passed_on_and_verifies() {
    let (world, other) = site(200);
    let nobody = json!({"batchItemFailures": []});
    assert_eq!(answer(&world, "batch").await, nobody);
    let got = other.got.borrow();
    assert_eq!(got.len(), 1);
    let verifier = Verifier::new(Scheme::META, Secret::new(APP_SECRET).unwrap(), None);
    let signature = got[0].headers.get("x-hub-signature-256");
    assert_eq!(
        verifier.verify(signature.map(String::as_str), &got[0].bytes),
        Ok(())
    );
    assert!(world.state.borrow().queues.is_empty());
}

#[tokio::test]
async fn strangers_fail_alone_and_what_nobody_wants_is_dropped() {
    let (world, other) = site(200);
    let strangers =
        [1, 2, 3].map(|n| json!({"itemIdentifier": format!("{n:08}-5fd1-4b1a-9a52-8a2f7a7d9c10")}));
    assert_eq!(
        answer(&world, "batch-mixed").await,
        json!({ "batchItemFailures": strangers })
    );
    assert_eq!(other.got.borrow().len(), 1);
}

#[tokio::test]
async fn what_is_not_taken_is_a_delayed_copy_and_no_failure() {
    let (world, _other) = site(503);
    let nobody = json!({"batchItemFailures": []});
    assert_eq!(answer(&world, "batch").await, nobody);
    assert_eq!(world.receive(Queue::Forward), [], "not at once");
    let state = world.state.borrow();
    let copies = &state.queues[&Queue::Forward];
    let first = fixture("batch")["Records"][0]["body"].clone();
    let first = ForwardJob::parse(first.as_str().unwrap()).unwrap();
    assert_eq!(copies.len(), 1);
    assert_eq!(copies[0].group, "whatsapp");
    assert_eq!(
        ForwardJob::parse(&copies[0].body).unwrap(),
        ForwardJob {
            attempts: 1,
            ..first
        }
    );
}
