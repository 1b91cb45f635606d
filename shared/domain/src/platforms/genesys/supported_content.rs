//! What an integration takes, as its organisation set it up: `GET /api/v2/conversations/messaging/integrations/open/{id}`
//! names a supported-content profile, `GET …/supportedcontent/{id}` says what it allows. Without one the organisation's default
//! holds. On the agent's side there is no integration: the connection names the profile, or the default holds. Web chat, as
//! the source documents have it, tells its limits at `GET /api/v2/webchat/configurations/{id}` (`S2-8`).
//!
//! Media of a type it does not allow is dropped on arrival, and nobody is told: so it has to be known before.

use std::time::Duration;

use serde_json::Value;

use super::error::failure;
use crate::channels::{Bounds, Direction, live};
use crate::connection::{Account, Connection, Profile};
use crate::diagnosis::rules::ours;
use crate::diagnosis::{Failure, Step};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// How long a question about configuration may take (`S2-12`).
const PATIENCE: Duration = Duration::from_secs(15);

/// The profile that holds where an integration names none.
const DEFAULT: &str = "default";

/// What is asked first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The integration, which names its limits.
    Integration(Request),
    /// The limits themselves.
    Limits(Request),
}

/// What is asked first of a connection's limits; `None`: its profile has no configuration that is read.
#[must_use]
pub fn limits_question(connection: &Connection) -> Option<Question> {
    match &connection.account {
        Account::GenesysOpenMessaging { .. } => {
            integration_request(connection).map(Question::Integration)
        }
        Account::GenesysAgent {
            supported_content, ..
        } => {
            let profile = supported_content.as_deref().unwrap_or(DEFAULT);
            supported_content_request(connection, profile).map(Question::Limits)
        }
        Account::GenesysWebChat {
            configuration_id, ..
        } => below(connection, &["webchat", "configurations", configuration_id])
            .map(Question::Limits),
        Account::WhatsApp { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysWebMessaging { .. }
        | Account::Messenger { .. }
        | Account::Instagram { .. }
        | Account::CxoneByoc { .. }
        | Account::CxoneConversations { .. } => None,
    }
}

/// Asks for the integration; `None`: the connection is none.
#[must_use]
pub fn integration_request(connection: &Connection) -> Option<Request> {
    let Account::GenesysOpenMessaging { integration_id, .. } = &connection.account else {
        return None;
    };
    request(connection, &["integrations", "open", integration_id])
}

/// Reads which profile the integration names.
///
/// # Errors
/// The vendor's error; an answer that is no integration.
pub fn read_integration(response: &Response, now: Timestamp) -> Result<String, Failure> {
    let body = read(response, now)?;
    if body.get("id").and_then(Value::as_str).is_none() {
        return Err(unreadable("it is no integration"));
    }
    let content = body.get("supportedContent");
    let id = content.and_then(|it| it.get("id")).and_then(Value::as_str);
    Ok(id.unwrap_or(DEFAULT).to_owned())
}

/// Asks for this profile.
#[must_use]
pub fn supported_content_request(connection: &Connection, profile: &str) -> Option<Request> {
    request(connection, &["supportedcontent", profile])
}

/// Reads what may be delivered over the connection.
///
/// # Errors
/// The vendor's error; an answer that tells no limits.
pub fn read_limits(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<Bounds, Failure> {
    let profile = connection.profile();
    let direction = match profile.direction() {
        Direction::ToAgent => Direction::ToCustomer,
        Direction::ToCustomer => Direction::ToAgent,
    };
    bounds(profile, direction, read(response, now)?)
}

/// Reads what a supported-content profile allows in this direction.
///
/// # Errors
/// The vendor's error; an answer that is no profile.
pub fn read_supported_content(
    response: &Response,
    direction: Direction,
    now: Timestamp,
) -> Result<Bounds, Failure> {
    let body = read(response, now)?;
    bounds(Profile::GenesysOpenMessaging, direction, body)
}

fn bounds(profile: Profile, direction: Direction, body: Value) -> Result<Bounds, Failure> {
    live::read(profile.as_str(), direction, body).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        unreadable(&source.unwrap_or_else(|| error.to_string()))
    })
}

fn request(connection: &Connection, rest: &[&str]) -> Option<Request> {
    let messaging = ["conversations", "messaging"];
    below(connection, &[&messaging[..], rest].concat())
}

