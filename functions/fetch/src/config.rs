//! The settings of `fetch`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{
    ConfigError, Settings, allow_local, connections_max_age, lease, required, seconds,
};

/// Every AWS action `fetch` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:PutItem", "MediaTable"),
    ("dynamodb:UpdateItem", "MediaTable"),
    ("dynamodb:GetItem", "LimitsTable"),
    ("dynamodb:UpdateItem", "LimitsTable"),
    ("dynamodb:GetItem", "TokensTable"),
    ("dynamodb:Scan", "ConnectionsTable"),
    ("kms:Decrypt", "DataKey"),
    ("s3:GetObject", "MediaBucket/arrivals/*"),
    ("s3:ListBucket", "MediaBucket"),
    ("s3:PutObject", "MediaBucket/arrivals/*"),
    ("s3:AbortMultipartUpload", "MediaBucket/arrivals/*"),
    ("sqs:SendMessage", "FetchQueue"),
    ("sqs:SendMessage", "JudgeQueue"),
    ("sqs:SendMessage", "FetchDeadLetters"),
    ("sqs:SendMessage", "TextQueue"),
    ("sqs:SendMessage", "RefreshQueue"),
];

/// What `fetch` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_TABLE`: the table of media items.
    pub media_table: String,
    /// `MEDIA_BUCKET`: where originals are stored.
    pub media_bucket: String,
    /// `LEASE_SECONDS`: how long a claim runs unless renewed.
    pub lease: std::time::Duration,
    /// `TRANSFER_SECONDS`: how long one transfer may take; what takes longer comes in parts, in several invocations.
    pub patience: std::time::Duration,
    /// `LIMITS_TABLE`: the table of limiter rows, and of what is known of hosts and numbers in trouble.
    pub limits_table: String,
    /// `TOKENS_TABLE`: the table of access tokens.
    pub tokens_table: String,
    /// `DATA_KEY_ID`: the key that seals tokens and links.
    pub data_key: String,
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
            media_bucket: required(settings, "MEDIA_BUCKET")?,
            lease: lease(settings)?,
            patience: seconds(settings, "TRANSFER_SECONDS", 840, 60..=870)?,
            limits_table: required(settings, "LIMITS_TABLE")?,
            tokens_table: required(settings, "TOKENS_TABLE")?,
            data_key: required(settings, "DATA_KEY_ID")?,
            connections_table: required(settings, "CONNECTIONS_TABLE")?,
            connections_max_age: connections_max_age(settings)?,
            allow_local: allow_local(settings)?,
        })
    }
}
