//! The issuer: where tokens are had, tokens for an access key, and where a tenant's API is.
//!
//! `POST /auth/token`, form-encoded, grant `password`, the application in `Authorization: Basic`. Refusals have the shape of RFC 6749
//! §5.2, which is all that is known of them.

use std::sync::Arc;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use http::{Method, StatusCode};
use serde_json::json;
use url::form_urlencoded;

use super::state::{ISSUER, State, lock};
use crate::faults::{Fault, Point};
use crate::wire::{Answer, Request};

/// Answers a request to the issuer.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    match (request.method.clone(), request.path.as_str()) {
        (Method::GET, "/.well-known/openid-configuration") => {
            let base = format!("http://{}", state.hosts[0]);
            Answer::json(
                StatusCode::OK,
                &json!({ "issuer": base, "token_endpoint": format!("{base}/auth/token") }),
            )
        }
        (Method::GET, "/.well-known/cxone-configuration") => configuration(&state, &request),
        (Method::POST, "/auth/token") => token(&state, &request).await,
        _ => told(StatusCode::NOT_FOUND, "Not found"),
    }
}

/// An error in the only form that is known of one: a message.
pub(super) fn told(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({ "message": message }))
}

fn configuration(state: &State, request: &Request) -> Answer {
    let options = &state.options;
    if request.parameter("tenantId").as_deref() != Some(&options.tenant_id) {
        return told(StatusCode::NOT_FOUND, "Tenant not found");
    }
    Answer::json(
        StatusCode::OK,
        &json!({
            "tenantId": options.tenant_id, "area": "na1", "domain": "niceincontact.com", "uhDomain": "nice-incontact.com",
            "cluster": "B32", "acdDomain": "nice-incontact.com", "api_endpoint": format!("http://{}", state.hosts[1]),
        }),
    )
}

async fn token(state: &State, request: &Request) -> Answer {
    let none: [&str; 0] = [];
    match state.faults.take(Point::Token, &none) {
        Some(Fault::FiveHundreds) => return told(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Some(Fault::Unauthorised) => return refused("invalid_client"),
        Some(Fault::Stall) => state.faults.stalled().await,
        _ => {}
    }
    let options = &state.options;
    let pair = format!("{}:{}", options.client_id, options.client_secret);
    let expected = format!("Basic {}", BASE64.encode(pair.as_bytes()));
    if request.header("authorization") != Some(expected.as_str()) {
        return refused("invalid_client");
    }
    if request.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return refused("invalid_request");
    }
    let raw = String::from_utf8_lossy(&request.body);
    if raw.split('&').any(|field| field.matches('=').count() != 1) {
        state.violated(format!(
            "a form that is not strictly encoded ({} fields)",
            raw.split('&').count()
        ));
        return refused("invalid_request");
    }
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(&request.body);
        fields
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    if field("grant_type").as_deref() != Some("password") {
        return refused("unsupported_grant_type");
    }
    let key = (field("username"), field("password"));
    if key
        != (
            Some(options.access_key.clone()),
            Some(options.access_key_secret.clone()),
        )
    {
        return refused("invalid_grant");
    }
    issue(state)
}

fn issue(state: &State) -> Answer {
    let options = &state.options;
    let dies_at = options.clock.now() + options.token_life;
    let claims =
        json!({ "tenantId": options.tenant_id, "area": "na1", "exp": dies_at.unix_timestamp() });
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let (head, claims) = (part(r#"{"alg":"RS256"}"#), part(&claims.to_string()));
    let token = format!("{head}.{claims}.{}", crate::random::letters(86));
    lock(&state.tokens).insert(token.clone(), dies_at);
    *lock(&state.issued) += 1;
    let homes = [state.hosts[0].as_str(), state.hosts[1].as_str()];
    options.canary.watch(ISSUER, &token, &homes);
    Answer::json(
        StatusCode::OK,
        &json!({
            "access_token": token, "token_type": "Bearer", "expires_in": options.token_life.as_secs(),
            "refresh_token": crate::random::letters(40), "refresh_token_expires_in": 7200, "id_token": "e30.e30.x",
        }),
    )
}

fn refused(error: &str) -> Answer {
    let status = match error {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    Answer::json(
        status,
        &json!({ "error": error, "error_description": error }),
    )
}
