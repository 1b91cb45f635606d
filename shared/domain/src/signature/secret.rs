//! A secret that is held to be used, not shown: no `Display`, no serialisation, a `Debug` that tells nothing.
//!
//! Leaves out wiping memory: that needs unsafe code, and the process's memory is not what we defend.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// A shared secret, never empty.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

/// A secret was empty. An empty key would verify what anybody can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a secret must not be empty")]
pub struct EmptySecret;

impl Secret {
    /// Wraps a secret's bytes, as they are: nothing is trimmed or decoded.
    ///
    /// # Errors
    /// [`EmptySecret`] if there are none.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, EmptySecret> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            Err(EmptySecret)
        } else {
            Ok(Self(bytes.into()))
        }
    }

    /// The bytes. Whoever calls this must not log, store or send them, except to whom they belong.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Is `candidate` this secret? Takes the same time wherever they differ and however long each is (per block of
    /// the candidate), because digests of both are compared.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        Sha256::digest(&self.0)
            .ct_eq(&Sha256::digest(candidate))
            .into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_matches_itself_only_and_shows_nothing() {
        let secret = Secret::new("tops3cret").unwrap();
        for (candidate, expected) in [
            ("tops3cret", true),
            ("tops3cre", false),
            ("tops3cret ", false),
            ("Tops3cret", false),
            ("", false),
        ] {
            assert_eq!(
                secret.matches(candidate.as_bytes()),
                expected,
                "{candidate:?}"
            );
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(Secret::new("").err(), Some(EmptySecret));
    }
}
