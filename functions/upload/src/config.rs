//! The settings of `upload`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{
    ConfigError, ContentDomain, Settings, allow_local, connections_max_age, content_domain,
    link_life, required, seconds,
};

/// Every AWS action `upload` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:GetItem", "MediaTable"),
    ("dynamodb:PutItem", "MediaTable"),
    ("dynamodb:UpdateItem", "MediaTable"),
    ("dynamodb:GetItem", "ClaimsTable"),
    ("dynamodb:PutItem", "ClaimsTable"),
    ("dynamodb:GetItem", "ConversationsTable"),
    ("dynamodb:UpdateItem", "ConversationsTable"),
    ("dynamodb:GetItem", "TokensTable"),
    ("dynamodb:GetItem", "LimitsTable"),
    ("dynamodb:UpdateItem", "LimitsTable"),
    ("dynamodb:Scan", "ConnectionsTable"),
    ("kms:Decrypt", "DataKey"),
    ("s3:GetObject", "MediaBucket/arrivals/*"),
    ("s3:GetObject", "MediaBucket/renditions/*"),
    ("s3:ListBucket", "MediaBucket"),
    ("secretsmanager:GetSecretValue", "content/*"),
    ("sqs:SendMessage", "JudgeQueue"),
    ("sqs:SendMessage", "MediaQueue"),
    ("sqs:SendMessage", "MediaRetryQueue"),
    ("sqs:SendMessage", "MediaDeadLetters"),
    ("sqs:SendMessage", "TextQueue"),
    ("sqs:SendMessage", "RefreshQueue"),
];

/// What `upload` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_TABLE`: the table of media items.
    pub media_table: String,
    /// `CLAIMS_TABLE`: the table of names under which platforms speak of our messages.
    pub claims_table: String,
    /// `CONVERSATIONS_TABLE`: the table of conversations.
    pub conversations_table: String,
    /// `LIMITS_TABLE`: the table of limiter rows.
    pub limits_table: String,
    /// `MEDIA_BUCKET`: where originals are stored.
    pub media_bucket: String,
    /// `LINK_SECONDS`: how long a link lives that somebody without credentials is given.
    pub link_life: std::time::Duration,
    /// `CONTENT_URL`, `CONTENT_KEY_PAIR_ID`, `CONTENT_PUBLIC_KEY`, `CONTENT_KEY_SECRET`: where links lead to; not set: to the
    /// store itself.
    pub content: Option<ContentDomain>,
    /// `SEND_PATIENCE_SECONDS`: how long one send may take; the deadline of its intent.
    pub patience: std::time::Duration,
    /// `TOKENS_TABLE`: the table of access tokens.
    pub tokens_table: String,
    /// `DATA_KEY_ID`: the key that seals tokens.
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
            claims_table: required(settings, "CLAIMS_TABLE")?,
            conversations_table: required(settings, "CONVERSATIONS_TABLE")?,
            limits_table: required(settings, "LIMITS_TABLE")?,
            media_bucket: required(settings, "MEDIA_BUCKET")?,
            link_life: link_life(settings)?,
            content: content_domain(settings)?,
            patience: seconds(settings, "SEND_PATIENCE_SECONDS", 20, 1..=45)?,
            tokens_table: required(settings, "TOKENS_TABLE")?,
            data_key: required(settings, "DATA_KEY_ID")?,
            connections_table: required(settings, "CONNECTIONS_TABLE")?,
            connections_max_age: connections_max_age(settings)?,
            allow_local: allow_local(settings)?,
        })
    }
}
