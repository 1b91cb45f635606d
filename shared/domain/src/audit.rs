//! The audit trail of one media item: one entry for each arrow of its journey, each with the hash of the one before,
//! kept in the item's own row so that an arrow and its entry are one write.
//!
//! An entry is 32 bytes: the row must stay within one write unit (1 KB) on the happy path. The chain value is the
//! first half of a SHA-256 (128 bits), enough against a second preimage, and it starts from the media id, so that a
//! trail cannot be moved to another item.

use data_encoding::BASE64_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::MediaId;
use crate::journey::Stage;
use crate::time::Timestamp;

/// Who crossed an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Actor {
    /// The webhook function.
    Intake = 1,
    /// The transfer function.
    Fetch = 2,
    /// The judging function.
    Validate = 3,
    /// The delivering function.
    Upload = 4,
    /// The function that puts stuck work back on its way.
    Sweep = 5,
    /// A person, through the `attache` command.
    Operator = 6,
    /// The function that delivers what has no bytes.
    Text = 7,
    /// The function that makes renditions.
    Convert = 8,
}

impl Actor {
    const ALL: [Self; 8] = [
        Self::Intake,
        Self::Fetch,
        Self::Validate,
        Self::Upload,
        Self::Sweep,
        Self::Operator,
        Self::Text,
        Self::Convert,
    ];
}

/// One arrow: what the item became, when, by whom, under which epoch and fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When the arrow was crossed.
    pub at: Timestamp,
    /// The stage entered.
    pub stage: Stage,
    /// Who crossed it.
    pub actor: Actor,
    /// The epoch it belongs to; a person's retry opens the next one.
    pub epoch: u16,
    /// The fence of the holder that wrote it.
    pub fence: u32,
}

/// Bytes of an encoded entry: 8 time, 1 stage, 1 actor, 2 epoch, 4 fence, 16 chain.
const ENTRY_BYTES: usize = 32;
const CHAIN_BYTES: usize = 16;

/// The hash-chained entries of one item, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Trail(Vec<u8>);

/// A trail that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The encoding itself is damaged.
    #[error("audit trail is not a whole number of entries in base64")]
    Encoding,
    /// The chain value of entry `index` (from 0) does not follow from what stands before it.
    #[error("audit entry {index} was altered, moved or removed")]
    Chain {
        /// Position of the first entry that does not fit.
        index: usize,
    },
    /// Entry `index` names a stage or actor that does not exist.
    #[error("audit entry {index} names an unknown stage or actor")]
    Content {
        /// Position of the entry.
        index: usize,
    },
}

impl Trail {
    /// Appends an entry, chained to the last.
    pub fn append(&mut self, id: &MediaId, entry: Entry) {
        let content = encode(entry);
        let link = chain(id, self.last_link(), &content);
        self.0.extend_from_slice(&content);
        self.0.extend_from_slice(&link);
    }

    /// The entries, after checking every link.
    ///
    /// # Errors
    /// [`Broken`] names the first entry that was altered, moved or removed from the middle. (A cut at the end cannot
    /// be seen from the trail alone; the row's stage shows it.)
    pub fn verify(&self, id: &MediaId) -> Result<Vec<Entry>, Broken> {
        let mut entries = Vec::with_capacity(self.len());
        let mut previous: &[u8] = &[];
        for (index, bytes) in self.0.chunks(ENTRY_BYTES).enumerate() {
            let (content, link) = bytes
                .split_at_checked(ENTRY_BYTES - CHAIN_BYTES)
                .ok_or(Broken::Encoding)?;
            if chain(id, previous, content) != link {
                return Err(Broken::Chain { index });
            }
            entries.push(decode(content).ok_or(Broken::Content { index })?);
            previous = link;
        }
        Ok(entries)
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() / ENTRY_BYTES
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The packed entries, as the row stores them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A trail from its packed form. Whole entries only; links are checked by [`Trail::verify`].
    ///
    /// # Errors
    /// [`Broken::Encoding`] if the length is no multiple of an entry's.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Broken> {
        if bytes.len().is_multiple_of(ENTRY_BYTES) {
            Ok(Self(bytes))
        } else {
            Err(Broken::Encoding)
        }
    }

