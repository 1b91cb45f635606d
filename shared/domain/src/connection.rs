//! What the owner configured: endpoints (our webhook URLs), connections (one integration, number or page on one
//! platform, with a profile) and routes between connections. Secrets appear by name only.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::egress;
use crate::ids::{ConnectionId, EndpointId};
use crate::pacing::rate::Rate;
use crate::signature::Scheme;
use crate::token::Purpose;

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

/// Everything configured, as the functions hold it between refreshes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    endpoints: BTreeMap<EndpointId, Endpoint>,
    connections: BTreeMap<ConnectionId, Connection>,
    routes: BTreeMap<ConnectionId, Route>,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{row}: {problem}")]
pub struct Problem {
    /// The row it is about, as `connection/<id>`.
    pub row: String,
    /// What was found and what was expected.
    pub problem: String,
}

impl Directory {
    /// Builds the directory from its rows, whatever their order; a later row of the same key replaces an earlier one.
    pub fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut directory = Self::default();
        for row in rows {
            match row {
                Row::Endpoint(endpoint) => {
                    drop(directory.endpoints.insert(endpoint.id.clone(), endpoint))
                }
                Row::Connection(connection) => drop(
                    directory
                        .connections
                        .insert(connection.id.clone(), connection),
                ),
                Row::Route(route) => drop(directory.routes.insert(route.from.clone(), route)),
            }
        }
        directory
    }

    /// The endpoint of this name.
    #[must_use]
    pub fn endpoint(&self, id: &EndpointId) -> Option<&Endpoint> {
        self.endpoints.get(id)
    }

    /// Every endpoint.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values()
    }

    /// The connection of this name.
    #[must_use]
    pub fn connection(&self, id: &ConnectionId) -> Option<&Connection> {
        self.connections.get(id)
    }

    /// Every connection.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    /// The WhatsApp connection whose webhooks come to `endpoint` under this number. Another tenant's endpoint never
    /// reaches it, whatever number its webhook names.
    #[must_use]
    pub fn whatsapp(&self, endpoint: &EndpointId, number: &str) -> Option<&Connection> {
        self.connections
            .values()
            .find(|connection| match &connection.account {
                Account::WhatsApp {
                    endpoint: own,
                    phone_number_id,
                    ..
                } => own == endpoint && phone_number_id == number,
                Account::GenesysOpenMessaging { .. } => false,
            })
    }

    /// The route from a connection; without one its events are kept, not carried.
    #[must_use]
    pub fn route(&self, from: &ConnectionId) -> Option<&Route> {
        self.routes.get(from)
    }

    /// Drops connections marked `local`, and what refers to them: a deployed function never talks plain HTTP.
    #[must_use]
    pub fn without_local(mut self) -> Self {
        self.connections.retain(|_, connection| !connection.local);
        let connections = &self.connections;
        self.routes.retain(|from, route| {
            connections.contains_key(from)
                && route
                    .to
                    .as_ref()
                    .is_none_or(|to| connections.contains_key(to))
        });
        self
    }

    /// Everything wrong with the configuration as a whole: references to nothing, links that break the egress rules,
    /// endpoints without or with too many secrets.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let endpoints = self.endpoints.values().flat_map(endpoint_problems);
        let connections = self
            .connections
            .values()
            .flat_map(|connection| self.connection_problems(connection));
        let routes = self
            .routes
            .values()
            .flat_map(|route| self.route_problems(route));
        endpoints.chain(connections).chain(routes).collect()
    }

    fn connection_problems(&self, connection: &Connection) -> Vec<Problem> {
        let row = format!("connection/{}", connection.id);
        let mut problems = Vec::new();
        let urls: Vec<(&str, &Url)> = match &connection.account {
            Account::WhatsApp {
                endpoint, base_url, ..
            } => {
                match self.endpoints.get(endpoint) {
                    None => problems.push(format!(
                        "endpoint {endpoint:?} is not configured",
                        endpoint = endpoint.as_str()
                    )),
                    Some(found) if found.profile != Profile::WhatsApp => {
                        problems.push(format!(
                            "endpoint {endpoint} has profile {}, expected whatsapp",
                            found.profile
                        ));
                    }
                    Some(_) => {}
                }
                vec![("base_url", base_url)]
            }
            Account::GenesysOpenMessaging {
                api_url, login_url, ..
            } => vec![("api_url", api_url), ("login_url", login_url)],
        };
        for (key, url) in urls {
            if let Err(refused) = egress::judge(url, &[authority(url)], connection.local) {
                let hint = if url.scheme() == "http" {
                    "; plain http needs `local = true`"
                } else {
                    ""
                };
                problems.push(format!("{key} {url}: {refused}{hint}"));
            }
        }
        problems
            .into_iter()
            .map(|problem| Problem {
                row: row.clone(),
                problem,
            })
            .collect()
    }

    fn route_problems(&self, route: &Route) -> Vec<Problem> {
        std::iter::once(&route.from)
            .chain(&route.to)
            .filter(|id| !self.connections.contains_key(id))
            .map(|id| Problem {
                row: format!("route/{}", route.from),
                problem: format!("connection {:?} is not configured", id.as_str()),
            })
            .collect()
    }
}

