//! A stand-in for the WhatsApp Cloud API: the Graph host, the download host, and the customers behind them.
//!
//! Written from Meta's OpenAPI v23.0 and pages of Dec 2025 to June 2026. It keeps the rules that shape a client: two hops with the
//! token on both, links that die after five minutes and media ids after seven days, tenants that cannot read
//! each other's media, throttles under HTTP 400, signed webhooks with escaped text that come again until they are answered with
//! 200. Graph answers on `127.0.0.1`, downloads come from `localhost`: another host name, as in the real world.
//! A third listener on another address is nobody's: redirects lead there, and no token should.
//!
//! Customers say everything the published schema knows ([`Say`]); businesses send texts, media, reactions, replies and templates, and
//! hear by statuses what became of them, in the order or disorder a test likes.
//!
//! Not modelled: throughput and pair limits (throttles are faults), the words of templates, business management, usage headers, mTLS, the SHA-1 signature.

mod account;
mod budget;
mod customer;
mod download;
mod fate;
mod graph;
mod media;
mod media_file;
mod options;
mod outbound;
mod say;
mod sent;
mod state;
mod statuses;
mod upload;
mod webhook;
mod webhooks;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;

pub use customer::{Composed, Customer};
pub use media::Medium;
pub use media_file::MediaFile;
pub use options::{ErrorBudget, FileSizeForm, PhoneNumber, Template, WhatsAppOptions};

pub use say::{Contact, OrderLine, Say};
pub use sent::{Mark, SentMedia, SentMessage};
pub use statuses::Status;

pub use crate::delivery::{Attempt, Delivery, DeliveryState, MessageId};
pub use crate::meta::RetryPlan;
use crate::{
    canary::Sighting,
    faults::{Faults, Point},
    journal::{Exchange, Journal},
    specs::{Checker, Violation},
    wire::{Bound, LOOPBACK, Listener, Watchers, handler},
};
use state::{State, lock};

const ISSUER: &str = "whatsapp";
const POINTS: &[Point] = &[
    Point::LookUp,
    Point::Download,
    Point::Upload,
    Point::Send,
    Point::Fate,
];

/// A running stand-in. Everything ends when it is dropped.
pub struct WhatsApp {
    state: Arc<State>,
    journal: Journal,
    graph: Listener,
    downloads: Listener,
    elsewhere: Listener,
}

impl WhatsApp {
    /// Starts the listeners.
    ///
    /// # Errors
    /// If no port is free, no number is configured, or a schema in this crate is broken.
    pub async fn start(options: WhatsAppOptions) -> anyhow::Result<Self> {
        anyhow::ensure!(!options.numbers.is_empty(), "an account needs a number");
        let graph = Bound::take(LOOPBACK).await.context("the Graph host")?;
        let downloads = Bound::take_localhost().await.context("the download host")?;
        let elsewhere = Bound::take_nobodys().await.context("the foreign host")?;
        let homes = homes(&options, [graph.authority(), downloads.authority()]);
        options.canary.watch(ISSUER, &options.access_token, &homes);
        let checker = Arc::new(Checker::whatsapp()?);
        let journal = Journal::default();
        let watchers = Watchers {
            clock: options.clock.clone(),
            journal: journal.clone(),
            canary: options.canary.clone(),
            checker: Some(checker.clone()),
        };
        let links = media::Links::new(&format!("http://{}", downloads.authority()));
        let foreign = format!("http://{}", elsewhere.authority());
        let state = Arc::new(State::new(options, checker, links, foreign)?);
        Ok(Self {
            graph: graph.serve(watchers.clone(), handler(&state, graph::answer)),
            downloads: downloads.serve(watchers.clone(), handler(&state, download::answer)),
            elsewhere: elsewhere.serve(watchers, handler(&state, download::nobody)),
            journal,
            state,
        })
    }

    /// Base of the Graph host, `http://127.0.0.1:PORT`; paths begin with the version.
    #[must_use]
    pub fn graph_url(&self) -> String {
        self.graph.base_url()
    }

    /// Base of the download host, `http://localhost:PORT`.
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
    pub fn options(&self) -> &WhatsAppOptions {
        &self.state.options
    }

    /// The faults of this platform.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Accepts this token instead of the present one.
    pub fn replace_access_token(&self, token: &str) {
        let options = &self.state.options;
        let homes = homes(
            options,
            [self.graph.authority(), self.downloads.authority()],
        );
        options.canary.watch(ISSUER, token, &homes);
        *lock(&self.state.access_token) = token.to_owned();
    }

    /// The customer of the documentation, writing to the first number.
    #[must_use]
    pub fn customer(&self) -> Customer {
        self.customer_named("16505551234", "Sheena Nelson", 0)
    }

    /// A customer by number and profile name, writing to the account's number with this index (the first if there is none).
    #[must_use]
    pub fn customer_named(&self, wa_id: &str, name: &str, number: usize) -> Customer {
        let numbers = &self.state.options.numbers;
        Customer {
            state: self.state.clone(),
            wa_id: wa_id.to_owned(),
            name: name.to_owned(),
            number: numbers.get(number).unwrap_or(&numbers[0]).clone(),
        }
    }

    /// Posts several messages, also of several tenants, in one webhook.
    pub fn send_batch(&self, messages: Vec<Composed>) {
        customer::send_batch(&self.state, messages);
    }

    /// The medium of a customer's message.
    #[must_use]
    pub fn medium(&self, message: &MessageId) -> Option<Medium> {
        lock(&self.state.media)
            .of_message(message.as_str())
            .cloned()
    }

    /// What businesses have sent to customers.
    #[must_use]
    pub fn sent(&self) -> Vec<SentMessage> {
        lock(&self.state.outbound).sent()
    }

    /// Waits until businesses have sent at least `count` messages, whatever becomes of them.
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

    /// The customers' messages that businesses have marked as read.
    #[must_use]
    pub fn marks(&self) -> Vec<Mark> {
        lock(&self.state.outbound).marks()
    }

    /// Every request so far, on all three hosts.
    #[must_use]
    pub fn requests(&self) -> Vec<Exchange> {
        self.journal.exchanges()
    }

    /// What did not fit the published schemas.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.state.checker.violations()
    }

    /// Where tokens were seen (those of every platform that shares the canary).
    #[must_use]
    pub fn token_sightings(&self) -> Vec<Sighting> {
        self.state.options.canary.sightings()
    }
}

/// The hosts that may see the token: a provider's key is none of Meta's business.
fn homes<'a>(options: &WhatsAppOptions, [graph, downloads]: [&'a str; 2]) -> Vec<&'a str> {
    match options.provider {
        None => vec![graph, downloads],
        Some(_) => vec![graph],
    }
}

impl Drop for WhatsApp {
    fn drop(&mut self) {
        self.state.background.stop();
    }
}
