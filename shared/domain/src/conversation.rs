//! A conversation: one customer and one connection of the business, and what must be known of the two together.
//!
//! WhatsApp lets a business write freely for 24 hours after the customer's last message (the *service window*); after
//! that only approved templates arrive, anything else fails with 131047. So the time of the last message is kept, and a
//! message is not sent into a closed window only to learn that it was closed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, MediaId, MessageId};
use crate::time::Timestamp;

/// The service window (meta.md §2.6, §3).
pub const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// For how long Messenger and Instagram let a person answer, where Meta allows the page its tag `HUMAN_AGENT`.
pub const HUMAN_AGENT_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// A customer's next message within this time is not written down again: the window is judged that much later.
pub const HEARD_PAUSE: Duration = Duration::from_secs(300);

/// Names a conversation: the customer's connection and the customer's address there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId(String);

impl ConversationId {
    /// The conversation of `customer` over `connection`.
    #[must_use]
    pub fn new(connection: &ConnectionId, customer: &str) -> Self {
        Self(format!("{connection}/{customer}"))
    }

    /// The table's key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ConversationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was last heard of the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// When the customer wrote.
    pub at: Timestamp,
    /// Which message it was.
    pub message: MessageId,
    /// The customer's name, if the platform told it.
    pub name: Option<String>,
}

/// That a customer is invited to write, by a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// When.
    pub at: Timestamp,
    /// The item that could not go out. Two of one moment are told apart by it.
    pub by: MediaId,
}

/// That an item was sent to a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentItem {
    /// When the call began, so before the platform took it.
    pub at: Timestamp,
    /// Which item.
    pub media: MediaId,
}

/// So many items are remembered as sent and not seen; then the oldest are forgotten.
pub const MOST_SENT: usize = 64;

/// One conversation as its row holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The customer's last message; `None`: never heard of.
    pub heard: Option<Heard>,
    /// What the agent's platform calls the conversation.
    pub agent_side: Option<String>,
    /// The last invitation to write, by a template.
    pub invited: Option<Invitation>,
    /// What was sent to the customer and not seen yet, in the order in which it was taken, where the platform tells what became of
    /// messages by a moment alone; the last [`MOST_SENT`].
    pub sent: Vec<SentItem>,
}

/// Whether the business may write freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Yes, or nobody knows for certain: the platform decides.
    Open,
    /// Certainly not.
    Closed,
}

impl Conversation {
    /// The service window at `now`.
    #[must_use]
    pub fn window(&self, now: Timestamp) -> Window {
        self.within(WINDOW, now)
    }

    /// The window for answers of a person at `now`.
    #[must_use]
    pub fn human_agent_window(&self, now: Timestamp) -> Window {
        self.within(HUMAN_AGENT_WINDOW, now)
    }

    fn within(&self, window: Duration, now: Timestamp) -> Window {
        match &self.heard {
            Some(heard) if now < heard.at + window + HEARD_PAUSE => Window::Open,
            Some(_) | None => Window::Closed,
        }
    }

    /// What was sent to the customer up to a moment, and not seen yet.
    pub fn sent_until(&self, until: Timestamp) -> impl Iterator<Item = &SentItem> {
        self.sent.iter().filter(move |it| it.at <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_closes_a_day_after_the_last_message() {
        let at = Timestamp::from_seconds(1_000);
        let conversation = Conversation {
            heard: Some(Heard {
                at,
                message: MessageId::new("wamid.A"),
                name: None,
            }),
            ..Conversation::default()
        };
        let closes = at + WINDOW + HEARD_PAUSE;
        for (now, expected) in [
            (at, Window::Open),
            (closes + Duration::ZERO, Window::Closed),
            (Timestamp::from_millis(closes.as_millis() - 1), Window::Open),
        ] {
            assert_eq!(conversation.window(now), expected);
        }
        assert_eq!(Conversation::default().window(at), Window::Closed);
    }

    #[test]
    fn two_connections_with_one_customer_are_two_conversations() {
        let of = |connection: &str| ConversationId::new(&ConnectionId::new(connection), "1650");
        assert_ne!(of("a"), of("b"));
        assert_eq!(of("a").as_str(), "a/1650");
    }
}
