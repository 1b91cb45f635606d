//! Customer to agent: `POST /api/v2/conversations/messages/{integrationId}/inbound/open/message`.
//!
//! There is no binary upload here: Genesys fetches `attachment.url` itself, without headers. Exactly the schema's
//! fields are sent. `channel.messageId` is the customer's own message id, so that a repeat can be told as one.

use serde_json::{Value, json};
use url::Url;

use super::error::failure;
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Step};
use crate::event::MediaKind;
use crate::platforms::agent::{Accepted, Inbound};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// Builds the call.
///
/// # Errors
/// A failure of domain `ours` if the connection is not a Genesys one.
pub fn inbound(connection: &Connection, message: &Inbound<'_>) -> Result<Request, Failure> {
    let mut url = inbound_url(connection, "message")?;
    // The answer then names the conversation, where there is one already.
    url.query_pairs_mut()
        .append_pair("prefetchConversationId", "true");
    Ok(Request {
        method: Method::Post,
        url,
        auth: Auth::Bearer,
        body: Body::Json(body(connection, message).to_string()),
        patience: message.patience,
        local: connection.local,
    })
}

/// `{api}/api/v2/conversations/messages/{integrationId}/inbound/open/{what}`.
pub(super) fn inbound_url(connection: &Connection, what: &str) -> Result<Url, Failure> {
    let (org, integration_id) = match &connection.account {
        Account::GenesysOpenMessaging {
            org,
            integration_id,
            ..
        } => (org, integration_id),
        Account::GenesysWebMessaging {
            org, channel_id, ..
        } => (org, channel_id),
        Account::WhatsApp { .. }
        | Account::GenesysMessageMedia { .. }
        | Account::GenesysWebChat { .. }
        | Account::GenesysMediaUpload { .. }
        | Account::GenesysAgent { .. }
        | Account::Messenger { .. }
        | Account::Instagram { .. }
        | Account::CxoneByoc { .. }
        | Account::CxoneConversations { .. } => {
            return Err(Failure::misconfigured(
                "no message goes to an agent over the connection",
            ));
        }
    };
    let mut url = org.api_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("api_url takes no path"))?
        .pop_if_empty()
        .extend(["api", "v2", "conversations", "messages", integration_id])
        .extend(["inbound", "open", what]);
    Ok(url)
}

fn body(connection: &Connection, message: &Inbound<'_>) -> Value {
    let origin = message.origin;
    let mut from = json!({ "id": origin.customer, "idType": id_type(&origin.customer) });
    if let Some(name) = &origin.customer_name {
        from["nickname"] = json!(name);
    }
    let mut body = json!({
        "channel": { "messageId": origin.wire_message(), "from": from, "time": origin.sent_at.to_rfc3339() },
        "metadata": { "sourceChannel": message.channel.map_or("whatsapp", |it| it.profile().as_str()) },
    });
    for (name, value) in &message.attributes {
        body["metadata"][name] = json!(value);
        if takes_custom_attributes(connection) {
            body["channel"]["metadata"]["customAttributes"][name] = json!(value);
        }
    }
    let file = message.file.as_ref();
    if let Some((file, link)) = file.and_then(|file| Some((file, file.link?))) {
        body["content"] = json!([ { "attachment": {
            "id": file.id,
            "mediaType": media_type(file.kind, file.mime),
            "url": link.as_str(),
            "mime": file.mime,
            "filename": file.file_name,
            "sha256": file.digest.to_string(),
        } } ]);
    }
    if let Some(text) = &message.text {
        body["text"] = json!(text);
    }
    body
}

fn takes_custom_attributes(connection: &Connection) -> bool {
    matches!(
        connection.account,
        Account::GenesysOpenMessaging {
            custom_attributes: true,
            ..
        }
    )
}

/// `Phone | Email | Opaque`, from the form of the customer's address.
fn id_type(customer: &str) -> &'static str {
    let digits = customer.strip_prefix('+').unwrap_or(customer);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        "Phone"
    } else if customer.contains('@') {
        "Email"
    } else {
        "Opaque"
    }
}

/// `Image | Video | Audio | File`, from the bytes' type; what a customer sent as a document stays a file.
fn media_type(kind: MediaKind, mime: &str) -> &'static str {
    match (kind, mime.split_once('/').map(|(top, _)| top)) {
        (MediaKind::Document, _) => "File",
        (_, Some("image")) => "Image",
        (_, Some("video")) => "Video",
        (_, Some("audio")) => "Audio",
        _ => "File",
    }
}

