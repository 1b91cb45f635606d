//! Names of things. Identity is derived, never drawn: the same webhook, replayed for seven days, leads to the same
//! [`MediaId`] and so to the same row, the same object key and the same jobs.
//!
//! Platform ids are opaque strings (a source document's own sample is not even hexadecimal, `SB-4`); each kind of id
//! is its own type, so that one can never be passed where another is meant.

use std::fmt;
use std::str::FromStr;

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the id as given; nothing is assumed of its form.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque_id!(
    /// One webhook URL of ours, as the owner named it in `connections.toml`.
    EndpointId
);
opaque_id!(
    /// One integration, number, page or channel on one platform, as the owner named it.
    ConnectionId
);
opaque_id!(
    /// A message as its platform names it (`wamid.…`, Messenger's `mid`, Genesys' `id`).
    MessageId
);
opaque_id!(
    /// An attachment as its platform names it; where a platform gives none, its position in the message.
    AttachmentId
);

/// A media item: 26 lower-case base32 characters (130 bits) of SHA-256 over connection, message and attachment id.
///
/// It names the row, the object (`arrivals/<media id>`) and the jobs; nothing a sender wrote is ever part of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaId(String);

/// Not a media id: says what was given.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a media id (26 characters of a-z2-7): {0:?}")]
pub struct NotAMediaId(String);

impl MediaId {
    /// Characters in every media id.
    pub const LENGTH: usize = 26;

    /// Derives the id. The parts are joined with their lengths, so that no two different triples give one input.
    #[must_use]
    pub fn derive(
        connection: &ConnectionId,
        message: &MessageId,
        attachment: &AttachmentId,
    ) -> Self {
        let mut hash = Sha256::new();
        for part in [connection.as_str(), message.as_str(), attachment.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut text = base32().encode(&hash.finalize());
        text.truncate(Self::LENGTH);
        Self(text)
    }

    /// The 26 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the original lies in the media bucket.
    #[must_use]
    pub fn arrival_key(&self) -> String {
        format!("{ARRIVALS}{}", self.0)
    }

    /// Where its rendition lies in the media bucket.
    #[must_use]
    pub fn rendition_key(&self) -> String {
        format!("{RENDITIONS}{}", self.0)
    }

    /// The media id named by an object key under `arrivals/`, if it is one.
    #[must_use]
    pub fn from_arrival_key(key: &str) -> Option<Self> {
        key.strip_prefix(ARRIVALS)?.parse().ok()
    }
}

/// The prefix under which originals are stored, and the filter of the S3 trigger.
pub const ARRIVALS: &str = "arrivals/";

/// The prefix under which renditions are stored.
pub const RENDITIONS: &str = "renditions/";

fn base32() -> Encoding {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("abcdefghijklmnopqrstuvwxyz234567");
    // The alphabet is a constant of 32 distinct symbols, which is all `encoding` can refuse.
    specification
        .encoding()
        .unwrap_or(data_encoding::BASE32_NOPAD)
}

impl FromStr for MediaId {
    type Err = NotAMediaId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() == Self::LENGTH
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAMediaId(text.chars().take(64).collect()))
        }
    }
}

impl TryFrom<String> for MediaId {
    type Error = NotAMediaId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MediaId> for String {
    fn from(id: MediaId) -> Self {
        id.0
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn derive(connection: &str, message: &str, attachment: &str) -> MediaId {
        MediaId::derive(
            &ConnectionId::new(connection),
            &MessageId::new(message),
            &AttachmentId::new(attachment),
        )
    }

    #[test]
    fn derivation_is_pinned() {
        // A change here would orphan every stored object: it must be a decision, not an accident.
        assert_eq!(
            derive("wa-sales", "wamid.A", "1003383421387256").as_str(),
            "zogvahgyqbd6jxney5vla4urcw"
        );
    }

    #[test]
    fn keys_round_trip_and_strangers_are_refused() {
        let id = derive("c", "m", "a");
        assert_eq!(MediaId::from_arrival_key(&id.arrival_key()), Some(id));
        for key in [
            "",
            "arrivals/",
            "arrivals/../../etc/passwd",
            "quarantine/abc",
            "arrivals/ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ] {
            assert_eq!(MediaId::from_arrival_key(key), None, "{key}");
        }
    }

    proptest! {
        #[test]
        fn moving_a_boundary_changes_the_id(a in "[a-z]{1,8}", b in "[a-z]{1,8}", c in "[a-z]{0,8}") {
            prop_assert_ne!(derive(&format!("{a}{b}"), &c, "x"), derive(&a, &format!("{b}{c}"), "x"));
            prop_assert_eq!(derive(&a, &b, &c).as_str().len(), MediaId::LENGTH);
        }
    }
}
