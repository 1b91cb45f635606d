//! Embedded services for one test, with everything created that it asks for, and every call counted.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::claim::{Lease, Terms, Work};
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::Item;
use attache_domain::pacing::gcra::Request;
use attache_domain::pacing::rate::Rate;
use attache_domain::time::Timestamp;
use attache_edge::aws::Aws;
use attache_flow::ports::{Arrival, Source, SourceError};
use attache_local::engine::{After, AwsCall, Before, EngineOptions, Engines, Observer};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use bytes::Bytes;

pub(crate) const TABLE: &str = "rows";
pub(crate) const MEDIA: &str = "media";
pub(crate) const QUARANTINE: &str = "quarantine";

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

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
    _engines: Engines,
    counter: Arc<Counter>,
    pub(crate) aws: Endpoints,
}

/// Clients as the functions get them, but each service at an address of its own.
pub(crate) struct Endpoints {
    shared: Aws,
    endpoints: attache_local::engine::Endpoints,
}

impl Endpoints {
    async fn new(endpoints: attache_local::engine::Endpoints) -> Self {
        let settings = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
        ];
        let settings: BTreeMap<_, _> = settings
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Self {
            shared: Aws::load(&settings).await,
            endpoints,
        }
    }

    fn at(&self, url: &str) -> Aws {
        let credentials = Credentials::new("test", "local", None, None, "test");
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

/// An object as it lies in a bucket.
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: HashMap<String, String>,
}

impl Services {
    pub(crate) async fn start() -> Self {
        let counter = Arc::new(Counter::default());
        let observer: Arc<dyn Observer> = counter.clone();
        let options = EngineOptions {
            observer,
            ..EngineOptions::default()
        };
        let engines = Engines::start(options).await.unwrap();
        let aws = Endpoints::new(engines.endpoints().clone()).await;
        Self {
            _engines: engines,
            counter,
            aws,
        }
    }

    /// The operations called since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.counter.0.lock().unwrap())
    }

    /// The table, with the index of the media table.
    pub(crate) async fn table(&self) {
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(kind)
                .build()
                .unwrap()
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .unwrap()
        };
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly);
        let index = GlobalSecondaryIndex::builder()
            .index_name("due")
            .key_schema(key("due_shard", KeyType::Hash))
            .key_schema(key("due_at", KeyType::Range))
            .projection(projection.build());
        let create = self.aws.dynamodb().create_table().table_name(TABLE);
        create
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("id", ScalarAttributeType::S))
            .attribute_definitions(attribute("due_shard", ScalarAttributeType::S))
            .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
            .key_schema(key("id", KeyType::Hash))
            .global_secondary_indexes(index.build().unwrap())
            .send()
            .await
            .unwrap();
        self.calls();
    }

    pub(crate) async fn put_row(&self, columns: &[(&str, &str)]) {
        let mut put = self.aws.dynamodb().put_item().table_name(TABLE);
        for (name, value) in columns {
            put = put.item(*name, AttributeValue::S((*value).to_owned()));
        }
        put.send().await.unwrap();
    }

    /// A number column of a row.
    pub(crate) async fn number(&self, id: &str, column: &str) -> u64 {
        let get = self.aws.dynamodb().get_item().table_name(TABLE);
        let key = AttributeValue::S(id.to_owned());
        let row = get.key("id", key).send().await.unwrap().item.unwrap();
        row[column].as_n().unwrap().parse().unwrap()
    }

    pub(crate) async fn buckets(&self) {
        for bucket in [MEDIA, QUARANTINE] {
            self.aws
                .s3()
                .create_bucket()
                .bucket(bucket)
                .send()
                .await
                .unwrap();
        }
    }

    pub(crate) async fn object(&self, bucket: &str, key: &str) -> Object {
        let got = self
            .aws
            .s3()
            .get_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .unwrap();
        let metadata = got.metadata.clone().unwrap_or_default();
        Object {
            bytes: got.body.collect().await.unwrap().to_vec(),
            metadata,
        }
    }

    pub(crate) async fn queue(&self, name: &str) -> String {
        let created = self
            .aws
            .sqs()
            .create_queue()
            .queue_name(name)
            .send()
            .await
            .unwrap();
        created.queue_url.unwrap()
    }

    /// Every body that is visible now.
    pub(crate) async fn receive_all(&self, url: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let receive = self.aws.sqs().receive_message().queue_url(url);
            let got = receive.max_number_of_messages(10).send().await.unwrap();
            match got.messages {
                Some(messages) if !messages.is_empty() => {
                    bodies.extend(messages.into_iter().filter_map(|message| message.body));
                }
                _ => return bodies,
            }
        }
    }

    pub(crate) async fn secret(&self, name: &str, value: &str) {
        let create = self.aws.secrets_manager().create_secret().name(name);
        create.secret_string(value).send().await.unwrap();
    }

    /// A new key's id.
    pub(crate) async fn key(&self) -> String {
        let created = self.aws.kms().create_key().send().await.unwrap();
        self.calls();
        created.key_metadata.unwrap().key_id
    }
}

/// An item announced so many seconds after the first.
pub(crate) fn item(name: &str, after: u64) -> Item {
    let origin = Origin {
        connection: ConnectionId::new("edge"),
        target: None,
        direction: Direction::ToAgent,
        message: MessageId::new(name),
        attachment: AttachmentId::new("1"),
        customer: "16505551234".to_owned(),
        customer_name: None,
        sent_at: NOW,
        bundle: Vec::new(),
        quote: None,
        shadow: false,
        content: Content::File(File {
            kind: MediaKind::Image,
            declared_type: None,
            file_name: None,
            digest: None,
            size_bytes: None,
            caption: None,
        }),
    };
    let seconds = Duration::from_secs;
    Item::announce(
        origin,
        Actor::Intake,
        NOW + seconds(after),
        (seconds(30), seconds(86_400)),
    )
}

pub(crate) fn fetch_terms() -> Terms {
    let lease = Lease {
        holder: 1,
        since: NOW,
        until: NOW + Duration::from_secs(30),
    };
    Terms {
        work: Work::Fetch,
        epoch: 0,
        sequence: 0,
        now: NOW,
        lease,
    }
}

pub(crate) fn one_slot() -> Request {
    let rate = Rate::new(10, Duration::from_secs(1), 1).unwrap();
    Request::new(rate, NonZeroU32::MIN, NOW)
}

pub(crate) fn arrival(id: &MediaId, bytes: &[u8]) -> Arrival {
    Arrival {
        id: id.clone(),
        size_bytes: bytes.len() as u64,
        digest: None,
        declared_type: None,
        fence: 3,
    }
}

/// One piece.
pub(crate) struct Once(pub(crate) Option<&'static [u8]>);

#[async_trait(?Send)]
impl Source for Once {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take().map(Bytes::from_static))
    }
}
