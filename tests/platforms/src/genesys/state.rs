//! What a running Genesys stand-in shares between its listeners and its fetches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

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
