//! The settings of `forward`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{ConfigError, Settings, allow_local, connections_max_age, required};

/// Every AWS action `forward` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:Scan", "ConnectionsTable"),
    ("sqs:SendMessage", "ForwardQueue"),
    ("sqs:SendMessage", "ForwardDeadLetters"),
];

/// What `forward` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `CONNECTIONS_TABLE`: the table of endpoints, connections and routes.
    pub connections_table: String,
    /// `CONNECTIONS_MAX_AGE_SECONDS`: how old the copy of it in memory may be.
    pub connections_max_age: std::time::Duration,
    /// `ALLOW_LOCAL`: whether it may forward to this machine over plain HTTP (never, deployed).
    pub allow_local: bool,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and what was expected.
    pub fn read(settings: &dyn Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            connections_table: required(settings, "CONNECTIONS_TABLE")?,
            connections_max_age: connections_max_age(settings)?,
            allow_local: allow_local(settings)?,
        })
    }
}
