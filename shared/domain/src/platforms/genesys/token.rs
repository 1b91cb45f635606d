//! `POST https://login.{domain}/oauth/token`, client credentials. There is no refresh token in this grant: on expiry
//! the same question is asked again. The life is a setting of the OAuth client: `expires_in` is used, never a constant.

use std::time::Duration;

use serde_json::Value;

use super::error::failure;
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Step};
use crate::signature::Secret;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// How long a token request may take (`S2-7`).
const PATIENCE: Duration = Duration::from_secs(10);

/// What the source document on web chat asks for (`S2-3`). Genesys publishes no such scopes.
const WEB_CHAT_SCOPES: &str = "webchat:configuration:read webchat:attachment:upload webchat:send";

/// A token as it was issued.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The access token.
    pub token: Secret,
    /// How long it lives.
    pub life: Duration,
}

/// The token request of a connection; `None` if it is not a Genesys one. The client's id and secret are added when it
/// leaves ([`Auth::ClientBasic`]).
#[must_use]
pub fn token_request(connection: &Connection) -> Option<Request> {
    let mut url = connection.org()?.login_url.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["oauth", "token"]);
    let mut fields = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
    if let Account::GenesysWebChat { .. } = connection.account {
        fields.push(("scope".to_owned(), WEB_CHAT_SCOPES.to_owned()));
    }
    Some(Request {
        method: Method::Post,
        url,
        auth: Auth::ClientBasic,
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
    if response.status != 200 {
        return Err(failure(Step::Token, response, now));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let token = body
        .get("access_token")
        .and_then(Value::as_str)
        .and_then(|token| Secret::new(token).ok());
    let life = body.get("expires_in").and_then(Value::as_u64);
    token
        .zip(life)
        .map(|(token, seconds)| Granted {
            token,
            life: Duration::from_secs(seconds),
        })
        .ok_or_else(|| failure(Step::Token, response, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, web_chat, whatsapp};
    use crate::wire::Headers;

    #[test]
    fn asked_at_the_login_host() {
        let request = token_request(&genesys()).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://login.mypurecloud.de/oauth/token"
        );
        assert_eq!(request.auth, Auth::ClientBasic);
        assert!(token_request(&whatsapp()).is_none());
        let Some(Body::Form(fields)) = token_request(&web_chat()).map(|it| it.body) else {
            panic!("a form")
        };
        assert_eq!(fields[1].1.split(' ').count(), 3, "{fields:?}");
    }

    #[test]
    fn the_published_answer_and_broken_ones() {
        let read = |body: &str| {
            let response = Response {
                status: 200,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            read_token(&response, Timestamp::from_seconds(0))
        };
        let granted = read(include_str!("fixtures/oauth-token-response.json")).unwrap();
        assert_eq!(granted.life, Duration::from_secs(86_399));
        assert!(
            !format!("{granted:?}").contains("<token>"),
            "a token is never shown"
        );
        for body in [
            "",
            "{}",
            r#"{"access_token":"t"}"#,
            r#"{"access_token":"","expires_in":5}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
