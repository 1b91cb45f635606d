//! What fuzz targets start from: webhooks as the platforms write them, connections, and edits that a fuzzer chooses.
//!
//! The targets are the tests of this package. Each runs a bounded number of cases under `cargo test`, on any stable toolchain; the same
//! targets run under an engine that follows coverage with `cargo bolero test <name>`. Left out: anything that needs a port or a clock.

use attache_domain::connection::{Account, Connection, Org, Profile, SecretName};
use attache_domain::ids::{ConnectionId, EndpointId};
use url::Url;

/// Webhooks of every profile, as published.
#[must_use]
pub fn webhooks() -> Vec<(Profile, &'static str)> {
    macro_rules! published {
        ($profile:ident, $folder:literal, $($name:literal)*) => {
            [$((
                Profile::$profile,
                include_str!(concat!("../../../shared/domain/src/platforms/", $folder, "/fixtures/", $name, ".json")),
            ),)*]
        };
    }
    let whatsapp = published! {
        WhatsApp, "whatsapp",
        "webhook-audio-voice" "webhook-batched" "webhook-document" "webhook-image" "webhook-inbound-media-error-131052"
        "webhook-reaction" "webhook-status-delivered" "webhook-status-failed-131047" "webhook-status-read"
        "webhook-sticker" "webhook-system" "webhook-text-with-context" "webhook-text" "webhook-unsupported"
    };
    let genesys = published! {
        GenesysOpenMessaging, "genesys",
        "webhook-outbound-attachment" "webhook-outbound-text" "webhook-outbound-typing"
    };
    let event = r#"{"event_id":"e1","event_type":"message:message-media","timestamp":"2026-01-15T13:41:24.276Z","data":{"id":"m1","url":"https://api.mypurecloud.de/api/v2/message/mediadata/m1","media_type":"image/png","size":5,"conversation_id":"c1","message_id":"g1"}}"#;
    let completions = published! {
        GenesysWebMessaging, "genesys",
        "webhook-upload-completed-clean" "webhook-upload-completed-failed" "webhook-upload-completed-malicious"
        "webhook-media-upload-failed"
    };
    let conversations = published! { CxoneConversations, "cxone", "conversation-message" };
    let slice = r#"{"attache":{"path":"2.0/channel/byoc_1/outbound","message":"m"},"body":{"thread":{"idOnExternalPlatform":"whatsapp_1_2"},"messageContent":{"type":"TEXT","payload":{"text":"Hi"}},"attachments":[{"id":7,"url":"https://files.example/7?Signature=s","mimeType":"image/png"}]}}"#;
    whatsapp
        .into_iter()
        .chain(conversations)
        .chain([(Profile::CxoneByoc, slice)])
        .chain(genesys)
        .chain(completions)
        .chain([(Profile::GenesysMessageMedia, event)])
        .collect()
}

/// One change to a text: where (in parts of 65 536), what, and with what.
pub type Edit = (u16, u8, u8);

/// Pieces that parsers stumble over.
const PIECES: [&str; 16] = [
    "null",
    "{}",
    "[]",
    "\"\"",
    "-1",
    "1e999",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "true",
    ",",
    ":",
    "\u{202e}",
    "\\",
    "//",
    "@",
    "%00",
];

/// More edits than these leave nothing that a parser would look into.
const MOST_EDITS: usize = 3;

/// `seed` after the first few of these edits: bytes replaced, removed, repeated, and pieces put in.
#[must_use]
pub fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (place, what, with) in edits.iter().take(MOST_EDITS) {
        let at = bytes.len() * usize::from(*place) / 65_536;
        let end = (at + usize::from(*with)).min(bytes.len());
        match what % 5 {
            0 if at < bytes.len() => bytes[at] = *with,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            3 => {
                let piece = PIECES[usize::from(*with) % PIECES.len()];
                drop(bytes.splice(at..at, piece.bytes()));
            }
            _ => value_replaced(&mut bytes, at, PIECES[usize::from(*with) % PIECES.len()]),
        }
    }
    bytes
}

/// Puts `piece` in the place of what follows the next colon: a field of another type, most likely.
fn value_replaced(bytes: &mut Vec<u8>, at: usize, piece: &str) {
    let next = |from: usize, stops: &[u8]| {
        let found = bytes[from..].iter().position(|byte| stops.contains(byte));
        found.map(|offset| from + offset)
    };
    if let Some(colon) = next(at, b":")
        && let Some(end) = next(colon + 1, b",}]")
    {
        drop(bytes.splice(colon + 1..end, piece.bytes()));
    }
}

/// A business on WhatsApp, as deployed.
#[must_use]
pub fn whatsapp() -> Connection {
    Connection::new(
        ConnectionId::new("customers"),
        Account::WhatsApp {
            endpoint: EndpointId::new("whatsapp"),
            phone_number_id: "106540352242922".to_owned(),
            base_url: url("https://graph.facebook.com"),
            graph_version: "v23.0".to_owned(),
            media_hosts: vec!["lookaside.fbsbx.com".to_owned()],
            token: SecretName("attache/prod/clients/customers".to_owned()),
            window_template: None,
        },
    )
}

/// An organisation on Genesys Cloud, as deployed.
#[must_use]
pub fn genesys() -> Connection {
    Connection::new(
        ConnectionId::new("agents"),
        Account::GenesysOpenMessaging {
            endpoint: Some(EndpointId::new("genesys")),
            integration_id: "2d1f6a3c".to_owned(),
            custom_attributes: false,
            org: Org {
                api_url: url("https://api.mypurecloud.de"),
                login_url: url("https://login.mypurecloud.de"),
                client_id: "client".to_owned(),
                client_secret: SecretName("attache/prod/clients/agents".to_owned()),
            },
        },
    )
}

fn url(text: &str) -> Url {
    match Url::parse(text) {
        Ok(url) => url,
        Err(error) => panic!("{text}: {error}"),
    }
}