fn below(connection: &Connection, rest: &[&str]) -> Option<Request> {
    let mut url = connection.org()?.api_url.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["api", "v2"])
        .extend(rest);
    Some(Request {
        method: Method::Get,
        url,
        auth: Auth::Bearer,
        body: Body::Empty,
        patience: PATIENCE,
        local: connection.local,
    })
}

fn read(response: &Response, now: Timestamp) -> Result<Value, Failure> {
    if response.status != 200 {
        let mut failure = failure(Step::Configuration, response, now);
        if response.status == 403 {
            failure.diagnosis.remedy = PERMISSIONS.to_owned();
        }
        return Err(failure);
    }
    serde_json::from_slice(&response.body).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(what: &str) -> Failure {
    ours::LIMITS_UNREADABLE.failure(format!("status 200: {what}"))
}

const PERMISSIONS: &str = "Give the OAuth client's role the permissions messaging:integration:view and messaging:supportedContent:view. Until then files are planned by the published limits.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{agent, genesys, web_chat, whatsapp};
    use crate::wire::Headers;

    const NOW: Timestamp = Timestamp::from_seconds(0);

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_published_paths() {
        let Some(Question::Integration(request)) = limits_question(&genesys()) else {
            panic!("an integration")
        };
        assert_eq!(
            request.url.as_str(),
            "https://api.mypurecloud.de/api/v2/conversations/messaging/integrations/open/2d1f6a3c"
        );
        let request = supported_content_request(&genesys(), "p/1").unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://api.mypurecloud.de/api/v2/conversations/messaging/supportedcontent/p%2F1"
        );
        assert_eq!((request.method, request.auth), (Method::Get, Auth::Bearer));
        assert_eq!(limits_question(&whatsapp()), None);
        let mut connection = agent();
        for (own, path) in [(None, "default"), (Some("p1"), "p1")] {
            if let Account::GenesysAgent {
                supported_content, ..
            } = &mut connection.account
            {
                *supported_content = own.map(str::to_owned);
            }
            let Some(Question::Limits(request)) = limits_question(&connection) else {
                panic!("limits")
            };
            assert!(
                request
                    .url
                    .path()
                    .ends_with(&format!("/supportedcontent/{path}"))
            );
        }
        let Some(Question::Limits(request)) = limits_question(&web_chat()) else {
            panic!("limits")
        };
        assert_eq!(
            request.url.path(),
            "/api/v2/webchat/configurations/a1b2c3d4"
        );
    }

    #[test]
    fn an_integration_names_its_profile_or_none() {
        for (status, body, expected) in [
            (200, r#"{"id":"i","supportedContent":{"id":"p"}}"#, Ok("p")),
            (200, r#"{"id":"i"}"#, Ok("default")),
            (200, "{}", Err("genesys.limits-unreadable")),
            (200, "<html>", Err("genesys.limits-unreadable")),
            (404, r#"{"code":"not.found"}"#, Err("genesys.not-found")),
            (404, "", Err("genesys.refused")),
            (401, "", Err("genesys.token-refused")),
        ] {
            let read = read_integration(&answer(status, body), NOW);
            let read = read.map_err(|failure| failure.diagnosis.code);
            let read = read.as_deref().map_err(String::as_str);
            assert_eq!(read, expected, "{status} {body}");
        }
        let refused = read_integration(&answer(403, ""), NOW).unwrap_err();
        assert!(
            refused
                .diagnosis
                .remedy
                .contains("messaging:supportedContent:view")
        );
    }

    #[test]
    fn a_profile_says_what_is_allowed() {
        let profile =
            r#"{"id":"p","name":"n","mediaTypes":{"allow":{"inbound":[{"type":"image/*"}]}}}"#;
        for (connection, types) in [(genesys(), 1), (agent(), 0)] {
            let bounds = read_limits(&connection, &answer(200, profile), NOW).unwrap();
            assert_eq!(bounds.types.map(|types| types.len()), Some(types));
        }
        let other = read_limits(&genesys(), &answer(200, "{}"), NOW);
        let evidence = other.unwrap_err().diagnosis.evidence;
        assert!(evidence.contains("mediaTypes"), "{evidence}");
    }
}
