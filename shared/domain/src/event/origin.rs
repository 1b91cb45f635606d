//! What is remembered of an item: everything its way needs later. Names are short because they lie in the row.

use serde::{Deserialize, Serialize};

use super::said::MediaKind;
use crate::address::Address;
use crate::channels::Direction;
use crate::digest::Sha256Digest;
use crate::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use crate::time::Timestamp;

/// A file as its platform announced it. Everything but its kind may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// What the platform calls it.
    #[serde(rename = "k")]
    pub kind: MediaKind,
    /// The type the sender declared, parameters included. One of three voices, never believed alone.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub declared_type: Option<String>,
    /// The name the sender gave it.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The digest the platform announced.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256Digest>,
    /// The length the platform announced, in bytes.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Text that belongs to the file.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

impl File {
    /// One of which no more than its kind is known.
    #[must_use]
    pub fn new(kind: MediaKind) -> Self {
        Self {
            kind,
            declared_type: None,
            file_name: None,
            digest: None,
            size_bytes: None,
            caption: None,
        }
    }
}

/// Words to be delivered as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// The words.
    #[serde(rename = "t")]
    pub text: String,
    /// Whether Attaché itself speaks (a notice) rather than a person. What cannot be told is not told about again.
    #[serde(rename = "n", default, skip_serializing_if = "is_false")]
    pub notice: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(it: &bool) -> bool {
    !*it
}

/// What became of the sender's message, for the sender's platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The last word on it.
    #[serde(rename = "s")]
    pub status: ReceiptStatus,
    /// In words: why it failed.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The code of the diagnosis behind a failure.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The last word on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptStatus {
    /// It reached its recipient.
    Delivered,
    /// It will not.
    Failed,
}

/// What an item carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A file.
    #[serde(rename = "f")]
    File(File),
    /// Words without a file.
    #[serde(rename = "w")]
    Words(Words),
    /// A receipt.
    #[serde(rename = "r")]
    Receipt(Receipt),
}

/// What is remembered of an announced item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Where it came in.
    #[serde(rename = "c")]
    pub connection: ConnectionId,
    /// Where its route leads; `None`: archive only.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ConnectionId>,
    /// Which way it goes.
    #[serde(rename = "g", default, skip_serializing_if = "to_agent")]
    pub direction: Direction,
    /// The message it belongs to.
    #[serde(rename = "i")]
    pub message: MessageId,
    /// Which part of the message it is: the platform's id of the attachment, or a name of ours.
    #[serde(rename = "a")]
    pub attachment: AttachmentId,
    /// The customer's address, whichever way it goes.
    #[serde(rename = "s")]
    pub customer: String,
    /// The customer's name.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// When it was sent.
    #[serde(rename = "t")]
    pub sent_at: Timestamp,
    /// All items of the same message in their order, this one included; empty if it is the only one. Each goes out
    /// once the one before it is delivered or has ended.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub bundle: Vec<MediaId>,
    /// What is quoted before it: the beginning of the message it answers.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// Whether its endpoint only watches: recorded and judged, never delivered.
    #[serde(rename = "w", default, skip_serializing_if = "is_false")]
    pub shadow: bool,
    /// Whether its bytes stay only as long as delivering takes.
    #[serde(rename = "o", default, skip_serializing_if = "is_false")]
    pub reference_only: bool,
    /// Whether it is a test: it goes the whole way, and counts in no number and no alarm.
    #[serde(rename = "y", default, skip_serializing_if = "is_false")]
    pub synthetic: bool,
    /// What its target is to be told of where it goes, beside the customer, as far as its sender said.
    #[serde(rename = "v", default, skip_serializing_if = "Address::is_empty")]
    pub address: Address,
    /// What it carries.
    #[serde(rename = "b")]
    pub content: Content,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn to_agent(direction: &Direction) -> bool {
    *direction == Direction::ToAgent
}

/// An item that Attaché itself adds to a message: named after its cause, so that it is made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// The words of a message that come without a file.
    Words,
    /// A caption that does not travel with its file.
    Caption,
    /// A notice about an item in this epoch, to the agent: what a person set going again is told of again.
    Notice(u16),
    /// A notice about an item that was delivered, or of which another notice was given before.
    Warning,
    /// What stands in the place of a file towards the customer, told to the agent who sent it.
    InPlace,
    /// The last word on a message, to its sender's platform: what failed can still arrive, once a person set it going again.
    Receipt(ReceiptStatus),
}

impl FollowUp {
    /// The name of the part, about the part `of`. No platform's own id begins like this.
    #[must_use]
    pub fn part(self, of: &AttachmentId) -> AttachmentId {
        match self {
            Self::Words => AttachmentId::new("attache:words"),
            Self::Caption => AttachmentId::new(format!("attache:caption/{of}")),
            Self::Notice(0) => AttachmentId::new(format!("attache:notice/{of}")),
            Self::Notice(epoch) => AttachmentId::new(format!("attache:notice.{epoch}/{of}")),
            Self::Warning => AttachmentId::new(format!("attache:warning/{of}")),
            Self::InPlace => AttachmentId::new(format!("attache:in-place/{of}")),
            Self::Receipt(ReceiptStatus::Delivered) => {
                AttachmentId::new("attache:receipt/delivered")
            }
            Self::Receipt(ReceiptStatus::Failed) => AttachmentId::new("attache:receipt/failed"),
        }
    }
}

