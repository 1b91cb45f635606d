//! What is configured: an endpoint for each platform, three numbers, an agents' side for two of them.

use attache_domain::channels::Ways;
use attache_domain::connection::{
    Account, Connection, Directory, Endpoint, Org, Profile, Retention, Route, Row, SecretName,
    Template,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use url::Url;

use super::{AGENT_ENDPOINT, API, ENDPOINT, GRAPH, LOGIN, WEB_ENDPOINT};
use crate::dice::Dice;

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

/// The agents' side of a number.
#[must_use]
pub fn genesys_id(number: usize) -> ConnectionId {
    ConnectionId::new(format!("genesys-{number}"))
}

/// Genesys' id of a number's integration.
#[must_use]
pub fn integration_id(number: usize) -> String {
    format!("2d1f6a3{number}")
}

/// The secret of the agents' OAuth client.
#[must_use]
pub fn client_secret() -> SecretName {
    SecretName("attache/sim/clients/genesys".to_owned())
}

/// Numbers 0 and 1 lead to agents and back, number 2 to the archive; number 3 is nobody's.
pub(super) const NUMBERS: usize = 3;

/// What the owner decided for what comes over each number, and for what its agents send.
pub type Retentions = [Retention; NUMBERS];

/// What the owner decided: in half of the runs nothing.
pub(super) fn retentions(dice: &Dice) -> Retentions {
    let decided = dice.chance(500);
    let all = [
        Retention::Keep,
        Retention::KeepUntilUnsend,
        Retention::KeepUntilUnsend,
        Retention::ReferenceOnly,
    ];
    [(); NUMBERS].map(|()| match dice.pick(&all) {
        Some(retention) if decided => *retention,
        _ => Retention::Keep,
    })
}

/// Everything configured; `media_hosts` may have the numbers' tokens. Number 1 has a template for closed windows. `links`: what a
/// side does not take goes to it as a link; `web`: number 1's customers' files and words go to web messaging.
pub(super) fn directory(
    media_hosts: &[&str],
    retentions: &Retentions,
    (links, web): (bool, bool),
) -> Directory {
    let ways = Ways {
        link: links,
        ..Ways::default()
    };
    let endpoints = [
        (ENDPOINT, Profile::WhatsApp),
        (AGENT_ENDPOINT, Profile::GenesysOpenMessaging),
        (WEB_ENDPOINT, Profile::GenesysWebMessaging),
    ]
    .map(|(id, profile)| {
        Row::Endpoint(Endpoint {
            id: EndpointId::new(id),
            profile,
            secrets: vec![SecretName(format!("attache/sim/endpoints/{id}"))],
            verify_token: None,
            forward_to: None,
            shadow: false,
        })
    });
    let numbers = (0..NUMBERS).filter_map(|number| {
        let account = Account::WhatsApp {
            endpoint: EndpointId::new(ENDPOINT),
            phone_number_id: phone_number_id(number),
            base_url: host(GRAPH)?,
            graph_version: "v23.0".to_owned(),
            media_hosts: media_hosts.iter().map(ToString::to_string).collect(),
            token: token_secret(number),
            window_template: (number == 1).then(|| Template {
                name: "we_answered".to_owned(),
                language: "de".to_owned(),
            }),
        };
        Some(Row::Connection(Connection {
            retention: retentions[number],
            ways,
            ..Connection::new(number_id(number), account)
        }))
    });
    let routes = (0..NUMBERS).map(|number| Route {
        from: number_id(number),
        to: match number {
            1 if web => Some(web_id()),
            0 | 1 => Some(genesys_id(number)),
            _ => None,
        },
    });
    let ways_back = (0..2).map(|number| Route {
        from: genesys_id(number),
        to: Some(number_id(number)),
    });
    Directory::new(
        endpoints
            .into_iter()
            .chain((0..2).filter_map(|number| agents(number, retentions[number], ways)))
            .chain(web_messaging(retentions[1], ways).filter(|_| web))
            .chain(numbers)
            .chain(routes.chain(ways_back).map(Row::Route)),
    )
}

/// Number 1's customers' side of web messaging, if there is one.
#[must_use]
pub(super) fn web_id() -> ConnectionId {
    ConnectionId::new("web-1")
}

fn web_messaging(retention: Retention, ways: Ways) -> Option<Row> {
    let account = Account::GenesysWebMessaging {
        endpoint: Some(EndpointId::new(WEB_ENDPOINT)),
        channel_id: "7d3a0c11".to_owned(),
        org: org()?,
    };
    Some(Row::Connection(Connection {
        retention,
        ways,
        ..Connection::new(web_id(), account)
    }))
}

fn org() -> Option<Org> {
    Some(Org {
        api_url: host(API)?,
        login_url: host(LOGIN)?,
        client_id: "client".to_owned(),
        client_secret: client_secret(),
    })
}

fn agents(number: usize, retention: Retention, ways: Ways) -> Option<Row> {
    let account = Account::GenesysOpenMessaging {
        endpoint: Some(EndpointId::new(AGENT_ENDPOINT)),
        integration_id: integration_id(number),
        custom_attributes: false,
        org: org()?,
    };
    Some(Row::Connection(Connection {
        retention,
        ways,
        ..Connection::new(genesys_id(number), account)
    }))
}

fn host(name: &str) -> Option<Url> {
    Url::parse(&format!("https://{name}")).ok()
}
