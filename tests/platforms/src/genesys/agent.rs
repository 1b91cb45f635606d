//! The agent's end: what agents write, as webhooks with files behind them.

use std::sync::Arc;

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::{
    agent_file::AgentFile,
    fetch::allowed,
    files::Stored,
    state::{Line, State, lock},
    structured::Structured,
};
use crate::{
    delivery::{Cargo, MessageId},
    specs::Operation,
};

/// Times as Genesys writes them: `2026-01-15T13:41:24.276Z`.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Why Genesys did not send what an agent wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The supported-content profile has no such type for outbound messages.
    #[error("the supported-content profile does not allow {mime} outbound")]
    MediaTypeNotAllowed {
        /// The type.
        mime: String,
    },
    /// Several files in one message; the outbound schema's text allows one.
    #[error("only one attachment is allowed in a message, here are {count}")]
    SeveralAttachments {
        /// How many there were.
        count: usize,
    },
}

/// A message of an agent that is or was on its way to the callback.
#[derive(Clone, Debug)]
pub struct SentByAgent {
    /// Its id: receipts name it.
    pub id: MessageId,
    /// The integration it goes out by.
    pub integration_id: String,
    /// The customer.
    pub to: String,
    /// The whole webhook.
    pub body: Value,
}

/// An agent who writes by one integration. Must be used within a Tokio runtime: the webhook is on its way when a call returns.
#[derive(Clone)]
pub struct Agent {
    pub(super) state: Arc<State>,
    pub(super) line: Arc<Line>,
}

impl Agent {
    /// Writes a text to a customer, named by the `channel.from.id` of their messages.
    pub fn send_text(&self, to: &str, text: &str) -> MessageId {
        let mut body = self.envelope(to, "Text");
        body["text"] = text.into();
        self.send(to, Operation::OutboundMessage, body)
    }

    /// Sends a file, and a text in the same message if it is not empty.
    ///
    /// # Errors
    /// If the supported-content profile does not allow the file's type: then nothing is sent at all.
    pub fn send_file(&self, to: &str, file: AgentFile, text: &str) -> Result<MessageId, NotSent> {
        self.send_files(to, vec![file], text)
    }

    /// Sends several files in one message, and a text if it is not empty.
    ///
    /// # Errors
    /// As [`Agent::send_file`], and for more than one file unless the options allow that.
    pub fn send_files(
        &self,
        to: &str,
        files: Vec<AgentFile>,
        text: &str,
    ) -> Result<MessageId, NotSent> {
        let options = &self.state.options;
        let count = files.len();
        if count > 1 && !options.several_attachments {
            return Err(NotSent::SeveralAttachments { count });
        }
        let mut types = files.iter().map(|file| &file.mime);
        if let Some(mime) = types.find(|mime| !allowed(&options.outbound_types, mime)) {
            return Err(NotSent::MediaTypeNotAllowed { mime: mime.clone() });
        }
        let mut body = self.envelope(to, "Text");
        if !text.is_empty() {
            body["text"] = text.into();
        }
        let message = body["id"].as_str().unwrap_or_default().to_owned();
        let item = |file| json!({ "contentType": "Attachment", "attachment": self.attach(&message, file) });
        body["content"] = files.into_iter().map(item).collect();
        Ok(self.send(to, Operation::OutboundMessage, body))
    }

    /// Sends content of another kind than a file.
    pub fn send_structured(&self, to: &str, content: Structured) -> MessageId {
        let mut body = self.envelope(to, "Structured");
        if let Some(text) = content.text() {
            body["text"] = text.into();
        }
        body["content"] = content.items();
        self.send(to, Operation::OutboundStructured, body)
    }

    /// Shows the customer that the agent is typing.
    pub fn typing(&self, to: &str) -> MessageId {
        let mut body = self.envelope(to, "Event");
        if let Some(body) = body.as_object_mut() {
            body.remove("originatingEntity");
        }
        body["events"] =
            json!([{ "eventType": "Typing", "typing": { "type": "On", "duration": 5000 } }]);
        self.state.checker.webhook(Operation::OutboundEvent, &body);
        let id = id_of(&body);
        self.post(vec![id.clone()], body.to_string().into_bytes());
        id
    }

    /// Signs a body as it is and posts it like any webhook, retries included. If it is JSON with an `id`, it can be waited for
    /// and receipts may name it.
    pub fn send_raw(&self, body: impl Into<Vec<u8>>) {
        let body = body.into();
        let read: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut ids = Vec::new();
        if read["id"].is_string() {
            let to = read["channel"]["to"]["id"].as_str().unwrap_or_default();
            ids.push(self.note(to, &read));
        }
        self.post(ids, body);
    }

    fn send(&self, to: &str, operation: Operation, body: Value) -> MessageId {
        self.state.checker.webhook(operation, &body);
        let id = self.note(to, &body);
        self.post(vec![id.clone()], body.to_string().into_bytes());
        id
    }

    fn note(&self, to: &str, body: &Value) -> MessageId {
        let id = id_of(body);
        lock(&self.state.sent).push(SentByAgent {
            id: id.clone(),
            integration_id: self.line.integration.id.clone(),
            to: to.to_owned(),
            body: body.clone(),
        });
        id
    }

    fn post(&self, messages: Vec<MessageId>, body: Vec<u8>) {
        let cargo = Cargo {
            messages,
            body,
            ..Cargo::default()
        };
        self.state.courier.queue(&self.line.address, cargo);
    }

    /// A webhook's body without its content.
    fn envelope(&self, to: &str, kind: &str) -> Value {
        let id = crate::random::hex(16);
        let integration = &self.line.integration;
        json!({
            "id": id, "type": kind, "originatingEntity": "Human", "direction": "Outbound",
            "channel": {
                "id": integration.id, "platform": "Open", "type": "Private", "messageId": id, "to": { "id": to },
                "from": { "nickname": integration.name, "id": integration.id, "idType": "Opaque" },
                "time": written(self.state.options.clock.now()),
            },
        })
    }

    /// Keeps a file and describes it.
    fn attach(&self, message: &str, file: AgentFile) -> Value {
        let state = &self.state;
        let id = crate::random::hex(8);
        let now = state.options.clock.now();
        let dies_at = now + state.options.signed_life;
        let form = state.options.attachment_links;
        let url = state.files.link(form, &id, dies_at.unix_timestamp());
        let attachment = file.described(&url);
        state.files.insert(Stored {
            name: file.filename,
            ..Stored::new((&id, message), file.bytes, file.mime, now)
        });
        attachment
    }
}

/// A moment as Genesys writes it.
pub(super) fn written(moment: OffsetDateTime) -> String {
    // Formatting fails for years beyond four digits only.
    moment.format(TIME).unwrap_or_default()
}

fn id_of(body: &Value) -> MessageId {
    MessageId(body["id"].as_str().unwrap_or_default().to_owned())
}
