//! The platforms' published schemas, and the check of what passes over the wire against them.
//!
//! The checker compiles each operation's request, answer and error schema once, and collects a [`Violation`] for whatever does not
//! fit: a client's request that no schema allows, a field a client made up, and the stand-in's own answers and webhooks, so
//! that a stand-in cannot drift from the contract unnoticed. It judges shapes only; rules in prose live with the platforms.

mod checker;
mod convert;
mod corrections;
#[cfg(test)]
mod published;

use std::fmt;

pub(crate) use checker::Checker;

/// A published operation that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// WhatsApp: a medium's link by id.
    MediaGet,
    /// WhatsApp: deletion of a medium.
    MediaDelete,
    /// WhatsApp: upload of a medium (multipart: only the answer is checked).
    MediaUpload,
    /// WhatsApp: sending a message.
    Send,
    /// WhatsApp: a customer's message marked as read, with or without a typing indicator.
    MarkRead,
    /// WhatsApp: a business phone number, looked up.
    Number,
    /// WhatsApp: the apps that a business account's webhooks go to.
    SubscribedApps,
    /// WhatsApp: webhooks asked for.
    Subscribe,
    /// WhatsApp: webhooks cancelled.
    Unsubscribe,
    /// WhatsApp: a webhook posted to the callback.
    Webhook,
    /// Genesys: an inbound open message.
    InboundMessage,
    /// Genesys: an inbound receipt.
    InboundReceipt,
    /// Genesys: an inbound event.
    InboundEvent,
    /// Genesys: an agent's text or file, posted to the callback.
    OutboundMessage,
    /// Genesys: an agent's content of another kind, posted to the callback.
    OutboundStructured,
    /// Genesys: an agent's typing, posted to the callback.
    OutboundEvent,
    /// Genesys: the signed link to a file of an agent.
    Download,
    /// Genesys: a place for the bytes of a medium, on the agent's side.
    MediaPlace,
    /// Genesys: such a medium.
    Medium,
    /// Genesys: a message on the agent's side.
    AgentMessage,
    /// Genesys: an open messaging integration.
    Integration,
    /// Genesys: an open messaging integration, changed.
    IntegrationUpdate,
    /// Genesys: all supported-content profiles.
    SupportedContentList,
    /// Genesys: one supported-content profile.
    SupportedContent,
}

/// Whose words broke the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A client's request to the platform.
    Request,
    /// The stand-in's own answer or webhook: a fault of this crate.
    Own,
}

/// One thing that does not fit the published contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Whose words they are.
    pub side: Side,
    /// The operation they belong to.
    pub operation: Operation,
    /// Where in the JSON, as a JSON pointer; empty for the whole.
    pub at: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            side,
            operation,
            at,
            problem,
        } = self;
        write!(f, "{side:?} of {operation:?} at {at:?}: {problem}")
    }
}
