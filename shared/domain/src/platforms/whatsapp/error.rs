//! Graph API errors → what to do. By body code, not by HTTP status: Meta throttles with HTTP 400, and a 500 can be
//! permanent. Codes from the WhatsApp Cloud API error page (read June 2026).

use serde_json::Value;

use crate::channels::Objection;
use crate::diagnosis::{Diagnosis, Disposition, Domain, Failure, excerpt};
use crate::pacing::retry_after::RetryAfter;
use crate::time::Timestamp;
use crate::wire::Response;

/// Reads a response that is not a success.
#[must_use]
pub fn failure(response: &Response, now: Timestamp) -> Failure {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let error = body.get("error");
    let number = |key: &str| error.and_then(|e| e.get(key)).and_then(Value::as_i64);
    let word = |key: &str| {
        error
            .and_then(|e| e.get(key))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let code = number("code");
    let transient = error
        .and_then(|e| e.get("is_transient"))
        .and_then(Value::as_bool);
    let evidence = format!(
        "status {}, code {}, subcode {}, fbtrace_id {}: {}",
        response.status,
        code.map_or_else(|| "none".to_owned(), |c| c.to_string()),
        number("error_subcode").unwrap_or(0),
        excerpt(word("fbtrace_id"), 40),
        excerpt(word("message"), 160),
    );
    let retry_after = response
        .headers
        .get("retry-after")
        .and_then(|v| RetryAfter::parse(v, now))
        .map(RetryAfter::wait);
    let (disposition, domain, name, remedy) = match code {
        Some(code) => by_code(code, number("error_subcode"), transient, retry_after),
        None => by_status(response.status, retry_after),
    };
    Failure::new(disposition, Diagnosis::new(domain, name, evidence, remedy))
}

/// Reads a refused upload. What Meta says of the file itself comes as 131051, 131053 or, at once, as an invalid parameter: the
/// others that an upload has are always the same. A body above what its edge takes meets 413, with or without a code.
#[must_use]
pub(super) fn upload_failure(response: &Response, now: Timestamp) -> Failure {
    let mut failure = failure(response, now);
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_i64);
    let is_unknown_object = failure.diagnosis.code == "whatsapp.media-gone";
    let objection = match (response.status, code) {
        (413, _) => Objection::TooLarge,
        (_, Some(131_051 | 131_053)) => Objection::Unsupported,
        (_, Some(100)) if !is_unknown_object => Objection::Unsupported,
        _ => return failure,
    };
    failure.disposition = Disposition::Unfit(objection);
    failure.diagnosis.domain = Domain::Customer;
    failure.diagnosis.code = match objection {
        Objection::TooLarge => "whatsapp.too-large",
        Objection::Unsupported => "whatsapp.media-refused",
    }
    .to_owned();
    failure.diagnosis.remedy = MEDIA.to_owned();
    failure
}

/// Reads the error of a status `failed`: the same codes as in answers, but final.
#[must_use]
pub(super) fn status_failure(error: &Value) -> Failure {
    let code = error.get("code").and_then(Value::as_i64);
    let details = error
        .get("error_data")
        .and_then(|data| data.get("details"))
        .and_then(Value::as_str);
    let title = error.get("title").and_then(Value::as_str);
    let evidence = format!(
        "status failed, code {}: {}",
        code.map_or_else(|| "none".to_owned(), |code| code.to_string()),
        excerpt(details.or(title).unwrap_or_default(), 160),
    );
    let (_, domain, name, remedy) = by_code(code.unwrap_or_default(), None, None, None);
    Failure::new(
        Disposition::Rejected,
        Diagnosis::new(domain, name, evidence, remedy),
    )
}

type Judgement = (Disposition, Domain, &'static str, &'static str);

