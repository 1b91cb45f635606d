//! What the owner configured: endpoints (our webhook URLs), connections (one integration, number or page on one
//! platform, with a profile) and routes between connections. Secrets appear by name only.

mod directory;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ids::{ConnectionId, EndpointId};
use crate::pacing::rate::Rate;
use crate::signature::Scheme;
use crate::token::Purpose;

pub use directory::{Directory, Problem};

/// The name of a secret in Secrets Manager. Never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretName(pub String);

/// Which wire surface an endpoint or connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// WhatsApp Cloud API.
    #[serde(rename = "whatsapp")]
    WhatsApp,
    /// Genesys Cloud Open Messaging.
    GenesysOpenMessaging,
}

impl Profile {
    /// The name used in configuration and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp",
            Self::GenesysOpenMessaging => "genesys-open-messaging",
        }
    }

    /// How its platform signs webhooks.
    #[must_use]
    pub fn scheme(self) -> Scheme {
        match self {
            Self::WhatsApp => Scheme::META,
            Self::GenesysOpenMessaging => Scheme::GENESYS,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One webhook URL of ours: `/webhooks/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The last part of its path.
    pub id: EndpointId,
    /// Who calls it, and so how calls are signed and read.
    pub profile: Profile,
    /// The secrets a signature may be made with: the live one, and during a rotation the one before.
    pub secrets: Vec<SecretName>,
    /// The token of the platform's verification call (Meta's `hub.verify_token`).
    pub verify_token: Option<SecretName>,
}

/// The account of a connection, by profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "profile", rename_all = "kebab-case")]
pub enum Account {
    /// One business phone number.
    #[serde(rename = "whatsapp")]
    WhatsApp {
        /// The endpoint its webhooks come to.
        endpoint: EndpointId,
        /// The number's id, by which webhooks name it.
        phone_number_id: String,
        /// Where the Graph API is (`https://graph.facebook.com`).
        base_url: Url,
        /// The pinned API version (`v23.0`).
        graph_version: String,
        /// The hosts that media links may name and the bearer may go to, besides `base_url`'s.
        media_hosts: Vec<String>,
        /// The access token's secret; read by `refresh` alone.
        token: SecretName,
    },
    /// One Open Messaging integration.
    GenesysOpenMessaging {
        /// The integration's id, part of every call's path.
        integration_id: String,
        /// Where the platform API is (`https://api.mypurecloud.de`).
        api_url: Url,
        /// Where tokens are issued (`https://login.mypurecloud.de`).
        login_url: Url,
        /// The OAuth client.
        client_id: String,
        /// The OAuth client's secret; read by `refresh` alone.
        client_secret: SecretName,
    },
}

/// One integration, number, page or channel on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// As the owner named it.
    pub id: ConnectionId,
    /// Its account.
    #[serde(flatten)]
    pub account: Account,
    /// A stand-in on this machine: plain HTTP and private addresses are allowed. Deployed functions refuse it.
    #[serde(default)]
    pub local: bool,
}

impl Connection {
    /// Its profile.
    #[must_use]
    pub fn profile(&self) -> Profile {
        match self.account {
            Account::WhatsApp { .. } => Profile::WhatsApp,
            Account::GenesysOpenMessaging { .. } => Profile::GenesysOpenMessaging,
        }
    }

    /// The tokens it needs.
    #[must_use]
    pub fn purposes(&self) -> &'static [Purpose] {
        match self.account {
            Account::WhatsApp { .. } => &[Purpose::Media],
            Account::GenesysOpenMessaging { .. } => &[Purpose::Messages],
        }
    }

    /// How fast messages may be sent to it. Genesys: 300 calls a minute per token (restated by third parties, lower
    /// ones are seen), of which three quarters are used, so that other users of the client are not starved. WhatsApp:
    /// 20 a second, the rate of numbers in coexistence.
    /// `None` never happens: the constants are within [`Rate::new`]'s bounds, and a test says so.
    #[must_use]
    pub fn send_rate(&self) -> Option<Rate> {
        match self.account {
            Account::WhatsApp { .. } => Rate::new(20, Duration::from_secs(1), 20).ok(),
            Account::GenesysOpenMessaging { .. } => {
                Rate::new(225, Duration::from_secs(60), 20).ok()
            }
        }
    }

    /// The hosts a bearer of this connection may go to, exactly.
    #[must_use]
    pub fn bearer_hosts(&self) -> Vec<String> {
        match &self.account {
            Account::WhatsApp {
                base_url,
                media_hosts,
                ..
            } => {
                let mut hosts = media_hosts.clone();
                hosts.push(authority(base_url));
                hosts
            }
            Account::GenesysOpenMessaging {
                api_url, login_url, ..
            } => vec![authority(api_url), authority(login_url)],
        }
    }
}

/// `host`, or `host:port` where the port is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// From a connection to a connection, or to none: archive only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where media comes from.
    pub from: ConnectionId,
    /// Where it goes; `None`: it is stored and judged, and stays.
    pub to: Option<ConnectionId>,
}

/// One row of the `connections` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "kebab-case")]
pub enum Row {
    /// An endpoint.
    Endpoint(Endpoint),
    /// A connection.
    Connection(Connection),
    /// A route.
    Route(Route),
}

impl Row {
    /// The row's key.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Endpoint(endpoint) => format!("endpoint/{}", endpoint.id),
            Self::Connection(connection) => format!("connection/{}", connection.id),
            Self::Route(route) => format!("route/{}", route.from),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn whatsapp() -> Connection {
        Connection {
            id: ConnectionId::new("wa-sales"),
            account: Account::WhatsApp {
                endpoint: EndpointId::new("whatsapp"),
                phone_number_id: "106540352242922".to_owned(),
                base_url: Url::parse("https://graph.facebook.com").unwrap(),
                graph_version: "v23.0".to_owned(),
                media_hosts: vec!["lookaside.fbsbx.com".to_owned()],
                token: SecretName("attache/prod/clients/wa-sales".to_owned()),
            },
            local: false,
        }
    }

    pub(crate) fn genesys() -> Connection {
        Connection {
            id: ConnectionId::new("genesys"),
            account: Account::GenesysOpenMessaging {
                integration_id: "2d1f6a3c".to_owned(),
                api_url: Url::parse("https://api.mypurecloud.de").unwrap(),
                login_url: Url::parse("https://login.mypurecloud.de").unwrap(),
                client_id: "client".to_owned(),
                client_secret: SecretName("attache/prod/clients/genesys".to_owned()),
            },
            local: false,
        }
    }

    pub(super) fn endpoint() -> Endpoint {
        Endpoint {
            id: EndpointId::new("whatsapp"),
            profile: Profile::WhatsApp,
            secrets: vec![SecretName("attache/prod/endpoints/whatsapp".to_owned())],
            verify_token: None,
        }
    }

    pub(crate) fn directory() -> Directory {
        Directory::new([
            Row::Endpoint(endpoint()),
            Row::Connection(whatsapp()),
            Row::Connection(genesys()),
            Row::Route(Route {
                from: whatsapp().id,
                to: Some(genesys().id),
            }),
        ])
    }

    #[test]
    fn every_connection_has_a_rate() {
        assert!(whatsapp().send_rate().is_some() && genesys().send_rate().is_some());
    }

    #[test]
    fn rows_round_trip() {
        for row in [
            Row::Endpoint(endpoint()),
            Row::Connection(whatsapp()),
            Row::Connection(genesys()),
        ] {
            let text = serde_json::to_string(&row).unwrap();
            assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row, "{text}");
        }
    }
}
