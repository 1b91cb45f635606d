//! What a customer says, as the webhook writes it.

use serde_json::{Value, json};

use super::{customer::Customer, file::File};
use crate::delivery::MessageId;

/// What a customer says.
#[derive(Clone, Debug)]
pub enum Say {
    /// A text.
    Text(String),
    /// Files in one message, with a text if there is one.
    Files(Vec<File>, Option<String>),
    /// A sticker with this number.
    Sticker(File, u64),
    /// A link, with the preview that has no payload.
    Link(String),
    /// A mention of the account in a story, which is this picture or film.
    StoryMention(File),
    /// Something that the interface does not hand on.
    Unsupported,
    /// A tap on a button: its title and payload.
    Postback(String, String),
    /// An emoji on a message.
    Reaction(MessageId, String),
}

impl Say {
    /// The fields of the event beside its ends and its time; `mid` is the message's id.
    pub(super) fn said(self, customer: &Customer, mid: &str) -> Value {
        let attachment = |kind: &str, payload: Value| json!({ "type": kind, "payload": payload });
        let mut message = json!({ "mid": mid });
        match self {
            Self::Text(text) => message["text"] = text.into(),
            Self::Files(files, text) => {
                if let Some(text) = text {
                    message["text"] = text.into();
                }
                let written = files.into_iter().map(|file| {
                    let kind = file.kind();
                    attachment(kind, json!({ "url": customer.keep(mid, file) }))
                });
                message["attachments"] = written.collect();
            }
            Self::Sticker(picture, id) => {
                let payload = json!({ "url": customer.keep(mid, picture), "sticker_id": id });
                let mut written = vec![attachment("sticker", payload.clone())];
                if customer.state.options.stickers_twice {
                    written.insert(0, attachment("image", payload));
                }
                message["sticker_id"] = id.into();
                message["attachments"] = written.into();
            }
            Self::Link(link) => {
                message["text"] = link.into();
                message["attachments"] = json!([{ "type": "fallback" }]);
            }
            Self::StoryMention(story) => {
                let payload = json!({ "url": customer.keep(mid, story) });
                message["attachments"] = json!([attachment("story_mention", payload)]);
            }
            Self::Unsupported => message["is_unsupported"] = true.into(),
            Self::Postback(title, payload) => {
                return json!({ "postback": { "mid": mid, "title": title, "payload": payload } });
            }
            Self::Reaction(on, emoji) => {
                let reaction = json!({
                    "mid": on.as_str(), "action": "react", "reaction": "other", "emoji": emoji,
                });
                return json!({ "reaction": reaction });
            }
        }
        json!({ "message": message })
    }
}
