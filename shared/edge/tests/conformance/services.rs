//! Services for one test, with a name of its own for everything it creates, and clients as the functions get them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use attache_edge::aws::Aws;
use attache_local::Signing;
use attache_local::engine::{After, AwsCall, Before, Endpoints, EngineOptions, Engines, Observer};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;

use super::engine::Engine;
use super::resources::Created;

/// Numbers the services of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Notes what was called.
#[derive(Default)]
struct Counter(Mutex<Vec<String>>);

impl Observer for Counter {
    fn before(&self, call: &AwsCall) -> Before {
        self.0.lock().unwrap().push(call.operation.clone());
        Before::Forward
    }

    fn after(&self, _call: &AwsCall, _status: u16) -> After {
        After::Answer
    }
}

/// The services.
pub(crate) struct Services {
    pub(crate) engine: Engine,
    /// Part of every name; no other test, process or run has it.
    pub(crate) run: String,
    /// What is to be removed from an engine that outlives the test.
    pub(super) created: Mutex<Vec<Created>>,
    counter: Arc<Counter>,
    shared: Aws,
    endpoints: Endpoints,
    signing: Signing,
    /// End with everything in them.
    _embedded: Option<Engines>,
}

impl Services {
    pub(crate) async fn start(engine: &Engine) -> Self {
        let counter = Arc::new(Counter::default());
        let (embedded, endpoints, signing) = match engine {
            Engine::Embedded => {
                let observer: Arc<dyn Observer> = counter.clone();
                let options = EngineOptions {
                    observer,
                    ..EngineOptions::default()
                };
                let engines = Engines::start(options).await.unwrap();
                let endpoints = engines.endpoints().clone();
                (Some(engines), endpoints, Signing::ByName)
            }
            Engine::Another { endpoints, .. } => {
                (None, endpoints.clone(), Signing::of_environment())
            }
        };
        let settings = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
        ];
        let settings: BTreeMap<_, _> = settings
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Self {
            engine: engine.clone(),
            run: run(),
            created: Mutex::default(),
            counter,
            shared: Aws::load(&settings).await.unwrap(),
            endpoints,
            signing,
            _embedded: embedded,
        }
    }

    /// Removes what was created, where it would stay.
    pub(crate) async fn end(self) -> Result<(), String> {
        match self.engine {
            Engine::Embedded => Ok(()),
            Engine::Another { .. } => self.remove_created().await,
        }
    }

    /// The operations that the embedded engines were called for since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.counter.0.lock().unwrap())
    }

    fn at(&self, url: &str) -> Aws {
        let credentials = self.signing.credentials("test");
        let config = self.shared.config().to_builder().endpoint_url(url);
        let config = config.credentials_provider(SharedCredentialsProvider::new(credentials));
        Aws::new(config.build(), true)
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.at(&self.endpoints.dynamodb).dynamodb()
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        self.at(&self.endpoints.s3).s3()
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        self.at(&self.endpoints.sqs).sqs()
    }

    pub(crate) fn kms(&self) -> aws_sdk_kms::Client {
        self.at(&self.endpoints.kms).kms()
    }

    pub(crate) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        self.at(&self.endpoints.secrets_manager).secrets_manager()
    }
}

/// A name in the characters that tables, buckets, queues and secrets all take.
fn run() -> String {
    let since = UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("conformance-{since:x}-{:x}-{number}", std::process::id())
}
