//! The settings of `sweep`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{ConfigError, Settings, required, seconds};

/// Every AWS action `sweep` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:Query", "MediaTable/index/due"),
    ("dynamodb:GetItem", "MediaTable"),
    ("dynamodb:PutItem", "MediaTable"),
    ("sqs:SendMessage", "FetchQueue"),
    ("sqs:SendMessage", "JudgeQueue"),
    ("sqs:SendMessage", "ConvertQueue"),
    ("sqs:SendMessage", "MediaQueue"),
    ("sqs:SendMessage", "TextQueue"),
    ("sqs:SendMessage", "FetchDeadLetters"),
    ("sqs:SendMessage", "MediaDeadLetters"),
    ("sqs:SendMessage", "TextDeadLetters"),
];

/// What `sweep` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_TABLE`: the table of media items.
    pub media_table: String,
    /// `INTENT_GRACE_SECONDS`: how long after its deadline a begun send is left alone.
    pub grace: std::time::Duration,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and what was expected.
    pub fn read(settings: &dyn Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            media_table: required(settings, "MEDIA_TABLE")?,
            grace: seconds(settings, "INTENT_GRACE_SECONDS", 30, 1..=900)?,
        })
    }
}
