//! Bringing in a file to which a webhook has a link, hop by hop.
//!
//! A link to a Genesys organisation's own `…/api/v2/downloads/…` wants the bearer and, asked with `issueRedirect=false`, answers with
//! a signed link to somewhere else, which must not see the bearer (genesys.md §4). The surface of the source documents gives the bytes
//! to the bearer at once. Any other link is taken to be signed already, as Messenger's and Instagram's are (meta.md §3, §4): never a
//! bearer.

use serde_json::Value;
use url::Url;

use crate::connection::{Account, Connection, authority};
use crate::diagnosis::{Failure, Outcome, Seen, Step, judge};
use crate::egress;
use crate::event::Link;
use crate::time::Timestamp;
use crate::transfer;
use crate::wire::{Auth, Response};

/// What to do with a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Ask it, with the bearer, for the link of the next hop.
    Ask(Link),
    /// Download from it.
    Download {
        /// From where.
        from: Link,
        /// With the bearer, or with nothing.
        auth: Auth,
    },
}

/// Judges the link of a webhook.
///
/// # Errors
/// A [`Failure`] if the link leads where nothing may be fetched from.
pub fn first_hop(connection: &Connection, link: &Link) -> Result<Hop, Failure> {
    let url = &link.0;
    egress::judge(url, &[authority(url)], connection.local)
        .map_err(|refused| transfer::refused_host(&refused))?;
    if !is_own(connection, url) {
        return Ok(Hop::Download {
            from: link.clone(),
            auth: Auth::None,
        });
    }
    let gives_at_once = matches!(
        connection.account,
        Account::GenesysMessageMedia { .. } | Account::CxoneConversations { .. }
    );
    if gives_at_once {
        return Ok(Hop::Download {
            from: link.clone(),
            auth: Auth::Bearer,
        });
    }
    let mut ask = url.clone();
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "issueRedirect")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    ask.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair("issueRedirect", "false");
    Ok(Hop::Ask(Link(ask)))
}

/// Whether the link is one of the organisation's own API: its `api.` or `apps.` host, and a path of downloads or media; or one of the
/// API of CXone's conversations (`S1-14`).
fn is_own(connection: &Connection, url: &Url) -> bool {
    if let Account::CxoneConversations { tenant, .. } = &connection.account {
        let api = tenant.api_url.as_ref();
        return api
            .is_some_and(|api| authority(api) == authority(url) && api.scheme() == url.scheme());
    }
    let Some(org) = connection.org() else {
        return false;
    };
    let api = authority(&org.api_url);
    let apps = api
        .strip_prefix("api.")
        .map(|domain| format!("apps.{domain}"));
    let host = authority(url);
    let own_host = host == api || Some(host) == apps;
    own_host && url.scheme() == org.api_url.scheme() && url.path().contains("/api/v2/")
}

