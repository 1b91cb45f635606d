//! The customers' end: what people send, take back and block.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    file::{Asset, File},
    options::Page,
    say::Say,
    state::{State, lock},
    surface::Surface,
    webhook::{self, Event},
};
use crate::delivery::{Cargo, MessageId};

/// A message that is written and not sent yet.
#[derive(Clone, Debug)]
pub struct Composed {
    id: MessageId,
    event: Event,
}

impl Composed {
    /// The id it will have.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }
}

/// A person who writes to one page, or to its Instagram account. Must be used within a Tokio runtime.
#[derive(Clone)]
pub struct Customer {
    pub(super) state: Arc<State>,
    pub(super) surface: Surface,
    /// The page- or Instagram-scoped id.
    pub(super) id: String,
    pub(super) page: Page,
}

impl Customer {
    /// Their id, as webhooks and calls name them.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says something: the webhook is on its way when this returns.
    pub fn say(&self, say: Say) -> MessageId {
        let composed = self.compose(say);
        let id = composed.id.clone();
        send_batch(&self.state, vec![composed]);
        id
    }

    /// Says a text.
    pub fn send_text(&self, text: &str) -> MessageId {
        self.say(Say::Text(text.to_owned()))
    }

    /// Sends files in one message.
    pub fn send_files(&self, files: Vec<File>) -> MessageId {
        self.say(Say::Files(files, None))
    }

    /// Writes something, for a batch. From this moment on the page may answer.
    #[must_use]
    pub fn compose(&self, say: Say) -> Composed {
        let id = message_id();
        let fields = say.said(self, &id);
        let now = self.state.options.clock.now();
        lock(&self.state.talk).heard(&self.page.page_id, &self.id, self.surface, now);
        Composed {
            id: MessageId(id),
            event: self.event(fields),
        }
    }

    /// Takes a message back: it is gone here, and so is what it brought.
    pub fn unsend(&self, message: &MessageId) {
        lock(&self.state.assets).forget(message.as_str());
        let deleted = json!({ "message": { "mid": message.as_str(), "is_deleted": true } });
        post(&self.state, Cargo::default(), &[self.event(deleted)]);
    }

    /// Blocks the page: nothing reaches them any more.
    pub fn block(&self) {
        lock(&self.state.talk).block(&self.page.page_id, &self.id);
    }

    /// Their event.
    fn event(&self, mut fields: Value) -> Event {
        let business = self.state.business(&self.page, self.surface);
        fields["sender"] = json!({ "id": self.id });
        fields["recipient"] = json!({ "id": business });
        fields["timestamp"] = self.state.options.clock.unix_millis().into();
        Event {
            surface: self.surface,
            business,
            fields,
        }
    }

    /// Has the platform keep a file of a message; the link to it.
    pub(super) fn keep(&self, message: &str, file: File) -> String {
        let options = &self.state.options;
        let created_at = options.clock.now();
        let asset = Asset {
            file,
            message: message.to_owned(),
            surface: self.surface,
            created_at,
            dies_at: created_at + options.link_life,
        };
        let id = lock(&self.state.assets).insert(asset.clone());
        self.state.links.mint(&id, &asset)
    }
}

/// An id in the shape of the published ones.
pub(super) fn message_id() -> String {
    format!("m_{}", crate::random::letters(86))
}

/// Posts messages together: one webhook for each surface, pages mixed as they come.
pub(super) fn send_batch(state: &Arc<State>, messages: Vec<Composed>) {
    for surface in Surface::ALL {
        let of_it = messages.iter().filter(|it| it.event.surface == surface);
        let (ids, events): (Vec<_>, Vec<_>) =
            of_it.map(|it| (it.id.clone(), it.event.clone())).unzip();
        if events.is_empty() {
            continue;
        }
        let cargo = Cargo {
            messages: ids,
            ..Cargo::default()
        };
        post(state, cargo, &events);
    }
}

/// Posts events of one surface in one webhook. They become the cargo's body.
pub(super) fn post(state: &Arc<State>, cargo: Cargo, events: &[Event]) {
    let Some(surface) = events.first().map(|event| event.surface) else {
        return;
    };
    let body = webhook::body(surface, events, state.options.clock.unix_millis());
    let body = crate::meta::written::write(&body, false);
    let address = state.address(surface);
    state.courier.queue(address, Cargo { body, ..cargo });
}
