//! Who says what to whom: the messages of both sides, their parts, and the rows that may come of them.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::event::FollowUp;
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::time::Timestamp;

use super::configuration::{genesys_id, number_id};
use super::{BEGINNING, CUSTOMERS};
use crate::dice::Dice;
use crate::files::{File, Nature};

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
    /// The link in the webhook is signed already (agents' files).
    pub signed: bool,
    /// It takes longer to come than its sender waits (agents' files).
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
            add(
                said.follow_up(FollowUp::Notice, &it.attachment),
                Role::Notice,
            );
            add(
                said.follow_up(FollowUp::Notice, caption.as_str()),
                Role::CaptionNotice,
            );
            add(said.follow_up(FollowUp::Receipt, ""), Role::Receipt);
        }
    }
    entries
}

fn derive(connection: &ConnectionId, message: &str, attachment: &str) -> MediaId {
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

/// Draws the messages of one seed.
pub(super) fn messages(dice: &Dice) -> Vec<Message> {
    let mut messages: Vec<Message> = (0..dice.between(1, 4))
        .map(|n| customer(dice, n, None))
        .collect();
    for n in 0..dice.between(0, 3) {
        messages.push(agent(dice, n));
    }
    let answered: Vec<(usize, &'static str, MediaId)> = messages
        .iter()
        .filter(|it| it.side == Side::Agent && dice.chance(400))
        .map(|it| (it.number, it.customer, it.parts[0].id.clone()))
        .collect();
    for (n, (number, who, row)) in (10..).zip(answered) {
        let mut reply = customer(dice, n, Some(number));
        reply.customer = who;
        reply.answers = Some(wamid(&row));
        reply.cue = Some(row);
        messages.push(reply);
    }
    messages
}

fn customer(dice: &Dice, n: u64, number: Option<usize>) -> Message {
    let number = number
        .or_else(|| dice.pick(&[0, 0, 0, 1, 1, 2]).copied())
        .unwrap_or(0);
    let what = if dice.chance(250) {
        What::Words(format!("What the customer says, {n}."))
    } else {
        let caption = dice
            .chance(400)
            .then(|| format!("The customer's caption {n}"));
        What::File(Box::new(Sent {
            caption,
            withheld: dice.chance(5),
            ..sent(dice, n, false)
        }))
    };
    let mut message = Message {
        id: format!("wamid.{n}"),
        side: Side::Customer,
        number,
        customer: CUSTOMERS[*dice.pick(&[0, 0, 1, 2]).unwrap_or(&0)],
        at: dice.millis(0, 30_000),
        parts: Vec::new(),
        answers: (n > 0 && dice.chance(100)).then(|| "wamid.0".to_owned()),
        cue: None,
    };
    message.parts = named(&message, vec![(format!("90000{n}"), what)]);
    message
}

fn agent(dice: &Dice, n: u64) -> Message {
    let late = dice.chance(200);
    let mut message = Message {
        id: format!("agent-{n}"),
        side: Side::Agent,
        number: *dice.pick(&[0, 0, 1]).unwrap_or(&0),
        customer: CUSTOMERS[*dice.pick(&[0, 0, 0, 0, 1, 2]).unwrap_or(&0)],
        at: dice.millis(
            if late { 480_000 } else { 0 },
            if late { 1_200_000 } else { 120_000 },
        ),
        parts: Vec::new(),
        answers: None,
        cue: None,
    };
    let words = |n: u64| What::Words(format!("What the agent says, {n}."));
    let several = |count: u64| (0..count).map(|k| file(dice, 100 + 10 * n + k)).collect();
    let mut whats: Vec<What> = match dice.below(10) {
        0 | 1 => vec![words(n)],
        // Longer than one message may be: it arrives as two.
        2 => [4096, 900]
            .map(|long| What::Words("word ".repeat(long)[..long].to_owned()))
            .into(),
        3..=6 => several(1),
        _ => several(dice.between(2, 3)),
    };
    let caption = match dice.below(6) {
        0 | 1 => None,
        // More than a file takes along.
        2 | 3 => Some(format!("The agent's long caption {n} {}", "x".repeat(1100))),
        _ => Some(format!("The agent's caption {n}")),
    };
    if let Some(What::File(first)) = whats.first_mut() {
        first.caption = caption;
    }
    let whats = whats.into_iter().enumerate().map(|(k, what)| {
        let name = match (&what, k) {
            (What::File(_), _) => format!("attachment-{n}-{k}"),
            (What::Words(_), 0) => "attache:words".to_owned(),
            (What::Words(_), _) => format!("attache:words/{k}"),
        };
        (name, what)
    });
    message.parts = named(&message, whats.collect());
    message
}

fn file(dice: &Dice, n: u64) -> What {
    What::File(Box::new(Sent {
        withheld: dice.chance(20),
        signed: dice.chance(200),
        tardy: dice.chance(150),
        ..sent(dice, n, true)
    }))
}

fn sent(dice: &Dice, n: u64, to_customer: bool) -> Sent {
    let nature = match dice.below(10) {
        0 | 1 => Nature::Executable,
        2 => Nature::Torn,
        3 if to_customer => Nature::Foreign,
        _ => Nature::Clean,
    };
    Sent {
        file: File::new(nature, n, dice.chance(500)),
        caption: None,
        withheld: false,
        signed: false,
        tardy: false,
    }
}

/// The parts of a message under their names; words of a customer have the name of the first words of a message.
fn named(message: &Message, whats: Vec<(String, What)>) -> Vec<Part> {
    let parts = whats.into_iter().map(|(attachment, what)| {
        let attachment = match &what {
            What::Words(_) if message.side == Side::Customer => "attache:words".to_owned(),
            What::Words(_) | What::File(_) => attachment,
        };
        Part {
            id: derive(&message.connection(), &message.id, &attachment),
            attachment,
            what,
        }
    });
    parts.collect()
}
