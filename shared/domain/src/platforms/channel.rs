//! What customers' channels have in common, towards them: a file is handed over first and named in a message afterwards, and
//! the words of a message are sent as they are. The first half is shared with platforms of agents that take files so. Each call goes to the channel's own module.

use std::time::Duration;

use super::genesys::{agent, by_name};
use super::{cxone, messenger, whatsapp};
use crate::address::Address;
use crate::channels::Kind;
use crate::connection::{Account, Connection, Template};
use crate::conversation::Heard;
use crate::diagnosis::Failure;
use crate::digest::Sha256Digest;
use crate::ids::MediaId;
use crate::time::Timestamp;
use crate::wire::{Request, Response};

/// A message to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The customer's address.
    pub to: &'a str,
    /// What else says where it goes, where the customer's address alone does not.
    pub address: &'a Address,
    /// What is sent.
    pub what: Outgoing<'a>,
    /// What is given along where the channel brings it back; an invitation has none: what becomes of it is not what becomes of
    /// the item in whose place it goes.
    pub opaque: Option<&'a MediaId>,
    /// Whether the service window is closed, and a person's answer allowed all the same.
    pub late: bool,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing<'a> {
    /// Words.
    Text(&'a str),
    /// A file that was handed over.
    File {
        /// Its id.
        id: &'a str,
        /// As what it is sent.
        kind: Kind,
        /// Its name, where the channel shows one.
        file_name: &'a str,
        /// Words with it, where this kind takes them.
        caption: Option<&'a str>,
    },
    /// A template in the place of what the closed window does not let through.
    Template(&'a Template),
}

/// What the channel answered: the message is accepted, not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The message's id, by which statuses, replies and reactions name it.
    pub message: String,
}

