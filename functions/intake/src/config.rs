//! The settings of `intake`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{
    ConfigError, Settings, allow_local, connections_max_age, lease, required,
};

/// Every AWS action `intake` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:PutItem", "MediaTable"),
    ("dynamodb:PutItem", "ClaimsTable"),
    ("dynamodb:Scan", "ConnectionsTable"),
    ("secretsmanager:GetSecretValue", "endpoints/*"),
    ("sqs:SendMessage", "FetchQueue"),
];

/// What `intake` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `MEDIA_TABLE`: the table of media items.
    pub media_table: String,
    /// `CLAIMS_TABLE`: the table of kept events.
    pub claims_table: String,
    /// `LEASE_SECONDS`: after this long `sweep` looks at an item that is not done.
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
            lease: lease(settings)?,
            connections_table: required(settings, "CONNECTIONS_TABLE")?,
            connections_max_age: connections_max_age(settings)?,
            allow_local: allow_local(settings)?,
        })
    }
}