    fn last_link(&self) -> &[u8] {
        let start = self.0.len().saturating_sub(CHAIN_BYTES);
        &self.0[start..]
    }
}

impl TryFrom<String> for Trail {
    type Error = Broken;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_bytes(
            BASE64_NOPAD
                .decode(text.as_bytes())
                .map_err(|_| Broken::Encoding)?,
        )
    }
}

impl From<Trail> for String {
    fn from(trail: Trail) -> Self {
        BASE64_NOPAD.encode(&trail.0)
    }
}

fn encode(entry: Entry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ENTRY_BYTES);
    bytes.extend_from_slice(&entry.at.as_millis().to_be_bytes());
    bytes.push(entry.stage as u8);
    bytes.push(entry.actor as u8);
    bytes.extend_from_slice(&entry.epoch.to_be_bytes());
    bytes.extend_from_slice(&entry.fence.to_be_bytes());
    bytes
}

fn decode(content: &[u8]) -> Option<Entry> {
    let at = u64::from_be_bytes(content.get(..8)?.try_into().ok()?);
    let (stage, actor) = (*content.get(8)?, *content.get(9)?);
    Some(Entry {
        at: Timestamp::from_millis(at),
        stage: Stage::ALL.into_iter().find(|s| *s as u8 == stage)?,
        actor: Actor::ALL.into_iter().find(|a| *a as u8 == actor)?,
        epoch: u16::from_be_bytes(content.get(10..12)?.try_into().ok()?),
        fence: u32::from_be_bytes(content.get(12..16)?.try_into().ok()?),
    })
}

fn chain(id: &MediaId, previous: &[u8], content: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(id.as_str().as_bytes());
    hash.update(previous);
    hash.update(content);
    hash.finalize()[..CHAIN_BYTES].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> MediaId {
        "aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap()
    }

    fn trail() -> (Trail, Vec<Entry>) {
        let entries: Vec<_> = [
            (Stage::Announced, Actor::Intake),
            (Stage::Fetching, Actor::Fetch),
            (Stage::Sent, Actor::Upload),
        ]
        .into_iter()
        .enumerate()
        .map(|(n, (stage, actor))| Entry {
            at: Timestamp::from_millis(1_768_484_400_000 + n as u64),
            stage,
            actor,
            epoch: 0,
            fence: n as u32,
        })
        .collect();
        let mut trail = Trail::default();
        for entry in &entries {
            trail.append(&id(), *entry);
        }
        (trail, entries)
    }

    #[test]
    fn what_was_written_is_read_and_survives_text() {
        let (trail, entries) = trail();
        assert_eq!(trail.verify(&id()).unwrap(), entries);
        let text = serde_json::to_string(&trail).unwrap();
        assert_eq!(serde_json::from_str::<Trail>(&text).unwrap(), trail);
    }

    #[test]
    fn every_changed_byte_is_found() {
        let (trail, _) = trail();
        for position in 0..trail.0.len() {
            let mut bytes = trail.0.clone();
            bytes[position] ^= 1;
            let broken = Trail(bytes).verify(&id()).unwrap_err();
            assert_eq!(
                broken,
                Broken::Chain {
                    index: position / ENTRY_BYTES
                },
                "byte {position}"
            );
        }
    }

    #[test]
    fn removal_and_transplant_are_found() {
        let (trail, _) = trail();
        let without_second = Trail([&trail.0[..ENTRY_BYTES], &trail.0[2 * ENTRY_BYTES..]].concat());
        assert_eq!(
            without_second.verify(&id()),
            Err(Broken::Chain { index: 1 })
        );
        let other: MediaId = "bbbbbbbbbbbbbbbbbbbbbbbbbb".parse().unwrap();
        assert_eq!(trail.verify(&other), Err(Broken::Chain { index: 0 }));
        assert_eq!(Trail::from_bytes(vec![0; 31]), Err(Broken::Encoding));
    }
}
