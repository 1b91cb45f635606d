//! Genesys error bodies.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{specs::Violation, wire::Answer};

/// An error in the platform's shape: `message`, `code`, `status`, `contextId`.
pub(super) fn answer(status: StatusCode, code: &str, message: &str) -> Answer {
    detailed(status, code, message, Vec::new())
}

/// No token was sent.
pub(super) fn no_token() -> Answer {
    let message = "No authentication bearer token specified in authorization header.";
    answer(StatusCode::UNAUTHORIZED, "authentication.required", message)
}

/// The token or the client's credentials are not good.
pub(super) fn bad_credentials() -> Answer {
    answer(
        StatusCode::UNAUTHORIZED,
        "bad.credentials",
        "Invalid login credentials.",
    )
}

/// The platform is not available; nothing happened.
pub(super) fn unavailable() -> Answer {
    let message = "The service is currently unavailable. Please try again later.";
    answer(
        StatusCode::SERVICE_UNAVAILABLE,
        "service.unavailable",
        message,
    )
}

/// Too many calls in a window.
pub(super) fn too_many(calls: u32, seconds: u64) -> Answer {
    let message =
        format!("Rate limit exceeded the maximum [{calls}] requests within [{seconds}] seconds");
    answer(StatusCode::TOO_MANY_REQUESTS, "too.many.requests", &message)
}

/// The message is larger than what is taken. The code is not confirmed.
pub(super) fn too_large() -> Answer {
    answer(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request.entity.too.large",
        "The request is larger than the server is willing to process.",
    )
}

/// The type of what was sent is not taken: `what` of it.
pub(super) fn unsupported(what: &str) -> Answer {
    let message = format!("{what} is not supported.");
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    answer(status, "unsupported.media.type", &message)
}

/// The client's role lacks a permission.
pub(super) fn missing_permissions(permissions: &str) -> Answer {
    let message = format!(
        "Unable to perform the requested action. You are missing the following permission(s): {permissions}"
    );
    answer(StatusCode::FORBIDDEN, "missing.permissions", &message)
}

/// The link is past its life.
pub(super) fn forbidden() -> Answer {
    let message = "You are not authorized to perform the requested action.";
    answer(StatusCode::FORBIDDEN, "not.authorized", message)
}

/// No such path, integration, file or profile.
pub(super) fn not_found() -> Answer {
    answer(
        StatusCode::NOT_FOUND,
        "not.found",
        "The requested resource was not found.",
    )
}

/// The body does not fit the schema.
pub(super) fn invalid(violations: &[Violation]) -> Answer {
    let details = violations.iter().map(|violation| {
        json!({ "errorCode": "invalid.value", "fieldName": violation.at.trim_start_matches('/').replace('/', ".") })
    });
    let problem = violations
        .first()
        .map_or("invalid", |violation| &violation.problem);
    let message = format!("The request could not be understood: {problem}");
    detailed(
        StatusCode::BAD_REQUEST,
        "invalid.value",
        &message,
        details.collect(),
    )
}

fn detailed(status: StatusCode, code: &str, message: &str, details: Vec<Value>) -> Answer {
    let body = json!({
        "message": message, "code": code, "status": status.as_u16(), "messageParams": {},
        "contextId": crate::random::uuid(), "details": details, "errors": [],
    });
    Answer::json(status, &body)
}
