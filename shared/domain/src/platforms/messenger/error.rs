//! Graph API errors → what to do, by the table of rules. Meta's own code decides, not the HTTP status.

use crate::connection::Connection;
use crate::diagnosis::{Failure, Outcome, Seen, Step, judge};
use crate::time::Timestamp;
use crate::wire::Response;

/// Reads a response to `step` over `connection` that is not the one hoped for.
#[must_use]
pub fn failure(
    connection: &Connection,
    step: Step,
    response: &Response,
    now: Timestamp,
) -> Failure {
    let seen = Seen {
        platform: connection.profile().platform(),
        step,
        outcome: Outcome::Answer(response),
    };
    judge(&seen, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Objection;
    use crate::connection::tests::{instagram, messenger};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    #[test]
    fn the_published_errors() {
        let throttled = Disposition::Throttled { retry_after: None };
        for (body, code, disposition) in [
            (
                include_str!("fixtures/messenger-error-10-outside-window.json"),
                "window-closed",
                Disposition::Rejected,
            ),
            (
                include_str!("fixtures/messenger-error-100-size.json"),
                "too-large",
                Disposition::Unfit(Objection::TooLarge),
            ),
            (
                include_str!("fixtures/messenger-error-551-unavailable.json"),
                "undeliverable",
                Disposition::Rejected,
            ),
            (
                include_str!("fixtures/messenger-error-613-rate.json"),
                "throttled",
                throttled,
            ),
            (
                r#"{"error":{"message":"x","type":"OAuthException","code":190}}"#,
                "token-refused",
                Disposition::Unauthorised,
            ),
        ] {
            let response = Response {
                status: 400,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            for connection in [messenger(), instagram()] {
                let failure = failure(&connection, Step::Send, &response, Timestamp::default());
                let expected = format!("{}.{code}", connection.profile());
                assert_eq!(failure.diagnosis.code, expected, "{body}");
                assert_eq!(failure.disposition, disposition, "{body}");
            }
        }
    }
}
