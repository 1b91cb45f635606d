//! A provider between us and Meta, which hands Meta's API on under its own address: what differs from Meta's own host.
//!
//! 360dialog is one (its API reference, read November 2026): the key goes in a header of its own, paths name neither version nor
//! number, and what Meta gives out at its download host is had at the provider's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Headers that say something else than who calls: a token there would change what is asked, or show in the wrong place.
const TAKEN: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-range",
    "range",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The name of the header that the token goes in, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthHeader(String);

/// Why a text names no header for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthHeaderError {
    /// It is no header's name.
    #[error("it is no header's name; expected letters, digits and hyphens, as in \"D360-API-KEY\"")]
    NoName,
    /// It is one with a meaning of its own.
    #[error(
        "the header means something else; without the key, the token goes as `Authorization: Bearer`"
    )]
    Taken,
}

impl AuthHeader {
    /// Reads a header's name.
    ///
    /// # Errors
    /// [`AuthHeaderError`] if a token cannot go there.
    pub fn parse(name: &str) -> Result<Self, AuthHeaderError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let name = name.to_ascii_lowercase();
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            return Err(AuthHeaderError::NoName);
        }
        match TAKEN.contains(&name.as_str()) {
            true => Err(AuthHeaderError::Taken),
            false => Ok(Self(name)),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AuthHeader {
    type Error = AuthHeaderError;

    fn try_from(name: String) -> Result<Self, AuthHeaderError> {
        Self::parse(&name)
    }
}

impl From<AuthHeader> for String {
    fn from(header: AuthHeader) -> Self {
        header.0
    }
}

/// How calls to a provider differ from calls to Meta; by default in nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The header that the token goes in; `None`: `Authorization: Bearer …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_header: Option<AuthHeader>,
    /// Whether paths name neither version nor number, and files lie at `base_url` under the path of Meta's links: then nothing,
    /// the token least of all, goes to Meta itself.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub bare_paths: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_where_it_means_who_calls() {
        for (name, expected) in [
            ("D360-API-KEY", Ok("d360-api-key")),
            ("x_api_key", Ok("x_api_key")),
            ("Authorization", Err(AuthHeaderError::Taken)),
            ("Host", Err(AuthHeaderError::Taken)),
            ("range", Err(AuthHeaderError::Taken)),
            ("", Err(AuthHeaderError::NoName)),
            ("x key", Err(AuthHeaderError::NoName)),
            ("x:\r\ny", Err(AuthHeaderError::NoName)),
            (&"x".repeat(65), Err(AuthHeaderError::NoName)),
        ] {
            let parsed = AuthHeader::parse(name);
            assert_eq!(
                parsed.as_ref().map(AuthHeader::as_str),
                expected.as_ref().copied(),
                "{name}"
            );
        }
    }

    #[test]
    fn rows_without_the_keys_are_as_before() {
        let read: Provider = serde_json::from_str("{}").unwrap();
        assert_eq!(read, Provider::default());
        assert_eq!(serde_json::to_string(&read).unwrap(), "{}");
        assert!(serde_json::from_str::<Provider>(r#"{"auth_header":"Cookie"}"#).is_err());
    }
}
