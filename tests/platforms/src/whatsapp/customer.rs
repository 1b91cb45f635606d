//! The customer's end: what people send, as messages with media behind them.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    media::{Medium, sha256},
    options::PhoneNumber,
    state::{State, lock},
    webhook::{self, Addressed, Item},
};
use crate::{delivery::MessageId, specs::Operation};

/// A file as a customer sends it. Nothing is checked: customers' clients declare what they like.
#[derive(Clone, Debug)]
pub struct MediaFile {
    /// The content.
    pub bytes: Bytes,
    /// The declared type; parameters allowed (`audio/ogg; codecs=opus`).
    pub mime: String,
    /// The declared name; only documents carry it.
    pub filename: Option<String>,
    /// The text under it; not for audio and stickers.
    pub caption: Option<String>,
    /// The message type, if it should not follow from `mime`: `image`, `audio`, `video`, `document`, `sticker`.
    pub kind: Option<&'static str>,
}

impl MediaFile {
    /// A file with a declared type and nothing else.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>, mime: &str) -> Self {
        Self {
            bytes: bytes.into(),
            mime: mime.to_owned(),
            filename: None,
            caption: None,
            kind: None,
        }
    }

    /// With a name. Names travel only with documents.
    #[must_use]
    pub fn named(mut self, filename: &str) -> Self {
        self.filename = Some(filename.to_owned());
        self
    }

    /// With a text under it.
    #[must_use]
    pub fn captioned(mut self, caption: &str) -> Self {
        self.caption = Some(caption.to_owned());
        self
    }

    /// As a document, whatever its type.
    #[must_use]
    pub fn as_document(mut self) -> Self {
        self.kind = Some("document");
        self
    }

    /// The message type it travels as.
    fn message_type(&self) -> &'static str {
        let essence = self.mime.split(';').next().unwrap_or_default().trim();
        self.kind.unwrap_or(match essence.split_once('/') {
            Some(("image", "webp")) => "sticker",
            Some(("image", "jpeg" | "png")) => "image",
            Some(("audio", _)) => "audio",
            Some(("video", _)) => "video",
            _ => "document",
        })
    }
}

/// A message that is written and not sent yet.
#[derive(Clone, Debug)]
pub struct Composed {
    id: MessageId,
    addressed: Addressed,
}

impl Composed {
    /// The id it will have.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }
}

/// A person who writes to one of the account's numbers.
#[derive(Clone)]
pub struct Customer {
    pub(super) state: Arc<State>,
    pub(super) wa_id: String,
    pub(super) name: String,
    pub(super) number: PhoneNumber,
}

impl Customer {
    /// Sends a file: the webhook is on its way when this returns.
    ///
    /// Must be called within a Tokio runtime, like everything here that sends.
    pub fn send_media(&self, file: MediaFile) -> MessageId {
        self.send(self.compose_media(file))
    }

    /// Sends a text.
    pub fn send_text(&self, text: &str) -> MessageId {
        self.send(self.compose_text(text))
    }

    /// Writes a message with a file, for a batch.
    #[must_use]
    pub fn compose_media(&self, file: MediaFile) -> Composed {
        let id = self.new_message_id();
        let kind = file.message_type();
        let medium = self.keep(&id, &file);
        let mut object = json!({
            "id": medium.id, "mime_type": file.mime, "sha256": data_encoding::BASE64.encode(&medium.sha256),
        });
        if let Some(caption) = file
            .caption
            .filter(|_| !matches!(kind, "audio" | "sticker"))
        {
            object["caption"] = caption.into();
        }
        match kind {
            "document" => {
                if let Some(filename) = file.filename {
                    object["filename"] = filename.into();
                }
            }
            "audio" => object["voice"] = file.mime.starts_with("audio/ogg").into(),
            "sticker" => object["animated"] = false.into(),
            _ => {}
        }
        if self.state.options.url_in_webhook {
            let dies_at = self.state.options.clock.now() + self.state.options.link_life;
            object["url"] = self
                .state
                .links
                .mint(&medium.id, dies_at.unix_timestamp())
                .into();
        }
        self.compose(id, kind, object)
    }

