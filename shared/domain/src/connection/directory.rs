//! The configuration as a whole: finds what belongs together, and says what does not fit.

use std::collections::BTreeMap;

use url::Url;

use super::{Account, Connection, Endpoint, FilePolicy, Route, Row, authority};
use crate::egress;
use crate::ids::{ConnectionId, EndpointId};

/// Words with which keys of other rows begin, where those of kept events begin with their endpoint.
const OUR_OWN: [&str; 4] = ["name", "tries", "said", "held"];

/// Everything configured, as the functions hold it between refreshes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    endpoints: BTreeMap<EndpointId, Endpoint>,
    connections: BTreeMap<ConnectionId, Connection>,
    routes: BTreeMap<ConnectionId, Route>,
    policy: FilePolicy,
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
                Row::Policy(policy) => directory.policy = policy,
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

    /// The other connections that speak by the access token of this one.
    pub fn of_one_token<'a>(
        &'a self,
        connection: &'a Connection,
    ) -> impl Iterator<Item = &'a Connection> {
        self.connections.values().filter(|other| {
            let token = connection.access_token();
            token.is_some() && other.access_token() == token && other.id != connection.id
        })
    }

    /// The connection whose webhooks come to `endpoint` under this address of the business. Another tenant's endpoint
    /// never reaches it, whatever address its webhook names. A webhook that names none is of the only connection there.
    #[must_use]
    pub fn business(&self, endpoint: &EndpointId, address: &str) -> Option<&Connection> {
        let mut there = self
            .connections
            .values()
            .filter(|connection| connection.endpoint() == Some(endpoint));
        if address.is_empty() {
            return there.next().filter(|_| there.next().is_none());
        }
        there.find(|connection| connection.address().is_none_or(|own| own == address))
    }

    /// Whether a route leads to this connection: whoever writes over it may be answered.
    #[must_use]
    pub fn is_answered(&self, connection: &ConnectionId) -> bool {
        self.routes
            .values()
            .any(|route| route.to.as_ref() == Some(connection))
    }

    /// The route from a connection; without one its events are kept, not carried.
    #[must_use]
    pub fn route(&self, from: &ConnectionId) -> Option<&Route> {
        self.routes.get(from)
    }

    /// The owner's policy for files.
    #[must_use]
    pub fn policy(&self) -> &FilePolicy {
        &self.policy
    }

    /// Drops connections marked `local`, what refers to them, and plain links to forward to: a deployed function never
    /// talks plain HTTP.
    #[must_use]
    pub fn without_local(mut self) -> Self {
        for endpoint in self.endpoints.values_mut() {
            endpoint.forward_to.take_if(|url| url.scheme() != "https");
        }
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
        let policy = self.policy.problem().map(|problem| Problem {
            row: "policy".to_owned(),
            problem,
        });
        endpoints
            .chain(connections)
            .chain(routes)
            .chain(policy)
            .collect()
    }

    fn connection_problems(&self, connection: &Connection) -> Vec<Problem> {
        let row = format!("connection/{}", connection.id);
        let endpoint = connection.endpoint();
        let mut problems: Vec<String> = endpoint
            .and_then(|id| self.endpoint_problem(connection, id))
            .into_iter()
            .chain(name_problem(connection.id.as_str()))
            .collect();
        let tenant = connection.tenant();
        let urls: Vec<(&str, &Url)> = match (&connection.account, connection.org()) {
            (Account::CxoneByoc { .. } | Account::CxoneConversations { .. }, _) => tenant
                .into_iter()
                .flat_map(|it| {
                    let api = it.api_url.as_ref().map(|url| ("api_url", url));
                    std::iter::once(("issuer_url", &it.issuer_url)).chain(api)
                })
                .collect(),
            (Account::WhatsApp { base_url, .. }, _) => vec![("base_url", base_url)],
            (Account::Messenger { page } | Account::Instagram { page, .. }, _) => {
                vec![("base_url", &page.base_url)]
            }
            (_, Some(org)) => vec![("api_url", &org.api_url), ("login_url", &org.login_url)],
            (_, None) => Vec::new(),
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

    /// What is wrong with the endpoint a connection names.
    fn endpoint_problem(&self, connection: &Connection, id: &EndpointId) -> Option<String> {
        let Some(found) = self.endpoints.get(id) else {
            return Some(format!("endpoint {:?} is not configured", id.as_str()));
        };
        let expected = connection.profile();
        if found.profile != expected {
            let profile = found.profile;
            return Some(format!(
                "endpoint {id} has profile {profile}, expected {expected}"
            ));
        }
        let rival = self.connections.values().find(|other| {
            other.id < connection.id
                && other.endpoint() == Some(id)
                && other.address() == connection.address()
        });
        rival.map(|rival| format!("endpoint {id} already leads {} here", rival.id))
    }

    fn route_problems(&self, route: &Route) -> Vec<Problem> {
        let row = format!("route/{}", route.from);
        let mut problems: Vec<String> = std::iter::once(&route.from)
            .chain(&route.to)
            .filter(|id| !self.connections.contains_key(id))
            .map(|id| format!("connection {:?} is not configured", id.as_str()))
            .collect();
        let profile = |id: &ConnectionId| self.connections.get(id).map(Connection::profile);
        if let Some((from, to)) = profile(&route.from).zip(route.to.as_ref().and_then(profile)) {
            if !to.delivers() {
                problems.push(format!("nothing can be delivered over profile {to}"));
            } else if from.direction() == to.direction() {
                problems.push(format!(
                    "{from} leads to {to}; expected one of a customer's channel and one of an agent's platform"
                ));
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
}

/// What is wrong with a name that becomes part of keys, in front of what a platform says: with a slash in it, one tenant's
/// key could read like another's.
fn name_problem(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = !name.is_empty() && name.chars().all(fits);
    (!is_name).then(|| "its name is not made of letters, digits, `-`, `_` and `.`".to_owned())
}

fn endpoint_problems(endpoint: &Endpoint) -> Vec<Problem> {
    let name = endpoint.id.as_str();
    let mut problems: Vec<String> = name_problem(name).into_iter().collect();
    if !endpoint.profile.takes_in() {
        problems.push(format!(
            "nothing comes in over profile {}",
            endpoint.profile
        ));
    }
    if OUR_OWN.contains(&name) {
        problems.push("its name is one of our own; expected another".to_owned());
    }
    if !(1..=2).contains(&endpoint.secrets.len()) {
        problems.push(format!(
            "{} secrets, expected one, or two during a rotation",
            endpoint.secrets.len()
        ));
    }
    if endpoint.forward_to.is_some() && endpoint.profile.scheme().is_none() {
        problems.push(format!(
            "forward_to: webhooks of profile {} carry a token of ours and no signature; they cannot be passed on",
            endpoint.profile
        ));
    }
    if let Some(url) = &endpoint.forward_to {
        // Where it may lead is the owner's to say; that a signed body does not travel in the clear is not.
        if url.scheme() != "https" && !egress::is_plain_and_here(url) {
            problems.push(format!(
                "forward_to {url}: expected https (http only to this machine)"
            ));
        }
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
mod tests {
    use super::super::tests::{byoc, directory, endpoint, genesys, whatsapp};
    use super::*;
    use crate::connection::Retention;

    #[test]
    fn a_number_is_reached_through_its_own_endpoint_only() {
        let directory = directory();
        let found = |endpoint: &str, number: &str| {
            directory
                .business(&EndpointId::new(endpoint), number)
                .is_some()
        };
        assert!(found("whatsapp", "106540352242922"));
        assert!(!found("other", "106540352242922"));
        assert!(!found("whatsapp", "1"));
        assert!(found("genesys", "2d1f6a3c"));
        assert!(!found("genesys", "106540352242922"));
    }

    #[test]
    fn a_webhook_that_names_no_address_is_of_the_only_connection_there() {
        let second = Connection {
            id: ConnectionId::new("second"),
            account: match byoc().account {
                Account::CxoneByoc {
                    endpoint,
                    attachments,
                    tenant,
                    ..
                } => Account::CxoneByoc {
                    endpoint,
                    channel_id: "byoc_2".to_owned(),
                    attachments,
                    tenant,
                },
                other => other,
            },
            ..byoc()
        };
        let found = |rows: Vec<Row>, address: &str| {
            let directory = Directory::new(rows);
            let found = directory.business(&EndpointId::new("cxone"), address);
            found.map(|it| it.id.to_string())
        };
        let one = || vec![Row::Connection(byoc()), Row::Connection(whatsapp())];
        let two = || vec![Row::Connection(byoc()), Row::Connection(second.clone())];
        assert_eq!(found(one(), "").as_deref(), Some("cxone"));
        assert_eq!(found(two(), ""), None);
        assert_eq!(found(two(), "byoc_2").as_deref(), Some("second"));
        assert_eq!(found(two(), "byoc_3"), None);
    }

    #[test]
    fn problems_name_the_row_and_what_was_expected() {
        assert_eq!(directory().problems(), []);
        let mut plain = genesys();
        if let Account::GenesysOpenMessaging { endpoint, org, .. } = &mut plain.account {
            *endpoint = None;
            org.api_url = Url::parse("http://127.0.0.1:1").unwrap();
        }
        let plain_id = plain.id.clone();
        let mut bare = endpoint();
        bare.secrets.clear();
        bare.forward_to = Some(Url::parse("http://old.example/hook").unwrap());
        let broken = Directory::new([
            Row::Endpoint(bare),
            Row::Connection(plain),
            Row::Route(Route {
                from: ConnectionId::new("nobody"),
                to: None,
            }),
            Row::Route(Route {
                from: plain_id.clone(),
                to: Some(plain_id),
            }),
        ]);
        let texts: Vec<_> = broken.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "endpoint/whatsapp: 0 secrets, expected one, or two during a rotation",
                "endpoint/whatsapp: forward_to http://old.example/hook: expected https (http only to this machine)",
                "connection/genesys: api_url http://127.0.0.1:1/: scheme \"http\" is not allowed; plain http needs `local = true`",
                "route/genesys: genesys-open-messaging leads to genesys-open-messaging; expected one of a customer's channel and one of an agent's platform",
                "route/nobody: connection \"nobody\" is not configured",
            ]
        );
    }

    #[test]
    fn names_are_no_keys_in_disguise() {
        for (name, fits) in [
            ("wa-sales_2.de", true),
            ("wa/sales", false),
            ("", false),
            ("wä", false),
            ("name", false),
            ("tries", false),
        ] {
            let endpoint = Endpoint {
                id: EndpointId::new(name),
                ..endpoint()
            };
            let connection = Connection {
                id: ConnectionId::new(name),
                ..whatsapp()
            };
            let named = Directory::new([Row::Endpoint(endpoint)]);
            assert_eq!(named.problems().is_empty(), fits, "endpoint {name:?}");
            let rows = [
                Row::Endpoint(super::super::tests::endpoint()),
                Row::Connection(connection),
            ];
            let is_word = OUR_OWN.contains(&name);
            let named = Directory::new(rows).problems().is_empty();
            assert_eq!(named, fits || is_word, "connection {name:?}");
        }
    }

    #[test]
    fn deployed_functions_see_no_local_connection() {
        let mut rows = vec![Row::Endpoint(endpoint()), Row::Connection(whatsapp())];
        rows.push(Row::Connection(Connection {
            local: true,
            retention: Retention::Keep,
            synthetic: false,
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
        for (link, kept) in [
            ("http://127.0.0.1:9000/hook", false),
            ("https://old.example/hook", true),
        ] {
            let mut endpoint = endpoint();
            endpoint.forward_to = Url::parse(link).ok();
            let id = endpoint.id.clone();
            let directory = Directory::new([Row::Endpoint(endpoint)]).without_local();
            let forward_to = directory.endpoint(&id).and_then(|e| e.forward_to.as_ref());
            assert_eq!(forward_to.is_some(), kept, "{link}");
        }
    }
}
