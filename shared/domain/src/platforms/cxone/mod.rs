//! NICE CXone: channels of one's own making (BYOC, [`byoc`]), and the conversations that the source documents describe
//! ([`conversations`]). Of the published surface little is public: cxone.md says for each fact where it is from, and
//! `infra/decisions/0034` which of them are to be confirmed on a tenant.

pub mod byoc;
pub mod conversations;
mod token;

pub use token::{
    Granted, configuration_request, discovery_request, read_configuration, read_discovery,
    read_token, token_request,
};

use serde_json::Value;
use url::Url;

use super::agent::Accepted;
use super::lenient::text;
use crate::connection::Connection;
use crate::diagnosis::{Failure, Outcome, Platform, Seen, Step, judge};
use crate::time::Timestamp;
use crate::wire::Response;

/// Reads a response to `step` that is not the one hoped for. The status decides (cxone.md §7).
fn failure(step: Step, response: &Response, now: Timestamp) -> Failure {
    let seen = Seen {
        platform: Platform::Cxone,
        step,
        outcome: Outcome::Answer(response),
    };
    judge(&seen, now)
}

/// Reads the answer to a message: 200, or 201, which is not confirmed. 202 asks for more than was done, and so leaves the outcome
/// open (cxone.md §7). What it calls message and conversation is not published; the names are those of its own events.
///
/// # Errors
/// The vendor's error as a [`Failure`].
pub fn read_accepted(response: &Response, now: Timestamp) -> Result<Accepted, Failure> {
    if !matches!(response.status, 200 | 201) {
        return Err(failure(Step::Send, response, now));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let of = |place: &str, key: &str| text(body.pointer(place)?, key);
    let message = of("/message", "id").or_else(|| of("", "id"));
    let conversation = ["/case", "/contact", "/consumerContact"]
        .iter()
        .find_map(|place| of(place, "id"));
    Ok(Accepted {
        message: message.unwrap_or_default(),
        conversation,
    })
}

/// `{api}/{segments}`; the owner's own `api_url` counts before what the issuer told.
fn api_url(connection: &Connection, told: Option<&Url>, segments: &[&str]) -> Result<Url, Failure> {
    let own = connection.tenant().and_then(|it| it.api_url.as_ref());
    let api = own
        .or(told)
        .ok_or_else(|| Failure::misconfigured("where the tenant's API is was not told"))?;
    let mut url = api.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("api_url takes no path"))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    #[test]
    fn only_what_is_certain_is_an_acceptance() {
        let read = |status, body: &str| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            read_accepted(&response, Timestamp::default())
        };
        let whole = r#"{"message": {"id": 6123456789}, "case": {"id": "987654"}}"#;
        let accepted = read(200, whole).unwrap();
        assert_eq!(accepted.message, "6123456789");
        assert_eq!(accepted.conversation.as_deref(), Some("987654"));
        assert_eq!(read(201, "").unwrap(), Accepted::default());
        for (status, body, disposition) in [
            (202, "", Disposition::Unknown),
            (401, r#"{"message": "expired"}"#, Disposition::Unauthorised),
            (404, r#"{"message": "no channel"}"#, Disposition::Rejected),
            (429, "", Disposition::Throttled { retry_after: None }),
            (500, "", Disposition::Unknown),
            (503, "", Disposition::Unavailable),
        ] {
            assert_eq!(
                read(status, body).unwrap_err().disposition,
                disposition,
                "{status}"
            );
        }
    }
}
