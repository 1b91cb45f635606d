//! What agents' platforms have in common, towards them: a message of a customer with its words and its file, which they fetch by a
//! link or were given before. Each call goes to the platform's own module.

use std::time::Duration;

use url::Url;

use super::{cxone, genesys};
use crate::connection::{Account, Connection};
use crate::diagnosis::Failure;
use crate::digest::Sha256Digest;
use crate::event::{MediaKind, Origin, Receipt};
use crate::journey::Attribute;
use crate::platforms::channel::Handed;
use crate::time::Timestamp;
use crate::wire::{Request, Response};

/// A message to be sent to the agent's side.
#[derive(Clone, Debug)]
pub struct Inbound<'a> {
    /// Who said it and when.
    pub origin: &'a Origin,
    /// The channel over which its customer is spoken to; `None`: no connection of the customer's side is known.
    pub channel: Option<&'a Connection>,
    /// The words: a text, a caption, a notice.
    pub text: Option<String>,
    /// The file.
    pub file: Option<SentFile<'a>>,
    /// What flows may branch on, beside the channel, where the platform has a place for it.
    pub attributes: Vec<Attribute>,
    /// How long the call may take.
    pub patience: Duration,
}

/// A file that the message names.
#[derive(Clone, Debug)]
pub struct SentFile<'a> {
    /// Names the attachment: the item's id, or what the platform calls bytes that it has already.
    pub id: &'a str,
    /// What the customer's channel called it.
    pub kind: MediaKind,
    /// Where the platform can fetch the bytes; `None`: it has them under their id.
    pub link: Option<&'a Url>,
    /// The type, from the bytes.
    pub mime: &'a str,
    /// The name on the wire.
    pub file_name: &'a str,
    /// Digest of the bytes.
    pub digest: Sha256Digest,
}

/// What the platform answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Its id for the message; empty if it told none.
    pub message: String,
    /// Its id for the conversation, if it knew one at once.
    pub conversation: Option<String>,
}

/// A file that was handed over.
#[derive(Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// What the platform calls it.
    pub name: String,
    /// The link by which a message names it, where it is not its name that does. Whoever has it may have the file: it is neither
    /// kept nor logged.
    pub link: Option<Url>,
}

/// The call that brings a message. `api`: where the connection's API is, as the issuer of its token told.
///
/// # Errors
/// A failure of domain `ours` if the connection is none to an agent's platform.
pub fn inbound(
    connection: &Connection,
    api: Option<&Url>,
    message: &Inbound<'_>,
) -> Result<Request, Failure> {
    match &connection.account {
        Account::CxoneByoc { .. } => cxone::byoc::create_message(connection, api, message),
        Account::CxoneConversations { .. } => {
            cxone::conversations::create_message(connection, message)
        }
        Account::GenesysOpenMessaging { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysAgent { .. }
        | Account::WhatsApp { .. }
        | Account::Messenger { .. }
        | Account::Instagram { .. } => genesys::inbound(connection, message),
    }
}

/// The call that says what became of an agent's message.
///
/// # Errors
/// A failure of domain `ours` if the platform takes none ([`crate::connection::Profile::takes_receipts`]).
pub fn receipt(
    connection: &Connection,
    origin: &Origin,
    receipt: &Receipt,
    at: (Timestamp, Duration),
) -> Result<Request, Failure> {
    if connection.profile().takes_receipts() {
        return genesys::receipt(connection, origin, receipt, at);
    }
    Err(Failure::misconfigured(
        "the connection's platform takes no receipts",
    ))
}

/// Reads the answer to [`inbound`].
///
/// # Errors
/// The vendor's error as a [`Failure`].
pub fn read_accepted(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Accepted, Failure> {
    match connection.tenant() {
        Some(_) => cxone::read_accepted(response, now),
        None => genesys::read_accepted(response, now),
    }
}

/// The call that hands a file over before the message that names it.
///
/// # Errors
/// A failure of domain `ours` if the connection's platform takes none so.
pub fn upload(
    connection: &Connection,
    api: Option<&Url>,
    file: Handed<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    match &connection.account {
        Account::CxoneByoc { .. } => cxone::byoc::upload(connection, api, file, patience),
        Account::CxoneConversations { .. } => {
            cxone::conversations::upload(connection, file, patience)
        }
        Account::GenesysOpenMessaging { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysAgent { .. }
        | Account::WhatsApp { .. }
        | Account::Messenger { .. }
        | Account::Instagram { .. } => Err(not_given()),
    }
}

/// Reads the answer to [`upload`].
///
/// # Errors
/// The vendor's error as a [`Failure`]; an answer that names no file is `Unavailable`: handed over again, one may come.
pub fn read_uploaded(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Uploaded, Failure> {
    match &connection.account {
        Account::CxoneByoc { .. } => cxone::byoc::read_uploaded(response, now),
        Account::CxoneConversations { .. } => cxone::conversations::read_uploaded(response, now),
        Account::GenesysOpenMessaging { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysAgent { .. }
        | Account::WhatsApp { .. }
        | Account::Messenger { .. }
        | Account::Instagram { .. } => Err(not_given()),
    }
}

/// Whether a message names a file that was handed over by a link, which is not kept, rather than by its name.
#[must_use]
pub fn names_by_link(connection: &Connection) -> bool {
    matches!(connection.account, Account::CxoneByoc { .. })
}

fn not_given() -> Failure {
    Failure::misconfigured("no file is given to the connection's platform before its message")
}
