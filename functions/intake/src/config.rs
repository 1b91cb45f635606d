//! The settings of `intake`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{
    ConfigError, Settings, allow_local, connections_max_age, lease, required,
};

/// Every AWS action `intake` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:GetItem", "MediaTable"),
    ("dynamodb:PutItem", "MediaTable"),
    ("dynamodb:UpdateItem", "MediaTable"),
    ("dynamodb:GetItem", "ClaimsTable"),
    ("dynamodb:PutItem", "ClaimsTable"),
    ("dynamodb:UpdateItem", "ClaimsTable"),
    ("dynamodb:UpdateItem", "ConversationsTable"),
    ("dynamodb:GetItem", "LimitsTable"),
    ("dynamodb:UpdateItem", "LimitsTable"),
    ("dynamodb:GetItem", "TokensTable"),
    ("dynamodb:Scan", "ConnectionsTable"),
    ("kms:Decrypt", "DataKey"),
    ("kms:GenerateDataKey", "DataKey"),
    ("s3:GetObject", "MediaBucket/arrivals/*"),
    ("s3:ListBucket", "MediaBucket"),
    ("s3:PutObject", "MediaBucket/arrivals/*"),
    ("secretsmanager:GetSecretValue", "endpoints/*"),
    ("sqs:SendMessage", "FetchQueue"),
    ("sqs:SendMessage", "JudgeQueue"),
    ("sqs:SendMessage", "MediaQueue"),
    ("sqs:SendMessage", "TextQueue"),
    ("sqs:SendMessage", "ForwardQueue"),
    ("sqs:SendMessage", "FetchDeadLetters"),
    ("sqs:SendMessage", "RefreshQueue"),
];

/// What `intake` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_TABLE`: the table of media items.
    pub media_table: String,
    /// `CLAIMS_TABLE`: the table of kept events, of counted tries, and of names for our messages.
    pub claims_table: String,
    /// `CONVERSATIONS_TABLE`: the table of conversations.
    pub conversations_table: String,
    /// `LIMITS_TABLE`: the table of limiter rows, and of what is known of hosts and numbers in trouble.
    pub limits_table: String,
    /// `TOKENS_TABLE`: the table of access tokens.
    pub tokens_table: String,
    /// `MEDIA_BUCKET`: where originals are stored.
    pub media_bucket: String,
    /// `DATA_KEY_ID`: the key that seals links and tokens.
    pub data_key: String,
    /// `LEASE_SECONDS`: how long a claim runs unless renewed, and after how long `sweep` looks at an item that is not done.
    pub lease: std::time::Duration,
    /// `CONNECTIONS_TABLE`: the table of endpoints, connections and routes.
    pub connections_table: String,
    /// `CONNECTIONS_MAX_AGE_SECONDS`: how old the copy of it in memory may be.
    pub connections_max_age: std::time::Duration,
    /// `ALLOW_LOCAL`: whether connections marked `local` are used (never, deployed).
    pub allow_local: bool,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and what was expected.
    pub fn read(settings: &dyn Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            media_table: required(settings, "MEDIA_TABLE")?,
            claims_table: required(settings, "CLAIMS_TABLE")?,
            conversations_table: required(settings, "CONVERSATIONS_TABLE")?,
            limits_table: required(settings, "LIMITS_TABLE")?,
            tokens_table: required(settings, "TOKENS_TABLE")?,
            media_bucket: required(settings, "MEDIA_BUCKET")?,
            data_key: required(settings, "DATA_KEY_ID")?,
            lease: lease(settings)?,
            connections_table: required(settings, "CONNECTIONS_TABLE")?,
            connections_max_age: connections_max_age(settings)?,
            allow_local: allow_local(settings)?,
        })
    }
}