fn endpoint_problems(endpoint: &Endpoint) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !(1..=2).contains(&endpoint.secrets.len()) {
        problems.push(format!(
            "{} secrets, expected one, or two during a rotation",
            endpoint.secrets.len()
        ));
    }
    match endpoint.profile {
        Profile::WhatsApp => {}
        Profile::GenesysOpenMessaging => problems.push(
            "profile genesys-open-messaging takes nothing in yet; expected whatsapp".to_owned(),
        ),
    }
    let row = format!("endpoint/{}", endpoint.id);
    problems
        .into_iter()
        .map(|problem| Problem {
            row: row.clone(),
            problem,
        })
        .collect()
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

    fn endpoint() -> Endpoint {
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

    #[test]
    fn a_number_is_reached_through_its_own_endpoint_only() {
        let directory = directory();
        let found = |endpoint: &str, number: &str| {
            directory
                .whatsapp(&EndpointId::new(endpoint), number)
                .is_some()
        };
        assert!(found("whatsapp", "106540352242922"));
        assert!(!found("other", "106540352242922"));
        assert!(!found("whatsapp", "1"));
    }

    #[test]
    fn problems_name_the_row_and_what_was_expected() {
        assert_eq!(directory().problems(), []);
        let mut plain = genesys();
        if let Account::GenesysOpenMessaging { api_url, .. } = &mut plain.account {
            *api_url = Url::parse("http://127.0.0.1:1").unwrap();
        }
        let mut bare = endpoint();
        bare.secrets.clear();
        let broken = Directory::new([
            Row::Endpoint(bare),
            Row::Connection(plain),
            Row::Route(Route {
                from: ConnectionId::new("nobody"),
                to: None,
            }),
        ]);
        let texts: Vec<_> = broken.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "endpoint/whatsapp: 0 secrets, expected one, or two during a rotation",
                "connection/genesys: api_url http://127.0.0.1:1/: scheme \"http\" is not allowed; plain http needs `local = true`",
                "route/nobody: connection \"nobody\" is not configured",
            ]
        );
    }

    #[test]
    fn deployed_functions_see_no_local_connection() {
        let mut rows = vec![Row::Endpoint(endpoint()), Row::Connection(whatsapp())];
        rows.push(Row::Connection(Connection {
            local: true,
            ..genesys()
        }));
        rows.push(Row::Route(Route {
            from: whatsapp().id,
            to: Some(genesys().id),
        }));
        let directory = Directory::new(rows).without_local();
        assert!(
            directory.connection(&genesys().id).is_none()
                && directory.route(&whatsapp().id).is_none()
        );
    }
}