/// Reads the answer to [`Hop::Ask`]: where the bytes are. An answer that redirects all the same is read like the link it names.
///
/// # Errors
/// The vendor's error as a [`Failure`], or one that says what was wrong with the link.
pub fn read_hop(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Hop, Failure> {
    let named = match response.status {
        200 => {
            let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            body.get("url").and_then(Value::as_str).map(str::to_owned)
        }
        300..=399 => response.headers.get("location").map(str::to_owned),
        _ => None,
    };
    let Some(url) = named.and_then(|text| Url::parse(&text).ok()) else {
        let seen = Seen {
            platform: connection.profile().platform(),
            step: Step::LookUp,
            outcome: Outcome::Answer(response),
        };
        return Err(judge(&seen, now));
    };
    egress::judge(&url, &[authority(&url)], connection.local)
        .map_err(|refused| transfer::refused_host(&refused))?;
    Ok(Hop::Download {
        from: Link(url),
        auth: Auth::None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{byoc, conversations, genesys, org};
    use crate::ids::EndpointId;
    use crate::wire::Headers;

    fn link(url: &str) -> Link {
        Link(Url::parse(url).unwrap())
    }

    #[test]
    fn the_bearer_goes_to_the_organisation_s_own_api_alone() {
        let ask = |url: &str| Ok(Hop::Ask(link(url)));
        let plain = |url: &str| {
            Ok(Hop::Download {
                from: link(url),
                auth: Auth::None,
            })
        };
        for (given, expected) in [
            (
                "https://api.mypurecloud.de/api/v2/downloads/3f7c",
                ask("https://api.mypurecloud.de/api/v2/downloads/3f7c?issueRedirect=false"),
            ),
            (
                "https://apps.mypurecloud.de/platform/api/v2/downloads/3f7c?contentDisposition=inline&issueRedirect=true",
                ask(
                    "https://apps.mypurecloud.de/platform/api/v2/downloads/3f7c?contentDisposition=inline&issueRedirect=false",
                ),
            ),
            (
                "https://bucket.s3.eu-central-1.amazonaws.com/x?X-Amz-Signature=s",
                plain("https://bucket.s3.eu-central-1.amazonaws.com/x?X-Amz-Signature=s"),
            ),
            (
                "https://api.mypurecloud.de.evil.example/api/v2/downloads/1",
                plain("https://api.mypurecloud.de.evil.example/api/v2/downloads/1"),
            ),
            (
                "https://api.mypurecloud.com/api/v2/downloads/1",
                plain("https://api.mypurecloud.com/api/v2/downloads/1"),
            ),
        ] {
            assert_eq!(first_hop(&genesys(), &link(given)), expected, "{given}");
        }
        for refused in [
            "http://api.mypurecloud.de/api/v2/downloads/1",
            "https://169.254.169.254/latest/meta-data",
            "https://user:word@api.mypurecloud.de/api/v2/downloads/1",
            "file:///etc/passwd",
        ] {
            assert!(first_hop(&genesys(), &link(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn the_documents_surface_gives_the_bytes_to_the_bearer() {
        let connection = Connection {
            account: Account::GenesysMessageMedia {
                endpoint: EndpointId::new("s1"),
                agent_id: None,
                org: org(),
            },
            ..genesys()
        };
        let from = link("https://api.mypurecloud.de/api/v2/message/mediadata/media-789");
        assert_eq!(
            first_hop(&connection, &from),
            Ok(Hop::Download {
                from: from.clone(),
                auth: Auth::Bearer
            })
        );
    }

    #[test]
    fn cxones_conversations_give_the_bytes_to_the_bearer_and_its_channels_to_nobody() {
        let documents =
            link("https://api.nice-incontact.com/v1/conversations/media/att-77889900aabbcc");
        let signed = link("https://files.example-cxone.com/attachments/1?Signature=abc");
        for (connection, from, auth) in [
            (conversations(), &documents, Auth::Bearer),
            (conversations(), &signed, Auth::None),
            (byoc(), &signed, Auth::None),
            (byoc(), &documents, Auth::None),
        ] {
            let from = from.clone();
            let expected = Hop::Download {
                from: from.clone(),
                auth,
            };
            assert_eq!(first_hop(&connection, &from), Ok(expected), "{from:?}");
        }
    }

    #[test]
    fn what_the_answer_leads_to() {
        let read = |status, headers: &[(&str, &str)], body: &str| {
            let headers = headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            let response = Response {
                status,
                headers: Headers::new(headers),
                body: body.as_bytes().to_vec(),
            };
            read_hop(&genesys(), &response, Timestamp::from_seconds(0))
        };
        let signed = "https://bucket.example/x?sig=1";
        let expected = Ok(Hop::Download {
            from: link(signed),
            auth: Auth::None,
        });
        assert_eq!(
            read(200, &[], &format!("{{\"url\":\"{signed}\"}}")),
            expected
        );
        assert_eq!(read(302, &[("Location", signed)], ""), expected);
        for (status, body, code) in [
            (200, "{}", "genesys.download-unreadable"),
            (404, "", "genesys.unavailable"),
            (404, r#"{"code":"not.found"}"#, "genesys.link-dead"),
            (401, "", "genesys.token-refused"),
            (
                200,
                "{\"url\":\"http://127.0.0.1/x\"}",
                "transfer.host-refused",
            ),
        ] {
            let failure = read(status, &[], body).unwrap_err();
            assert_eq!(failure.diagnosis.code, code, "{status} {body}");
        }
    }
}
