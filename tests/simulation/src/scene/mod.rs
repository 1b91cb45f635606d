//! What one seed plays: the configuration, the customers' files, their webhooks, and what every part of the run shares.

mod configuration;
mod webhooks;

use std::fmt;
use std::rc::Rc;

use attache_domain::ids::{AttachmentId, MediaId, MessageId};
use attache_domain::time::Timestamp;
use attache_flow::ports::Queue;

pub use configuration::{
    client_secret, directory, genesys_id, number_id, phone_number_id, token_secret,
};

use crate::dice::Dice;
use crate::faults::Faults;
use crate::files::{File, Nature};
use crate::platforms::genesys::Landing;
use crate::reference::Reference;
use crate::schedule::{Agenda, TaskId};
use crate::trace::{Keep, Trace};

/// When every run begins.
pub const BEGINNING: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// Meta's look-up host.
pub const GRAPH: &str = "graph.facebook.com";
/// Meta's download host.
pub const LOOKASIDE: &str = "lookaside.fbsbx.com";
/// Nobody's host; a link may name it.
pub const STRANGER: &str = "media.example.net";
/// Genesys' platform API.
pub const API: &str = "api.mypurecloud.de";
/// Genesys' login host.
pub const LOGIN: &str = "login.mypurecloud.de";
/// The endpoint all webhooks come to.
pub const ENDPOINT: &str = "wa";
/// The app secret that signs them.
pub const APP_SECRET: &str = "the app's secret";

/// What happens in the world around the functions.
#[derive(Debug)]
pub enum Event {
    /// The sender posts this webhook.
    Webhook(usize),
    /// A message becomes visible.
    Visible(u64),
    /// A queue's messages are handed to a function.
    Poll(Queue),
    /// The bucket reports an object, for the `tries`-th time after failures.
    ObjectCreated {
        /// Its key.
        key: String,
        /// Failed invocations before this one.
        tries: u8,
    },
    /// The schedule of `sweep`.
    Sweep,
    /// The schedule of `refresh`.
    Refresh,
    /// A function's time is up.
    Timeout(TaskId),
    /// A message lands at Genesys after its caller stopped waiting.
    Land(Landing),
    /// A replaced token is stored in Secrets Manager.
    HandOut,
    /// Other traffic reserves this many slots.
    Rush(u32),
}

/// One file a customer sends.
#[derive(Clone, Debug)]
pub struct Item {
    /// What the system must call it.
    pub id: MediaId,
    /// Its message's id.
    pub message: String,
    /// The platform's id for it.
    pub attachment: String,
    /// The number it was sent to.
    pub number: usize,
    /// Whether its route leads to an agent.
    pub routed: bool,
    /// The file.
    pub file: File,
    /// Meta never gives it out.
    pub withheld: bool,
}

/// One webhook body, and what is in it.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The body.
    pub body: Vec<u8>,
    /// The files it announces.
    pub items: Vec<MediaId>,
    /// The keys under which the rest of it must be kept.
    pub kept: Vec<String>,
}

/// What every part of a run shares.
pub struct Scene {
    /// Time, order and chance.
    pub agenda: Agenda<Event>,
    /// What goes wrong.
    pub faults: Faults,
    /// What happened.
    pub trace: Trace,
    /// What must hold.
    pub reference: Reference,
    /// The files.
    pub items: Vec<Item>,
    /// The webhooks that announce them.
    pub webhooks: Vec<Webhook>,
}

impl Scene {
    /// The scene of one seed.
    #[must_use]
    pub fn draw(seed: u64, keep: Keep) -> Rc<Self> {
        let dice = Dice::new(seed);
        let faults = Faults::draw(&dice, BEGINNING);
        let many = dice.between(2, 6);
        let items: Vec<Item> = (0..many).map(|n| item(&dice, n)).collect();
        let webhooks = webhooks::webhooks(&dice, &items);
        Rc::new(Self {
            agenda: Agenda::new(BEGINNING, dice),
            faults,
            trace: Trace::new(keep, BEGINNING),
            reference: Reference::default(),
            items,
            webhooks,
        })
    }

    /// Adds a line to the trace.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        self.trace.note(self.agenda.now(), line);
    }

    /// The file of this item.
    pub fn item(&self, id: &MediaId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == *id)
    }
}

fn item(dice: &Dice, n: u64) -> Item {
    let nature = match dice.below(10) {
        0 | 1 => Nature::Executable,
        2 => Nature::Torn,
        _ => Nature::Clean,
    };
    let number = *dice.pick(&[0, 0, 0, 1, 1, 2]).unwrap_or(&0);
    let (message, attachment) = (format!("wamid.{n}"), format!("90000{n}"));
    Item {
        id: MediaId::derive(
            &number_id(number),
            &MessageId::new(&*message),
            &AttachmentId::new(&*attachment),
        ),
        message,
        attachment,
        number,
        routed: number < 2,
        file: File::new(nature, n, dice.chance(500)),
        withheld: dice.chance(5),
    }
}