/// The call that sends a message.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of a customers' channel, or the channel does not know such messages.
pub fn send(
    connection: &Connection,
    message: &Message<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    match &connection.account {
        Account::WhatsApp { .. } => whatsapp::send(connection, message, patience),
        Account::Messenger { .. } | Account::Instagram { .. } => {
            messenger::send(connection, message, patience)
        }
        Account::GenesysAgent { .. } => agent::send(connection, message, patience),
        Account::GenesysOpenMessaging { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::CxoneByoc { .. }
        | Account::CxoneConversations { .. } => Err(no_channel()),
    }
}

/// Reads the answer to [`send`]. A 5xx without the platform's own words leaves open whether the message was taken.
///
/// # Errors
/// The vendor's error as a [`Failure`].
pub fn read_accepted(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Accepted, Failure> {
    match &connection.account {
        Account::WhatsApp { .. } => whatsapp::read_accepted(response, now),
        Account::Messenger { .. } | Account::Instagram { .. } => {
            messenger::read_accepted(connection, response, now)
        }
        Account::GenesysAgent { .. } => agent::read_accepted(response, now),
        Account::GenesysOpenMessaging { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::CxoneByoc { .. }
        | Account::CxoneConversations { .. } => Err(no_channel()),
    }
}

/// The call that shows the customer that the agent is writing; `heard`: the customer's last message.
///
/// # Errors
/// As [`send`].
pub fn typing(
    connection: &Connection,
    (customer, heard): (&str, &Heard),
    patience: Duration,
) -> Result<Request, Failure> {
    match &connection.account {
        Account::WhatsApp { .. } => whatsapp::typing(connection, &heard.message, patience),
        Account::Messenger { .. } | Account::Instagram { .. } => {
            messenger::typing(connection, customer, patience)
        }
        Account::GenesysAgent { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysOpenMessaging { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::CxoneByoc { .. }
        | Account::CxoneConversations { .. } => Err(no_channel()),
    }
}

/// A file that is to be handed over.
#[derive(Clone, Copy, Debug)]
pub struct Handed<'a> {
    /// Its type.
    pub mime: &'a str,
    /// Its name.
    pub file_name: &'a str,
    /// As what it will be sent.
    pub kind: Kind,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// Its digest.
    pub digest: Sha256Digest,
}

/// The call that hands a file over.
///
/// # Errors
/// As [`send`].
pub fn upload(
    connection: &Connection,
    file: Handed<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let size = (file.size_bytes, file.digest);
    match &connection.account {
        Account::WhatsApp { .. } => {
            whatsapp::upload(connection, (file.mime, file.file_name), size, patience)
        }
        Account::Messenger { .. } | Account::Instagram { .. } => {
            let named = (file.mime, file.file_name, file.kind);
            messenger::upload(connection, named, size, patience)
        }
        Account::GenesysMessageMedia { .. } | Account::GenesysWebChat { .. } => {
            by_name::upload(connection, file, patience)
        }
        Account::GenesysAgent { .. }
        | Account::GenesysOpenMessaging { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::CxoneByoc { .. }
        | Account::CxoneConversations { .. } => Err(no_channel()),
    }
}

/// For how long a file that was handed over is good for messages; `None`: for the one message alone, as far as anybody knows.
#[must_use]
pub fn upload_life(connection: &Connection) -> Option<Duration> {
    match &connection.account {
        Account::WhatsApp { .. } => Some(whatsapp::UPLOAD_LIFE),
        Account::Messenger { .. } | Account::Instagram { .. } => Some(messenger::UPLOAD_LIFE),
        // Web chat ties a file to a conversation (`S2-30`); of message media nothing is told.
        Account::GenesysAgent { .. }
        | Account::GenesysOpenMessaging { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::CxoneByoc { .. } => None,
        Account::CxoneConversations { .. } => Some(cxone::conversations::UPLOAD_LIFE),
    }
}

/// Reads the answer to [`upload`] of `file`: its id.
///
/// # Errors
/// The vendor's error as a [`Failure`]; an answer without an id is `Unavailable`: handed over again, one may come.
pub fn read_uploaded(
    connection: &Connection,
    response: &Response,
    file: Handed<'_>,
    now: Timestamp,
) -> Result<String, Failure> {
    match &connection.account {
        Account::WhatsApp { .. } => whatsapp::read_uploaded(response, now),
        Account::Messenger { .. } | Account::Instagram { .. } => {
            messenger::read_uploaded(connection, response, now)
        }
        Account::GenesysMessageMedia { .. } | Account::GenesysWebChat { .. } => {
            by_name::read_uploaded(connection, response, file, now)
        }
        Account::GenesysAgent { .. }
        | Account::GenesysOpenMessaging { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::CxoneByoc { .. }
        | Account::CxoneConversations { .. } => Err(no_channel()),
    }
}

/// Whether a message that failed with this code may have failed because the file it names is gone. Meta does not publish what
/// it says then: these are what it says of ids and files it does not take, and of what it does not list.
#[must_use]
pub fn may_be_gone(code: &str) -> bool {
    let refused = [
        "not-found",
        "media-refused",
        "type-not-taken",
        "request-refused",
        "refused",
    ];
    word_of(code).is_some_and(|word| refused.contains(&word))
}

/// What a customers' channel said, without its name: `window-closed` of `whatsapp.window-closed`.
#[must_use]
pub fn word_of(code: &str) -> Option<&str> {
    let (platform, word) = code.split_once('.')?;
    matches!(platform, "whatsapp" | "messenger" | "instagram").then_some(word)
}

fn no_channel() -> Failure {
    Failure::misconfigured("the connection is none of a customers' channel")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, instagram, messenger, whatsapp};
    use crate::ids::MessageId;

    #[test]
    fn every_channel_is_called_at_its_own_place() {
        let heard = Heard {
            at: Timestamp::default(),
            message: MessageId::new("m"),
            name: None,
        };
        let message = Message {
            to: "1",
            address: &Address::default(),
            what: Outgoing::Text("Hello"),
            opaque: None,
            late: false,
        };
        let file = Handed {
            mime: "image/png",
            file_name: "a.png",
            kind: Kind::Image,
            size_bytes: 3,
            digest: Sha256Digest::of(b"PNG"),
        };
        let urls = |connection: &Connection| -> Result<[String; 3], Failure> {
            let calls = [
                send(connection, &message, Duration::ZERO)?,
                typing(connection, ("1", &heard), Duration::ZERO)?,
                upload(connection, file, Duration::ZERO)?,
            ];
            Ok(calls.map(|call| call.url.path().to_owned()))
        };
        let expected = |id: &str, files: &str| {
            let messages = format!("/v23.0/{id}/messages");
            [messages.clone(), messages, format!("/v23.0/{id}/{files}")]
        };
        let number = expected("106540352242922", "media");
        let page = expected("682498302938465", "message_attachments");
        assert_eq!(urls(&whatsapp()).unwrap(), number);
        assert_eq!(urls(&messenger()).unwrap(), page);
        assert_eq!(urls(&instagram()).unwrap(), page);
        assert!(urls(&genesys()).is_err());
    }

    #[test]
    fn what_may_be_about_a_dead_file() {
        for (code, expected) in [
            ("whatsapp.media-refused", true),
            ("messenger.request-refused", true),
            ("instagram.not-found", true),
            ("whatsapp.window-closed", false),
            ("genesys.not-found", false),
            ("refused", false),
        ] {
            assert_eq!(may_be_gone(code), expected, "{code}");
        }
    }
}
