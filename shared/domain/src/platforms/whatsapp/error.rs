//! Graph API errors → what to do, by the table of rules. Meta's own code decides, not the HTTP status.

use serde_json::Value;

use crate::diagnosis::{Failure, Outcome, Platform, Seen, Step, judge};
use crate::time::Timestamp;
use crate::wire::Response;

/// Reads a response to `step` that is not the one hoped for.
#[must_use]
pub fn failure(step: Step, response: &Response, now: Timestamp) -> Failure {
    let seen = Seen {
        platform: Platform::WhatsApp,
        step,
        outcome: Outcome::Answer(response),
    };
    judge(&seen, now)
}

/// Reads the error of a status `failed`: the same codes as in answers, but final.
#[must_use]
pub(super) fn status_failure(error: &Value) -> Failure {
    let seen = Seen {
        platform: Platform::WhatsApp,
        step: Step::Webhook,
        outcome: Outcome::Report(error),
    };
    judge(&seen, Timestamp::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Objection;
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    fn judge(status: u16, body: &str) -> Failure {
        let headers = Headers::new([("Retry-After".to_owned(), "7".to_owned())]);
        failure(
            Step::LookUp,
            &Response {
                status,
                headers,
                body: body.as_bytes().to_vec(),
            },
            Timestamp::from_seconds(0),
        )
    }

    #[test]
    fn body_codes_decide() {
        let throttled = Disposition::Throttled {
            retry_after: Some(std::time::Duration::from_secs(7)),
        };
        for (status, body, disposition, code) in [
            (
                400,
                include_str!("fixtures/error-130429.json"),
                throttled,
                "whatsapp.number-throttled",
            ),
            (
                400,
                include_str!("fixtures/error-100-media-id.json"),
                Disposition::Rejected,
                "whatsapp.media-gone",
            ),
            (
                401,
                include_str!("fixtures/error-190-expired.json"),
                Disposition::Unauthorised,
                "whatsapp.token-refused",
            ),
            (
                500,
                r#"{"error":{"code":3}}"#,
                Disposition::Rejected,
                "whatsapp.permission",
            ),
            (
                400,
                r#"{"error":{"code":9999,"is_transient":true}}"#,
                Disposition::Unavailable,
                "whatsapp.unavailable",
            ),
            (
                400,
                r#"{"error":{"code":9999}}"#,
                Disposition::Rejected,
                "whatsapp.refused",
            ),
            (
                502,
                "<html>Bad Gateway</html>",
                Disposition::Unavailable,
                "whatsapp.unavailable",
            ),
            (404, "", Disposition::Unavailable, "whatsapp.unavailable"),
            (429, "", throttled, "whatsapp.throttled"),
        ] {
            let failure = judge(status, body);
            assert_eq!(
                (failure.disposition, failure.diagnosis.code.as_str()),
                (disposition, code),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn an_upload_is_refused_for_what_the_file_is() {
        use Disposition::{Rejected, Unfit};
        let unsupported = Unfit(Objection::Unsupported);
        for (status, body, disposition, code) in [
            (413, "", Unfit(Objection::TooLarge), "whatsapp.too-large"),
            (
                400,
                r#"{"error":{"code":131053}}"#,
                unsupported,
                "whatsapp.media-refused",
            ),
            (
                400,
                r#"{"error":{"code":100}}"#,
                unsupported,
                "whatsapp.media-refused",
            ),
            (
                400,
                include_str!("fixtures/error-100-media-id.json"),
                Rejected,
                "whatsapp.not-found",
            ),
            (
                400,
                r#"{"error":{"code":131031}}"#,
                Rejected,
                "whatsapp.account-blocked",
            ),
        ] {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            let failure = failure(Step::Upload, &response, Timestamp::from_seconds(0));
            assert_eq!(
                (failure.disposition, failure.diagnosis.code.as_str()),
                (disposition, code),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn the_evidence_names_the_trace() {
        let failure = judge(400, include_str!("fixtures/error-130429.json"));
        assert!(
            failure
                .diagnosis
                .evidence
                .contains("Az8or2yhqkZfEZ-_4Qn_Bam"),
            "{}",
            failure.diagnosis.evidence
        );
    }
}
