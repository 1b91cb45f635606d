//! The customer's end: what people send, as messages with media behind them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    media::{Medium, sha256},
    media_file::MediaFile,
    options::PhoneNumber,
    say::{Said, Say},
    state::{State, lock},
    webhook::{self, Addressed, Item},
};
use crate::{
    delivery::{Cargo, MessageId},
    meta::written,
    specs::Operation,
};

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

    /// Says something of any kind.
    pub fn say(&self, say: Say) -> MessageId {
        self.send(self.compose(say))
    }

    /// Says something in reply to a message: of the business, or of this customer.
    pub fn reply(&self, to: &MessageId, say: Say) -> MessageId {
        self.send(self.in_reply(to, self.compose(say)))
    }

    /// Sends what was written before.
    pub fn send(&self, message: Composed) -> MessageId {
        let id = message.id.clone();
        send_batch(&self.state, vec![message]);
        id
    }

    /// Writes a message with a file, for a batch.
    #[must_use]
    pub fn compose_media(&self, file: MediaFile) -> Composed {
        let id = self.new_message_id();
        let kind = file.message_type();
        let medium = self.keep(&id, &file);
        let mut object = file.object(&medium.id, &medium.sha256);
        if self.state.options.url_in_webhook {
            let dies_at = self.state.options.clock.now() + self.state.options.link_life;
            object["url"] = self
                .state
                .links
                .mint(&medium.id, dies_at.unix_timestamp())
                .into();
        }
        let mut message = json!({ "type": kind });
        message[kind] = object;
        self.addressed(id, Said::Message(message))
    }

    /// Writes a text message, for a batch.
    #[must_use]
    pub fn compose_text(&self, text: &str) -> Composed {
        self.compose(Say::Text(text.to_owned()))
    }

    /// Writes a message of any kind, for a batch.
    #[must_use]
    pub fn compose(&self, say: Say) -> Composed {
        let said = say.said(self);
        self.addressed(self.new_message_id(), said)
    }

    /// Makes a written message a reply.
    #[must_use]
    pub fn in_reply(&self, to: &MessageId, mut message: Composed) -> Composed {
        let own = lock(&self.state.outbound).heard(to.as_str());
        let from = match own {
            true => &self.wa_id,
            false => &self.number.display_phone_number,
        };
        if let Item::Message { message, .. } = &mut message.addressed.item {
            message["context"] = json!({ "from": from, "id": to.as_str() });
        }
        message
    }

    /// Puts sender, id and time on what is said.
    fn addressed(&self, id: MessageId, said: Said) -> Composed {
        let now = self.state.options.clock.now();
        let stamp = |mut message: Value| {
            message["from"] = self.wa_id.as_str().into();
            message["id"] = id.as_str().into();
            message["timestamp"] = now.unix_timestamp().to_string().into();
            message
        };
        let item = match said {
            Said::System(message) => Item::System(stamp(message)),
            Said::Message(message) => {
                let message = stamp(message);
                lock(&self.state.outbound).heard_from(&self.wa_id, &self.number, &id, now);
                let contact = json!({ "profile": { "name": self.name }, "wa_id": self.wa_id });
                Item::Message { contact, message }
            }
        };
        Composed {
            id,
            addressed: Addressed {
                number: self.number.clone(),
                item,
            },
        }
    }

    fn keep(&self, message: &MessageId, file: &MediaFile) -> Medium {
        let options = &self.state.options;
        let created_at = options.clock.now();
        let medium = Medium {
            id: crate::random::digits(16),
            message_id: Some(message.0.clone()),
            phone_number_id: self.number.phone_number_id.clone(),
            mime: file.mime.clone(),
            filename: file.filename.clone(),
            sha256: sha256(&file.bytes),
            bytes: file.bytes.clone(),
            created_at,
            dies_at: created_at + options.media_life,
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
    let cargo = Cargo {
        messages: ids,
        ..Cargo::default()
    };
    send_items(state, cargo, &items);
}

/// Posts items in one webhook, checked against the published schema first. They become the cargo's body.
pub(super) fn send_items(state: &Arc<State>, cargo: Cargo, items: &[Addressed]) {
    let body = webhook::body(items);
    state.checker.webhook(Operation::Webhook, &body);
    let body = written::write(&body, state.options.escape_slashes);
    state.courier.queue(&state.address, Cargo { body, ..cargo });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_have_the_published_shape() {
        let id = message_id("16505551234");
        assert!(id.starts_with("wamid.HBgLMTY1MDU1NTEyMzQVAgASGB"), "{id}");
        assert_ne!(id, message_id("16505551234"));
    }
}