    /// Writes a text message, for a batch.
    #[must_use]
    pub fn compose_text(&self, text: &str) -> Composed {
        self.compose(self.new_message_id(), "text", json!({ "body": text }))
    }

    fn compose(&self, id: MessageId, kind: &str, object: Value) -> Composed {
        let timestamp = self.state.options.clock.unix_seconds().to_string();
        let message = json!({
            "from": self.wa_id, "id": id.as_str(), "timestamp": timestamp, "type": kind, kind: object,
        });
        let contact = json!({ "profile": { "name": self.name }, "wa_id": self.wa_id });
        lock(&self.state.outbound).heard_from(
            &self.wa_id,
            &self.number,
            self.state.options.clock.now(),
        );
        let item = Item::Message { contact, message };
        Composed {
            id,
            addressed: Addressed {
                number: self.number.clone(),
                item,
            },
        }
    }

    fn send(&self, message: Composed) -> MessageId {
        let id = message.id.clone();
        send_batch(&self.state, vec![message]);
        id
    }

    fn keep(&self, message: &MessageId, file: &MediaFile) -> Medium {
        let options = &self.state.options;
        let medium = Medium {
            id: crate::random::digits(16),
            message_id: Some(message.0.clone()),
            phone_number_id: self.number.phone_number_id.clone(),
            mime: file.mime.clone(),
            filename: file.filename.clone(),
            sha256: sha256(&file.bytes),
            bytes: file.bytes.clone(),
            dies_at: options.clock.now() + options.media_life,
        };
        lock(&self.state.media).insert(medium.clone());
        medium
    }

    fn new_message_id(&self) -> MessageId {
        MessageId(message_id(&self.wa_id))
    }
}

/// An id in the shape of the published ones: base64 over the person's number and a random part.
pub(super) fn message_id(wa_id: &str) -> String {
    let mut inner = vec![0x1c, 0x18, u8::try_from(wa_id.len()).unwrap_or(u8::MAX)];
    inner.extend(wa_id.as_bytes());
    inner.extend([0x15, 0x02, 0x00, 0x12, 0x18, 0x14]);
    inner.extend(crate::random::hex(10).to_ascii_uppercase().as_bytes());
    inner.push(0);
    format!("wamid.{}", data_encoding::BASE64.encode(&inner))
}

/// Posts messages together in one webhook, tenants mixed as they come.
pub(super) fn send_batch(state: &Arc<State>, messages: Vec<Composed>) {
    let ids = messages.iter().map(|message| message.id.clone()).collect();
    let items: Vec<_> = messages
        .into_iter()
        .map(|message| message.addressed)
        .collect();
    send_items(state, ids, &items);
}

/// Posts items in one webhook, checked against the published schema first.
pub(super) fn send_items(state: &Arc<State>, ids: Vec<MessageId>, items: &[Addressed]) {
    let body = webhook::body(items);
    state.checker.webhook(Operation::Webhook, &body);
    let written = webhook::write(&body, state.options.escape_slashes);
    state.courier.queue(&state.address, ids, written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_travel_as_the_type_their_mime_says_unless_told_otherwise() {
        let rows = [
            (MediaFile::new("x", "image/jpeg"), "image"),
            (MediaFile::new("x", "image/gif"), "document"),
            (MediaFile::new("x", "image/webp"), "sticker"),
            (MediaFile::new("x", "audio/ogg; codecs=opus"), "audio"),
            (MediaFile::new("x", "video/mp4"), "video"),
            (MediaFile::new("x", "application/pdf"), "document"),
            (MediaFile::new("x", "image/png").as_document(), "document"),
        ];
        for (file, expected) in rows {
            assert_eq!(file.message_type(), expected, "{}", file.mime);
        }
    }

    #[test]
    fn message_ids_have_the_published_shape() {
        let id = message_id("16505551234");
        assert!(id.starts_with("wamid.HBgLMTY1MDU1NTEyMzQVAgASGB"), "{id}");
        assert_ne!(id, message_id("16505551234"));
    }
}
