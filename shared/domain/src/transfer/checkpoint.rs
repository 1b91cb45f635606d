//! How far a transfer in parts came: enough to go on in another process without reading a byte twice.

use serde::{Deserialize, Serialize};

use super::Rest;
use crate::digest::{Hasher, HasherState, Sha256Digest};

/// Parts have this size, but for the last: S3 takes none smaller
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
pub const PART_BYTES: usize = 5 * 1024 * 1024;

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The store's entity tag of it.
    #[serde(rename = "t")]
    pub etag: String,
    /// SHA-256 of it.
    #[serde(rename = "h")]
    pub digest: Sha256Digest,
}

/// A transfer in parts. The default one has not begun.
///
/// It lies in the row, in whose lease and fence it shares: only who holds the item goes on with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What the store calls the upload; written here before the first part is sent, so that none is ever forgotten.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// The parts, in order.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// How many bytes they have together.
    #[serde(rename = "n", default)]
    pub offset: u64,
    /// The digest's state after them; absent: nothing was digested.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub hasher: Option<HasherState>,
    /// What names the state of the file at its host.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
    /// The length of the whole, once somebody named it.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

impl Checkpoint {
    /// A digest of the parts so far, to go on with; `None`: the state is damaged, and the transfer starts over.
    #[must_use]
    pub fn hasher(&self) -> Option<Hasher> {
        match &self.hasher {
            Some(state) => Hasher::resume(state).ok(),
            None => (self.offset == 0).then(Hasher::new),
        }
    }

    /// The store took one more part, of `length` bytes; `hasher` has seen them.
    pub fn took(&mut self, part: Part, length: u64, hasher: &Hasher) {
        self.parts.push(part);
        self.offset += length;
        self.hasher = Some(hasher.state());
    }

    /// What to ask for when `more` bytes behind the parts are in hand; `None`: the whole, of which what is known is passed over.
    #[must_use]
    pub fn rest(&self, more: u64) -> Option<Rest> {
        let from_byte = self.offset + more;
        let validator = self.validator.clone()?;
        (from_byte > 0).then_some(Rest {
            from_byte,
            validator,
        })
    }

    /// Whether with `more` bytes behind the parts nothing is missing any more.
    #[must_use]
    pub fn is_whole(&self, more: u64) -> bool {
        self.size_bytes == Some(self.offset + more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_goes_on_in_another_process() {
        let mut checkpoint = Checkpoint {
            upload: Some("u".to_owned()),
            validator: Some("\"v\"".to_owned()),
            size_bytes: Some(6),
            ..Checkpoint::default()
        };
        assert_eq!(checkpoint.rest(0), None, "nothing is known yet");
        let mut hasher = checkpoint.hasher().unwrap();
        hasher.update(b"abc");
        let part = Part {
            etag: "e".to_owned(),
            digest: Sha256Digest::of(b"abc"),
        };
        checkpoint.took(part, 3, &hasher);
        let text = serde_json::to_string(&checkpoint).unwrap();
        let read: Checkpoint = serde_json::from_str(&text).unwrap();
        assert_eq!(read, checkpoint);
        assert_eq!(read.rest(1).map(|rest| rest.from_byte), Some(4));
        assert!(!read.is_whole(2) && read.is_whole(3));
        let mut hasher = read.hasher().unwrap();
        hasher.update(b"def");
        assert_eq!(hasher.finish(), Sha256Digest::of(b"abcdef"));
    }

    #[test]
    fn one_that_has_not_begun_takes_little_room() {
        let text = serde_json::to_string(&Checkpoint::default()).unwrap();
        assert_eq!(text, r#"{"n":0}"#);
    }
}
