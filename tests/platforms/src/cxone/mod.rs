//! A stand-in for NICE CXone: the issuer of tokens, the Digital Engagement API, the store with files, and the agent behind them.
//!
//! Written from what the vendor publishes and what independent middleware shows; there is no public schema, so requests are held
//! against the published examples, field by field ([`Cxone::violations`]). It keeps what shapes a client: discovery before the token, a
//! password grant with the application in `Authorization: Basic`, a tenant in the token's claims, an API whose place only the
//! tenant's configuration tells, attachments that are pulled or given as base64, and a bucket of 250 for each contact. Whether it tells
//! a repeated message is not confirmed: it shows both, which is what a client has to fear.
//!
//! The agent ([`Cxone::agent_sends`]) calls a middleware with the token that it issued, and without one first; on a 401 it asks for one
//! and comes again. The source documents' conversations are beside it ([`Cxone::conversations`]).
//!
//! Not modelled: the event hub, cases and their states, what an agent sees of an outbound message's fate.

mod agent;
mod contacts;
mod conversations;
mod dfo;
mod fields;
mod issuer;
mod options;
mod state;
mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

pub use agent::{Call, Contract, Outbound};
pub use conversations::Conversations;
pub use options::CxoneOptions;
pub use state::{Attachment, Shown, Uploaded};

use crate::faults::{Faults, Point};
use crate::journal::{Exchange, Journal};
use crate::wait::TimedOut;
use crate::wire::{Bound, LOOPBACK, Listener, Watchers, handler};
use state::{State, lock};

const POINTS: &[Point] = &[
    Point::Token,
    Point::Inbound,
    Point::Upload,
    Point::Fetch,
    Point::Download,
];

/// A running stand-in. Everything ends when it is dropped.
pub struct Cxone {
    state: Arc<State>,
    journal: Journal,
    issuer: Listener,
    api: Listener,
    store: Listener,
}

impl Cxone {
    /// Starts the listeners.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(options: CxoneOptions) -> anyhow::Result<Self> {
        let issuer = Bound::take(LOOPBACK).await.context("the issuer")?;
        let api = Bound::take(LOOPBACK).await.context("the API host")?;
        let store = Bound::take_localhost().await.context("the store")?;
        let journal = Journal::default();
        let watchers = Watchers {
            clock: options.clock.clone(),
            journal: journal.clone(),
            canary: options.canary.clone(),
            checker: None,
        };
        let hosts = [&issuer, &api, &store].map(|host| host.authority().to_owned());
        let state = Arc::new(State::new(options, POINTS, hosts)?);
        Ok(Self {
            issuer: issuer.serve(watchers.clone(), handler(&state, issuer::answer)),
            api: api.serve(watchers.clone(), handler(&state, dfo::answer)),
            store: store.serve(watchers, handler(&state, store::answer)),
            journal,
            state,
        })
    }

    /// Base of the issuer, where discovery begins.
    #[must_use]
    pub fn issuer_url(&self) -> String {
        self.issuer.base_url()
    }

    /// Base of the API, which a client learns from the tenant's configuration.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.api.base_url()
    }

    /// Base of the store that signed links lead to.
    #[must_use]
    pub fn store_url(&self) -> String {
        self.store.base_url()
    }

    /// The options it was started with.
    #[must_use]
    pub fn options(&self) -> &CxoneOptions {
        &self.state.options
    }

    /// The faults of this platform.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Every request and its answer.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.journal.exchanges()
    }

    /// What a client sent that no published example has, or has otherwise.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.state.violations).clone()
    }

    /// What agents were shown so far, oldest first.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        lock(&self.state.shown).clone()
    }

    /// Waits until agents were shown so many messages.
    ///
    /// # Errors
    /// If they were not `within` this time.
    pub async fn wait_for_shown(
        &self,
        count: usize,
        within: Duration,
    ) -> Result<Vec<Shown>, TimedOut> {
        let enough = || Some(self.shown()).filter(|shown| shown.len() >= count);
        self.state.background.until(within, enough).await
    }

    /// Ends every token that was issued to a client.
    pub fn kill_tokens(&self) {
        lock(&self.state.tokens).clear();
    }

    /// How many tokens were issued to clients.
    #[must_use]
    pub fn tokens_issued(&self) -> usize {
        *lock(&self.state.issued)
    }

    /// How often a contact's bucket was empty.
    #[must_use]
    pub fn contacts_limited(&self) -> usize {
        *lock(&self.state.limited)
    }

    /// Sets where the channel type has the middleware, without a slash at the end.
    pub fn set_box(&self, url: url::Url) {
        *lock(&self.state.box_url) = Some(url);
    }

    /// The agent writes to a customer: the middleware's whole answer. The call is made once, or as often as `times` says.
    ///
    /// # Errors
    /// If the middleware cannot be reached, or issues no token.
    pub async fn agent_sends(&self, outbound: &Outbound) -> anyhow::Result<Call> {
        agent::send(&self.state, outbound).await
    }

    /// The source documents' surface of the same tenant.
    #[must_use]
    pub fn conversations(&self) -> Conversations {
        Conversations {
            state: Arc::clone(&self.state),
        }
    }
}

impl Drop for Cxone {
    fn drop(&mut self) {
        self.state.background.stop();
    }
}
