//! The two surfaces of one API: what differs is written here.

/// By which of the two a person writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Surface {
    /// Messenger: webhooks name the page, persons have page-scoped ids.
    Messenger,
    /// Instagram Direct: webhooks name the professional account, persons have Instagram-scoped ids.
    Instagram,
}

impl Surface {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Messenger, Self::Instagram];

    /// `object` of its webhooks.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::Messenger => "page",
            Self::Instagram => "instagram",
        }
    }

    /// Whether it says that messages have reached a customer: Instagram has no such event.
    pub(super) fn tells_deliveries(self) -> bool {
        self == Self::Messenger
    }

    /// Whether a message may carry `metadata`, which its echo brings back: not in Instagram's reference.
    pub(super) fn takes_metadata(self) -> bool {
        self == Self::Messenger
    }

    /// Whether a text is as short as it has to be: 2,000 characters, or 1,000 bytes.
    pub(super) fn takes_text(self, text: &str) -> bool {
        match self {
            Self::Messenger => text.chars().count() <= 2000,
            Self::Instagram => text.len() <= 1000,
        }
    }
}
