//! A stand-in for Genesys Cloud: the login host, the API host, and the agent's desk behind them.
//!
//! Written from the schemas of the platform SDKs 257.1/259.0 and the public pages. It keeps what shapes a client: tokens from another
//! host with a life and no refresh token, JSON only, the published schema, `inin-ratelimit-*` on every answer,
//! 429 over the allowance, and attachments that are *pulled*: Genesys fetches the link it is given, without headers,
//! without following redirects, at most 25 MB, so a link that is dead or needs a header fails here as it would there.
//! Both hosts are on `127.0.0.1`, on ports of their own.
//!
//! Not modelled: roles and permissions, conversations that end, the agent's own messages (outbound webhook), notifications.

mod allowance;
mod api;
mod desk;
mod error;
mod fetch;
mod inbound;
mod login;
mod options;
mod state;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
pub use desk::{AgentMessage, Attachment, Fetched, Post, Receipt};
pub use options::{Allowance, Duplicates, GenesysOptions};

use crate::{
    canary::Sighting,
    faults::{Faults, Point},
    journal::{Exchange, Journal},
    specs::{Checker, Violation},
    wire::{Bound, Listener, Watchers, handler},
};
use state::{State, lock};

const POINTS: &[Point] = &[Point::Token, Point::Inbound, Point::Receipt, Point::Fetch];
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A running stand-in. Everything ends when it is dropped.
pub struct Genesys {
    state: Arc<State>,
    journal: Journal,
    login: Listener,
    api: Listener,
}

impl Genesys {
    /// Starts the listeners.
    ///
    /// # Errors
    /// If no port is free or a schema in this crate is broken.
    pub async fn start(options: GenesysOptions) -> anyhow::Result<Self> {
        let login = Bound::take(LOOPBACK).await.context("the login host")?;
        let api = Bound::take(LOOPBACK).await.context("the API host")?;
        let checker = Arc::new(Checker::genesys()?);
        let journal = Journal::default();
        let watchers = Watchers {
            clock: options.clock.clone(),
            journal: journal.clone(),
            canary: options.canary.clone(),
            checker: Some(checker.clone()),
        };
        let homes = [login.authority().to_owned(), api.authority().to_owned()];
        let state = Arc::new(State::new(options, checker, homes)?);
        Ok(Self {
            login: login.serve(watchers.clone(), handler(&state, login::answer)),
            api: api.serve(watchers, handler(&state, api::answer)),
            journal,
            state,
        })
    }

    /// Base of the login host; the token endpoint is `/oauth/token`.
    #[must_use]
    pub fn login_url(&self) -> String {
        self.login.base_url()
    }

    /// Base of the API host; paths begin with `/api/v2`.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.api.base_url()
    }

    /// The options it was started with.
    #[must_use]
    pub fn options(&self) -> &GenesysOptions {
        &self.state.options
    }

    /// The faults of this platform.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Every message the agent sees, in the order shown.
    #[must_use]
    pub fn messages(&self) -> Vec<AgentMessage> {
        lock(&self.state.messages).clone()
    }

    /// Waits until the agent sees at least `count` messages.
    ///
    /// # Errors
    /// If that does not happen `within` this real time; says how many there were.
    pub async fn wait_for_messages(
        &self,
        count: usize,
        within: Duration,
    ) -> anyhow::Result<Vec<AgentMessage>> {
        let found = || Some(self.messages()).filter(|messages| messages.len() >= count);
        let mut changes = self.state.changes.subscribe();
        let waited = crate::wait::until(&mut changes, within, found).await;
        waited.with_context(|| {
            format!(
                "the agent sees {} of {count} messages",
                self.messages().len()
            )
        })
    }

    /// Every inbound message that was accepted, repetitions included.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        lock(&self.state.posts).clone()
    }

    /// Every receipt that was accepted.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        lock(&self.state.receipts).clone()
    }

    /// The bodies of every event that was accepted.
    #[must_use]
    pub fn events(&self) -> Vec<serde_json::Value> {
        lock(&self.state.events).clone()
    }

    /// How many tokens were issued so far.
    #[must_use]
    pub fn tokens_issued(&self) -> usize {
        lock(&self.state.tokens).issued()
    }

    /// Kills every token issued so far: each answers 401 `bad.credentials` from now on.
    pub fn revoke_tokens(&self) {
        lock(&self.state.tokens).kill_all();
    }

    /// Every request so far, on both hosts, refused ones included.
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

impl Drop for Genesys {
    fn drop(&mut self) {
        lock(&self.state.tasks).abort_all();
    }
}
