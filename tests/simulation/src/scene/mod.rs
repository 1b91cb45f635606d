//! What one seed plays: the configuration, what customers and agents say, their webhooks, and what every part of the run
//! shares.

mod cast;
mod configuration;
mod lines;
mod webhooks;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::Directory;
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::time::Timestamp;
use attache_flow::ports::Queue;

pub use cast::{Entry, Message, Part, Role, Sent, Side, What, wamid};
pub use configuration::{
    Retentions, client_secret, genesys_id, integration_id, number_id, phone_number_id, token_secret,
};

use crate::dice::Dice;
use crate::faults::Faults;
use crate::platforms::customers::Content;
use crate::platforms::genesys::Landing;
use crate::platforms::whatsapp::Told;
use crate::reference::Reference;
use crate::schedule::{Agenda, TaskId};
use crate::trace::{Keep, Trace};
use crate::trouble::Trouble;

/// When every run begins.
pub const BEGINNING: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// Meta's host.
pub const GRAPH: &str = "graph.facebook.com";
/// Meta's download host.
pub const LOOKASIDE: &str = "lookaside.fbsbx.com";
/// Nobody's host; a link may name it.
pub const STRANGER: &str = "media.example.net";
/// Genesys' platform API.
pub const API: &str = "api.mypurecloud.de";
/// Genesys' login host.
pub const LOGIN: &str = "login.mypurecloud.de";
/// Where the bytes for web messaging go, by signed links: it must never see a token.
pub const UPLOADS: &str = "uploads.s3.eu-central-1.amazonaws.com";
/// Where Genesys' signed links lead: it must never see a token.
pub const SIGNED: &str = "downloads.s3.eu-central-1.amazonaws.com";
/// The endpoint Meta's webhooks come to.
pub const ENDPOINT: &str = "wa";
/// The endpoint Genesys' webhooks come to.
pub const AGENT_ENDPOINT: &str = "genesys";
/// The endpoint that web messaging's events come to.
pub const WEB_ENDPOINT: &str = "web";
/// The secret that signs all webhooks.
pub const APP_SECRET: &str = "the app's secret";
/// The customers: one who wrote an hour ago, one whose window closes during the run, one who never wrote.
pub const CUSTOMERS: [&str; 3] = ["16505551230", "16505551231", "16505551232"];

/// How long before the beginning each customer wrote last.
const LAST_WROTE: [Option<u64>; 3] = [Some(3_600), Some(24 * 3_600 - 600), None];

/// What happens in the world around the functions.
#[derive(Debug)]
pub enum Event {
    /// The sender posts this webhook.
    Webhook(usize),
    /// The sender of a webhook has waited long enough for the answer to this try.
    Impatient(usize, u32),
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
    /// A message lands at WhatsApp after its caller stopped waiting.
    Tell(Told),
    /// A replaced token is stored in Secrets Manager.
    HandOut,
    /// Other traffic reserves this many slots.
    Rush(u32),
}

/// Whose webhook it is, and so how long it waits and how often it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// It comes again until it is acknowledged.
    Meta,
    /// Genesys, of an upload: it comes again until it is acknowledged.
    Completions,
    /// It waits ten seconds for an answer and comes again five times, five seconds apart.
    Genesys,
}

/// One webhook body, and what is in it.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Whose it is.
    pub sender: Sender,
    /// When it is posted, from the beginning.
    pub at: Duration,
    /// It is posted once this row has reached its customer.
    pub cue: Option<MediaId>,
    /// The body.
    pub body: Vec<u8>,
    /// The messages it announces.
    pub messages: Vec<usize>,
    /// The keys under which the rest of it must be kept.
    pub kept: Vec<String>,
    /// The number and the customer an agent is writing to, if it says no more than that.
    pub typing: Option<(usize, &'static str)>,
    /// The upload that it says is complete.
    pub completes: Option<String>,
}

/// What every part of a run shares.
pub struct Scene {
    /// Time, order and chance.
    pub agenda: Agenda<Event>,
    /// What goes wrong.
    pub faults: Faults,
    /// Which host is in trouble for everybody.
    pub trouble: Option<Trouble>,
    /// Which target is down.
    pub down: Option<Trouble>,
    /// Whether what customers send over number 1 goes to web messaging, in two steps: in some runs.
    pub web: bool,
    /// What happened.
    pub trace: Trace,
    /// What must hold.
    pub reference: Reference,
    /// What is said.
    pub messages: Vec<Message>,
    /// How long what came over each number is kept.
    pub retentions: Retentions,
    /// Whether what a side does not take goes to it as a link: in half of the runs.
    pub links: bool,
    entries: BTreeMap<MediaId, Entry>,
    webhooks: RefCell<Vec<Rc<Webhook>>>,
}

