//! Customer to agent: `POST {api}/dfo/3.0/channels/{channelId}/messages` (cxone.md §5), with a link that CXone fetches, or with one to
//! a temporary attachment, which it was given before: `POST {api}/dfo/3.0/attachments/temporary`, base64 within JSON.
//!
//! `idOnExternalPlatform` is the customer's own message id and the same in every repeat. Whether CXone tells a repeat by it is not
//! confirmed, so no message is sent twice knowingly. A text is expected: without one it is empty.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::super::{api_url, failure};
use crate::connection::{Account, Connection};
use crate::diagnosis::{Failure, Step};
use crate::platforms::agent::{Inbound, Uploaded};
use crate::platforms::channel::Handed;
use crate::platforms::lenient::words;
use crate::time::Timestamp;
use crate::wire::{Auth, Base64Body, Body, Method, Request, Response};

/// The call that brings a message; `told`: where the API is, as the token's issuer told.
///
/// # Errors
/// A failure of domain `ours` if the connection is no BYOC channel, or its API's place is not known.
pub fn create_message(
    connection: &Connection,
    told: Option<&Url>,
    message: &Inbound<'_>,
) -> Result<Request, Failure> {
    let Account::CxoneByoc { channel_id, .. } = &connection.account else {
        return Err(Failure::misconfigured("the connection is no BYOC channel"));
    };
    let url = api_url(
        connection,
        told,
        &["dfo", "3.0", "channels", channel_id, "messages"],
    )?;
    Ok(Request {
        method: Method::Post,
        url,
        auth: Auth::Bearer,
        body: Body::Json(body(connection, message).to_string()),
        patience: message.patience,
        local: connection.local,
    })
}

fn body(connection: &Connection, message: &Inbound<'_>) -> Value {
    let origin = message.origin;
    // Where the customer's side is not known, the conversation is still one: that of this channel with this customer.
    let channel = message.channel.unwrap_or(connection);
    let business = channel.address().unwrap_or_else(|| channel.id.as_str());
    let thread = format!("{}_{business}_{}", channel.profile(), origin.customer);
    let mut author = json!({ "idOnExternalPlatform": origin.customer });
    if let Some(name) = &origin.customer_name {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        author["firstName"] = json!(first);
        author["lastName"] = json!(last);
        author["nickname"] = json!(name);
    }
    let mut body = json!({
        "idOnExternalPlatform": origin.wire_message(),
        "thread": { "idOnExternalPlatform": thread },
        "messageContent": { "type": "TEXT", "payload": { "text": message.text.as_deref().unwrap_or_default() } },
        "createdAtWithMilliseconds": origin.sent_at.to_rfc3339(),
        "direction": "inbound",
        "authorEndUserIdentity": author,
        "recipients": [{ "idOnExternalPlatform": business, "isPrimary": true, "isPrivate": false }],
    });
    let file = message.file.as_ref();
    if let Some((file, link)) = file.and_then(|file| Some((file, file.link?))) {
        body["attachments"] = json!([{ "friendlyName": file.file_name, "url": link.as_str() }]);
    }
    body
}

/// The call that hands a file over.
///
/// # Errors
/// As [`create_message`].
pub fn upload(
    connection: &Connection,
    told: Option<&Url>,
    file: Handed<'_>,
    patience: Duration,
) -> Result<Request, Failure> {
    let url = api_url(
        connection,
        told,
        &["dfo", "3.0", "attachments", "temporary"],
    )?;
    let others = [("mimeType", file.mime)];
    Ok(Request {
        method: Method::Post,
        url,
        auth: Auth::Bearer,
        body: Body::Base64(Base64Body::new("content", &others, file.size_bytes)),
        patience,
        local: connection.local,
    })
}

