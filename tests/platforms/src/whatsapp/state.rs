//! What a running WhatsApp stand-in shares between its listeners, its customers and its background deliveries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::{sync::watch, task::JoinSet};

use super::{
    budget::Budget,
    delivery::Delivery,
    media::{Links, Store},
    options::{PhoneNumber, WhatsAppOptions},
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
    /// The state of a stand-in that nothing has happened to.
    ///
    /// # Errors
    /// If no HTTP client can be built.
    pub(super) fn new(
        options: WhatsAppOptions,
        checker: Arc<Checker>,
        links: Links,
        elsewhere: String,
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            faults: Faults::new(super::ISSUER, super::POINTS),
            checker,
            links,
            elsewhere,
            client: client.build().context("the client that posts webhooks")?,
            access_token: Mutex::new(options.access_token.clone()),
            callback: Mutex::new(options.callback.clone()),
            media: Mutex::default(),
            budget: Mutex::new(Budget::new(options.error_budget)),
            deliveries: Mutex::default(),
            outbound: Mutex::default(),
            changes: watch::Sender::new(0),
            tasks: Mutex::new(JoinSet::new()),
            options,
        })
    }

    /// The number with this id, if it is the account's.
    pub(super) fn number(&self, phone_number_id: &str) -> Option<PhoneNumber> {
        let mut numbers = self.options.numbers.iter();
        numbers
            .find(|number| number.phone_number_id == phone_number_id)
            .cloned()
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
