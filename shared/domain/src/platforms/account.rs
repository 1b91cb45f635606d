//! Asks a platform for what a connection names there: a number, a page, an integration. A read that changes nothing; its answer shows
//! whether the token is good, the id is right and the account may be seen.

use std::time::Duration;

use serde_json::Value;

use super::genesys::{self, Question};
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Outcome, Seen, Step, judge};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, CallError, Method, Request, Response};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The question; `None`: its platform tells nothing of what it names.
#[must_use]
pub fn account_request(connection: &Connection) -> Option<Request> {
    let (base, version, id) = match &connection.account {
        Account::WhatsApp {
            base_url,
            graph_version,
            phone_number_id,
            ..
        } => (base_url, graph_version, phone_number_id),
        _ => match connection.page() {
            Some(page) => (&page.base_url, &page.graph_version, &page.page_id),
            None => {
                return match genesys::limits_question(connection)? {
                    Question::Integration(request) => Some(request),
                    Question::Limits(_) => None,
                };
            }
        },
    };
    let mut url = base.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend([version, id]);
    Some(Request {
        method: Method::Get,
        url,
        auth: Auth::Bearer,
        body: Body::Empty,
        patience: PATIENCE,
        local: connection.local,
    })
}

/// Reads the answer: what the platform says of it.
///
/// # Errors
/// The vendor's error, judged by the table of rules; an answer without an id.
pub fn read_account(
    connection: &Connection,
    answer: Result<&Response, &CallError>,
    now: Timestamp,
) -> Result<Value, Failure> {
    let judged = |outcome| {
        let seen = Seen {
            platform: connection.profile().platform(),
            step: Step::Configuration,
            outcome,
        };
        judge(&seen, now)
    };
    let response = answer.map_err(|error| judged(Outcome::Lost(error)))?;
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    match (response.status, body.get("id")) {
        (200, Some(_)) => Ok(body),
        _ => Err(judged(Outcome::Answer(response))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, instagram, messenger, web_messaging, whatsapp};
    use crate::wire::Headers;

    #[test]
    fn each_platform_is_asked_for_what_is_named() {
        for (connection, expected) in [
            (
                whatsapp(),
                Some("https://graph.facebook.com/v23.0/106540352242922"),
            ),
            (
                messenger(),
                Some("https://graph.facebook.com/v23.0/682498302938465"),
            ),
            (
                instagram(),
                Some("https://graph.facebook.com/v23.0/682498302938465"),
            ),
            (
                genesys(),
                Some(
                    "https://api.mypurecloud.de/api/v2/conversations/messaging/integrations/open/2d1f6a3c",
                ),
            ),
            (web_messaging(), None),
        ] {
            let request = account_request(&connection);
            assert_eq!(
                request.as_ref().map(|request| request.url.as_str()),
                expected
            );
            assert!(request.is_none_or(|it| it.method == Method::Get && it.auth == Auth::Bearer));
        }
    }

    #[test]
    fn an_answer_shows_what_is_wrong() {
        let read = |status, body: &str| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            read_account(&whatsapp(), Ok(&response), Timestamp::from_seconds(0))
                .map_err(|failure| failure.diagnosis.code)
        };
        assert_eq!(
            read(200, r#"{"id":"1","quality_rating":"GREEN"}"#).unwrap()["quality_rating"],
            "GREEN"
        );
        for (status, body, code) in [
            (
                401,
                r#"{"error":{"code":190,"message":"m"}}"#,
                "whatsapp.token-refused",
            ),
            (
                400,
                r#"{"error":{"code":100,"error_subcode":33,"message":"m"}}"#,
                "whatsapp.not-found",
            ),
            (
                403,
                r#"{"error":{"code":200,"message":"m"}}"#,
                "whatsapp.permission",
            ),
        ] {
            assert_eq!(read(status, body), Err(code.to_owned()), "{body}");
        }
        assert!(read(200, "{}").is_err());
    }
}
