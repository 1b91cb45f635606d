//! What is configured: one endpoint, three numbers, one agents' side.

use attache_domain::connection::{
    Account, Connection, Directory, Endpoint, Profile, Route, Row, SecretName,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use url::Url;

use super::{API, ENDPOINT, GRAPH, LOGIN};

/// The connection of a number.
#[must_use]
pub fn number_id(number: usize) -> ConnectionId {
    ConnectionId::new(format!("wa-{number}"))
}

/// Meta's id of a number.
#[must_use]
pub fn phone_number_id(number: usize) -> String {
    format!("10654035224292{number}")
}

/// The secret that holds a number's token.
#[must_use]
pub fn token_secret(number: usize) -> SecretName {
    SecretName(format!("attache/sim/clients/wa-{number}"))
}

/// The agents' side.
#[must_use]
pub fn genesys_id() -> ConnectionId {
    ConnectionId::new("genesys")
}

/// The secret of the agents' OAuth client.
#[must_use]
pub fn client_secret() -> SecretName {
    SecretName("attache/sim/clients/genesys".to_owned())
}

/// Numbers 0 and 1 lead to the agents, number 2 to the archive; number 3 is nobody's.
pub(super) const NUMBERS: usize = 3;

/// Everything configured; `media_hosts` may have the numbers' tokens.
#[must_use]
pub fn directory(media_hosts: &[&str]) -> Directory {
    let endpoint = Row::Endpoint(Endpoint {
        id: EndpointId::new(ENDPOINT),
        profile: Profile::WhatsApp,
        secrets: vec![SecretName("attache/sim/endpoints/wa".to_owned())],
        verify_token: None,
    });
    let agents = host(API).zip(host(LOGIN)).map(|(api_url, login_url)| {
        Row::Connection(Connection {
            id: genesys_id(),
            account: Account::GenesysOpenMessaging {
                integration_id: "2d1f6a3c".to_owned(),
                api_url,
                login_url,
                client_id: "client".to_owned(),
                client_secret: client_secret(),
            },
            local: false,
        })
    });
    let numbers = (0..NUMBERS).filter_map(|number| {
        Some(Row::Connection(Connection {
            id: number_id(number),
            account: Account::WhatsApp {
                endpoint: EndpointId::new(ENDPOINT),
                phone_number_id: phone_number_id(number),
                base_url: host(GRAPH)?,
                graph_version: "v23.0".to_owned(),
                media_hosts: media_hosts.iter().map(ToString::to_string).collect(),
                token: token_secret(number),
            },
            local: false,
        }))
    });
    let routes = (0..NUMBERS).map(|number| {
        Row::Route(Route {
            from: number_id(number),
            to: (number < 2).then(genesys_id),
        })
    });
    Directory::new(
        std::iter::once(endpoint)
            .chain(agents)
            .chain(numbers)
            .chain(routes),
    )
}

fn host(name: &str) -> Option<Url> {
    Url::parse(&format!("https://{name}")).ok()
}
