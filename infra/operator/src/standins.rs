//! The stand-ins for the platforms, wired to each other as the connections of a local run.

use std::time::Duration;

use anyhow::Result;
use attache_domain::connection::{Account, Connection, Endpoint, Profile, Route, Row, SecretName};
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_platforms::canary::Canary;
use attache_platforms::genesys::{Genesys, GenesysOptions};
use attache_platforms::whatsapp::{WhatsApp, WhatsAppOptions};
use url::{Position, Url};

use crate::site::Seed;

/// The endpoint's name in the path.
pub const ENDPOINT: &str = "whatsapp";

/// Both platforms, each a real HTTP server on this machine that keeps its platform's rules.
pub struct StandIns {
    /// The customer's side.
    pub whatsapp: WhatsApp,
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
        let genesys = Genesys::start(GenesysOptions {
            canary: canary.clone(),
            ..GenesysOptions::default()
        })
        .await?;
        Ok(Self {
            whatsapp,
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
        let media = Url::parse(&self.whatsapp.media_url())?;
        let number = options
            .numbers
            .first()
            .map(|number| number.phone_number_id.clone())
            .unwrap_or_default();
        let from = Connection {
            id: ConnectionId::new("whatsapp-demo"),
            account: Account::WhatsApp {
                endpoint: EndpointId::new(ENDPOINT),
                phone_number_id: number,
                base_url: Url::parse(&self.whatsapp.graph_url())?,
                graph_version: "v23.0".to_owned(),
                media_hosts: vec![media[Position::BeforeHost..Position::AfterPort].to_owned()],
                token: token.clone(),
            },
            local: true,
        };
        let to = Connection {
            id: ConnectionId::new("genesys-demo"),
            account: Account::GenesysOpenMessaging {
                integration_id: genesys.integration_id.clone(),
                api_url: Url::parse(&self.genesys.api_url())?,
                login_url: Url::parse(&self.genesys.login_url())?,
                client_id: genesys.client_id.clone(),
                client_secret: client_secret.clone(),
            },
            local: true,
        };
        let endpoint = Endpoint {
            id: EndpointId::new(ENDPOINT),
            profile: Profile::WhatsApp,
            secrets: vec![app_secret.clone()],
            verify_token: Some(verify.clone()),
        };
        let route = Route {
            from: from.id.clone(),
            to: Some(to.id.clone()),
        };
        let secrets = vec![
            (app_secret, options.app_secret.clone()),
            (verify, options.verify_token.clone()),
            (token, options.access_token.clone()),
            (client_secret, genesys.client_secret.clone()),
        ];
        let rows = vec![
            Row::Endpoint(endpoint),
            Row::Connection(from),
            Row::Connection(to),
            Row::Route(route),
        ];
        Ok(Seed {
            rows,
            secrets,
            ..Seed::default()
        })
    }

    /// Tells WhatsApp where its webhooks go, and makes its verification call.
    ///
    /// # Errors
    /// If the endpoint does not answer the challenge.
    pub async fn subscribe(&self, api_url: &str) -> Result<()> {
        self.whatsapp
            .set_callback(Url::parse(&format!("{api_url}/webhooks/{ENDPOINT}"))?);
        tokio::time::timeout(Duration::from_secs(15), self.whatsapp.verify_callback()).await?
    }
}
