//! SHA-256 digests of media: one type for every way in which a digest is written, and a hasher whose state can be stored.
//!
//! The same digest reaches us as base64 (WhatsApp's webhook), as hex (WhatsApp's media look-up) and leaves as base64 (S3's
//! `x-amz-checksum-sha256`), so bytes are what is kept and compared; in JSON and in logs it is lower-case hex.
//! A transfer that is handed to another process carries the hasher's [`HasherState`] in its checkpoint, so that no
//! byte is read twice.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The SHA-256 digest of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Digest([u8; 32]);

/// Why a text is not a SHA-256 digest, or a state not a hasher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DigestError {
    /// Not 64 hex digits.
    #[error("a SHA-256 digest in hex is 64 hex digits")]
    Hex,
    /// Not 32 bytes in padded standard base64.
    #[error("a SHA-256 digest in base64 is 44 characters of the standard alphabet, padded")]
    Base64,
    /// Not the stored state of a hasher.
    #[error("not the stored state of a SHA-256 hasher")]
    State,
}

impl Sha256Digest {
    /// The digest of `bytes`, all at once.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Takes the 32 bytes of a digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hex digits of either case, as in WhatsApp's media look-up.
    ///
    /// # Errors
    /// [`DigestError::Hex`] for anything else.
    pub fn from_hex(text: &str) -> Result<Self, DigestError> {
        let bytes = HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|_| DigestError::Hex)?;
        bytes.try_into().map(Self).map_err(|_| DigestError::Hex)
    }

    /// Reads padded standard base64, as in WhatsApp's webhook and S3's checksum headers.
    ///
    /// # Errors
    /// [`DigestError::Base64`] for anything else.
    pub fn from_base64(text: &str) -> Result<Self, DigestError> {
        let bytes = BASE64
            .decode(text.as_bytes())
            .map_err(|_| DigestError::Base64)?;
        bytes.try_into().map(Self).map_err(|_| DigestError::Base64)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Padded standard base64, the form of `x-amz-checksum-sha256`.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }
}

/// 64 lower-case hex digits.
impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

/// Reads hex.
impl FromStr for Sha256Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::from_hex(text)
    }
}

impl TryFrom<String> for Sha256Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        Self::from_hex(&text)
    }
}

impl From<Sha256Digest> for String {
    fn from(digest: Sha256Digest) -> Self {
        digest.to_string()
    }
}

/// Digests bytes as they flow past.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha256);

/// The state of a [`Hasher`] between two processes: base64 in JSON. It gives away the last bytes hashed (up to one block of 64),
/// so it is stored only where the file itself may be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HasherState(String);

impl fmt::Debug for HasherState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HasherState(…)")
    }
}

impl Hasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything taken in.
    #[must_use]
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }

    /// The state so far, for [`Hasher::resume`].
    #[must_use]
    pub fn state(&self) -> HasherState {
        HasherState(BASE64.encode(&self.0.serialize()))
    }

    /// Goes on from a stored state.
    ///
    /// # Errors
    /// [`DigestError::State`] if it is not one: the transfer then starts over.
    pub fn resume(state: &HasherState) -> Result<Self, DigestError> {
        let bytes = BASE64
            .decode(state.0.as_bytes())
            .map_err(|_| DigestError::State)?;
        let bytes = bytes
            .as_slice()
            .try_into()
            .map_err(|_| DigestError::State)?;
        Sha256::deserialize(bytes)
            .map(Self)
            .map_err(|_| DigestError::State)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SHA-256 of "abc" (FIPS 180-4 example) in both spellings.
    const ABC_HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const ABC_BASE64: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    #[test]
    fn both_spellings_are_the_same_digest() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string(), ABC_HEX);
        assert_eq!(digest.to_base64(), ABC_BASE64);
        assert_eq!(Sha256Digest::from_hex(ABC_HEX), Ok(digest));
        assert_eq!(ABC_HEX.to_uppercase().parse(), Ok(digest));
        assert_eq!(Sha256Digest::from_base64(ABC_BASE64), Ok(digest));
        assert_eq!(
            serde_json::to_string(&digest).unwrap(),
            format!("\"{ABC_HEX}\"")
        );
        assert_eq!(
            serde_json::from_str::<Sha256Digest>(&format!("\"{ABC_HEX}\"")).unwrap(),
            digest
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for (name, text) in [
            ("empty", ""),
            ("short", &ABC_HEX[2..]),
            ("odd", &ABC_HEX[1..]),
            ("not hex", &ABC_HEX.replace('b', "g")),
            ("base64 as hex", ABC_BASE64),
        ] {
            assert_eq!(
                Sha256Digest::from_hex(text),
                Err(DigestError::Hex),
                "{name}"
            );
        }
        for (name, text) in [
            ("empty", ""),
            ("unpadded", ABC_BASE64.trim_end_matches('=')),
            (
                "url-safe alphabet",
                &ABC_BASE64.replace('+', "-").replace('/', "_"),
            ),
            ("stray bits at the end", &ABC_BASE64.replace("a0=", "a1=")),
            ("hex as base64", ABC_HEX),
        ] {
            assert_eq!(
                Sha256Digest::from_base64(text),
                Err(DigestError::Base64),
                "{name}"
            );
        }
    }

    #[test]
    fn a_broken_state_is_refused() {
        let good = Hasher::new().state();
        for broken in [
            String::new(),
            "%".to_owned(),
            good.0[4..].to_owned(),
            BASE64.encode(&[255; 200]),
        ] {
            assert_eq!(
                Hasher::resume(&HasherState(broken)).err(),
                Some(DigestError::State)
            );
        }
    }

    proptest! {
        #[test]
        fn cut_anywhere_and_resumed_it_is_the_same_digest(
            bytes in prop::collection::vec(any::<u8>(), 0..300), cut in any::<prop::sample::Index>(),
        ) {
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut first = Hasher::new();
            first.update(head);
            let stored = serde_json::to_string(&first.state()).unwrap();
            let mut second = Hasher::resume(&serde_json::from_str(&stored).unwrap()).unwrap();
            second.update(tail);
            prop_assert_eq!(second.finish(), Sha256Digest::of(&bytes));
        }
    }
}
