//! What is said: the messages of both sides, their parts, and the rows that may come of them.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::event::{FollowUp, ReceiptStatus};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::time::Timestamp;

use super::BEGINNING;
use super::configuration::{genesys_id, number_id};
use crate::files::File;

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A customer, over WhatsApp.
    Customer,
    /// An agent, over Genesys.
    Agent,
}

/// A file as it is sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The file.
    pub file: File,
    /// The words with it.
    pub caption: Option<String>,
    /// Its platform never gives it out.
    pub withheld: bool,
    /// Its platform says that it knows of no such file (customers' files).
    pub dead: bool,
    /// The link in the webhook is signed already (agents' files).
    pub signed: bool,
    /// It takes longer to come than an agent's platform waits.
    pub tardy: bool,
}

/// What a part of a message is.
#[derive(Clone, Debug)]
pub enum What {
    /// Words.
    Words(String),
    /// A file.
    File(Box<Sent>),
}

/// A part of a message.
#[derive(Clone, Debug)]
pub struct Part {
    /// What the system must call it.
    pub id: MediaId,
    /// The platform's id for the file; a name of ours for words.
    pub attachment: String,
    /// What it is.
    pub what: What,
}

impl Part {
    /// The file, if it is one.
    #[must_use]
    pub fn sent(&self) -> Option<&Sent> {
        match &self.what {
            What::File(sent) => Some(sent),
            What::Words(_) => None,
        }
    }
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its platform's id for it.
    pub id: String,
    /// Who says it.
    pub side: Side,
    /// The number it is said over.
    pub number: usize,
    /// The customer who says or is told it.
    pub customer: &'static str,
    /// When it is said, from the beginning.
    pub at: Duration,
    /// What is said.
    pub parts: Vec<Part>,
    /// The message it answers, by its platform's id.
    pub answers: Option<String>,
    /// It is said once this row has reached its customer.
    pub cue: Option<MediaId>,
    /// The message it takes back, by its platform's id.
    pub takes_back: Option<String>,
}

impl Message {
    /// When its platform says it was sent: in whole seconds.
    #[must_use]
    pub fn sent_at(&self) -> Timestamp {
        Timestamp::from_seconds((BEGINNING + self.at).as_seconds())
    }

    /// Where it comes in.
    #[must_use]
    pub fn connection(&self) -> ConnectionId {
        match self.side {
            Side::Customer => number_id(self.number),
            Side::Agent => genesys_id(self.number),
        }
    }

    /// Whether its route leads anywhere.
    #[must_use]
    pub fn routed(&self) -> bool {
        self.number < 2
    }

    /// The id of a row that follows from one of its parts.
    #[must_use]
    pub fn follow_up(&self, what: FollowUp, of: &str) -> MediaId {
        let part = what.part(&AttachmentId::new(of));
        derive(&self.connection(), &self.id, part.as_str())
    }
}

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The part itself.
    Part,
    /// The caption of the part, on its own.
    Caption,
    /// A notice about the part.
    Notice,
    /// A notice about its caption.
    CaptionNotice,
    /// A notice that words go in its place.
    InPlace,
    /// The receipt for the message.
    Receipt,
}

/// What is known of a row that may come to be.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Which message it belongs to.
    pub message: usize,
    /// Which part of it.
    pub part: usize,
    /// What it is for.
    pub role: Role,
}

/// The epochs of a row: a refusal in spite of what is known opens one, and a status that answers what nobody knew.
const EPOCHS: [u16; 3] = [0, 1, 2];

/// Every row that may come of these messages.
pub(super) fn entries(messages: &[Message]) -> BTreeMap<MediaId, Entry> {
    let mut entries = BTreeMap::new();
    for (message, said) in messages.iter().enumerate() {
        for (part, it) in said.parts.iter().enumerate() {
            let mut add = |id: MediaId, role| {
                entries.entry(id).or_insert(Entry {
                    message,
                    part,
                    role,
                });
            };
            let caption = FollowUp::Caption.part(&AttachmentId::new(&*it.attachment));
            add(it.id.clone(), Role::Part);
            add(
                said.follow_up(FollowUp::Caption, &it.attachment),
                Role::Caption,
            );
            for epoch in EPOCHS {
                let notice = FollowUp::Notice(epoch);
                add(said.follow_up(notice, &it.attachment), Role::Notice);
                add(
                    said.follow_up(notice, caption.as_str()),
                    Role::CaptionNotice,
                );
            }
            for status in [ReceiptStatus::Delivered, ReceiptStatus::Failed] {
                add(said.follow_up(FollowUp::Receipt(status), ""), Role::Receipt);
            }
            add(
                said.follow_up(FollowUp::InPlace, &it.attachment),
                Role::InPlace,
            );
        }
    }
    entries
}

pub(super) fn derive(connection: &ConnectionId, message: &str, attachment: &str) -> MediaId {
    MediaId::derive(
        connection,
        &MessageId::new(message),
        &AttachmentId::new(attachment),
    )
}

/// WhatsApp's id of the message that carries a row to its customer.
#[must_use]
pub fn wamid(row: &MediaId) -> String {
    format!("wamid.to.{row}")
}