impl Origin {
    /// A message's only part, on its way nowhere yet.
    #[must_use]
    pub fn new(
        (connection, direction): (ConnectionId, Direction),
        (message, attachment): (MessageId, AttachmentId),
        (customer, sent_at): (&str, Timestamp),
        content: Content,
    ) -> Self {
        Self {
            connection,
            target: None,
            direction,
            message,
            attachment,
            customer: customer.to_owned(),
            customer_name: None,
            sent_at,
            bundle: Vec::new(),
            quote: None,
            shadow: false,
            reference_only: false,
            synthetic: false,
            address: Address::default(),
            content,
        }
    }

    /// The item this becomes.
    #[must_use]
    pub fn media_id(&self) -> MediaId {
        MediaId::derive(&self.connection, &self.message, &self.attachment)
    }

    /// The file, if it carries one.
    #[must_use]
    pub fn file(&self) -> Option<&File> {
        match &self.content {
            Content::File(file) => Some(file),
            Content::Words(_) | Content::Receipt(_) => None,
        }
    }

    /// The items of the same message that go before it, in their order.
    #[must_use]
    pub fn before(&self) -> &[MediaId] {
        let id = self.media_id();
        let position = self.bundle.iter().position(|member| *member == id);
        self.bundle.get(..position.unwrap_or(0)).unwrap_or_default()
    }

    /// The item of the same message that goes right before it.
    #[must_use]
    pub fn predecessor(&self) -> Option<&MediaId> {
        self.before().last()
    }

    /// Whether it says again, under the same id, what is known: ids, customer, type, text and digest; never links,
    /// times, quotes or envelope. A changed fingerprint under a known id is refused and alarmed.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.media_id() == other.media_id()
            && self.customer == other.customer
            && self.address == other.address
            && self.content == other.content
    }

    /// The item of which this is a notice, if it is one.
    #[must_use]
    pub fn told_of(&self) -> Option<MediaId> {
        let Content::Words(Words { notice: true, .. }) = &self.content else {
            return None;
        };
        let (name, of) = self.attachment.as_str().split_once('/')?;
        let ours = name == "attache:warning" || name.starts_with("attache:notice");
        let of = AttachmentId::new(of);
        ours.then(|| MediaId::derive(&self.connection, &self.message, &of))
    }

    /// The origin of an item that follows from this one: the same message and customer, with `content`, on its way to
    /// `target`.
    #[must_use]
    pub fn follow_up(
        &self,
        what: FollowUp,
        content: Content,
        target: Option<ConnectionId>,
        direction: Direction,
    ) -> Self {
        Self {
            target,
            direction,
            attachment: what.part(&self.attachment),
            bundle: Vec::new(),
            quote: None,
            content,
            ..self.clone()
        }
    }

    /// The id under which the target's platform is told of the item: the message's own for its first part, so that a
    /// repeat can be told as one; the others' ends in their media id.
    #[must_use]
    pub fn wire_message(&self) -> String {
        let first = self.predecessor().is_none()
            && match &self.content {
                Content::File(_) => true,
                Content::Words(words) => {
                    !words.notice && self.attachment == FollowUp::Words.part(&AttachmentId::new(""))
                }
                Content::Receipt(_) => false,
            };
        if first {
            self.message.to_string()
        } else {
            format!("{}#{}", self.message, self.media_id())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::origin;

    #[test]
    fn the_fingerprint_ignores_time_and_name_and_sees_content() {
        let first = origin();
        let later = Origin {
            sent_at: Timestamp::from_seconds(9),
            customer_name: None,
            ..first.clone()
        };
        assert!(first.same_content(&later));
        let file = |change: fn(&mut File)| {
            let mut file = first.file().unwrap().clone();
            change(&mut file);
            Origin {
                content: Content::File(file),
                ..first.clone()
            }
        };
        for other in [
            file(|file| file.caption = Some("other".to_owned())),
            file(|file| file.digest = Some(Sha256Digest::of(b"x"))),
            file(|file| file.kind = MediaKind::Document),
            Origin {
                customer: "1".to_owned(),
                ..first.clone()
            },
        ] {
            assert!(!first.same_content(&other), "{other:?}");
        }
    }

    #[test]
    fn follow_ups_have_names_of_their_own() {
        let file = origin();
        let words = |text: &str, notice| {
            Content::Words(Words {
                text: text.to_owned(),
                notice,
            })
        };
        let to = file.target.clone();
        let notice = file.follow_up(
            FollowUp::Notice(0),
            words("lost", true),
            to.clone(),
            Direction::ToAgent,
        );
        let again = FollowUp::Notice(1).part(&file.attachment);
        assert_ne!(again, notice.attachment);
        let caption = file.follow_up(
            FollowUp::Caption,
            words("look", false),
            to,
            Direction::ToAgent,
        );
        assert_ne!(notice.media_id(), file.media_id());
        assert_eq!(notice.told_of(), Some(file.media_id()));
        assert_eq!((file.told_of(), caption.told_of()), (None, None));
        assert_ne!(notice.media_id(), caption.media_id());
        assert_eq!(file.wire_message(), file.message.as_str());
        assert!(
            notice
                .wire_message()
                .starts_with(&format!("{}#", file.message))
        );
        assert_ne!(notice.wire_message(), caption.wire_message());
    }

    #[test]
    fn rows_are_short_and_round_trip() {
        let text = serde_json::to_string(&origin()).unwrap();
        assert!(!text.contains("\"g\"") && !text.contains("\"w\""), "{text}");
        assert_eq!(serde_json::from_str::<Origin>(&text).unwrap(), origin());
    }
}
