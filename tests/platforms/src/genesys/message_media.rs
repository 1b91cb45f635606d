//! `message:message-media`: events with a media id and a link, as one of the documents describes them.
//!
//! No published schema knows this event. Its form is the document's: `event_id`, `event_type`, `timestamp`,
//! `data.{id,url,media_type,size,conversation_id,message_id}`; the link answers with the bytes to a bearer until its life is over.
//! Signed, repeated and given up like the webhooks of open messaging.

use std::sync::Arc;

use serde_json::json;

use super::{agent::written, agent_file::AgentFile, files::Stored, state::State};
use crate::delivery::{Cargo, MessageId};

/// An event that is or was on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaEvent {
    /// `event_id`; the webhook can be waited for and delivered again by it.
    pub event_id: MessageId,
    /// `data.id`.
    pub media_id: String,
    /// `data.message_id`.
    pub message_id: String,
    /// `data.conversation_id`.
    pub conversation_id: String,
    /// `data.url`.
    pub url: String,
}

/// The sender of these events.
#[derive(Clone)]
pub struct MessageMedia {
    pub(super) state: Arc<State>,
}

impl MessageMedia {
    /// Sets where the events go, from the next try on.
    pub fn set_callback(&self, callback: url::Url) {
        self.state.media_events.set_callback(callback);
    }

    /// Tells of a file: the event is on its way when this returns. `media_type` and `size` are the file's declared ones.
    pub fn announce(&self, file: AgentFile) -> MediaEvent {
        let state = &self.state;
        let media_id = format!("media-{}", crate::random::uuid());
        let base = &state.files.hosts().api;
        let event = MediaEvent {
            event_id: MessageId(crate::random::uuid()),
            url: format!("{base}/api/v2/message/mediadata/{media_id}"),
            media_id,
            message_id: format!("msg-{}", crate::random::hex(8)),
            conversation_id: format!("conv-{}", crate::random::hex(8)),
        };
        let now = state.options.clock.now();
        let body = json!({
            "event_id": event.event_id.as_str(), "event_type": "message:message-media", "timestamp": written(now),
            "data": {
                "id": event.media_id, "url": event.url,
                "media_type": file.declared_mime.as_deref().unwrap_or(&file.mime),
                "size": file.declared_size.unwrap_or(file.bytes.len() as u64),
                "conversation_id": event.conversation_id, "message_id": event.message_id,
            },
        });
        let ids = (event.media_id.as_str(), event.message_id.as_str());
        state.files.insert(Stored {
            dies_at: Some(now + state.options.media_data_life),
            name: file.filename,
            ..Stored::new(ids, file.bytes, file.mime, now)
        });
        let cargo = Cargo {
            messages: vec![event.event_id.clone()],
            body: body.to_string().into_bytes(),
            ..Cargo::default()
        };
        state.courier.queue(&state.media_events, cargo);
        event
    }
}
