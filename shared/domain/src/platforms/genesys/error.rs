//! Genesys Cloud errors → what to do. The body's `code` is kept as evidence; the HTTP status decides, as the
//! platform's own SDKs do.

use serde_json::Value;

use crate::channels::Objection;
use crate::diagnosis::{Diagnosis, Disposition, Domain, Failure, excerpt};
use crate::pacing::retry_after::RetryAfter;
use crate::time::Timestamp;
use crate::wire::Response;

/// Reads a response that is not a success. A 408, 500 or 504 to a call that creates a message leaves open whether it
/// was created: there is no idempotency header.
#[must_use]
pub fn failure(response: &Response, now: Timestamp) -> Failure {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let correlation = response
        .headers
        .get("inin-correlation-id")
        .unwrap_or_default();
    let evidence = format!(
        "status {}, code {:?}, contextId {}, inin-correlation-id {}: {}",
        response.status,
        excerpt(word("code"), 60),
        excerpt(word("contextId"), 40),
        excerpt(correlation, 40),
        excerpt(word("message"), 160),
    );
    // `Retry-After` where it is sent, else the seconds until the window resets.
    let retry_after = ["retry-after", "inin-ratelimit-reset"]
        .iter()
        .find_map(|name| {
            response
                .headers
                .get(name)
                .and_then(|value| RetryAfter::parse(value, now))
        })
        .map(RetryAfter::wait);
    let (disposition, domain, name, remedy) = match response.status {
        401 => (
            Disposition::Unauthorised,
            Domain::Ours,
            "genesys.token-refused",
            TOKEN,
        ),
        403 => (
            Disposition::Rejected,
            Domain::Ours,
            "genesys.permission",
            PERMISSION,
        ),
        404 => (
            Disposition::Rejected,
            Domain::Ours,
            "genesys.not-found",
            NOT_FOUND,
        ),
        413 => (
            Disposition::Unfit(Objection::TooLarge),
            Domain::Customer,
            "genesys.too-large",
            TOO_LARGE,
        ),
        429 => (
            Disposition::Throttled { retry_after },
            Domain::Provider,
            "genesys.rate-limited",
            THROTTLED,
        ),
        502 | 503 => (
            Disposition::Unavailable,
            Domain::Pipeline,
            "genesys.unavailable",
            TRANSIENT,
        ),
        408 | 500 | 504 => (
            Disposition::Unknown,
            Domain::Pipeline,
            "genesys.outcome-unknown",
            TRANSIENT,
        ),
        400..=499 => (
            Disposition::Rejected,
            Domain::Provider,
            "genesys.refused",
            REFUSED,
        ),
        _ => (
            Disposition::Unknown,
            Domain::Unknown,
            "genesys.unexpected-answer",
            REFUSED,
        ),
    };
    Failure::new(disposition, Diagnosis::new(domain, name, evidence, remedy))
}

const TOKEN: &str = "The token was refused twice. Check the OAuth client's id, secret and region.";
const PERMISSION: &str =
    "Give the OAuth client's role the permission conversation:message:receive.";
const NOT_FOUND: &str = "Check the connection's integration_id and region.";
const TOO_LARGE: &str =
    "The file is larger than Genesys takes (25 MB). Ask the customer for a smaller one.";
const THROTTLED: &str =
    "Nothing to do: Attaché waits and tries again. If it lasts, see who else uses this account.";
const TRANSIENT: &str =
    "Nothing to do: Attaché tries again. If it lasts ten minutes, see status.mypurecloud.com.";
const REFUSED: &str = "Give Genesys support the correlation id named in the evidence.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Headers;
    use std::time::Duration;

    #[test]
    fn statuses_decide() {
        let throttled = Disposition::Throttled {
            retry_after: Some(Duration::from_secs(61)),
        };
        for (status, body, disposition, code) in [
            (
                429,
                include_str!("fixtures/error-429.json"),
                throttled,
                "genesys.rate-limited",
            ),
            (
                401,
                include_str!("fixtures/error-401.json"),
                Disposition::Unauthorised,
                "genesys.token-refused",
            ),
            (503, "", Disposition::Unavailable, "genesys.unavailable"),
            (504, "", Disposition::Unknown, "genesys.outcome-unknown"),
            (
                400,
                r#"{"code":"bad.request"}"#,
                Disposition::Rejected,
                "genesys.refused",
            ),
            (
                413,
                "",
                Disposition::Unfit(Objection::TooLarge),
                "genesys.too-large",
            ),
            (415, "", Disposition::Rejected, "genesys.refused"),
            (302, "", Disposition::Unknown, "genesys.unexpected-answer"),
        ] {
            let headers = Headers::new([("inin-ratelimit-reset".to_owned(), "61".to_owned())]);
            let response = Response {
                status,
                headers,
                body: body.as_bytes().to_vec(),
            };
            let failure = failure(&response, Timestamp::from_seconds(0));
            assert_eq!(
                (failure.disposition, failure.diagnosis.code.as_str()),
                (disposition, code),
                "{status}"
            );
        }
    }
}