impl Scene {
    /// The scene of one seed.
    #[must_use]
    pub fn draw(seed: u64, keep: Keep) -> Rc<Self> {
        let dice = Dice::new(seed);
        let faults = Faults::draw(&dice, BEGINNING);
        let trouble = Trouble::draw(&dice, BEGINNING);
        let retentions = configuration::retentions(&dice);
        let links = dice.chance(500);
        let (down, web) = (Trouble::of_target(&dice, BEGINNING), dice.chance(400));
        let messages = lines::messages(&dice);
        let webhooks = webhooks::webhooks(&dice, &messages);
        Rc::new(Self {
            agenda: Agenda::new(BEGINNING, dice),
            faults,
            trouble,
            retentions,
            links,
            down,
            web,
            trace: Trace::new(keep, BEGINNING),
            reference: Reference::default(),
            entries: cast::entries(&messages),
            messages,
            webhooks: RefCell::new(webhooks.into_iter().map(Rc::new).collect()),
        })
    }

    /// Everything configured; `media_hosts` may have the numbers' tokens.
    #[must_use]
    pub fn directory(&self, media_hosts: &[&str]) -> Directory {
        configuration::directory(media_hosts, &self.retentions, (self.links, self.web))
    }

    /// Where what customers send over a number goes.
    #[must_use]
    pub fn agents_side(&self, number: usize) -> ConnectionId {
        match number {
            1 if self.web => configuration::web_id(),
            _ => genesys_id(number),
        }
    }

    /// Web messaging tells that it has a file.
    pub fn complete(&self, file: &str, wait: Duration) {
        let number = self.webhook_count();
        let webhook = webhooks::completion(file);
        self.webhooks.borrow_mut().push(Rc::new(webhook));
        self.agenda.expect(wait, Event::Webhook(number));
    }

    /// Adds a line to the trace.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        self.trace.note(self.agenda.now(), line);
    }

    /// What a row of this name is for.
    pub fn entry(&self, id: &MediaId) -> Option<Entry> {
        self.entries.get(id).copied()
    }

    /// The message and the part a row belongs to, and what it is for.
    pub fn row(&self, id: &MediaId) -> Option<(&Message, &Part, Role)> {
        let entry = self.entry(id)?;
        let message = &self.messages[entry.message];
        Some((message, &message.parts[entry.part], entry.role))
    }

    /// The file that belongs under this id.
    pub fn sent(&self, id: &MediaId) -> Option<&Sent> {
        match self.row(id)? {
            (_, part, Role::Part) => part.sent(),
            _ => None,
        }
    }

    /// The messages that take this one back, where its owner has that honoured.
    pub fn take_backs<'a>(&'a self, message: &'a Message) -> impl Iterator<Item = usize> + 'a {
        let honoured =
            message.side == Side::Customer && self.retentions[message.number].honours_unsend();
        let all = self.messages.iter().enumerate().filter(move |_| honoured);
        all.filter(|(_, it)| it.takes_back.as_ref() == Some(&message.id))
            .map(|(number, _)| number)
    }

    /// How many webhooks there are so far.
    pub fn webhook_count(&self) -> usize {
        self.webhooks.borrow().len()
    }

    /// One of them.
    pub fn webhook(&self, number: usize) -> Rc<Webhook> {
        Rc::clone(&self.webhooks.borrow()[number])
    }

    /// When a customer wrote last over a number before the run began.
    #[must_use]
    pub fn wrote_before(customer: &str) -> Option<Timestamp> {
        let index = CUSTOMERS.iter().position(|it| *it == customer)?;
        let ago = LAST_WROTE[index]?;
        Some(Timestamp::from_seconds(BEGINNING.as_seconds() - ago))
    }

    /// A customer who was told something: what waited for that is posted, and WhatsApp reports it `fates`.
    pub fn follow(&self, told: &Told, fates: &[(&'static str, Duration)], code: u32) {
        let template = matches!(told.what, Content::Template);
        let wamid = if template {
            "wamid.template".to_owned()
        } else {
            wamid(&told.row)
        };
        for (fate, wait) in fates {
            let opaque = (wamid.as_str(), told.opaque.as_ref());
            let status = webhooks::status(told.number, &told.customer, opaque, fate, code);
            let number = self.webhook_count();
            self.webhooks.borrow_mut().push(Rc::new(status));
            self.agenda.expect(*wait, Event::Webhook(number));
        }
        if template {
            return;
        }
        let cued = |webhook: &Webhook| webhook.cue.as_ref() == Some(&told.row);
        let replies: Vec<usize> = (0..self.webhook_count())
            .filter(|n| cued(&self.webhook(*n)))
            .collect();
        for number in replies {
            let wait = self.agenda.dice.millis(0, 120_000);
            self.agenda.expect(wait, Event::Webhook(number));
        }
    }
}