/// Reads the answer. The attachment is named in a message by its link, which is good for that message alone.
///
/// # Errors
/// The vendor's error as a [`Failure`]; limits that were broken come inside an answer that is otherwise a success.
pub fn read_uploaded(response: &Response, now: Timestamp) -> Result<Uploaded, Failure> {
    let failed = || failure(Step::Upload, response, now);
    if !matches!(response.status, 200 | 201) {
        return Err(failed());
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let link = words(&body, "url").and_then(|url| Url::parse(&url).ok());
    Ok(Uploaded {
        name: words(&body, "id").unwrap_or_else(|| "temporary".to_owned()),
        link: Some(link.ok_or_else(failed)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{Kind, Objection};
    use crate::connection::tests::{byoc, genesys, whatsapp};
    use crate::diagnosis::Disposition;
    use crate::digest::Sha256Digest;
    use crate::event::{MediaKind, origin};
    use crate::platforms::agent::SentFile;
    use crate::wire::Headers;

    fn api() -> Url {
        Url::parse("https://api-de-na1.niceincontact.com/").unwrap()
    }

    fn sent(channel: Option<&Connection>, text: Option<&str>, with_file: bool) -> Value {
        let (origin, api) = (origin(), api());
        let link = Url::parse("https://media.example.com/in/a5a8b9d2?X-Amz-Signature=abc").unwrap();
        let file = with_file.then_some(SentFile {
            id: "item",
            kind: MediaKind::Image,
            link: Some(&link),
            mime: "image/jpeg",
            file_name: "receipt.jpg",
            digest: Sha256Digest::of(b"x"),
        });
        let message = Inbound {
            origin: &origin,
            channel,
            text: text.map(str::to_owned),
            file,
            attributes: vec![("attache_state", "sent".to_owned())],
            patience: Duration::from_secs(1),
        };
        assert!(create_message(&byoc(), None, &message).is_err(), "no place");
        assert!(create_message(&genesys(), Some(&api), &message).is_err());
        let request = create_message(&byoc(), Some(&api), &message).unwrap();
        let expected = "https://api-de-na1.niceincontact.com/dfo/3.0/channels/byoc_1/messages";
        assert_eq!(
            (request.url.as_str(), request.auth),
            (expected, Auth::Bearer)
        );
        match request.body {
            Body::Json(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Every field we send stands in the published example.
    #[test]
    fn no_field_of_our_own() {
        let published: Value = serde_json::from_str(include_str!(
            "../fixtures/request-create-message-with-attachment.json"
        ))
        .unwrap();
        let number = whatsapp();
        let ours = sent(Some(&number), Some("Here is my receipt"), true);
        let keys =
            |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        assert_eq!(keys(&ours), keys(&published));
        for pointer in [
            "/thread",
            "/messageContent",
            "/messageContent/payload",
            "/authorEndUserIdentity",
            "/recipients/0",
            "/attachments/0",
        ] {
            let known = keys(published.pointer(pointer).unwrap());
            for key in keys(ours.pointer(pointer).unwrap()) {
                assert!(known.contains(&key), "{pointer}/{key}");
            }
        }
        assert_eq!(ours["messageContent"], published["messageContent"]);
        assert_eq!(
            ours["createdAtWithMilliseconds"],
            "2025-04-11T04:08:16.000Z"
        );
    }

    #[test]
    fn the_thread_is_the_channel_the_business_and_the_customer() {
        let customer = origin().customer;
        let number = whatsapp();
        let ours = sent(Some(&number), None, false);
        let thread = format!("whatsapp_106540352242922_{customer}");
        assert_eq!(ours["thread"]["idOnExternalPlatform"], thread);
        assert_eq!(
            ours["recipients"][0]["idOnExternalPlatform"],
            "106540352242922"
        );
        assert_eq!(ours["messageContent"]["payload"]["text"], "");
        assert!(ours.get("attachments").is_none());
        let alone = sent(None, Some("[Attaché] …"), false);
        assert_eq!(
            alone["thread"]["idOnExternalPlatform"],
            format!("cxone-byoc_byoc_1_{customer}")
        );
    }

    #[test]
    fn a_temporary_attachment_as_published() {
        let file = Handed {
            mime: "application/pdf",
            file_name: "a.pdf",
            kind: Kind::Document,
            size_bytes: 9,
            digest: Sha256Digest::of(b"%PDF-1.7\n"),
        };
        let request = upload(&byoc(), Some(&api()), file, Duration::from_secs(1)).unwrap();
        assert_eq!(request.url.path(), "/dfo/3.0/attachments/temporary");
        let Body::Base64(body) = request.body else {
            panic!("base64")
        };
        let text = format!("{}JVBERi0xLjcK{}", body.head, body.tail);
        let published: Value = serde_json::from_str(include_str!(
            "../fixtures/attachment-temporary-upload-request.json"
        ))
        .unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), published);
        let read = |status, body: &str| {
            let response = Response {
                status,
                headers: Headers::default(),
                body: body.as_bytes().to_vec(),
            };
            read_uploaded(&response, Timestamp::default())
        };
        let published = include_str!("../fixtures/attachment-temporary-upload-response.json");
        let uploaded = read(200, published).ok().unwrap();
        assert_eq!(uploaded.name, "0d5b7e1c-3c7a-4a51-8a3c-0b8f4a1e2d3c");
        assert_eq!(
            uploaded.link.unwrap().as_str(),
            "https://files.example-cxone.com/tmp/0d5b7e1c"
        );
        let limits = r#"{"allowedFileSize": "40", "allowedFileTypes": [{"mimeType": "image/*"}]}"#;
        for (status, body, disposition) in [
            (200, "{}", Disposition::Unavailable),
            (200, limits, Disposition::Rejected),
            (413, "", Disposition::Unfit(Objection::TooLarge)),
            (503, "", Disposition::Unavailable),
        ] {
            assert_eq!(
                read(status, body).err().unwrap().disposition,
                disposition,
                "{status} {body}"
            );
        }
    }
}
