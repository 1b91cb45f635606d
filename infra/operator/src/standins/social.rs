//! Messenger and Instagram among the stand-ins: one page and its account, and an integration for the agents behind each.

use std::time::Duration;

use anyhow::Result;
use attache_domain::channels::Ways;
use attache_domain::connection::{Account, Connection, Page, Profile, Row, SecretName};
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_platforms::genesys::{GenesysOptions, Integration};
use attache_platforms::messenger::Surface;
use url::Url;

use super::{AGENTS_ENDPOINT, StandIns, endpoint, route};
use crate::site::Seed;

/// One of the two: who it is to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Social {
    /// At the platform.
    pub surface: Surface,
    /// Its profile.
    pub profile: Profile,
    /// Its endpoint, as in the path.
    pub endpoint: &'static str,
    /// Its connection.
    pub customers: &'static str,
    /// The connection of the agents behind it.
    pub agents: &'static str,
    /// Their integration.
    pub integration_id: &'static str,
}

impl Social {
    /// Messenger.
    pub const MESSENGER: Self = Self {
        surface: Surface::Messenger,
        profile: Profile::Messenger,
        endpoint: "messenger",
        customers: "messenger-demo",
        agents: "genesys-messenger-demo",
        integration_id: "6b0c1d5e-3f42-4a90-9c6b-1f2e3d4c5b6a",
    };
    /// Instagram.
    pub const INSTAGRAM: Self = Self {
        surface: Surface::Instagram,
        profile: Profile::Instagram,
        endpoint: "instagram",
        customers: "instagram-demo",
        agents: "genesys-instagram-demo",
        integration_id: "9e8d7c6b-5a49-4382-b716-0a1b2c3d4e5f",
    };
    /// Both.
    pub const ALL: [Self; 2] = [Self::MESSENGER, Self::INSTAGRAM];
}

/// The integrations of the agents behind them, for Genesys' options.
#[must_use]
pub fn integrations() -> Vec<Integration> {
    let secret = GenesysOptions::default().webhook_secret;
    let integration = |social: Social| Integration::new(social.integration_id, &secret);
    Social::ALL.map(integration).to_vec()
}

impl StandIns {
    /// The rows and secrets that connect Messenger and Instagram, beside those of [`StandIns::seed`].
    ///
    /// # Errors
    /// If the stand-ins' own addresses are no URLs.
    pub fn social_seed(&self, stage: &str) -> Result<Seed> {
        let secret = |name: &str| SecretName(format!("attache/{stage}/{name}"));
        let options = self.messenger.options();
        let token = secret("clients/messenger-demo/token");
        let page = options.pages.first().map(|page| page.access_token.clone());
        let mut seed = Seed {
            secrets: vec![(token.clone(), page.unwrap_or_default())],
            ..Seed::default()
        };
        for social in Social::ALL {
            let name = social.endpoint;
            let app_secret = secret(&format!("endpoints/{name}/secret-1"));
            let verify = secret(&format!("endpoints/{name}/verify-token"));
            seed.secrets.extend([
                (app_secret.clone(), options.app_secret.clone()),
                (verify.clone(), options.verify_token.clone()),
            ]);
            let client_secret = secret("clients/genesys-demo/client_secret");
            let agents = (social.agents, social.integration_id);
            seed.rows.extend([
                endpoint(name, social.profile, app_secret, Some(verify)),
                Row::Connection(self.social_customers(social, token.clone())?),
                Row::Connection(self.agents_of(agents, client_secret)?),
                route(social.customers, social.agents),
                route(social.agents, social.customers),
            ]);
        }
        Ok(seed)
    }

    fn social_customers(&self, social: Social, token: SecretName) -> Result<Connection> {
        let page = self.messenger.options().pages.first();
        let named = page.map(|page| (page.page_id.clone(), page.instagram_id.clone()));
        let (page_id, account_id) = named.unwrap_or_default();
        let page = Page {
            endpoint: EndpointId::new(social.endpoint),
            page_id,
            base_url: Url::parse(&self.messenger.graph_url())?,
            graph_version: "v23.0".to_owned(),
            token,
            human_agent: page.is_some_and(|page| page.human_agent),
        };
        let account = match social.surface {
            Surface::Messenger => Account::Messenger { page },
            Surface::Instagram => Account::Instagram {
                account_id: account_id.unwrap_or_default(),
                page,
            },
        };
        Ok(Connection {
            local: true,
            ways: Ways {
                convert: true,
                ..Ways::default()
            },
            ..Connection::new(ConnectionId::new(social.customers), account)
        })
    }

    /// Tells Messenger, Instagram and the integrations behind them where their webhooks go, and makes Meta's verification calls.
    ///
    /// # Errors
    /// If an endpoint does not answer the challenge, or Genesys lacks an integration.
    pub async fn subscribe_social(&self, api_url: &str) -> Result<()> {
        let at = |endpoint: &str| Url::parse(&format!("{api_url}/webhooks/{endpoint}"));
        for social in Social::ALL {
            let agents = at(AGENTS_ENDPOINT)?;
            self.genesys
                .set_callback_of(social.integration_id, agents)?;
            let own = at(social.endpoint)?;
            self.messenger.set_callback(social.surface, own);
            let verified = self.messenger.verify_callback(social.surface);
            tokio::time::timeout(Duration::from_secs(15), verified).await??;
        }
        Ok(())
    }
}
