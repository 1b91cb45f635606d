//! How we get a token of CXone's (cxone.md §2.1): the issuer tells where tokens are had, the application and the user's access key
//! get one (grant `password`), and its tenant's configuration tells where that tenant's API is.
//!
//! The area is taken from that answer, never from a list. A bearer goes where the issuer says, so what it says is judged: the API is of
//! the issuer's own domain or of the vendor's, or the owner names it (`api_url`).

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use url::Url;

use super::failure;
use crate::connection::{Account, Connection, authority};
use crate::diagnosis::{Failure, Step};
use crate::platforms::lenient::words;
use crate::signature::Secret;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// How long each of the calls may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The vendor's domains, under which the areas' hosts are.
const VENDORS: [&str; 2] = ["niceincontact.com", "nice-incontact.com"];

/// What the documents' surface asks for (`S1-6`). Of the published one no scopes are known.
const SCOPES: &str = "conversations:read conversations:write media:read media:write";

/// A token as it was issued.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The access token.
    pub token: Secret,
    /// How long it lives.
    pub life: Duration,
    /// The tenant it is for, as the token itself says; `None`: it does not.
    pub tenant: Option<String>,
}

/// Asks the issuer where tokens are had; `None` if the connection is not one of CXone.
#[must_use]
pub fn discovery_request(connection: &Connection) -> Option<Request> {
    let mut url = connection.tenant()?.issuer_url.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend([".well-known", "openid-configuration"]);
    Some(get(connection, url))
}

