//! The agent's side of conversations, as published: a place for the bytes, the bytes by a signed link with the headers that came
//! with it, a medium that is `uploading` until it is `valid` or `invalid`, and messages that name it.
//!
//! Kept: names of files within the schema's characters, the announced length, the supported-content profile from agents, words in
//! every message and at most 2000 characters of them, media of the same communication that are `valid`. A second message that
//! says the same is sent as well: there is no idempotency key.

mod media;
mod messages;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

pub(super) use media::{look_up, place, put, upload_of};
pub(super) use messages::send;

use super::state::{State, lock};

/// A conversation in which somebody may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// `conversationId`.
    pub conversation_id: String,
    /// `communicationId`.
    pub communication_id: String,
}

/// How far a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaState {
    /// Its bytes are awaited, or being looked at.
    Uploading,
    /// It can be sent.
    Valid,
    /// It cannot.
    Invalid,
}

/// A medium of an agent.
#[derive(Clone, Debug)]
pub struct Medium {
    /// Its id.
    pub id: String,
    /// Where it belongs.
    pub of: Conversation,
    /// What the request for a place said.
    pub metadata: Value,
    /// Its bytes, once they came, and the type they came under.
    pub bytes: Option<(Bytes, String)>,
    /// How far it is.
    pub state: MediaState,
}

/// A message of an agent that was taken.
#[derive(Clone, Debug)]
pub struct AgentSaid {
    /// Genesys' id of it.
    pub id: String,
    /// Where it was said.
    pub of: Conversation,
    /// The whole request.
    pub request: Value,
    /// The media it names.
    pub media: Vec<Medium>,
    /// When, by the platform's clock.
    pub at: OffsetDateTime,
}

/// Everything on this side.
#[derive(Debug, Default)]
pub(super) struct Desk {
    open: Mutex<Vec<Conversation>>,
    media: Mutex<Vec<Medium>>,
    said: Mutex<Vec<AgentSaid>>,
}

impl Desk {
    fn conversation(&self, conversation: &str, communication: &str) -> Option<Conversation> {
        let open = lock(&self.open);
        let found = open
            .iter()
            .find(|it| it.conversation_id == conversation && it.communication_id == communication);
        found.cloned()
    }

    fn medium(&self, id: &str) -> Option<Medium> {
        lock(&self.media).iter().find(|it| it.id == id).cloned()
    }

    fn change(&self, id: &str, how: impl FnOnce(&mut Medium)) {
        if let Some(medium) = lock(&self.media).iter_mut().find(|it| it.id == id) {
            how(medium);
        }
    }
}

/// This side as its owner sees it.
#[derive(Clone)]
pub struct AgentSide {
    pub(super) state: Arc<State>,
}

impl AgentSide {
    /// Opens a conversation with a communication in it.
    #[must_use]
    pub fn open(&self) -> Conversation {
        let conversation = Conversation {
            conversation_id: crate::random::uuid(),
            communication_id: crate::random::uuid(),
        };
        lock(&self.state.agent_side.open).push(conversation.clone());
        conversation
    }

    /// Ends a conversation: its paths lead nowhere from now on.
    pub fn close(&self, conversation: &Conversation) {
        lock(&self.state.agent_side.open).retain(|it| it != conversation);
    }

    /// Every medium so far, in the order of their places.
    #[must_use]
    pub fn media(&self) -> Vec<Medium> {
        lock(&self.state.agent_side.media).clone()
    }

    /// Every message that was taken, in order.
    #[must_use]
    pub fn said(&self) -> Vec<AgentSaid> {
        lock(&self.state.agent_side.said).clone()
    }
}
