//! The login host: client-credentials tokens, and which of them are good.
//!
//! `POST /oauth/token`, form-encoded, client in `Authorization: Basic`. Refusals of the client have the platform's error body with
//! `bad.credentials`; refusals of the form have the shape of RFC 6749 §5.2. There is no refresh token in this grant.
//! Public threads also show `invalid_client` under the same 401: a client does well to go by the status alone.

use std::{collections::HashMap, sync::Arc};

use http::{
    Method, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER},
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::form_urlencoded;

use super::{
    error,
    state::{ISSUER, State, lock},
};
use crate::{
    faults::{Fault, Point},
    wire::{Answer, Request},
};

/// The tokens issued so far with the client each belongs to and the moment it dies.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<String, (String, OffsetDateTime)>, usize);

impl Tokens {
    /// The client that a good token belongs to.
    pub(super) fn client(&self, token: &str, now: OffsetDateTime) -> Option<&str> {
        let (client, dies_at) = self.0.get(token)?;
        (now < *dies_at).then_some(client)
    }

    pub(super) fn kill(&mut self, token: &str) {
        self.0.remove(token);
    }

    pub(super) fn kill_all(&mut self) {
        self.0.clear();
    }

    /// How many were issued, dead ones included.
    pub(super) fn issued(&self) -> usize {
        self.1
    }

    fn issue(&mut self, client: &str, dies_at: OffsetDateTime) -> String {
        let token = crate::random::letters(86);
        self.0.insert(token.clone(), (client.to_owned(), dies_at));
        self.1 += 1;
        token
    }
}

/// Answers a request to the login host.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    if request.method != Method::POST || request.path != "/oauth/token" {
        return error::not_found();
    }
    let (client, secret) = credentials(&request).unwrap_or_default();
    let fault = state.faults.take(Point::Token, &[&client]);
    match fault {
        Some(Fault::RateLimit) => {
            let wait = state.faults.retry_after_seconds().to_string();
            return error::too_many(10, 60).with(RETRY_AFTER, &wait);
        }
        Some(Fault::FiveHundreds) => return error::unavailable(),
        Some(Fault::Unauthorised) => return error::bad_credentials(),
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::BAD_GATEWAY),
        Some(Fault::Stall) => state.faults.stalled().await,
        _ => {}
    }
    let answer = issue(&state, &request, &client, &secret);
    match fault {
        Some(Fault::LostAnswer) => answer.lost(),
        _ => answer,
    }
}

fn issue(state: &State, request: &Request, client: &str, secret: &str) -> Answer {
    if request.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return refused(
            "invalid_request",
            "the body must be application/x-www-form-urlencoded",
        );
    }
    let lines = state.lines.iter();
    let mut clients = lines.map(|line| state.client_of(&line.integration));
    let ours = (&*state.options.client_id, &*state.options.client_secret);
    if ours != (client, secret) && !clients.any(|known| known == (client, secret)) {
        return error::bad_credentials();
    }
    let grant = form_urlencoded::parse(&request.body).find(|(name, _)| name == "grant_type");
    match grant.as_ref().map(|(_, value)| value.as_ref()) {
        Some("client_credentials") => {}
        Some(_) => {
            return refused(
                "unsupported_grant_type",
                "this client has the client credentials grant only",
            );
        }
        None => return refused("invalid_request", "grant_type is missing"),
    }
    let options = &state.options;
    let dies_at = options.clock.now() + options.token_life;
    let token = lock(&state.tokens).issue(client, dies_at);
    let homes: Vec<&str> = state.homes.iter().map(String::as_str).collect();
    options.canary.watch(ISSUER, &token, &homes);
    let body = json!({
        "access_token": token, "token_type": "bearer", "expires_in": options.token_life.as_secs(),
    });
    answered(StatusCode::OK, &body)
}

/// The client's id and secret, from the request's Basic header.
fn credentials(request: &Request) -> Option<(String, String)> {
    let basic = request.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = data_encoding::BASE64.decode(basic.trim().as_bytes()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn refused(error: &str, description: &str) -> Answer {
    answered(
        StatusCode::BAD_REQUEST,
        &json!({ "error": error, "error_description": description }),
    )
}

fn answered(status: StatusCode, body: &Value) -> Answer {
    Answer::json(status, body).with(CACHE_CONTROL, "no-store")
}
