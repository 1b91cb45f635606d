//! What a template declares, as plain data with every reference resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// A whole template, resolved for one stage.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The value of the parameter `Stage` (or `local` when there is none).
    pub stage: String,
    /// The functions, in the order of their logical ids.
    pub functions: Vec<Function>,
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    /// The S3 buckets.
    pub buckets: Vec<Bucket>,
    /// The SQS queues, dead-letter queues among them.
    pub queues: Vec<Queue>,
    /// The KMS keys.
    pub keys: Vec<Named>,
    /// The Secrets Manager secrets.
    pub secrets: Vec<Named>,
    /// The CloudFront distributions.
    pub distributions: Vec<Distribution>,
    /// The public keys that CloudFront verifies links with.
    pub public_keys: Vec<PublicKey>,
}

/// A resource of which only identity matters locally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The logical id in the template.
    pub logical_id: String,
    /// The physical name.
    pub name: String,
}

/// One `AWS::Serverless::Function`.
#[derive(Clone, Debug)]
pub struct Function {
    /// The logical id in the template, e.g. `IntakeFunction`. It is also the principal its calls are made as.
    pub logical_id: String,
    /// The physical function name.
    pub name: String,
    /// The function's ARN.
    pub arn: String,
    /// The file name of the compiled binary.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, in MB. Told to the function, not enforced locally.
    pub memory_mb: u64,
    /// The environment the template gives, resolved.
    pub environment: BTreeMap<String, String>,
    /// What starts it.
    pub events: Vec<Event>,
    /// What happens to an asynchronous invocation that fails.
    pub async_invoke: AsyncInvoke,
    /// The statements of its policy, or of its role.
    pub policy: Vec<Statement>,
    /// Whether the role is the template's own. Otherwise SAM makes one, and adds what the event sources and the
    /// on-failure destination need.
    pub own_role: bool,
}

/// What starts a function.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A route of the HTTP API.
    Http(Route),
    /// Batches from a queue.
    Queue(QueueEvent),
    /// Objects that appear in a bucket.
    Object(ObjectEvent),
    /// A clock.
    Schedule(ScheduleEvent),
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method in upper case, or `ANY`.
    pub method: String,
    /// The path with its `{parameters}`, or `$default`.
    pub path: String,
}

impl Route {
    /// The route key as API Gateway writes it, e.g. `GET /webhooks/{endpoint}`.
    #[must_use]
    pub fn key(&self) -> String {
        match self.path.as_str() {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", self.method),
        }
    }
}

/// An SQS event source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEvent {
    /// The logical id of the queue.
    pub queue: String,
    /// The largest batch. Default 10.
    pub batch_size: usize,
    /// How long to wait for a batch to fill. Default zero.
    pub window: Duration,
    /// Whether the function reports failures one by one (`ReportBatchItemFailures`).
    pub partial_responses: bool,
    /// The largest number of batches at once, `None` when the template sets no bound.
    pub maximum_concurrency: Option<usize>,
}

/// An S3 event source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEvent {
    /// The logical id of the bucket.
    pub bucket: String,
    /// The events asked for, without the leading `s3:`, e.g. `ObjectCreated:*`.
    pub events: Vec<String>,
    /// The key must begin with this.
    pub prefix: String,
    /// The key must end with this.
    pub suffix: String,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleEvent {
    /// The name of the event in the template.
    pub name: String,
    /// Time between two ticks.
    pub every: Duration,
    /// The payload, when the template sets one.
    pub input: Option<Value>,
}

/// The fate of an asynchronous invocation that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsyncInvoke {
    /// Retries after the first attempt, 0 to 2 (2 unless the template says otherwise).
    pub max_retries: u32,
    /// The logical id of the queue that gets a record when all retries are used up.
    pub on_failure: Option<String>,
}

impl Default for AsyncInvoke {
    fn default() -> Self {
        Self {
            max_retries: 2,
            on_failure: None,
        }
    }
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The statement's id, if it has one.
    pub sid: Option<String>,
    /// `true` for `Allow`, `false` for `Deny`.
    pub allow: bool,
    /// IAM actions, wildcards included.
    pub actions: Vec<String>,
    /// What the statement is about.
    pub resources: Resources,
    /// The condition as written, resolved; kept for readers, never evaluated locally.
    pub condition: Option<Value>,
}

/// The resources of a statement, as ARNs, wildcards included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resources {
    /// `Resource`: these.
    Only(Vec<String>),
    /// `NotResource`: every resource but these.
    Except(Vec<String>),
}

/// One `AWS::DynamoDB::Table`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The logical id in the template.
    pub logical_id: String,
    /// The physical name.
    pub name: String,
    /// Attribute name and type (`S`, `N` or `B`) of every key attribute.
    pub attributes: Vec<(String, String)>,
    /// The table's own key.
    pub key: KeySchema,
    /// Its global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute that holds the time of expiry, if items expire.
    pub expires_at: Option<String>,
}

/// The key of a table or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchema {
    /// The partition key.
    pub hash: String,
    /// The sort key, if any.
    pub range: Option<String>,
}

/// One global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The index's name.
    pub name: String,
    /// Its key.
    pub key: KeySchema,
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection: String,
    /// The further attributes of an `INCLUDE` projection.
    pub include: Vec<String>,
}

/// One `AWS::S3::Bucket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The logical id in the template.
    pub logical_id: String,
    /// The physical name.
    pub name: String,
}

/// One `AWS::CloudFront::Distribution`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// The logical id in the template.
    pub logical_id: String,
    /// The host name it answers to.
    pub alias: String,
    /// The bucket that its files come from.
    pub bucket: String,
}

/// One `AWS::CloudFront::PublicKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What CloudFront calls it.
    pub id: String,
    /// The key, in PEM.
    pub pem: String,
}

/// One `AWS::SQS::Queue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The logical id in the template.
    pub logical_id: String,
    /// The physical name.
    pub name: String,
    /// The queue's ARN.
    pub arn: String,
    /// The URL at the SQS endpoint.
    pub url: String,
    /// How long a received message stays hidden.
    pub visibility: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// How long every new message is hidden.
    pub delay: Duration,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

/// The redrive policy of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The ARN of the dead-letter queue.
    pub target_arn: String,
    /// Receives after which a message moves there.
    pub max_receive_count: u32,
}

impl Template {
    /// The function with this logical id.
    #[must_use]
    pub fn function(&self, logical_id: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.logical_id == logical_id)
    }

    /// The queue with this logical id.
    #[must_use]
    pub fn queue(&self, logical_id: &str) -> Option<&Queue> {
        self.queues.iter().find(|q| q.logical_id == logical_id)
    }

    /// The table with this logical id.
    #[must_use]
    pub fn table(&self, logical_id: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.logical_id == logical_id)
    }

    /// The bucket with this logical id.
    #[must_use]
    pub fn bucket(&self, logical_id: &str) -> Option<&Bucket> {
        self.buckets.iter().find(|b| b.logical_id == logical_id)
    }
}
