//! The agent's desk: what is shown, and what reached the platform at all.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

/// What came of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Genesys has the bytes.
    Whole {
        /// The bytes.
        bytes: Bytes,
        /// Lower-case hex SHA-256 of them.
        sha256: String,
        /// `Content-Type` of the link's answer.
        content_type: Option<String>,
        /// How long the fetch took, in real time.
        took: Duration,
    },
    /// The supported-content profile does not allow the declared type: never fetched, not shown, and no error came back.
    NotAllowed,
    /// More than the cap.
    TooLarge,
    /// The link did not give the bytes; the reason.
    Failed(String),
}

/// One attachment of a message.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// `id` as sent.
    pub id: Option<String>,
    /// `mediaType` as sent.
    pub media_type: String,
    /// `mime` as sent.
    pub mime: String,
    /// `filename` as sent.
    pub filename: Option<String>,
    /// `sha256` as sent.
    pub declared_sha256: Option<String>,
    /// The link as sent.
    pub url: String,
    /// What came of fetching it.
    pub fetched: Fetched,
}

impl Attachment {
    /// The bytes, if Genesys has them.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.fetched {
            Fetched::Whole { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// Lower-case hex SHA-256 of the bytes, if Genesys has them.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        match &self.fetched {
            Fetched::Whole { sha256, .. } => Some(sha256),
            _ => None,
        }
    }
}

/// One message as the agent sees it, after its attachments were fetched or given up.
#[derive(Clone, Debug)]
pub struct AgentMessage {
    /// Genesys' id of the message.
    pub id: String,
    /// The integration it came in by.
    pub integration_id: String,
    /// `channel.messageId` as sent.
    pub channel_message_id: Option<String>,
    /// The conversation it belongs to; one for each customer.
    pub conversation_id: String,
    /// `channel.from.id`.
    pub from: String,
    /// `channel.from.nickname`.
    pub nickname: Option<String>,
    /// The text.
    pub text: Option<String>,
    /// The attachments, those that failed included.
    pub attachments: Vec<Attachment>,
    /// The whole request.
    pub request: Value,
    /// When it was shown, by the platform's clock.
    pub shown_at: OffsetDateTime,
    /// When it was shown, for measuring.
    pub shown: Instant,
    /// Its place among everything accepted.
    pub(super) accepted: usize,
}

/// One POST of an inbound message that passed the door: signed in, in JSON, by the schema.
#[derive(Clone, Debug)]
pub struct Post {
    /// The integration it came in by.
    pub integration_id: String,
    /// `channel.messageId`.
    pub channel_message_id: Option<String>,
    /// When, by the platform's clock.
    pub at: OffsetDateTime,
    /// Whether the answer was withheld.
    pub answer_lost: bool,
    /// The whole request.
    pub request: Value,
}

impl Post {
    /// Whether a message of this integration with this id says the same again.
    pub(super) fn repeated_by(&self, integration: &str, id: &Option<String>) -> bool {
        self.integration_id == integration && self.channel_message_id == *id
    }
}

/// One receipt for a message of an agent.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The integration it came in by.
    pub integration_id: String,
    /// Id of the outbound message.
    pub id: String,
    /// `Sent`, `Delivered`, `Failed`, `Published` or `Removed`.
    pub status: String,
    /// Whether it was the last word.
    pub is_final: bool,
    /// The whole request.
    pub request: Value,
}
