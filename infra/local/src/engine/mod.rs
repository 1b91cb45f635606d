//! The AWS services the system uses, embedded: DynamoDB, S3, SQS, Secrets Manager and KMS in this process.
//!
//! Each service listens on a port of its own on 127.0.0.1 and speaks the real protocol, so that unchanged functions and
//! any AWS SDK can talk to it. Credentials are simple: the secret access key is always `local`, and the access key id says
//! who calls (`IntakeFunction`, `operator`). S3 verifies every signature; the others only read the caller's name.
//!
//! An [`Observer`] sees every request before it takes effect and every answer before it is sent, and may refuse or lose
//! either. New objects are announced through [`Engines::take_object_events`]. With a data directory everything is found
//! again after a restart; without one everything is gone with [`Engines`].
//!
//! Nothing here knows what the system is or does: tables, buckets, queues, secrets and keys are created through the
//! protocols by whoever starts the engines.

mod arn;
mod dynamodb;
mod files;
mod front;
mod json;
mod kms;
mod observe;
mod s3;
mod secrets;
mod sqs;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use tempfile::TempDir;
use tokio::sync::mpsc;

pub use observe::{After, AwsCall, Before, Observer, Unobserved};

use dynamodb::DynamoDb;
use front::{Gate, Listening, Service};
use json::Json;

/// Tells the time by which presigned URLs end. May run ahead of the machine's clock, never behind it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// How to start the engines.
#[derive(Clone)]
pub struct EngineOptions {
    /// Where to keep everything; created if missing. `None` keeps nothing beyond [`Engines`].
    pub data_dir: Option<PathBuf>,
    /// Sees every request.
    pub observer: Arc<dyn Observer>,
    /// The time by which presigned URLs end.
    pub clock: Clock,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            observer: Arc::new(Unobserved),
            clock: Arc::new(SystemTime::now),
        }
    }
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// Where the services listen, each as `http://127.0.0.1:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// S3, path-style addressing.
    pub s3: String,
    /// SQS. Queue URLs start with it.
    pub sqs: String,
    /// DynamoDB.
    pub dynamodb: String,
    /// Secrets Manager.
    pub secrets_manager: String,
    /// KMS.
    pub kms: String,
}

impl Endpoints {
    /// One address for all services, as other engines have it.
    #[must_use]
    pub fn everywhere(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self {
            s3: url.clone(),
            sqs: url.clone(),
            dynamodb: url.clone(),
            secrets_manager: url.clone(),
            kms: url,
        }
    }
}

/// A new object, as S3 would announce it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket's name.
    pub bucket: String,
    /// The key as the writer gave it, not encoded.
    pub key: String,
    /// The object's size in bytes.
    pub size: u64,
    /// The ETag without quotes.
    pub etag: String,
    /// `ObjectCreated:Put`, `ObjectCreated:Copy` or `ObjectCreated:CompleteMultipartUpload`.
    pub event_name: &'static str,
    /// Grows with every event; comparing two as text gives their order.
    pub sequencer: String,
    /// When the object came to exist.
    pub at: SystemTime,
}

/// The running engines. Dropping them ends everything at once; [`Engines::stop`] also writes the last state.
pub struct Engines {
    endpoints: Endpoints,
    events: Option<mpsc::UnboundedReceiver<ObjectCreated>>,
    fronts: Vec<Listening>,
    queues: sqs::Keeper,
    tables: dynamodb::Backend,
    /// Removed with the engines where no data directory is given.
    _scratch: Option<TempDir>,
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engines")
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

impl Engines {
    /// Starts all services on free ports.
    ///
    /// # Errors
    ///
    /// If the data directory cannot be read or written, or a port cannot be had.
    pub async fn start(options: EngineOptions) -> anyhow::Result<Self> {
        let scratch = options.data_dir.is_none().then(TempDir::new).transpose()?;
        let kept = options.data_dir.as_deref();
        if let Some(directory) = kept {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
        }
        let file = |name: &str| kept.map(|directory| directory.join(name));
        let object_root = file("s3")
            .or_else(|| scratch.as_ref().map(|scratch| scratch.path().join("s3")))
            .unwrap_or_default();

        let gate = Gate::new(options.observer);
        let (announce, events) = mpsc::unbounded_channel();
        let s3 = s3::S3::start(&object_root, announce, options.clock)
            .context("the objects could not be opened")?;
        let secrets = secrets::Secrets::start(file("secrets.json"))
            .context("the secrets could not be opened")?;
        let kms = kms::Kms::start(file("keys.json")).context("the keys could not be opened")?;
        let (dynamodb, tables) = DynamoDb::start(file("tables.sqlite").as_deref()).await?;
        let sqs_port = front::bind().await?;
        let sqs_url = sqs_port.url.clone();
        let (sqs, queues) = sqs::Sqs::start(&sqs_url, file("queues.json"))
            .context("the queues could not be opened")?;

        let mut fronts = vec![sqs_port.serve(Arc::new(Json(sqs)), gate.clone())];
        let mut listen = async |service: Arc<dyn Service>| -> anyhow::Result<String> {
            let port = front::bind().await?;
            let url = port.url.clone();
            fronts.push(port.serve(service, gate.clone()));
            Ok(url)
        };
        let endpoints = Endpoints {
            s3: listen(Arc::new(s3)).await?,
            dynamodb: listen(Arc::new(Json(dynamodb))).await?,
            secrets_manager: listen(Arc::new(Json(secrets))).await?,
            kms: listen(Arc::new(Json(kms))).await?,
            sqs: sqs_url,
        };
        Ok(Self {
            endpoints,
            events: Some(events),
            fronts,
            queues,
            tables,
            _scratch: scratch,
        })
    }

    /// Where the services listen.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The announcements of new objects, in the order the objects came to exist, from the start of the engines on. There is
    /// one receiver: a second call gives `None`.
    pub fn take_object_events(&mut self) -> Option<mpsc::UnboundedReceiver<ObjectCreated>> {
        self.events.take()
    }

    /// Ends every connection, writes the last state and closes the files.
    ///
    /// # Errors
    ///
    /// If the last state cannot be written.
    pub async fn stop(self) -> anyhow::Result<()> {
        for front in self.fronts {
            front.stop().await;
        }
        self.queues
            .stop()
            .await
            .context("the queues could not be written")?;
        self.tables.stop().await
    }
}
