//! What was said between businesses and customers, as far as rules and tests need it.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

use super::{options::PhoneNumber, outbound::media_part};
use crate::delivery::MessageId;

/// A message that a business has sent to a customer.
#[derive(Clone, Debug)]
pub struct SentMessage {
    /// Its id, `wamid.…`.
    pub id: String,
    /// The number it came from.
    pub phone_number_id: String,
    /// The customer.
    pub to: String,
    /// The request's body.
    pub body: Value,
    /// Its media, once Meta has them.
    pub media: Option<SentMedia>,
    /// `sent`, `delivered`, `read` or `failed`.
    pub status: &'static str,
}

impl SentMessage {
    /// Its text, or the caption of its media.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = self.body["text"]["body"].as_str();
        text.or_else(|| media_part(&self.body)?["caption"].as_str())
    }
}

/// A customer's message that a business has marked as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The message.
    pub message: MessageId,
    /// Whether the customer is shown that the business is typing.
    pub typing: bool,
}

/// The media of a message to a customer.
#[derive(Clone, Debug)]
pub struct SentMedia {
    /// The bytes.
    pub bytes: Bytes,
    /// The declared type.
    pub mime: String,
}

/// Messages to customers, and what was heard from each customer.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    sent: Vec<SentMessage>,
    marks: Vec<Mark>,
    /// Customer and number → the last message.
    heard: HashMap<(String, String), OffsetDateTime>,
    /// Id of a customer's message → the number it went to.
    heard_ids: HashMap<String, String>,
}

impl Outbound {
    /// A customer wrote to a number: the service window between the two is open from now.
    pub(super) fn heard_from(
        &mut self,
        wa_id: &str,
        number: &PhoneNumber,
        message: &MessageId,
        at: OffsetDateTime,
    ) {
        let pair = (wa_id.to_owned(), number.phone_number_id.clone());
        self.heard.insert(pair, at);
        self.heard_ids
            .insert(message.as_str().to_owned(), number.phone_number_id.clone());
    }

    pub(super) fn accepted(&mut self, message: SentMessage) {
        self.sent.push(message);
    }

    pub(super) fn marked(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    pub(super) fn sent(&self) -> Vec<SentMessage> {
        self.sent.clone()
    }

    pub(super) fn marks(&self) -> Vec<Mark> {
        self.marks.clone()
    }

    /// Whether a customer's message has this id.
    pub(super) fn heard(&self, id: &str) -> bool {
        self.heard_ids.contains_key(id)
    }

    /// Whether a customer's message to this number has this id.
    pub(super) fn heard_by(&self, phone_number_id: &str, id: &str) -> bool {
        let number = self.heard_ids.get(id);
        number.is_some_and(|number| number == phone_number_id)
    }

    /// Whether a message of either side has this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.heard(id) || self.sent.iter().any(|sent| sent.id == id)
    }

    /// Notes what became of a message.
    pub(super) fn update(&mut self, id: &str, status: &'static str, media: Option<SentMedia>) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == id) {
            sent.status = status;
            sent.media = media.or_else(|| sent.media.take());
        }
    }

    pub(super) fn window_open(&self, sent: &SentMessage, now: OffsetDateTime) -> bool {
        let pair = (sent.to.clone(), sent.phone_number_id.clone());
        self.heard
            .get(&pair)
            .is_some_and(|&at| now < at + Duration::from_secs(24 * 3600))
    }
}
