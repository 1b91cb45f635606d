//! What a running Genesys stand-in shares between its listeners and its fetches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use anyhow::Context as _;

use super::{
    agent::SentByAgent,
    agent_side,
    allowance::Windows,
    by_name, delivery,
    desk::{AgentMessage, Post, Receipt},
    files::Files,
    login::Tokens,
    media_upload,
    options::{GenesysOptions, Integration},
    web_messaging::Uploads,
};
pub(super) use crate::background::lock;
use crate::{
    background::Background,
    delivery::{Address, Courier},
    faults::Faults,
    specs::Checker,
};

pub(super) const ISSUER: &str = "genesys";

/// An integration in operation.
pub(super) struct Line {
    pub(super) integration: Integration,
    pub(super) address: Arc<Address>,
    /// What its webhooks are signed with.
    pub(super) secret: Arc<Mutex<String>>,
}

/// Shared state. Tasks in the background hold it too: whoever owns the stand-in stops them to let it go.
pub(super) struct State {
    pub(super) options: GenesysOptions,
    pub(super) faults: Faults,
    pub(super) checker: Arc<Checker>,
    pub(super) client: reqwest::Client,
    /// `host:port` of the listeners that may see tokens.
    pub(super) homes: Vec<String>,
    /// The integrations, the first one first; never empty.
    pub(super) lines: Vec<Arc<Line>>,
    /// Where `message:message-media` events go.
    pub(super) media_events: Arc<Address>,
    pub(super) courier: Arc<Courier>,
    pub(super) files: Files,
    /// The files of web messaging.
    pub(super) uploads: Uploads,
    /// The direct upload test.
    pub(super) media_upload: media_upload::Uploads,
    /// Files and messages of web chat and message media.
    pub(super) by_name: by_name::Desk,
    /// Conversations, media and messages on the agent's side.
    pub(super) agent_side: agent_side::Desk,
    pub(super) tokens: Mutex<Tokens>,
    /// The webhooks of events that were asked for, which no published schema knows.
    pub(super) event_webhooks: Mutex<Vec<serde_json::Value>>,
    pub(super) windows: Mutex<Windows>,
    /// Integration id and customer id → conversation id.
    pub(super) conversations: Mutex<HashMap<(String, String), String>>,
    pub(super) posts: Mutex<Vec<Post>>,
    pub(super) messages: Mutex<Vec<AgentMessage>>,
    pub(super) receipts: Mutex<Vec<Receipt>>,
    pub(super) events: Mutex<Vec<serde_json::Value>>,
    pub(super) sent: Mutex<Vec<SentByAgent>>,
    /// Changes whenever a message is shown, a receipt or event comes in, or a webhook is posted.
    pub(super) background: Arc<Background>,
}

impl State {
    /// The state of a stand-in that nothing has happened to.
    ///
    /// # Errors
    /// If no HTTP client can be built.
    pub(super) fn new(
        options: GenesysOptions,
        checker: Arc<Checker>,
        homes: Vec<String>,
        files: Files,
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let client = client
            .build()
            .context("the client that fetches attachments and posts webhooks")?;
        let background = Arc::<Background>::default();
        let courier = Courier::new(
            options.clock.clone(),
            client.clone(),
            delivery::terms(&options),
            background.clone(),
        );
        let line = |integration: Integration| {
            let secret = Arc::new(Mutex::new(integration.webhook_secret.clone()));
            let address = delivery::address(&integration, secret.clone());
            Arc::new(Line {
                integration,
                address,
                secret,
            })
        };
        let media_events = Integration::new(&options.integration_id, &options.webhook_secret);
        Ok(Self {
            faults: Faults::new(ISSUER, super::POINTS, options.clock.clone()),
            checker,
            client,
            homes,
            lines: options.all_integrations().into_iter().map(line).collect(),
            media_events: delivery::address(
                &media_events,
                Arc::new(Mutex::new(media_events.webhook_secret.clone())),
            ),
            courier,
            files,
            uploads: Uploads::new(&options.webhook_secret),
            agent_side: agent_side::Desk::default(),
            by_name: by_name::Desk::default(),
            media_upload: media_upload::Uploads::new(&options.webhook_secret),
            tokens: Mutex::default(),
            event_webhooks: Mutex::default(),
            windows: Mutex::new(Windows::new(options.allowance)),
            conversations: Mutex::default(),
            posts: Mutex::default(),
            messages: Mutex::default(),
            receipts: Mutex::default(),
            events: Mutex::default(),
            sent: Mutex::default(),
            background,
            options,
        })
    }

    /// The integration with this id.
    pub(super) fn line(&self, id: &str) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| line.integration.id == id)
    }

    /// Id and secret of the client that may use an integration.
    pub(super) fn client_of<'s>(&'s self, integration: &'s Integration) -> (&'s str, &'s str) {
        match &integration.client {
            Some((id, secret)) => (id, secret),
            None => (&self.options.client_id, &self.options.client_secret),
        }
    }

    /// The conversation of a customer with an integration; begun if there is none.
    pub(super) fn conversation(&self, integration: &str, customer: &str) -> String {
        lock(&self.conversations)
            .entry((integration.to_owned(), customer.to_owned()))
            .or_insert_with(crate::random::uuid)
            .clone()
    }
}
