//! The settings of `validate`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{ConfigError, Settings, allow_local, connections_max_age, required};

/// Every AWS action `validate` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:GetItem", "MediaTable"),
    ("dynamodb:PutItem", "MediaTable"),
    ("dynamodb:GetItem", "LimitsTable"),
    ("dynamodb:Scan", "ConnectionsTable"),
    ("s3:GetObject", "MediaBucket/arrivals/*"),
    ("s3:DeleteObject", "MediaBucket/arrivals/*"),
    ("s3:DeleteObject", "MediaBucket/renditions/*"),
    ("s3:AbortMultipartUpload", "MediaBucket/arrivals/*"),
    ("s3:ListBucket", "MediaBucket"),
    ("s3:PutObject", "QuarantineBucket/*"),
    ("s3:DeleteObject", "QuarantineBucket/*"),
    ("sqs:SendMessage", "ConvertQueue"),
    ("sqs:SendMessage", "MediaQueue"),
    ("sqs:SendMessage", "TextQueue"),
];

/// What `validate` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_TABLE`: the table of media items.
    pub media_table: String,
    /// `LIMITS_TABLE`: the table that holds what is known of what connections take.
    pub limits_table: String,
    /// `MEDIA_BUCKET`: where originals are stored.
    pub media_bucket: String,
    /// `QUARANTINE_BUCKET`: where dangerous ones are moved to.
    pub quarantine_bucket: String,
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
            limits_table: required(settings, "LIMITS_TABLE")?,
            media_bucket: required(settings, "MEDIA_BUCKET")?,
            quarantine_bucket: required(settings, "QUARANTINE_BUCKET")?,
            connections_table: required(settings, "CONNECTIONS_TABLE")?,
            connections_max_age: connections_max_age(settings)?,
            allow_local: allow_local(settings)?,
        })
    }
}
