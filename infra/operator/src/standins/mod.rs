//! The stand-ins for the platforms, wired to each other as the connections of a local run.

mod social;

use std::time::Duration;

use anyhow::Result;
use attache_domain::channels::Ways;
use attache_domain::connection::{
    Account, Connection, Endpoint, Org, Profile, Route, Row, SecretName,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_platforms::canary::Canary;
use attache_platforms::genesys::{Genesys, GenesysOptions};
use attache_platforms::messenger::{Messenger, MessengerOptions};
use attache_platforms::whatsapp::{WhatsApp, WhatsAppOptions};
use url::{Position, Url};

pub use social::{Social, integrations};

use crate::site::Seed;

/// The customer side's endpoint, as in the path.
pub const ENDPOINT: &str = "whatsapp";

/// The agent side's endpoint, as in the path.
pub const AGENTS_ENDPOINT: &str = "genesys";

/// The customer side's connection.
pub const CUSTOMERS: &str = "whatsapp-demo";

/// The agent side's connection.
pub const AGENTS: &str = "genesys-demo";

/// The platforms, each a real HTTP server on this machine that keeps its platform's rules.
pub struct StandIns {
    /// The customer's side.
    pub whatsapp: WhatsApp,
    /// Messenger and Instagram.
    pub messenger: Messenger,
    /// The agent's side.
    pub genesys: Genesys,
    /// Sees every token wherever it shows up.
    pub canary: Canary,
}

impl StandIns {
    /// Starts them.
    ///
    /// # Errors
    /// If they cannot listen.
    pub async fn start() -> Result<Self> {
        let canary = Canary::default();
        let whatsapp = WhatsApp::start(WhatsAppOptions {
            canary: canary.clone(),
            ..WhatsAppOptions::default()
        })
        .await?;
        let messenger = Messenger::start(MessengerOptions {
            canary: canary.clone(),
            ..MessengerOptions::default()
        })
        .await?;
        // An owner who wants agents to send more than pictures has widened the default content profile.
        let genesys = Genesys::start(GenesysOptions {
            canary: canary.clone(),
            outbound_types: vec!["*/*".to_owned()],
            several_attachments: true,
            integrations: integrations(),
            ..GenesysOptions::default()
        })
        .await?;
        Ok(Self {
            whatsapp,
            messenger,
            genesys,
            canary,
        })
    }

    /// The rows and secrets that connect them.
    ///
    /// # Errors
    /// If their own addresses are no URLs.
    pub fn seed(&self, stage: &str) -> Result<Seed> {
        let secret = |name: &str| SecretName(format!("attache/{stage}/{name}"));
        let (options, genesys) = (self.whatsapp.options(), self.genesys.options());
        let (app_secret, verify) = (
            secret("endpoints/whatsapp/secret-1"),
            secret("endpoints/whatsapp/verify-token"),
        );
        let (token, client_secret) = (
            secret("clients/whatsapp-demo/token"),
            secret("clients/genesys-demo/client_secret"),
        );
        let agents_secret = secret("endpoints/genesys/secret-1");
        let secrets = vec![
            (app_secret.clone(), options.app_secret.clone()),
            (verify.clone(), options.verify_token.clone()),
            (agents_secret.clone(), genesys.webhook_secret.clone()),
            (token.clone(), options.access_token.clone()),
            (client_secret.clone(), genesys.client_secret.clone()),
        ];
        let rows = vec![
            endpoint(ENDPOINT, Profile::WhatsApp, app_secret, Some(verify)),
            endpoint(
                AGENTS_ENDPOINT,
                Profile::GenesysOpenMessaging,
                agents_secret,
                None,
            ),
            Row::Connection(self.customers(token)?),
            Row::Connection(self.agents(client_secret)?),
            route(CUSTOMERS, AGENTS),
            route(AGENTS, CUSTOMERS),
        ];
        Ok(Seed {
            rows,
            secrets,
            ..Seed::default()
        })
    }

    fn customers(&self, token: SecretName) -> Result<Connection> {
        let media = Url::parse(&self.whatsapp.media_url())?;
        let number = self.whatsapp.options().numbers.first();
        let number = number.map(|number| number.phone_number_id.clone());
        Ok(Connection {
            local: true,
            ways: Ways {
                convert: true,
                ..Ways::default()
            },
            ..Connection::new(
                ConnectionId::new(CUSTOMERS),
                Account::WhatsApp {
                    endpoint: EndpointId::new(ENDPOINT),
                    phone_number_id: number.unwrap_or_default(),
                    base_url: Url::parse(&self.whatsapp.graph_url())?,
                    graph_version: "v23.0".to_owned(),
                    media_hosts: vec![media[Position::BeforeHost..Position::AfterPort].to_owned()],
                    token,
                    window_template: None,
                },
            )
        })
    }

    fn agents(&self, client_secret: SecretName) -> Result<Connection> {
        let integration_id = &self.genesys.options().integration_id;
        self.agents_of((AGENTS, integration_id), client_secret)
    }

    /// Agents behind an integration.
    fn agents_of(
        &self,
        (id, integration_id): (&str, &str),
        client_secret: SecretName,
    ) -> Result<Connection> {
        let genesys = self.genesys.options();
        Ok(Connection {
            local: true,
            ..Connection::new(
                ConnectionId::new(id),
                Account::GenesysOpenMessaging {
                    endpoint: Some(EndpointId::new(AGENTS_ENDPOINT)),
                    integration_id: integration_id.to_owned(),
                    custom_attributes: false,
                    org: Org {
                        api_url: Url::parse(&self.genesys.api_url())?,
                        login_url: Url::parse(&self.genesys.login_url())?,
                        client_id: genesys.client_id.clone(),
                        client_secret,
                    },
                },
            )
        })
    }

    /// Tells WhatsApp and Genesys where their webhooks go, and makes WhatsApp's verification call.
    ///
    /// # Errors
    /// If the endpoint does not answer the challenge.
    pub async fn subscribe(&self, api_url: &str) -> Result<()> {
        self.genesys.set_callback(Url::parse(&format!(
            "{api_url}/webhooks/{AGENTS_ENDPOINT}"
        ))?);
        self.whatsapp
            .set_callback(Url::parse(&format!("{api_url}/webhooks/{ENDPOINT}"))?);
        tokio::time::timeout(Duration::from_secs(15), self.whatsapp.verify_callback()).await?
    }
}

fn endpoint(
    id: &str,
    profile: Profile,
    secret: SecretName,
    verify_token: Option<SecretName>,
) -> Row {
    Row::Endpoint(Endpoint {
        id: EndpointId::new(id),
        profile,
        secrets: vec![secret],
        verify_token,
        forward_to: None,
        shadow: false,
    })
}

fn route(from: &str, to: &str) -> Row {
    Row::Route(Route {
        from: ConnectionId::new(from),
        to: Some(ConnectionId::new(to)),
    })
}
