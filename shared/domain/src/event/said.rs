//! What a webhook says, in words of no platform.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::origin::File;
use crate::digest::Sha256Digest;
use crate::ids::MessageId;
use crate::processing::Completion;
use crate::time::Timestamp;

/// The kinds of media the platforms tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A sound file or voice note.
    Audio,
    /// A film.
    Video,
    /// A file with a name.
    Document,
    /// A small picture that is shown without a bubble.
    Sticker,
}

impl MediaKind {
    /// The word for it, to a person.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}

/// A link from which a file can be had now. A credential of its own: it is never logged, and kept only sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(pub Url);

impl Link {
    /// Tells it from others, and gives nothing of it away.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.0.as_str().as_bytes())
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({})", self.0.host_str().unwrap_or("?"))
    }
}

/// One attachment of one message, as its platform announced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The platform's id for it.
    pub id: crate::ids::AttachmentId,
    /// What is said of the file.
    pub file: File,
    /// Where it can be had; `None` where the id alone finds it.
    pub link: Option<Link>,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words, as the other side is to read them: said as text, or rendered as text.
    Words(String),
    /// A file.
    File(Box<Attachment>),
}

/// What a person said in one message: its parts, in their order. Words that belong to a file are its caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Words and files.
    pub parts: Vec<Part>,
    /// The message it answers, by its platform's id.
    pub answers: Option<MessageId>,
    /// The message that is taken back by it.
    pub takes_back: Option<MessageId>,
}

impl Message {
    /// A message of words alone.
    #[must_use]
    pub fn of_words(words: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::Words(words.into())],
            answers: None,
            takes_back: None,
        }
    }
}

/// What became of a message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// How it says which.
    pub about: About,
    /// What became of it.
    pub fate: Fate,
}

/// How a status says which of our messages it is about, beside the name that the platform gave the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// By what was given along when it was sent: the item's media id, if it is one of ours.
    Opaque(String),
    /// By the name alone: nothing can be given along.
    Name,
    /// By the name alone, although ours bring back what was given along: another system's message, most likely.
    Stranger,
}

/// That all messages of ours to a customer came so far which the platform took up to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How far.
    pub fate: Fate,
    /// The moment, by the platform's clock.
    pub until: Timestamp,
}

/// How far a message came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The platform has sent it.
    Sent,
    /// It is on the recipient's device.
    Delivered,
    /// The recipient saw it; implies that it was delivered.
    Read,
    /// It will not be delivered.
    Failed(Box<crate::diagnosis::Failure>),
    /// A word this version does not know.
    Unknown(String),
}

impl Fate {
    /// The word used in keys and logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed(_) => "failed",
            Self::Unknown(word) => word,
        }
    }
}

/// What an announcement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A message between the two sides.
    Message(Message),
    /// What became of a message of ours.
    Status(Status),
    /// What became of all our messages to the customer up to a moment.
    Reached(Reached),
    /// What became of an upload of ours.
    Completion(Box<Completion>),
    /// The sender is writing. Worth something now or never: it is not kept.
    Typing,
    /// Something else the platform tells, by its name: no message to or from a customer. It is kept.
    Notice(String),
}

/// One message, status or notice out of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The business side's address on the platform (WhatsApp's phone number id, Genesys' integration id): finds the
    /// connection.
    pub business: String,
    /// The platform's id of the message.
    pub message: MessageId,
    /// The customer's address, whichever way the message goes.
    pub customer: String,
    /// The customer's name, if the platform tells it.
    pub customer_name: Option<String>,
    /// When it was sent; the epoch's beginning where the platform does not say.
    pub sent_at: Timestamp,
    /// What it says.
    pub said: Said,
    /// A webhook body that announces this and nothing else, as JSON text: taken in again, it leads here again.
    pub slice: String,
}

/// How long before it comes a message may have been sent: no platform repeats for longer (Meta: seven days).
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// How far clocks may disagree.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

impl Announcement {
    /// The same, with a time that can be. Where a platform names none, or one that cannot be (of another unit, say), the message
    /// was sent when it came: windows and lives of files are reckoned from it.
    #[must_use]
    pub fn dated(&self, came_at: Timestamp) -> Cow<'_, Self> {
        let age = came_at.saturating_since(self.sent_at);
        if age <= OLDEST && self.sent_at <= came_at + AHEAD {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            sent_at: came_at,
            ..self.clone()
        })
    }
}
