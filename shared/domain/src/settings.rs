//! Settings by key: read once at start, with errors that name the key and say what was expected. Pure: where they come
//! from is the caller's business (`edge` brings the environment, tests a map).

mod content;

pub use content::{ContentDomain, content_domain, link_life};

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Where settings come from: the environment, or a map in a test. A value that is empty or blank counts as not set,
/// which is how a template leaves one out.
pub trait Settings {
    /// The value of `key`, trimmed.
    fn get(&self, key: &str) -> Option<String>;
}

impl Settings for BTreeMap<String, String> {
    fn get(&self, key: &str) -> Option<String> {
        self.get(key).and_then(|value| trimmed(value))
    }
}

impl Settings for HashMap<String, String> {
    fn get(&self, key: &str) -> Option<String> {
        self.get(key).and_then(|value| trimmed(value))
    }
}

/// A value as settings mean it: trimmed, and nothing if blank.
#[must_use]
pub fn trimmed(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// A setting that keeps a process from starting.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is needed and not set.
    #[error("{key} is not set")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// It is set to something else than expected.
    #[error("{key} is {value:?}, expected {expected}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What it is set to.
        value: String,
        /// What it may be.
        expected: String,
    },
}

/// As the message: a process that ends with this error shows it to a person by `Debug`.
impl std::fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A text that must be set.
///
/// # Errors
/// [`ConfigError::Missing`].
pub fn required(settings: &dyn Settings, key: &'static str) -> Result<String, ConfigError> {
    settings.get(key).ok_or(ConfigError::Missing { key })
}

/// A number of whole seconds within `range`; `default` if not set.
///
/// # Errors
/// [`ConfigError::Invalid`] if it is no number, or outside.
pub fn seconds(
    settings: &dyn Settings,
    key: &'static str,
    default: u64,
    range: RangeInclusive<u64>,
) -> Result<Duration, ConfigError> {
    let Some(value) = settings.get(key) else {
        return Ok(Duration::from_secs(default));
    };
    match value.parse() {
        Ok(seconds) if range.contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => {
            let expected = format!("whole seconds from {} to {}", range.start(), range.end());
            Err(ConfigError::Invalid {
                key,
                value,
                expected,
            })
        }
    }
}

/// `true` or `false`; `false` if not set.
///
/// # Errors
/// [`ConfigError::Invalid`] for any other word.
pub fn flag(settings: &dyn Settings, key: &'static str) -> Result<bool, ConfigError> {
    match settings.get(key).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(ConfigError::Invalid {
            key,
            value: other.to_owned(),
            expected: "true or false".to_owned(),
        }),
    }
}

/// `LEASE_SECONDS`: how long a claim lasts unless renewed; 1–900, 30 if not set.
///
/// # Errors
/// [`ConfigError::Invalid`].
pub fn lease(settings: &dyn Settings) -> Result<Duration, ConfigError> {
    seconds(settings, "LEASE_SECONDS", 30, 1..=900)
}

/// `CONNECTIONS_MAX_AGE_SECONDS`: how old a copy of the configuration may be; 1–3600, 60 if not set.
///
/// # Errors
/// [`ConfigError::Invalid`].
pub fn connections_max_age(settings: &dyn Settings) -> Result<Duration, ConfigError> {
    seconds(settings, "CONNECTIONS_MAX_AGE_SECONDS", 60, 1..=3600)
}

/// `ALLOW_LOCAL`: whether connections marked `local` are used; not unless set.
///
/// # Errors
/// [`ConfigError::Invalid`].
pub fn allow_local(settings: &dyn Settings) -> Result<bool, ConfigError> {
    flag(settings, "ALLOW_LOCAL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn seconds_are_whole_and_within_range() {
        for (value, expected) in [
            ("30", Ok(30)),
            (" 900 ", Ok(900)),
            ("", Ok(30)),
            (
                "0",
                Err("LEASE_SECONDS is \"0\", expected whole seconds from 1 to 900"),
            ),
            (
                "901",
                Err("LEASE_SECONDS is \"901\", expected whole seconds from 1 to 900"),
            ),
            (
                "1.5",
                Err("LEASE_SECONDS is \"1.5\", expected whole seconds from 1 to 900"),
            ),
            (
                "soon",
                Err("LEASE_SECONDS is \"soon\", expected whole seconds from 1 to 900"),
            ),
        ] {
            let got = lease(&settings("LEASE_SECONDS", value)).map(|d| d.as_secs());
            assert_eq!(
                got.map_err(|e| e.to_string()),
                expected.map_err(str::to_owned),
                "{value:?}"
            );
        }
    }

    #[test]
    fn flags_are_words() {
        for (value, expected) in [
            ("true", Some(true)),
            ("false", Some(false)),
            ("", Some(false)),
            ("1", None),
            ("TRUE", None),
        ] {
            assert_eq!(
                allow_local(&settings("ALLOW_LOCAL", value)).ok(),
                expected,
                "{value:?}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = required(&settings("MEDIA_TABLE", "  "), "MEDIA_TABLE").unwrap_err();
        assert_eq!(error.to_string(), "MEDIA_TABLE is not set");
        assert_eq!(
            required(&settings("MEDIA_TABLE", "m"), "MEDIA_TABLE").as_deref(),
            Ok("m")
        );
    }
}