/// Reads where tokens are had. An access key goes to the issuer's own host, or one of the vendor's.
///
/// # Errors
/// The vendor's error, or an answer that names no such place.
pub fn read_discovery(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Url, Failure> {
    let body = read(response, now)?;
    let told = words(&body, "token_endpoint").ok_or_else(|| failure(Step::Token, response, now))?;
    let url = Url::parse(&told)
        .map_err(|_| Failure::misconfigured("the issuer's token_endpoint is no URL"))?;
    match is_trusted(connection, &url) {
        true => Ok(url),
        false => Err(stranger("token_endpoint", &url)),
    }
}

/// Asks for a token there. The client's id and secret and the access key's secret are added when it leaves
/// ([`Auth::ClientAndPassword`]).
#[must_use]
pub fn token_request(connection: &Connection, endpoint: Url) -> Option<Request> {
    let tenant = connection.tenant()?;
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields = vec![
        field("grant_type", "password"),
        field("username", &tenant.access_key),
    ];
    if matches!(connection.account, Account::CxoneConversations { .. }) {
        fields.push(field("scope", SCOPES));
    }
    Some(Request {
        method: Method::Post,
        url: endpoint,
        auth: Auth::ClientAndPassword,
        body: Body::Form(fields),
        patience: PATIENCE,
        local: connection.local,
    })
}

/// Reads the answer.
///
/// # Errors
/// The vendor's error, or an answer without token or life.
pub fn read_token(response: &Response, now: Timestamp) -> Result<Granted, Failure> {
    let body = read(response, now)?;
    let token = words(&body, "access_token");
    let life = body.get("expires_in").and_then(Value::as_u64);
    let (token, seconds) = token
        .zip(life)
        .ok_or_else(|| failure(Step::Token, response, now))?;
    let tenant = tenant_of(&token);
    let token = Secret::new(token).map_err(|_| failure(Step::Token, response, now))?;
    Ok(Granted {
        token,
        life: Duration::from_secs(seconds),
        tenant,
    })
}

/// The tenant in a token's claims. It came from its issuer over TLS a moment ago: its signature is for others to check.
fn tenant_of(token: &str) -> Option<String> {
    let claims = token.split('.').nth(1)?;
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?;
    words(&serde_json::from_slice(&claims).ok()?, "tenantId")
}

/// Asks where the API of `tenant` is.
#[must_use]
pub fn configuration_request(connection: &Connection, tenant: &str) -> Option<Request> {
    let mut url = connection.tenant()?.issuer_url.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend([".well-known", "cxone-configuration"]);
    url.query_pairs_mut().append_pair("tenantId", tenant);
    Some(get(connection, url))
}

/// Reads where the Digital Engagement API is: `https://api-de-{area}.{domain}`, which public users of it agree on. A stand-in on this
/// machine has no such name, and is where `api_endpoint` says.
///
/// # Errors
/// The vendor's error, or an answer from which no host of the issuer's follows.
pub fn read_configuration(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Url, Failure> {
    let body = read(response, now)?;
    let unread = || failure(Step::Token, response, now);
    let named = match connection.local {
        true => words(&body, "api_endpoint").ok_or_else(unread)?,
        false => {
            let (area, domain) = words(&body, "area")
                .zip(words(&body, "domain"))
                .ok_or_else(unread)?;
            format!("https://api-de-{area}.{domain}")
        }
    };
    let url = Url::parse(&named).map_err(|_| unread())?;
    match is_trusted(connection, &url) {
        true => Ok(url),
        false => Err(stranger("cxone-configuration", &url)),
    }
}

fn read(response: &Response, now: Timestamp) -> Result<Value, Failure> {
    match response.status {
        200 => Ok(serde_json::from_slice(&response.body).unwrap_or_default()),
        _ => Err(failure(Step::Token, response, now)),
    }
}

/// Whether a link leads to the issuer, a neighbour under its domain, or the vendor.
fn is_trusted(connection: &Connection, url: &Url) -> bool {
    let Some(tenant) = connection.tenant() else {
        return false;
    };
    let (issuer, host) = (&tenant.issuer_url, url.host_str().unwrap_or_default());
    if authority(issuer) == authority(url) {
        return issuer.scheme() == url.scheme();
    }
    if connection.local {
        // Stand-ins have a port each.
        return issuer.host_str() == Some(host);
    }
    let domain = issuer.host_str().and_then(|it| it.split_once('.'));
    // A domain of one word is everybody's.
    let own = domain.map(|(_, rest)| rest).filter(|it| it.contains('.'));
    let under = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    let named = own.into_iter().chain(VENDORS).any(under);
    named && url.scheme() == "https" && url.port().is_none()
}

fn stranger(what: &str, url: &Url) -> Failure {
    Failure::misconfigured(&format!(
        "the issuer's {what} leads to {}, which is neither under its own domain nor under the vendor's; give issuer_url and api_url that belong together",
        url.host_str().unwrap_or("no host")
    ))
}

fn get(connection: &Connection, url: Url) -> Request {
    Request {
        method: Method::Get,
        url,
        auth: Auth::None,
        body: Body::Empty,
        patience: PATIENCE,
        local: connection.local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{byoc, conversations, whatsapp};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_seconds(0);

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn asked_at_the_issuer_and_where_it_says() {
        let request = discovery_request(&byoc()).unwrap();
        let expected = "https://cxone.niceincontact.com/.well-known/openid-configuration";
        assert_eq!((request.url.as_str(), request.auth), (expected, Auth::None));
        let told = |url: &str| {
            let body = json!({ "token_endpoint": url }).to_string();
            read_discovery(&byoc(), &answer(200, &body), NOW)
        };
        let endpoint = told("https://cxone.niceincontact.com/auth/token").unwrap();
        let request = token_request(&byoc(), endpoint.clone()).unwrap();
        assert_eq!(request.auth, Auth::ClientAndPassword);
        let fields = |request: Request| match request.body {
            Body::Form(fields) => fields,
            other => panic!("{other:?}"),
        };
        let names = fields(request);
        assert_eq!(
            names,
            [("grant_type", "password"), ("username", "KEYID")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        let scoped = fields(token_request(&conversations(), endpoint).unwrap());
        assert_eq!(scoped[2].1.split(' ').count(), 4);
        for elsewhere in [
            "http://cxone.niceincontact.com/auth/token",
            "https://niceincontact.com.evil.example/auth/token",
            "https://evilniceincontact.com/auth/token",
            "https://169.254.169.254/auth/token",
        ] {
            assert!(told(elsewhere).is_err(), "{elsewhere}");
        }
        assert!(discovery_request(&whatsapp()).is_none());
    }

    #[test]
    fn a_token_tells_its_tenant_and_shows_nothing() {
        let claims = BASE64URL_NOPAD.encode(br#"{"tenantId":"11e85da0","area":"na1"}"#);
        let published: Value =
            serde_json::from_str(include_str!("fixtures/oauth-password-grant-response.json"))
                .unwrap();
        let mut body = published.clone();
        body["access_token"] = json!(format!("e30.{claims}.c2ln"));
        let granted = read_token(&answer(200, &body.to_string()), NOW).unwrap();
        assert_eq!(granted.tenant.as_deref(), Some("11e85da0"));
        assert_eq!(granted.life, Duration::from_secs(3600));
        assert!(!format!("{granted:?}").contains(&claims));
        let opaque = read_token(&answer(200, &published.to_string()), NOW).unwrap();
        assert_eq!(opaque.tenant, None);
        for (status, body) in [
            (200, "{}"),
            (200, r#"{"access_token":"t"}"#),
            (400, r#"{"error":"invalid_grant"}"#),
        ] {
            assert!(read_token(&answer(status, body), NOW).is_err(), "{body}");
        }
    }

    #[test]
    fn the_region_follows_from_the_configuration() {
        let request = configuration_request(&byoc(), "11e8&x").unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://cxone.niceincontact.com/.well-known/cxone-configuration?tenantId=11e8%26x"
        );
        let published = include_str!("fixtures/cxone-configuration-response.json");
        let url = read_configuration(&byoc(), &answer(200, published), NOW).unwrap();
        assert_eq!(url.as_str(), "https://api-de-na1.niceincontact.com/");
        for (area, domain) in [
            ("na1", "evil.example"),
            ("na1.evil.example/", "niceincontact.com"),
            ("x@evil.example#", "niceincontact.com"),
        ] {
            let body = json!({"area": area, "domain": domain}).to_string();
            assert!(
                read_configuration(&byoc(), &answer(200, &body), NOW).is_err(),
                "{area} {domain}"
            );
        }
        let failed = read_configuration(&byoc(), &answer(503, ""), NOW).unwrap_err();
        assert_eq!(failed.disposition, Disposition::Unavailable);
    }
}
