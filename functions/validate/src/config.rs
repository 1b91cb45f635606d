//! The settings of `validate`, read once at start, and the AWS calls it makes: the template grants exactly these.

use std::time::Duration;

use attache_domain::settings::{
    ConfigError, Settings, allow_local, connections_max_age, required, seconds,
};

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
    ("sqs:SendMessage", "JudgeQueue"),
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
    pub connections_max_age: Duration,
    /// `ALLOW_LOCAL`: whether connections marked `local` are used (never, deployed).
    pub allow_local: bool,
    /// `SCANNER`: who looks for malware; not set: nobody.
    pub scanner: Option<Scanner>,
    /// `SCAN_PATIENCE_SECONDS`: how long a scan is waited for, or tried again; 60–43200, 900 if not set.
    pub scan_patience: Duration,
}

/// Who looks for malware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanner {
    /// `clamd://host:port`: a clamd is asked.
    Clamd {
        /// `host:port`.
        address: String,
    },
    /// `guardduty`: GuardDuty Malware Protection watches the bucket and tells.
    GuardDuty,
}

/// Where a clamd is.
const CLAMD: &str = "clamd://";

impl Scanner {
    /// `SCANNER`.
    fn read(settings: &dyn Settings) -> Result<Option<Self>, ConfigError> {
        let Some(value) = settings.get("SCANNER") else {
            return Ok(None);
        };
        if value == "guardduty" {
            return Ok(Some(Self::GuardDuty));
        }
        let address = value.strip_prefix(CLAMD).filter(|address| {
            let parts = address.rsplit_once(':');
            parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        });
        match address.map(str::to_owned) {
            Some(address) => Ok(Some(Self::Clamd { address })),
            None => Err(ConfigError::Invalid {
                key: "SCANNER",
                value,
                expected: "nothing, guardduty, or clamd://host:port".to_owned(),
            }),
        }
    }
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
            scanner: Scanner::read(settings)?,
            scan_patience: seconds(settings, "SCAN_PATIENCE_SECONDS", 900, 60..=43_200)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_scanner_is_named_or_refused() {
        let clamd = |address: &str| {
            Ok(Some(Scanner::Clamd {
                address: address.to_owned(),
            }))
        };
        for (value, expected) in [
            ("", Ok(None)),
            ("guardduty", Ok(Some(Scanner::GuardDuty))),
            ("clamd://10.0.0.7:3310", clamd("10.0.0.7:3310")),
            ("clamd://[::1]:3310", clamd("[::1]:3310")),
            ("clamd://scanner.internal", Err(())),
            ("clamd://:3310", Err(())),
            ("clamd://host:port", Err(())),
            ("10.0.0.7:3310", Err(())),
            ("GuardDuty", Err(())),
        ] {
            let settings = BTreeMap::from([("SCANNER".to_owned(), value.to_owned())]);
            let read = Scanner::read(&settings);
            if let Err(error) = &read {
                let told = error.to_string();
                assert!(
                    told.contains("expected nothing, guardduty, or clamd://"),
                    "{told}"
                );
            }
            assert_eq!(read.map_err(drop), expected, "{value}");
        }
    }
}
