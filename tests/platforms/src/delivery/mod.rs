//! Webhooks on their way to a callback: signed, posted, repeated until they are acknowledged or given up.
//!
//! What the platforms share. How an answer counts, how long it is waited for and when a webhook comes again is each platform's own
//! (`Terms`); repeated webhooks are the same to the byte.

mod courier;

use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;

pub(crate) use courier::{Address, Cargo, Courier, Patience, Terms};

/// The id of a message: `wamid.…` at WhatsApp, hexadecimal at Genesys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub(crate) String);

impl MessageId {
    /// An id that was seen elsewhere, in an answer for example.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The id as it stands in webhooks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One POST to the callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made, by the stand-in's clock.
    pub at: OffsetDateTime,
    /// How long the answer took, in real time.
    pub took: Duration,
    /// The status of the answer, or why there was none.
    pub outcome: Result<u16, String>,
    acknowledged: bool,
}

impl Attempt {
    /// Whether it was acknowledged: WhatsApp wants 200, Genesys takes every 2xx.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.acknowledged
    }
}

/// Where a webhook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not acknowledged yet; will be posted (again).
    Pending,
    /// Answered as the platform wants it.
    Acknowledged,
    /// Never acknowledged, and not posted again: lost for the receiver.
    GivenUp,
}

/// One webhook and all tries to deliver it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The messages it carries; empty for statuses and raw bodies.
    pub messages: Vec<MessageId>,
    /// The statuses it carries: the message and the word (`delivered`). WhatsApp only.
    pub statuses: Vec<(MessageId, String)>,
    /// The bytes that are signed and posted.
    pub body: Bytes,
    /// Every try, redeliveries included, in the order they ended.
    pub attempts: Vec<Attempt>,
    /// Where it stands.
    pub state: DeliveryState,
}
