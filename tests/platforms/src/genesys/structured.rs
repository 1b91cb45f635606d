//! Content other than text and files, as agents and flows send it: `ConversationMessageContent` in the platform's schema.

use serde_json::{Value, json};

/// A button of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardAction {
    /// Opens a page.
    Link {
        /// Its label.
        text: String,
        /// The page.
        url: String,
    },
    /// Comes back as a button response.
    Postback {
        /// Its label, and the text of the response.
        text: String,
        /// The payload of the response.
        payload: String,
    },
}

/// A card: a picture, words and buttons.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Card {
    /// The title.
    pub title: String,
    /// The text under it.
    pub description: Option<String>,
    /// Link to a picture.
    pub image: Option<String>,
    /// The buttons.
    pub actions: Vec<CardAction>,
}

/// What a message carries beside or instead of a text. Kinds whose fields the published excerpt leaves out can be sent with
/// [`Agent::send_raw`](super::Agent::send_raw).
#[derive(Clone, Debug, PartialEq)]
pub enum Structured {
    /// A text with replies to choose from, each a label and a payload.
    QuickReplies(String, Vec<(String, String)>),
    /// One card.
    Card(Card),
    /// Several cards beside each other.
    Carousel(Vec<Card>),
    /// A list to choose from: the title of its section, then id and title of each item.
    ListPicker(String, Vec<(String, String)>),
    /// A chosen button: its label and payload. Comes inbound as a rule.
    ButtonResponse(String, String),
    /// A mention in a story that goes away: its link.
    Story(String),
    /// A template notification: its id, language and text.
    Notification(String, String, String),
    /// A place: latitude, longitude, name.
    Location(f64, f64, String),
}

impl Structured {
    /// The message's text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::QuickReplies(text, _) => Some(text),
            _ => None,
        }
    }

    /// The message's `content`.
    pub(super) fn items(&self) -> Value {
        match self {
            Self::QuickReplies(_, replies) => replies
                .iter()
                .map(|(text, payload)| {
                    let reply = json!({ "text": text, "payload": payload, "action": "Message" });
                    json!({ "contentType": "QuickReply", "quickReply": reply })
                })
                .collect(),
            Self::Card(one) => json!([{ "contentType": "Card", "card": card(one) }]),
            Self::Carousel(cards) => {
                let cards: Vec<Value> = cards.iter().map(card).collect();
                json!([{ "contentType": "Carousel", "carousel": { "cards": cards } }])
            }
            Self::ListPicker(title, items) => {
                let item = |(id, title): &(String, String)| json!({ "id": id, "title": title });
                let items: Vec<Value> = items.iter().map(item).collect();
                let sections =
                    json!([{ "title": title, "multipleSelection": false, "items": items }]);
                json!([{ "contentType": "ListPicker", "listPicker": { "sections": sections } }])
            }
            Self::ButtonResponse(text, payload) => json!([{
                "contentType": "ButtonResponse",
                "buttonResponse": { "type": "Button", "text": text, "payload": payload },
            }]),
            Self::Story(url) => {
                json!([{ "contentType": "Story", "story": { "type": "Mention", "url": url } }])
            }
            Self::Notification(id, language, text) => json!([{
                "contentType": "Notification",
                "template": { "id": id, "language": language, "body": { "text": text } },
            }]),
            Self::Location(latitude, longitude, name) => json!([{
                "contentType": "Location",
                "location": { "latitude": latitude, "longitude": longitude, "text": name },
            }]),
        }
    }
}

fn card(card: &Card) -> Value {
    let actions = card.actions.iter().map(|action| match action {
        CardAction::Link { text, url } => json!({ "type": "Link", "text": text, "url": url }),
        CardAction::Postback { text, payload } => {
            json!({ "type": "Postback", "text": text, "payload": payload })
        }
    });
    let mut written = json!({ "title": card.title, "actions": actions.collect::<Vec<_>>() });
    for (field, value) in [("description", &card.description), ("image", &card.image)] {
        if let Some(value) = value {
            written[field] = value.as_str().into();
        }
    }
    written
}
