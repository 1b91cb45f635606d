//! A stand-in for Genesys Cloud: the login host, the API host, the hosts with files, and the agent's desk behind them.
//!
//! Written from the schemas of the platform SDKs 257.1/259.0 and the public pages. It keeps what shapes a client: tokens from another
//! host with a life and no refresh token, JSON only, the published schema, `inin-ratelimit-*` on every answer,
//! 429 over the allowance, and attachments that are *pulled*: Genesys fetches the link it is given, without headers,
//! without following redirects, at most 25 MB, so a link that is dead or needs a header fails here as it would there.
//!
//! Agents write by outbound webhooks ([`Agent`]): signed in base64, repeated for 85 s and then lost. Their files are behind the
//! downloads path, which needs the token and leads to a signed link of the object store, which must not see it.
//!
//! Login, API and apps host are on `127.0.0.1`, on ports of their own; the object store is on `localhost`, another host name. One
//! more listener, on another address, is nobody's: redirects lead there, and no token should.
//!
//! Not modelled: roles and permissions (but for whether configuration may be seen), conversations that end, notifications.

mod agent;
mod agent_file;
mod agent_side;
mod allowance;
mod api;
mod by_name;
mod configuration;
mod delivery;
mod desk;
mod downloads;
mod error;
mod fetch;
mod files;
mod inbound;
mod login;
mod media_upload;
mod message_media;
mod options;
mod receipts;
mod seen;
mod state;
mod store;
mod structured;
mod web_messaging;
mod webhooks;

use std::{collections::HashSet, sync::Arc};

use anyhow::Context as _;

pub use agent::{Agent, NotSent, SentByAgent};
pub use agent_file::AgentFile;
pub use agent_side::{AgentSaid, AgentSide, Conversation, MediaState, Medium};
pub use by_name::{ByName, HandedOver, Said, Surface};
pub use desk::{AgentMessage, Attachment, Fetched, Post, Receipt};
pub use media_upload::{MediaUpload, TestUpload};
pub use message_media::{MediaEvent, MessageMedia};
pub use options::{Allowance, AttachmentLinks, Duplicates, GenesysOptions, Integration};
pub use structured::{Card, CardAction, Structured};
pub use web_messaging::{Progress, Uploaded, WebMessaging};

pub use crate::delivery::{Attempt, Delivery, DeliveryState, MessageId};
use crate::{
    faults::{Faults, Point},
    journal::Journal,
    specs::Checker,
    wire::{Bound, LOOPBACK, Listener, Watchers, handler},
};
use files::{Files, Hosts};
use state::State;

const POINTS: &[Point] = &[
    Point::Token,
    Point::Inbound,
    Point::Receipt,
    Point::Fetch,
    Point::Resolve,
    Point::Download,
    Point::Place,
    Point::Put,
    Point::Scan,
    Point::AgentMessage,
    Point::Form,
];

/// A running stand-in. Everything ends when it is dropped.
pub struct Genesys {
    state: Arc<State>,
    journal: Journal,
    login: Listener,
    api: Listener,
    apps: Listener,
    store: Listener,
    elsewhere: Listener,
}

impl Genesys {
    /// Starts the listeners.
    ///
    /// # Errors
    /// If no port is free, a webhook secret is too short, two integrations have one id, or a schema in this crate is broken.
    pub async fn start(options: GenesysOptions) -> anyhow::Result<Self> {
        check(&options)?;
        let login = Bound::take(LOOPBACK).await.context("the login host")?;
        let api = Bound::take(LOOPBACK).await.context("the API host")?;
        let apps = Bound::take(LOOPBACK).await.context("the apps host")?;
        let store = Bound::take_localhost().await.context("the object store")?;
        let elsewhere = Bound::take_nobodys().await.context("the foreign host")?;
        let checker = Arc::new(Checker::genesys()?);
        let journal = Journal::default();
        let watchers = Watchers {
            clock: options.clock.clone(),
            journal: journal.clone(),
            canary: options.canary.clone(),
            checker: Some(checker.clone()),
        };
        let homes = [&login, &api, &apps].map(|home| home.authority().to_owned());
        let base = |host: &Bound| format!("http://{}", host.authority());
        let files = Files::new(Hosts {
            api: base(&api),
            apps: base(&apps),
            store: base(&store),
            elsewhere: base(&elsewhere),
        });
        let state = Arc::new(State::new(options, checker, homes.to_vec(), files)?);
        Ok(Self {
            login: login.serve(watchers.clone(), handler(&state, login::answer)),
            api: api.serve(watchers.clone(), handler(&state, api::answer)),
            apps: apps.serve(watchers.clone(), handler(&state, downloads::apps)),
            store: store.serve(watchers.clone(), handler(&state, store::answer)),
            elsewhere: elsewhere.serve(watchers, handler(&state, store::nobody)),
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

    /// Base of the apps host; its downloads path is `/platform/api/v2/downloads/{id}`.
    #[must_use]
    pub fn apps_url(&self) -> String {
        self.apps.base_url()
    }

    /// Base of the object store that signed links lead to, `http://localhost:PORT`.
    #[must_use]
    pub fn store_url(&self) -> String {
        self.store.base_url()
    }

    /// Base of the host that is not Genesys', where [`RedirectOffHost`](crate::faults::Fault::RedirectOffHost) leads.
    #[must_use]
    pub fn foreign_url(&self) -> String {
        self.elsewhere.base_url()
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

    /// The agent who writes by the first integration.
    #[must_use]
    pub fn agent(&self) -> Agent {
        Agent {
            state: self.state.clone(),
            line: self.state.lines[0].clone(),
        }
    }

    /// The agent who writes by the integration with this id, if there is one.
    #[must_use]
    pub fn agent_of(&self, integration_id: &str) -> Option<Agent> {
        let line = self.state.line(integration_id)?.clone();
        let state = self.state.clone();
        Some(Agent { state, line })
    }

    /// The uploads of web messaging; its channels are the integrations.
    #[must_use]
    pub fn web_messaging(&self) -> WebMessaging {
        WebMessaging {
            state: self.state.clone(),
        }
    }

    /// The agent's side of conversations: uploads and messages.
    #[must_use]
    pub fn agent_side(&self) -> AgentSide {
        AgentSide {
            state: self.state.clone(),
        }
    }

    /// Web chat and message media: files that messages name by ids.
    #[must_use]
    pub fn by_name(&self) -> ByName {
        ByName {
            state: self.state.clone(),
        }
    }

    /// The direct upload test.
    #[must_use]
    pub fn media_upload(&self) -> MediaUpload {
        MediaUpload {
            state: self.state.clone(),
        }
    }

    /// The sender of `message:message-media` events.
    #[must_use]
    pub fn message_media(&self) -> MessageMedia {
        MessageMedia {
            state: self.state.clone(),
        }
    }
}

impl Drop for Genesys {
    fn drop(&mut self) {
        self.state.background.stop();
    }
}

/// What Genesys would refuse when integrations are set up.
fn check(options: &GenesysOptions) -> anyhow::Result<()> {
    let mut ids = HashSet::new();
    for integration in options.all_integrations() {
        let secret = integration.webhook_secret.chars().count();
        anyhow::ensure!(secret > 15, "a webhook secret is longer than 15 characters");
        let id = integration.id;
        anyhow::ensure!(ids.insert(id.clone()), "there are two integrations {id}");
    }
    Ok(())
}