fn by_code(
    code: i64,
    subcode: Option<i64>,
    transient: Option<bool>,
    retry_after: Option<std::time::Duration>,
) -> Judgement {
    use Disposition::{Rejected, Throttled, Unauthorised, Unavailable};
    let wait = Throttled { retry_after };
    match (code, subcode) {
        (0 | 190, _) => (Unauthorised, Domain::Ours, "whatsapp.token-refused", TOKEN),
        (4, _) => (wait, Domain::Provider, "whatsapp.app-throttled", THROTTLED),
        (80007, _) => (
            wait,
            Domain::Provider,
            "whatsapp.account-throttled",
            THROTTLED,
        ),
        (130_429, _) => (
            wait,
            Domain::Provider,
            "whatsapp.number-throttled",
            THROTTLED,
        ),
        (131_056, _) => (wait, Domain::Provider, "whatsapp.pair-throttled", THROTTLED),
        (1 | 2 | 131_000 | 131_016 | 131_057, _) => (
            Unavailable,
            Domain::Provider,
            "whatsapp.unavailable",
            TRANSIENT,
        ),
        (100, Some(33)) => (Rejected, Domain::Provider, "whatsapp.media-gone", GONE),
        (3 | 10 | 131_005 | 200..=299, _) => {
            (Rejected, Domain::Ours, "whatsapp.permission", PERMISSION)
        }
        (368 | 131_031 | 131_042 | 131_048, _) => (
            Rejected,
            Domain::Provider,
            "whatsapp.account-blocked",
            BLOCKED,
        ),
        (131_047, _) => (Rejected, Domain::Customer, "whatsapp.window-closed", WINDOW),
        (131_026, _) => (
            Rejected,
            Domain::Customer,
            "whatsapp.undeliverable",
            UNDELIVERABLE,
        ),
        (131_049 | 131_050 | 130_472, _) => (
            Rejected,
            Domain::Customer,
            "whatsapp.not-wanted",
            NOT_WANTED,
        ),
        (131_051, _) => (Rejected, Domain::Provider, "whatsapp.type-not-taken", MEDIA),
        (131_052 | 131_053, _) => (Rejected, Domain::Customer, "whatsapp.media-refused", MEDIA),
        (132_000..=132_099, _) => (
            Rejected,
            Domain::Ours,
            "whatsapp.template-refused",
            TEMPLATE,
        ),
        _ if transient == Some(true) => (
            Unavailable,
            Domain::Provider,
            "whatsapp.unavailable",
            TRANSIENT,
        ),
        _ => (Rejected, Domain::Unknown, "whatsapp.refused", REFUSED),
    }
}

fn by_status(status: u16, retry_after: Option<std::time::Duration>) -> Judgement {
    use Disposition::{Rejected, Throttled, Unauthorised, Unavailable};
    match status {
        401 => (Unauthorised, Domain::Ours, "whatsapp.token-refused", TOKEN),
        429 => (
            Throttled { retry_after },
            Domain::Provider,
            "whatsapp.throttled",
            THROTTLED,
        ),
        408 | 500..=599 => (
            Unavailable,
            Domain::Pipeline,
            "whatsapp.unavailable",
            TRANSIENT,
        ),
        404 | 410 => (Rejected, Domain::Provider, "whatsapp.media-gone", GONE),
        _ => (Rejected, Domain::Unknown, "whatsapp.refused", REFUSED),
    }
}

const TOKEN: &str = "The access token was refused. Create a new system-user token and store it in the connection's secret.";
const THROTTLED: &str =
    "Nothing to do: Attaché waits and tries again. If it lasts, see who else uses this account.";
const TRANSIENT: &str =
    "Nothing to do: Attaché tries again. If it lasts ten minutes, see Meta's status page.";
const GONE: &str = "The file's id is unknown, expired (7 days) or another number's. Ask the customer to send it again.";
const PERMISSION: &str = "Give the system user access to this WhatsApp account and the whatsapp_business_messaging permission.";
const BLOCKED: &str = "Meta restricts this account. See the account's quality and payment settings in Business Manager.";
const WINDOW: &str = "The customer wrote last more than 24 hours ago, and WhatsApp takes only approved templates then. Wait until the customer writes, or configure window_template.";
const UNDELIVERABLE: &str =
    "The number is not on WhatsApp, or its app is too old. Reach the customer another way.";
const NOT_WANTED: &str = "The customer does not want such messages, or WhatsApp limits them for this customer. Reach the customer another way.";
const MEDIA: &str = "WhatsApp does not take this file. Send it in another form, as JPEG, PNG, PDF or MP4 for example.";
const TEMPLATE: &str = "The template is not approved under this name and language, or takes variables. Correct window_template.";
const REFUSED: &str = "See the vendor's error page for this code.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Headers;

    fn judge(status: u16, body: &str) -> Failure {
        let headers = Headers::new([("Retry-After".to_owned(), "7".to_owned())]);
        failure(
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
            (404, "", Disposition::Rejected, "whatsapp.media-gone"),
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
                "whatsapp.media-gone",
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
            let failure = upload_failure(&response, Timestamp::from_seconds(0));
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
