//! What is configured in the world.

use attache_domain::connection::{
    Account, Attachments, Connection, Directory, Endpoint, Org, Page, Profile, Retention, Route,
    Row, SecretName, Template, Tenant,
};
use attache_domain::ids::{ConnectionId, EndpointId};
use url::Url;

pub(crate) fn directory() -> Directory {
    Directory::new(rows_of_the_site())
}

/// The number's files go to a channel of web messaging; beside it is another tenant's.
pub(crate) fn web_directory() -> Directory {
    let web = |id: &str, channel_id: &str| {
        let account = Account::GenesysWebMessaging {
            endpoint: Some(EndpointId::new(id)),
            channel_id: channel_id.to_owned(),
            org: org(),
        };
        [
            Row::Endpoint(endpoint(id, Profile::GenesysWebMessaging)),
            Row::Connection(Connection::new(ConnectionId::new(id), account)),
        ]
    };
    let rows = rows_of_the_site().into_iter();
    let rows = rows
        .chain(web("web", "7d3a0c11"))
        .chain(web("theirs", "b2"));
    Directory::new(rows.chain([route("wa-sales", "web")]))
}

/// The number's customers and the agents of a CXone channel.
pub(crate) fn byoc_directory(attachments: Attachments) -> Directory {
    let account = Account::CxoneByoc {
        endpoint: Some(EndpointId::new("cx")),
        channel_id: "byoc_1".to_owned(),
        attachments,
        tenant: Tenant {
            issuer_url: Url::parse("https://cxone.niceincontact.com").unwrap(),
            api_url: None,
            client_id: "application".to_owned(),
            client_secret: SecretName("genesys-secret".to_owned()),
            access_key: "KEY".to_owned(),
            access_key_secret: SecretName("genesys-secret".to_owned()),
        },
    };
    Directory::new([
        Row::Endpoint(endpoint("wa", Profile::WhatsApp)),
        Row::Endpoint(endpoint("cx", Profile::CxoneByoc)),
        number("wa-sales", "106540352242922"),
        Row::Connection(Connection::new(ConnectionId::new("cxone"), account)),
        route("wa-sales", "cxone"),
        route("cxone", "wa-sales"),
    ])
}

/// The integration's agents write into conversations that Genesys has with the channel itself.
pub(crate) fn agent_side_directory() -> Directory {
    let account = Account::GenesysAgent {
        supported_content: None,
        org: org(),
    };
    let rows = rows_of_the_site().into_iter();
    let rows = rows.filter(|row| row.id() != "route/genesys");
    Directory::new(rows.chain([
        Row::Connection(Connection::new(ConnectionId::new("agent"), account)),
        route("genesys", "agent"),
    ]))
}

/// The number's files go to one of the surfaces whose messages name files by ids; agents of message media may answer.
pub(crate) fn by_name_directory(profile: Profile) -> Directory {
    let agent_id = Some("agent-7".to_owned());
    let account = match profile {
        Profile::GenesysWebChat => Account::GenesysWebChat {
            configuration_id: "a1b2c3d4".to_owned(),
            agent_id,
            org: org(),
        },
        _ => Account::GenesysMessageMedia {
            endpoint: EndpointId::new("media"),
            agent_id,
            org: org(),
        },
    };
    let rows = rows_of_the_site().into_iter();
    let rows = rows.chain([
        Row::Connection(Connection::new(ConnectionId::new("theirs"), account)),
        route("wa-sales", "theirs"),
    ]);
    let media = [
        Row::Endpoint(endpoint("media", Profile::GenesysMessageMedia)),
        route("theirs", "wa-sales"),
    ];
    let media = media
        .into_iter()
        .filter(|_| profile == Profile::GenesysMessageMedia);
    Directory::new(rows.chain(media))
}

/// The number's files go to the direct upload test.
pub(crate) fn upload_test_directory() -> Directory {
    let account = Account::GenesysMediaUpload {
        endpoint: EndpointId::new("theirs"),
        channel_type: "whatsapp".to_owned(),
        org: org(),
    };
    let rows = rows_of_the_site().into_iter();
    Directory::new(rows.chain([
        Row::Endpoint(endpoint("theirs", Profile::GenesysMediaUpload)),
        Row::Connection(Connection::new(ConnectionId::new("test"), account)),
        route("wa-sales", "test"),
    ]))
}

