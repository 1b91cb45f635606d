//! The settings of `refresh`, read once at start, and the AWS calls it makes: the template grants exactly these.

use attache_domain::settings::{ConfigError, Settings, allow_local, connections_max_age, required};

/// Every AWS action `refresh` calls, with the template's logical id of what it is called on. A test compares this with
/// the policy in `template.yaml`, and the local run refuses whatever that does not grant.
pub const CALLS: &[(&str, &str)] = &[
    ("dynamodb:GetItem", "TokensTable"),
    ("dynamodb:PutItem", "TokensTable"),
    ("dynamodb:GetItem", "LimitsTable"),
    ("dynamodb:UpdateItem", "LimitsTable"),
    ("dynamodb:Scan", "ConnectionsTable"),
    ("kms:Decrypt", "DataKey"),
    ("kms:GenerateDataKey", "DataKey"),
    ("secretsmanager:GetSecretValue", "clients/*"),
];

/// What `refresh` is told by the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `TOKENS_TABLE`: the table of access tokens.
    pub tokens_table: String,
    /// `LIMITS_TABLE`: the table that holds what is known of what connections take.
    pub limits_table: String,
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
            tokens_table: required(settings, "TOKENS_TABLE")?,
            limits_table: required(settings, "LIMITS_TABLE")?,
            data_key: required(settings, "DATA_KEY_ID")?,
            connections_table: required(settings, "CONNECTIONS_TABLE")?,
            connections_max_age: connections_max_age(settings)?,
            allow_local: allow_local(settings)?,
        })
    }
}
