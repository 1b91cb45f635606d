//! What a running Genesys stand-in shares between its listeners and its fetches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context as _;
use tokio::{sync::watch, task::JoinSet};

use super::{
    allowance::Windows,
    desk::{AgentMessage, Post, Receipt},
    login::Tokens,
    options::GenesysOptions,
};
use crate::{faults::Faults, specs::Checker};

pub(super) const ISSUER: &str = "genesys";

/// Shared state. The tasks in it hold it too: whoever owns the stand-in aborts them to let it go.
pub(super) struct State {
    pub(super) options: GenesysOptions,
    pub(super) faults: Faults,
    pub(super) checker: Arc<Checker>,
    pub(super) client: reqwest::Client,
    /// `host:port` of the listeners that may see tokens.
    pub(super) homes: [String; 2],
    pub(super) tokens: Mutex<Tokens>,
    pub(super) windows: Mutex<Windows>,
    /// Customer id → conversation id.
    pub(super) conversations: Mutex<HashMap<String, String>>,
    pub(super) posts: Mutex<Vec<Post>>,
    pub(super) messages: Mutex<Vec<AgentMessage>>,
    pub(super) receipts: Mutex<Vec<Receipt>>,
    pub(super) events: Mutex<Vec<serde_json::Value>>,
    /// Changes whenever a message is shown or a receipt or event comes in.
    pub(super) changes: watch::Sender<u64>,
    pub(super) tasks: Mutex<JoinSet<()>>,
}

impl State {
    /// The state of a stand-in that nothing has happened to.
    ///
    /// # Errors
    /// If no HTTP client can be built.
    pub(super) fn new(
        options: GenesysOptions,
        checker: Arc<Checker>,
        homes: [String; 2],
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            faults: Faults::new(ISSUER, super::POINTS),
            checker,
            client: client
                .build()
                .context("the client that fetches attachments")?,
            homes,
            tokens: Mutex::default(),
            windows: Mutex::new(Windows::new(options.allowance)),
            conversations: Mutex::default(),
            posts: Mutex::default(),
            messages: Mutex::default(),
            receipts: Mutex::default(),
            events: Mutex::default(),
            changes: watch::Sender::new(0),
            tasks: Mutex::new(JoinSet::new()),
            options,
        })
    }

    /// Tells whoever waits that something has changed.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Runs a task until it ends or the stand-in does.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// Locks; a panic elsewhere does not make the data wrong here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