/// Reads the answer: any 2xx is an acceptance.
///
/// # Errors
/// The vendor's error as a [`Failure`].
pub fn read_accepted(response: &Response, now: Timestamp) -> Result<Accepted, Failure> {
    if !(200..300).contains(&response.status) {
        return Err(failure(Step::Send, response, now));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let word = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Accepted {
        message: word("id").unwrap_or_default(),
        conversation: word("conversationId"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, whatsapp};
    use crate::digest::Sha256Digest;
    use crate::event::origin;
    use crate::platforms::agent::SentFile;
    use crate::wire::Headers;
    use std::time::Duration;

    fn sent(text: Option<&str>, kind: Option<MediaKind>) -> Value {
        sent_over(&genesys(), text, kind)
    }

    fn sent_over(connection: &Connection, text: Option<&str>, kind: Option<MediaKind>) -> Value {
        let origin = origin();
        let link = Url::parse("https://media.example.com/a?X-Amz-Signature=s").unwrap();
        let media = origin.media_id();
        let file = kind.map(|kind| SentFile {
            id: media.as_str(),
            kind,
            link: Some(&link),
            mime: "image/jpeg",
            file_name: "photo.jpg",
            digest: Sha256Digest::of(b"x"),
        });
        let message = Inbound {
            origin: &origin,
            channel: None,
            text: text.map(str::to_owned),
            file,
            attributes: vec![("attache_state", "sent".to_owned())],
            patience: Duration::from_secs(1),
        };
        let request = inbound(connection, &message).unwrap();
        assert!(inbound(&whatsapp(), &message).is_err());
        assert_eq!(
            request.url.as_str(),
            "https://api.mypurecloud.de/api/v2/conversations/messages/2d1f6a3c/inbound/open/message?prefetchConversationId=true"
        );
        let Body::Json(text) = request.body else {
            panic!("a JSON body")
        };
        serde_json::from_str(&text).unwrap()
    }

    /// Every field we send stands in the published example, and every required one of it is sent.
    #[test]
    fn exactly_the_schema_s_fields() {
        let example: Value = serde_json::from_str(include_str!(
            "fixtures/request-inbound-open-message-attachment.json"
        ))
        .unwrap();
        let ours = sent(Some("Taj Mahal"), Some(MediaKind::Image));
        let keys = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&ours), keys(&example));
        for pointer in ["/channel", "/channel/from", "/content/0/attachment"] {
            let known = keys(example.pointer(pointer).unwrap());
            for key in keys(ours.pointer(pointer).unwrap()) {
                assert!(known.contains(&key), "{pointer}/{key}");
            }
        }
        assert_eq!(ours["channel"]["time"], "2025-04-11T04:08:16.000Z");
        let metadata = json!({"sourceChannel": "whatsapp", "attache_state": "sent"});
        assert_eq!(ours["metadata"], metadata);
    }

    #[test]
    fn attributes_go_where_the_owner_says_flows_see_them() {
        let mut connection = genesys();
        if let Account::GenesysOpenMessaging {
            custom_attributes, ..
        } = &mut connection.account
        {
            *custom_attributes = true;
        }
        let body = sent_over(&connection, None, Some(MediaKind::Image));
        let both = ["/metadata", "/channel/metadata/customAttributes"];
        for pointer in both.map(|place| format!("{place}/attache_state")) {
            assert_eq!(body.pointer(&pointer).unwrap(), "sent", "{pointer}");
        }
    }

    #[test]
    fn words_alone_files_alone_and_documents_as_files() {
        assert!(sent(None, Some(MediaKind::Image)).get("text").is_none());
        let words = sent(Some("Hello"), None);
        assert!(words["text"] == "Hello" && words.get("content").is_none());
        assert_eq!(
            sent(None, Some(MediaKind::Document))["content"][0]["attachment"]["mediaType"],
            "File"
        );
        assert_eq!(
            ["16505551234", "+49301", "a@b.example", "PSID-1", ""].map(id_type),
            ["Phone", "Phone", "Email", "Opaque", "Opaque"]
        );
        assert_eq!(media_type(MediaKind::Audio, "audio/ogg"), "Audio");
        assert_eq!(media_type(MediaKind::Sticker, "image/webp"), "Image");
    }

    #[test]
    fn acceptance_is_read_from_the_published_answer() {
        let body = include_bytes!("fixtures/response-inbound-open-message.json").to_vec();
        let response = Response {
            status: 200,
            headers: Headers::default(),
            body,
        };
        let accepted = read_accepted(&response, Timestamp::from_seconds(0)).unwrap();
        assert_eq!(accepted.message, "2c3d4e5f60718293a4b5c6d7e8f90a1b");
        assert_eq!(
            accepted.conversation.as_deref(),
            Some("31594bb4-9611-40ff-a4bd-ab0f27e65126")
        );
    }
}
