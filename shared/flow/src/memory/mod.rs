//! In-memory twins of every port: the same behaviour as the real ones (see [`crate::conformance`]), none of their
//! weather, unless a test brings some ([`Weather`]). Time stands still unless moved.

mod claims;
mod objects;
mod parts;
mod rows;
mod scanner;
mod services;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::connection::{Directory, SecretName};
use attache_domain::conversation::{Conversation, ConversationId};
use attache_domain::ids::MediaId;
use attache_domain::journey::Item;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::TokenRow;
use attache_domain::transfer::Rest;
use attache_domain::wire::CallError;

use crate::ports::{Answer, Credential, Download, Http, KeptEvent, Queue, Settled, Source};
use attache_domain::wire::{Request, Response};

/// What may happen around a call: nothing, an outage, or a crash (a future that never ends).
#[async_trait(?Send)]
pub trait Weather {
    /// Before the effect of `call` took place.
    async fn before(&self, call: &'static str) -> Answer<()>;
    /// After it took place, before the caller learns of it.
    async fn after(&self, call: &'static str) -> Answer<()>;
    /// Passes the time in place.
    async fn wait(&self, duration: Duration);
}

/// No weather: every call succeeds at once.
pub struct Calm;

#[async_trait(?Send)]
impl Weather for Calm {
    async fn before(&self, _call: &'static str) -> Answer<()> {
        Ok(())
    }

    async fn after(&self, _call: &'static str) -> Answer<()> {
        Ok(())
    }

    async fn wait(&self, _duration: Duration) {}
}

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its body.
    pub body: String,
    /// From when on it can be received.
    pub visible_at: Timestamp,
    /// Its fairness group.
    pub group: String,
}

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The type declared when it was stored.
    pub declared_type: Option<String>,
    /// The fence under which it was stored.
    pub fence: u32,
    /// It was put together from parts.
    pub joined: bool,
}

/// An upload in parts that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// The type declared when it began.
    pub declared_type: Option<String>,
    /// The fence under which it began.
    pub fence: u32,
    /// The parts, by number.
    pub parts: BTreeMap<u32, Vec<u8>>,
}

/// Everything there is. Tests and the simulation look into it freely.
#[derive(Default)]
pub struct State {
    /// The `media` table.
    pub items: BTreeMap<MediaId, Item>,
    /// The `claims` table.
    pub kept: BTreeMap<String, KeptEvent>,
    /// Which of them were taken in again.
    pub settled: BTreeMap<String, Settled>,
    /// Tries counted in the `claims` table.
    pub tries: BTreeMap<String, u32>,
    /// Names of items in the `claims` table.
    pub names: BTreeMap<String, MediaId>,
    /// What platforms call the bytes they hold, and until when.
    pub handed_over: BTreeMap<String, (String, Timestamp)>,
    /// The `conversations` table.
    pub conversations: BTreeMap<ConversationId, Conversation>,
    /// The media bucket.
    pub objects: BTreeMap<MediaId, Object>,
    /// Uploads in parts, by item and name.
    pub uploads: BTreeMap<(MediaId, String), Upload>,
    /// The quarantine bucket.
    pub quarantine: BTreeMap<MediaId, Object>,
    /// Events of the media bucket that were not delivered yet: object keys.
    pub events: Vec<String>,
    /// The queues.
    pub queues: BTreeMap<Queue, Vec<Queued>>,
    /// The `tokens` table.
    pub tokens: BTreeMap<String, TokenRow>,
    /// What the scanner knows: sequences of bytes, and what it calls files that hold one.
    pub signatures: Vec<(Vec<u8>, String)>,
    /// The longest file that it looks at, in bytes.
    pub longest_scan: Option<usize>,
    /// Whether it cannot be reached.
    pub scanner_is_down: bool,
    /// Secrets Manager.
    pub secrets: BTreeMap<String, Secret>,
    /// The limiter rows.
    pub limits: BTreeMap<String, Timestamp>,
    /// What is known beside them.
    pub learnt: BTreeMap<String, String>,
    /// How often what is known of each key was read or written.
    pub asked: BTreeMap<String, usize>,
    /// How many calls of each name were made.
    pub calls: BTreeMap<&'static str, usize>,
    /// Row writes that took effect, with the write units they cost, index included.
    pub writes: Vec<Write>,
}

/// One write to the `media` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which item.
    pub id: MediaId,
    /// What it cost: one unit for each begun KB of the larger of old and new row, and one for each entry put into or
    /// taken out of the sparse index.
    pub units: usize,
}

/// The twin of the world.
pub struct World {
    /// What it holds.
    pub state: RefCell<State>,
    now: Cell<Timestamp>,
    drawn: Cell<u64>,
    weather: Rc<dyn Weather>,
    http: Rc<dyn Http>,
    directory: RefCell<Rc<Directory>>,
    /// The copy that everybody has in hand.
    known: RefCell<Option<Rc<Directory>>>,
}

impl World {
    /// A world with this configuration and these platforms, at `now`.
    #[must_use]
    pub fn new(
        directory: Directory,
        http: Rc<dyn Http>,
        weather: Rc<dyn Weather>,
        now: Timestamp,
    ) -> Self {
        Self {
            state: RefCell::default(),
            now: Cell::new(now),
            drawn: Cell::new(0x5eed),
            weather,
            http,
            directory: RefCell::new(Rc::new(directory)),
            known: RefCell::default(),
        }
    }

    /// A world without platforms, for what calls none.
    #[must_use]
    pub fn calm(directory: Directory) -> Self {
        Self::new(
            directory,
            Rc::new(Nowhere),
            Rc::new(Calm),
            Timestamp::from_seconds(1_700_000_000),
        )
    }

    /// Moves the clock.
    pub fn set_now(&self, now: Timestamp) {
        self.now.set(now);
    }

    /// Replaces the configuration. Who has a copy in hand goes on with it, as functions do for a while.
    pub fn configure(&self, directory: Directory) {
        let mut known = self.known.borrow_mut();
        let before = self.directory.replace(Rc::new(directory));
        known.get_or_insert(before);
    }

    /// Seeds the random numbers.
    pub fn seed(&self, seed: u64) {
        self.drawn.set(seed);
    }

    /// Stores a secret.
    pub fn put_secret(&self, name: &SecretName, value: Secret) {
        self.state
            .borrow_mut()
            .secrets
            .insert(name.0.clone(), value);
    }

    /// Takes every message of a queue that is visible now.
    pub fn receive(&self, queue: Queue) -> Vec<Queued> {
        let now = self.now.get();
        let mut state = self.state.borrow_mut();
        let messages = state.queues.entry(queue).or_default();
        let (visible, hidden) = std::mem::take(messages)
            .into_iter()
            .partition(|message| message.visible_at <= now);
        *messages = hidden;
        visible
    }

    fn count(&self, call: &'static str) {
        *self.state.borrow_mut().calls.entry(call).or_default() += 1;
    }

    async fn begin(&self, call: &'static str) -> Answer<()> {
        self.count(call);
        self.weather.before(call).await
    }
}

/// Platforms that cannot be reached.
pub struct Nowhere;

#[async_trait(?Send)]
impl Http for Nowhere {
    async fn call(
        &self,
        request: &Request,
        _credential: &Credential,
    ) -> Result<Response, CallError> {
        Err(CallError::NotSent(format!(
            "no platform behind {}",
            request.describe()
        )))
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        _file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        self.call(request, credential).await
    }

    async fn download(
        &self,
        request: &Request,
        _credential: &Credential,
        _rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        Err(CallError::NotSent(format!(
            "no platform behind {}",
            request.describe()
        )))
    }
}
