//! A stand-in for Messenger and Instagram Direct: the Graph host, the delivery network, and the customers behind them.
//!
//! Written from the published pages and examples (`meta.md` §1, §3, §4; `examples/messenger`, `examples/instagram`); there is no schema
//! of these surfaces. It keeps the rules that shape a client: several attachments in one message with nothing but a link each, links that
//! are credentials of their own and see no token, files handed over and sent by id, text and file apart, the service window and the one
//! for persons, calls per second and page, echoes, deliveries up to a moment. One app serves several pages, each with its own token; one
//! webhook may bring events of several. Graph answers on `127.0.0.1`, files come from `localhost`, and a third listener is nobody's.
//!
//! Not modelled: anything by link, templates and quick replies, handover between apps, the Conversations API, usage headers.

mod customer;
mod file;
mod graph;
mod options;
mod reports;
mod say;
mod send;
mod state;
mod surface;
mod talk;
mod upload;
mod webhook;
mod webhooks;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;

pub use customer::{Composed, Customer};
pub use file::File;
pub use options::{CallsPerSecond, MessengerOptions, Page};
pub use say::Say;
pub use surface::Surface;
pub use talk::{Action, SentFile, SentMessage};

use crate::{
    canary::Sighting,
    delivery::MessageId,
    faults::{Faults, Point},
    journal::{Exchange, Journal},
    wire::{Bound, LOOPBACK, Listener, Watchers, handler},
};
use state::{State, lock};

const ISSUER: &str = "messenger";
const POINTS: &[Point] = &[Point::Download, Point::Upload, Point::Send];

/// A running stand-in. Everything ends when it is dropped.
pub struct Messenger {
    state: Arc<State>,
    journal: Journal,
    graph: Listener,
    downloads: Listener,
    elsewhere: Listener,
}

impl Messenger {
    /// Starts the listeners.
    ///
    /// # Errors
    /// If no port is free, or no page is configured.
    pub async fn start(options: MessengerOptions) -> anyhow::Result<Self> {
        anyhow::ensure!(!options.pages.is_empty(), "an app needs a page");
        let graph = Bound::take(LOOPBACK).await.context("the Graph host")?;
        let downloads = Bound::take_localhost().await.context("the download host")?;
        let elsewhere = Bound::take_nobodys().await.context("the foreign host")?;
        for page in &options.pages {
            // Not even the delivery network may see it.
            options
                .canary
                .watch(ISSUER, &page.access_token, &[graph.authority()]);
        }
        let journal = Journal::default();
        let watchers = Watchers {
            clock: options.clock.clone(),
            journal: journal.clone(),
            canary: options.canary.clone(),
            checker: None,
        };
        let links = file::Links::new(&format!("http://{}", downloads.authority()));
        let foreign = format!("http://{}", elsewhere.authority());
        let state = Arc::new(State::new(options, links, foreign)?);
        Ok(Self {
            graph: graph.serve(watchers.clone(), handler(&state, graph::answer)),
            downloads: downloads.serve(watchers.clone(), handler(&state, file::answer)),
            elsewhere: elsewhere.serve(watchers, handler(&state, file::nobody)),
            journal,
            state,
        })
    }

    /// Base of the Graph host, `http://127.0.0.1:PORT`; paths begin with the version.
    #[must_use]
    pub fn graph_url(&self) -> String {
        self.graph.base_url()
    }

    /// Base of the delivery network, `http://localhost:PORT`.
    #[must_use]
    pub fn media_url(&self) -> String {
        self.downloads.base_url()
    }

    /// Base of the host that is not Meta's, where [`RedirectOffHost`](crate::faults::Fault::RedirectOffHost) leads.
    #[must_use]
    pub fn foreign_url(&self) -> String {
        self.elsewhere.base_url()
    }

    /// The options it was started with.
    #[must_use]
    pub fn options(&self) -> &MessengerOptions {
        &self.state.options
    }

    /// The faults of this platform.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// The customer of the documentation, writing to the first page or its account. To the two, one person is two.
    #[must_use]
    pub fn customer(&self, surface: Surface) -> Customer {
        let id = match surface {
            Surface::Messenger => "1254459154682919",
            Surface::Instagram => "6721449187923411",
        };
        self.customer_of(surface, id, 0)
    }

    /// A customer by id, writing to the page with this index (the first if there is none) or its account.
    #[must_use]
    pub fn customer_of(&self, surface: Surface, id: &str, page: usize) -> Customer {
        let pages = &self.state.options.pages;
        Customer {
            state: self.state.clone(),
            surface,
            id: id.to_owned(),
            page: pages.get(page).unwrap_or(&pages[0]).clone(),
        }
    }

    /// Posts several messages, also of several pages: one webhook for each surface.
    pub fn send_batch(&self, messages: Vec<Composed>) {
        customer::send_batch(&self.state, messages);
    }

    /// What pages have sent to customers.
    #[must_use]
    pub fn sent(&self) -> Vec<SentMessage> {
        lock(&self.state.talk).sent.clone()
    }

    /// Waits until pages have sent at least `count` messages.
    ///
    /// # Errors
    /// If that does not happen `within` this real time; says how many there were.
    pub async fn wait_for_sent(
        &self,
        count: usize,
        within: Duration,
    ) -> anyhow::Result<Vec<SentMessage>> {
        let found = || Some(self.sent()).filter(|sent| sent.len() >= count);
        let waited = self.state.background.until(within, found).await;
        waited.with_context(|| format!("{} of {count} messages were sent", self.sent().len()))
    }

    /// What pages did beside sending messages.
    #[must_use]
    pub fn actions(&self) -> Vec<Action> {
        lock(&self.state.talk).actions.clone()
    }

    /// The customer reads a message.
    ///
    /// # Errors
    /// If there is no such message.
    pub fn read(&self, message: &MessageId) -> anyhow::Result<()> {
        let sent = self.sent();
        let sent = sent.iter().find(|sent| sent.id == message.as_str());
        let sent = sent.with_context(|| format!("there is no message {message}"))?;
        let page = self.state.page(&sent.page_id);
        let page = page.context("a message of a page that is gone")?;
        reports::read(&self.state, page, sent);
        Ok(())
    }

    /// How many files were handed over.
    #[must_use]
    pub fn uploads(&self) -> usize {
        lock(&self.state.uploads).count()
    }

    /// How many sends were one too many in their second.
    #[must_use]
    pub fn throttled(&self) -> usize {
        lock(&self.state.talk).throttled
    }

    /// Requests that no page documents; each was refused.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        lock(&self.state.talk).breaches.clone()
    }

    /// Every request so far, on all three hosts.
    #[must_use]
    pub fn requests(&self) -> Vec<Exchange> {
        self.journal.exchanges()
    }

    /// Where tokens were seen (those of every platform that shares the canary).
    #[must_use]
    pub fn token_sightings(&self) -> Vec<Sighting> {
        self.state.options.canary.sightings()
    }
}

impl Drop for Messenger {
    fn drop(&mut self) {
        self.state.background.stop();
    }
}
