//! What became of an agent's message: `POST …/inbound/open/receipt`, genesys.md §7. One receipt for each message, the final one. `Read` does
//! not exist there: that a customer has read a message is kept in its journey.

use std::time::Duration;

use serde_json::json;

use super::message::inbound_url;
use crate::connection::Connection;
use crate::diagnosis::{Failure, excerpt};
use crate::event::{Origin, Receipt, ReceiptStatus};
use crate::platforms::channel;
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request};

/// The longest reason that is given, in characters.
const LONGEST_REASON: usize = 400;

/// Builds the call: the last word on the message `origin` belongs to, at `now`.
///
/// # Errors
/// A failure of domain `ours` if the connection is not a Genesys one.
pub fn receipt(
    connection: &Connection,
    origin: &Origin,
    receipt: &Receipt,
    (now, patience): (Timestamp, Duration),
) -> Result<Request, Failure> {
    let status = match receipt.status {
        ReceiptStatus::Delivered => "Delivered",
        ReceiptStatus::Failed => "Failed",
    };
    let mut body = json!({
        "id": origin.message,
        "channel": { "to": { "id": origin.customer }, "time": now.to_rfc3339() },
        "status": status,
        "isFinalReceipt": true,
    });
    if receipt.status == ReceiptStatus::Failed {
        let code = reason_code(receipt.code.as_deref().unwrap_or_default());
        let reason = excerpt(
            receipt.reason.as_deref().unwrap_or_default(),
            LONGEST_REASON,
        );
        body["reasons"] = json!([{ "code": code, "message": reason }]);
    }
    Ok(Request {
        method: Method::Post,
        url: inbound_url(connection, "receipt")?,
        auth: Auth::Bearer,
        body: Body::Json(body.to_string()),
        patience,
        local: connection.local,
    })
}

/// Genesys' word for one of our codes (`ConversationReason` of the platform SDK).
#[must_use]
fn reason_code(code: &str) -> &'static str {
    match channel::word_of(code).unwrap_or(code) {
        "channel.type" | "channel.unknown" | "type-not-taken" | "media-refused" => {
            "MediaTypeNotAllowed"
        }
        "channel.size" | "transfer.size-refused" => "InvalidMediaContentLength",
        "verdict.quarantined" | "provider.malware" => "DataFiltered",
        "window-closed" | "channel.window-closed" => "MessageExpired",
        "undeliverable" => "InvalidDestination",
        "not-wanted" => "RecipientOptedOut",
        "account-blocked" | "permission" | "template-refused" => "MessageNotAllowed",
        code if code.ends_with("limit-drift") || code.ends_with("too-large") => {
            "InvalidMediaContentLength"
        }
        code if code.ends_with("throttled") => "RateLimited",
        code if code.starts_with("ours.") || code.starts_with("network.") => "ServerError",
        _ => "GeneralError",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, whatsapp};
    use crate::event::origin;
    use serde_json::Value;

    fn body(status: ReceiptStatus, code: Option<&str>) -> Value {
        let said = Receipt {
            status,
            reason: code.map(|_| "too large".to_owned()),
            code: code.map(str::to_owned),
        };
        let at = (
            Timestamp::from_seconds(1_768_484_487),
            Duration::from_secs(1),
        );
        assert!(receipt(&whatsapp(), &origin(), &said, at).is_err());
        let request = receipt(&genesys(), &origin(), &said, at).unwrap();
        assert!(
            request
                .url
                .path()
                .ends_with("/2d1f6a3c/inbound/open/receipt")
        );
        let Body::Json(text) = request.body else {
            panic!("JSON")
        };
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_fields_of_the_published_examples() {
        for (ours, example) in [
            (
                body(ReceiptStatus::Delivered, None),
                include_str!("fixtures/request-inbound-receipt-delivered.json"),
            ),
            (
                body(ReceiptStatus::Failed, Some("channel.size")),
                include_str!("fixtures/request-inbound-receipt-failed.json"),
            ),
        ] {
            let example: Value = serde_json::from_str(example).unwrap();
            let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&ours), keys(&example));
            assert_eq!(keys(&ours["channel"]), keys(&example["channel"]));
            assert_eq!(ours["reasons"][0]["code"], example["reasons"][0]["code"]);
        }
    }

    #[test]
    fn every_code_has_one_of_genesys_words() {
        for (code, expected) in [
            ("channel.type", "MediaTypeNotAllowed"),
            ("whatsapp.window-closed", "MessageExpired"),
            ("instagram.window-closed", "MessageExpired"),
            ("messenger.undeliverable", "InvalidDestination"),
            ("whatsapp.pair-throttled", "RateLimited"),
            ("whatsapp.too-large", "InvalidMediaContentLength"),
            ("channel.limit-drift", "InvalidMediaContentLength"),
            ("provider.malware", "DataFiltered"),
            ("ours.connection-removed", "ServerError"),
            ("something.else", "GeneralError"),
        ] {
            assert_eq!(reason_code(code), expected, "{code}");
        }
    }
}
