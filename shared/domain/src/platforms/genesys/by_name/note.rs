//! What became of a message, told beside it (`S1-34`, `S1-37`, `S1-39`): attributes that flows branch on, and a note in the
//! conversation. Neither holds up a flow. Message media alone has these calls.

use std::time::Duration;

use serde_json::{Value, json};

use super::{api_url, surface};
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, excerpt};
use crate::event::{Origin, Receipt, ReceiptStatus};
use crate::journey::Attribute;
use crate::wire::{Auth, Body, Method, Request};

/// The longest reason that is given, in characters.
const LONGEST_REASON: usize = 400;

/// The last word on the message `origin` belongs to: a system message, and the same as attributes.
///
/// # Errors
/// A failure of domain `ours` if the connection is none of message media.
pub fn note(
    connection: &Connection,
    origin: &Origin,
    receipt: &Receipt,
    patience: Duration,
) -> Result<Request, Failure> {
    let (word, text) = match receipt.status {
        ReceiptStatus::Delivered => ("delivered", "Delivered.".to_owned()),
        ReceiptStatus::Failed => {
            let reason = receipt.reason.as_deref().unwrap_or_default();
            let reason = excerpt(reason, LONGEST_REASON);
            ("failed", format!("Not delivered: {reason}"))
        }
    };
    let body = json!({
        "type": "system",
        "body": format!("[Attaché] {text}"),
        "attributes": { "attache_state": word, "attache_code": receipt.code },
    });
    post(connection, &[origin.message.as_str()], &body, patience)
}

/// The attributes of a message that the platform knows as `message`.
///
/// # Errors
/// As [`note`].
pub fn attributes(
    connection: &Connection,
    message: &str,
    attributes: &[Attribute],
    patience: Duration,
) -> Result<Request, Failure> {
    let attributes: serde_json::Map<String, Value> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let body = json!({ "attributes": attributes });
    post(connection, &[message, "attributes"], &body, patience)
}

fn post(
    connection: &Connection,
    below: &[&str],
    body: &Value,
    patience: Duration,
) -> Result<Request, Failure> {
    if !matches!(connection.account, Account::GenesysMessageMedia { .. }) {
        return Err(Failure::misconfigured(
            "the connection's platform takes no notes about messages",
        ));
    }
    let org = surface(connection)?.org;
    Ok(Request {
        method: Method::Post,
        url: api_url(org, &[&["messages"], below].concat())?,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience,
        local: connection.local,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{message_media, web_chat};
    use crate::event::origin;

    fn sent(request: Request) -> (String, Value) {
        let Body::Json(body) = request.body else {
            panic!("JSON")
        };
        let body = serde_json::from_str(&body).unwrap();
        (request.url.path().to_owned(), body)
    }

    #[test]
    fn what_became_of_it_is_told_in_words_and_for_flows() {
        let told = |status, reason: Option<&str>| {
            let receipt = Receipt {
                status,
                reason: reason.map(str::to_owned),
                code: reason.map(|_| "channel.size".to_owned()),
            };
            assert!(note(&web_chat(), &origin(), &receipt, Duration::ZERO).is_err());
            sent(note(&message_media(), &origin(), &receipt, Duration::ZERO).unwrap())
        };
        let (path, body) = told(ReceiptStatus::Failed, Some("too large"));
        assert_eq!(path, format!("/api/v2/messages/{}", origin().message));
        let expected = json!({"type": "system", "body": "[Attaché] Not delivered: too large",
            "attributes": {"attache_state": "failed", "attache_code": "channel.size"}});
        assert_eq!(body, expected);
        let (_, body) = told(ReceiptStatus::Delivered, None);
        assert_eq!(body["attributes"]["attache_state"], "delivered");
    }

    #[test]
    fn attributes_go_beside_their_message() {
        let given = [("attache_state", "sent".to_owned())];
        let request = attributes(&message_media(), "m/1", &given, Duration::ZERO).unwrap();
        let (path, body) = sent(request);
        assert_eq!(path, "/api/v2/messages/m%2F1/attributes");
        assert_eq!(body, json!({"attributes": {"attache_state": "sent"}}));
    }
}
