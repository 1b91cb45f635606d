//! What a running WhatsApp stand-in shares between its listeners, its customers and its background deliveries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync::watch, task::JoinSet};

use super::{
    budget::Budget,
    delivery::Delivery,
    media::{Links, Store},
    options::WhatsAppOptions,
    outbound::Outbound,
};
use crate::{faults::Faults, specs::Checker};

/// Shared state. The tasks in it hold it too: whoever owns the stand-in aborts them to let it go.
pub(super) struct State {
    pub(super) options: WhatsAppOptions,
    pub(super) faults: Faults,
    pub(super) checker: Arc<Checker>,
    pub(super) links: Links,
    /// `http://host:port` of the host that is not Meta's.
    pub(super) elsewhere: String,
    pub(super) client: reqwest::Client,
    pub(super) access_token: Mutex<String>,
    pub(super) callback: Mutex<Option<url::Url>>,
    pub(super) media: Mutex<Store>,
    pub(super) budget: Mutex<Budget>,
    pub(super) deliveries: Mutex<Vec<Delivery>>,
    pub(super) outbound: Mutex<Outbound>,
    /// Changes whenever a delivery or an outbound message does.
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
