//! The settings of `convert`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{ConfigError, Settings, required};

/// Every AWS action `convert` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:GetItem", "MediaTable"),
    ("dynamodb:PutItem", "MediaTable"),
    ("s3:GetObject", "MediaBucket/arrivals/*"),
    ("s3:GetObject", "MediaBucket/renditions/*"),
    ("s3:PutObject", "MediaBucket/renditions/*"),
    ("s3:ListBucket", "MediaBucket"),
    ("sqs:SendMessage", "MediaQueue"),
    ("sqs:SendMessage", "TextQueue"),
];

/// What `convert` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_TABLE`: the table of media items.
    pub media_table: String,
    /// `MEDIA_BUCKET`: where originals and renditions are stored.
    pub media_bucket: String,
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
        })
    }
}