/// An integration for each of a page and an Instagram account, which answer as persons if Meta allows it.
pub(crate) fn page_directory(human_agent: bool, retention: Retention) -> Directory {
    let page = |endpoint: &str| Page {
        endpoint: EndpointId::new(endpoint),
        page_id: "682498302938465".to_owned(),
        base_url: Url::parse("https://graph.facebook.com").unwrap(),
        graph_version: "v23.0".to_owned(),
        token: SecretName("wa-token".to_owned()),
        human_agent,
    };
    let connection = |id: &str, account| {
        Row::Connection(Connection {
            retention,
            ..Connection::new(ConnectionId::new(id), account)
        })
    };
    Directory::new([
        Row::Endpoint(endpoint("fb", Profile::Messenger)),
        Row::Endpoint(endpoint("ig", Profile::Instagram)),
        Row::Endpoint(endpoint("gc", Profile::GenesysOpenMessaging)),
        connection("page", Account::Messenger { page: page("fb") }),
        connection(
            "insta",
            Account::Instagram {
                account_id: "17841405793187218".to_owned(),
                page: page("ig"),
            },
        ),
        integration("genesys", "2d1f6a3c"),
        integration("genesys-insta", "9b1c7e55"),
        route("page", "genesys"),
        route("genesys", "page"),
        route("insta", "genesys-insta"),
        route("genesys-insta", "insta"),
    ])
}

/// The same with its rows changed.
pub(crate) fn directory_of(change: impl Fn(&mut Row)) -> Directory {
    let mut rows = rows_of_the_site();
    rows.iter_mut().for_each(change);
    Directory::new(rows)
}

/// The same with its endpoints changed.
pub(crate) fn directory_with(change: impl Fn(&mut Endpoint)) -> Directory {
    directory_of(|row| {
        if let Row::Endpoint(endpoint) = row {
            change(endpoint);
        }
    })
}

/// The same with a template for closed windows.
pub(super) fn inviting_directory() -> Directory {
    directory_of(|row| {
        if let Row::Connection(connection) = row
            && let Account::WhatsApp {
                window_template, ..
            } = &mut connection.account
        {
            *window_template = Some(Template {
                name: "we_have_an_answer".to_owned(),
                language: "en".to_owned(),
            });
        }
    })
}

/// A number on the endpoint `wa`.
pub(crate) fn number(id: &str, phone_number_id: &str) -> Row {
    Row::Connection(Connection::new(
        ConnectionId::new(id),
        Account::WhatsApp {
            endpoint: EndpointId::new("wa"),
            phone_number_id: phone_number_id.to_owned(),
            base_url: Url::parse("https://graph.facebook.com").unwrap(),
            graph_version: "v23.0".to_owned(),
            media_hosts: vec!["lookaside.fbsbx.com".to_owned()],
            token: SecretName("wa-token".to_owned()),
            window_template: None,
        },
    ))
}

/// An integration on the endpoint `gc`.
pub(crate) fn integration(id: &str, integration_id: &str) -> Row {
    Row::Connection(Connection::new(
        ConnectionId::new(id),
        Account::GenesysOpenMessaging {
            endpoint: Some(EndpointId::new("gc")),
            integration_id: integration_id.to_owned(),
            custom_attributes: false,
            org: org(),
        },
    ))
}

pub(crate) fn org() -> Org {
    Org {
        api_url: Url::parse("https://api.mypurecloud.de").unwrap(),
        login_url: Url::parse("https://login.mypurecloud.de").unwrap(),
        client_id: "client".to_owned(),
        client_secret: SecretName("genesys-secret".to_owned()),
    }
}

pub(crate) fn route(from: &str, to: &str) -> Row {
    Row::Route(Route {
        from: ConnectionId::new(from),
        to: Some(ConnectionId::new(to)),
    })
}

pub(crate) fn rows_of_the_site() -> Vec<Row> {
    vec![
        Row::Endpoint(endpoint("wa", Profile::WhatsApp)),
        Row::Endpoint(endpoint("gc", Profile::GenesysOpenMessaging)),
        number("wa-sales", "106540352242922"),
        integration("genesys", "2d1f6a3c"),
        route("wa-sales", "genesys"),
        route("genesys", "wa-sales"),
    ]
}

pub(crate) fn endpoint(id: &str, profile: Profile) -> Endpoint {
    Endpoint {
        id: EndpointId::new(id),
        profile,
        secrets: vec![SecretName("app".to_owned())],
        verify_token: None,
        forward_to: None,
        shadow: false,
    }
}
