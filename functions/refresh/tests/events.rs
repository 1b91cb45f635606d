//! The recorded tick of the schedule and batches of the `refresh` queue through the handler, over the twins and a
//! token endpoint.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::rc::Rc;

use async_trait::async_trait;
use attache_domain::channels::Taken;
use attache_domain::connection::{Directory, Row, SecretName};
use attache_domain::ids::ConnectionId;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Rest;
use attache_domain::wire::{CallError, Headers, Request, Response};
use attache_edge::lambda::{self, Trigger};
use attache_flow::memory::{Calm, World};
use attache_flow::ports::{Credential, Download, Http, Limits, Source, Tokens};
use attache_flow::refresh::Refresh;
use serde_json::{Value, json};

/// Issues a token to whoever knows the secret, and tells the integration's limits to whoever has one.
struct Login;

#[async_trait(?Send)]
impl Http for Login {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let body = match request.url.as_str() {
            "https://login.mypurecloud.de/oauth/token" => {
                assert!(matches!(credential, Credential::Basic { id, .. } if id == "client"));
                r#"{"access_token":"token","token_type":"bearer","expires_in":86399}"#
            }
            other => {
                assert!(matches!(credential, Credential::Bearer(_)), "{other}");
                match other
                    .strip_prefix("https://api.mypurecloud.de/api/v2/conversations/messaging/")
                {
                    Some("supportedcontent/own") => LIMITS,
                    Some(_) => r#"{"id":"i","supportedContent":{"id":"own"}}"#,
                    None => panic!("nobody asks {other}"),
                }
            }
        };
        Ok(Response {
            status: 200,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        })
    }

    async fn upload(
        &self,
        _: &Request,
        _: &Credential,
        _: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        Err(CallError::NotSent("refresh sends no file".to_owned()))
    }

    async fn download(
        &self,
        _: &Request,
        _: &Credential,
        _: Option<&Rest>,
    ) -> Result<Download, CallError> {
        Err(CallError::NotSent("refresh downloads nothing".to_owned()))
    }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn world() -> World {
    let rows: Vec<Row> = serde_json::from_value(fixture("connections")).unwrap();
    let now = Timestamp::from_seconds(1_744_344_500);
    let world = World::new(Directory::new(rows), Rc::new(Login), Rc::new(Calm), now);
    for name in ["wa-sales/token", "genesys/client_secret"] {
        let name = SecretName(format!("attache/prod/clients/{name}"));
        world.put_secret(&name, Secret::new("secret").unwrap());
    }
    world
}

/// What `main` does with an event, and the answer as Lambda reads it.
async fn answer(world: &World, name: &str) -> Value {
    let refresh = Refresh {
        tokens: world,
        vault: world,
        secrets: world,
        limits: world,
        http: world,
        clock: world,
        directories: world,
    };
    match Trigger::read(fixture(name)).unwrap() {
        Trigger::Batch(records) => {
            let failed = attache_refresh::handle_jobs(&records, &refresh).await;
            serde_json::to_value(lambda::partial(failed)).unwrap()
        }
        Trigger::Tick => {
            attache_refresh::handle_tick(&refresh).await.unwrap();
            Value::Null
        }
        Trigger::Objects(_) | Trigger::Scanned(_) => panic!("{name} is an object event"),
    }
}

/// What the integration takes.
const LIMITS: &str =
    r#"{"id":"own","name":"own","mediaTypes":{"allow":{"inbound":[{"type":"image/png"}]}}}"#;

#[tokio::test]
async fn a_tick_reads_what_the_platform_tells_of_its_limits() {
    let world = world();
    let key = Taken::key(&ConnectionId::new("genesys"));
    assert_eq!(Limits::known(&world, &key).await.unwrap(), None);
    assert_eq!(answer(&world, "scheduled").await, Value::Null);
    let known = Limits::known(&world, &key).await.unwrap().unwrap();
    assert!(known.contains(r#""types":["image/png"]"#), "{known}");
}

/// Versions of WhatsApp's and Genesys' tokens; 0: none.
async fn versions(world: &World) -> (u32, u32) {
    let version = async |id| {
        let row = Tokens::load(world, id).await.unwrap();
        row.map_or(0, |row| row.version)
    };
    (
        version("wa-sales/media").await,
        version("genesys/messages").await,
    )
}

#[tokio::test]
async fn a_tick_renews_what_is_due_and_a_job_what_was_refused() {
    let strangers = json!([
        {"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000002-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000004-5fd1-4b1a-9a52-8a2f7a7d9c10"},
    ]);
    let world = world();
    // Both jobs saw version 1: the second one finds its work done.
    for (name, expected, after) in [
        ("scheduled", Value::Null, (1, 1)),
        ("scheduled", Value::Null, (1, 1)),
        ("batch", json!({"batchItemFailures": []}), (1, 2)),
        (
            "batch-mixed",
            json!({ "batchItemFailures": strangers }),
            (1, 2),
        ),
    ] {
        assert_eq!(answer(&world, name).await, expected, "{name}");
        assert_eq!(versions(&world).await, after, "{name}");
    }
}

#[tokio::test]
async fn strangers_in_a_batch_do_not_keep_a_job_from_being_done() {
    let world = world();
    let failed = answer(&world, "batch-mixed").await;
    assert_eq!(failed["batchItemFailures"].as_array().unwrap().len(), 3);
    assert_eq!(versions(&world).await, (0, 1));
}

#[test]
fn what_has_no_business_here_is_told_apart() {
    let objects = Trigger::read(fixture("object-put")).unwrap();
    assert!(matches!(objects, Trigger::Objects(_)), "{objects:?}");
    let error = Trigger::read(fixture("foreign")).unwrap_err().to_string();
    assert!(error.starts_with("an event of"), "{error}");
}
