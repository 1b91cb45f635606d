//! Genesys Cloud errors → what to do, by the table of rules.

use crate::diagnosis::{Failure, Outcome, Platform, Seen, Step, judge};
use crate::time::Timestamp;
use crate::wire::Response;

/// Reads a response to `step` that is not the one hoped for. A 408, 500 or 504 to a call that creates a message leaves open
/// whether it was created: there is no idempotency header.
#[must_use]
pub fn failure(step: Step, response: &Response, now: Timestamp) -> Failure {
    let seen = Seen {
        platform: Platform::Genesys,
        step,
        outcome: Outcome::Answer(response),
    };
    judge(&seen, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Objection;
    use crate::diagnosis::Disposition;
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
            let failure = failure(Step::Send, &response, Timestamp::from_seconds(0));
            assert_eq!(
                (failure.disposition, failure.diagnosis.code.as_str()),
                (disposition, code),
                "{status}"
            );
        }
    }
}
