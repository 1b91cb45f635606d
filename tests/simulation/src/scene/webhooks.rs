//! The webhooks' bodies: Meta's, with a message in one, some together, some twice, some among other things said; and
//! Genesys', each with one message.

use std::time::Duration;

use attache_domain::ids::MediaId;
use serde_json::{Value, json};

use super::configuration::{NUMBERS, integration_id, phone_number_id};
use super::{API, BEGINNING, CUSTOMERS, ENDPOINT, Message, SIGNED, Sender, Side, Webhook, What};
use crate::dice::Dice;

/// Each message in one webhook, some customers' together, some with other things said; agents typing between them.
pub(super) fn webhooks(dice: &Dice, messages: &[Message]) -> Vec<Webhook> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let of = |side| (0..messages.len()).filter(move |n| messages[*n].side == side);
    for n in of(Side::Customer) {
        let alone = messages[n].cue.is_some();
        match groups.last_mut().filter(|_| !alone && dice.chance(350)) {
            Some(group) if messages[group[0]].cue.is_none() => group.push(n),
            _ => groups.push(vec![n]),
        }
    }
    let mut webhooks: Vec<Webhook> = (0_usize..)
        .zip(groups)
        .map(|(n, group)| meta(dice, n, messages, group))
        .collect();
    // Some messages come in a second webhook of their own, while the first is still on its way.
    for n in of(Side::Customer).filter(|n| messages[*n].cue.is_none() && dice.chance(150)) {
        let name = webhooks.len();
        webhooks.push(meta(dice, name, messages, vec![n]));
    }
    for n in of(Side::Agent) {
        webhooks.push(genesys(dice, messages, n));
        if dice.chance(200) {
            webhooks.push(typing(&messages[n], dice.millis(0, 60_000)));
        }
    }
    webhooks
}

fn meta(dice: &Dice, n: usize, messages: &[Message], group: Vec<usize>) -> Webhook {
    let mut changes: Vec<Value> = group
        .iter()
        .map(|n| change(messages[*n].number, "messages", said(&messages[*n])))
        .collect();
    let mut kept = Vec::new();
    let mut add = |number: usize, list: &str, entry: Value, suffix: &str| {
        let id = entry["id"].as_str().unwrap_or_default();
        kept.push(format!("{ENDPOINT}/{id}{suffix}"));
        changes.push(change(number, list, entry));
    };
    if dice.chance(200) {
        let status = json!({ "id": format!("wamid.out{n}"), "status": "delivered", "timestamp": "1790000000", "recipient_id": CUSTOMERS[0] });
        add(1, "statuses", status, "/delivered");
    }
    if dice.chance(100) {
        let image = json!({ "from": CUSTOMERS[0], "id": format!("wamid.stranger{n}"), "timestamp": "1790000000", "type": "image", "image": { "id": "1", "mime_type": "image/png" } });
        add(NUMBERS, "messages", image, "");
    }
    Webhook {
        sender: Sender::Meta,
        at: messages[group[0]].at,
        cue: messages[group[0]].cue.clone(),
        body: entry(&changes),
        messages: group,
        kept,
        typing: None,
        completes: None,
    }
}

/// One status of a message that carried `opaque`.
pub(super) fn status(
    number: usize,
    customer: &str,
    (wamid, opaque): (&str, Option<&MediaId>),
    status: &str,
    code: u32,
) -> Webhook {
    let mut entry_of = json!({ "id": wamid, "status": status, "timestamp": BEGINNING.as_seconds().to_string(), "recipient_id": customer });
    if let Some(opaque) = opaque {
        entry_of["biz_opaque_callback_data"] = json!(opaque);
    }
    if status == "failed" {
        entry_of["errors"] = json!([{ "code": code, "title": "Message undeliverable" }]);
    }
    Webhook {
        sender: Sender::Meta,
        at: Duration::ZERO,
        cue: None,
        body: entry(&[change(number, "statuses", entry_of)]),
        messages: Vec::new(),
        kept: Vec::new(),
        typing: None,
        completes: None,
    }
}

fn entry(changes: &[Value]) -> Vec<u8> {
    let body = json!({ "object": "whatsapp_business_account", "entry": [ { "id": "1", "changes": changes } ] });
    body.to_string().into_bytes()
}

fn change(number: usize, list: &str, entry: Value) -> Value {
    json!({ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "phone_number_id": phone_number_id(number) },
        "contacts": [ { "wa_id": CUSTOMERS[0], "profile": { "name": "Sheena" } } ],
        list: [entry],
    } })
}

fn said(message: &Message) -> Value {
    let mut said = json!({
        "from": message.customer,
        "id": message.id,
        "timestamp": message.sent_at().as_seconds().to_string(),
    });
    if let Some(original) = &message.takes_back {
        said["type"] = json!("revoke");
        said["revoke"] = json!({ "original_message_id": original });
        return said;
    }
    if let Some(answers) = &message.answers {
        said["context"] = json!({ "id": answers });
    }
    for part in &message.parts {
        match &part.what {
            What::Words(text) => {
                said["type"] = json!("text");
                said["text"] = json!({ "body": text });
            }
            What::File(sent) => {
                let file = &sent.file;
                let mut media = json!({ "id": part.attachment, "mime_type": file.mime, "sha256": file.digest.to_base64() });
                if let Some(name) = file.name {
                    media["filename"] = json!(name);
                }
                if let Some(caption) = &sent.caption {
                    media["caption"] = json!(caption);
                }
                said["type"] = json!(file.kind);
                said[file.kind] = media;
            }
        }
    }
    said
}

fn channel(message: &Message) -> Value {
    json!({
        "id": integration_id(message.number),
        "platform": "Open",
        "type": "Private",
        "messageId": message.id,
        "to": { "id": message.customer },
        "time": message.sent_at().to_rfc3339(),
    })
}

fn genesys(dice: &Dice, messages: &[Message], n: usize) -> Webhook {
    let message = &messages[n];
    let mut text = Vec::new();
    let mut content = Vec::new();
    for part in &message.parts {
        match &part.what {
            What::Words(words) => text.push(words.as_str()),
            What::File(sent) => {
                text.extend(sent.caption.as_deref());
                let host = if sent.signed { SIGNED } else { API };
                let mut attachment = json!({
                    "id": part.attachment,
                    "mediaType": if sent.file.kind == "image" { "Image" } else { "File" },
                    "url": format!("https://{host}/api/v2/downloads/{}", part.attachment),
                    "mime": sent.file.mime,
                });
                if let Some(name) = sent.file.name {
                    attachment["filename"] = json!(name);
                }
                if dice.chance(500) {
                    attachment["sha256"] = json!(sent.file.digest.to_string());
                    attachment["contentSizeBytes"] = json!(sent.file.bytes.len());
                }
                content.push(json!({ "contentType": "Attachment", "attachment": attachment }));
            }
        }
    }
    let mut body = json!({
        "id": message.id,
        "channel": channel(message),
        "type": "Text",
        "direction": "Outbound",
        "originatingEntity": "Human",
    });
    if !text.is_empty() {
        body["text"] = json!(text.concat());
    }
    if !content.is_empty() {
        body["content"] = json!(content);
    }
    Webhook {
        sender: Sender::Genesys,
        at: message.at,
        cue: None,
        body: body.to_string().into_bytes(),
        messages: vec![n],
        kept: Vec::new(),
        typing: None,
        completes: None,
    }
}

fn typing(message: &Message, at: Duration) -> Webhook {
    let body = json!({
        "id": format!("{}-typing", message.id),
        "channel": channel(message),
        "type": "Event",
        "events": [ { "eventType": "Typing", "typing": { "type": "On", "duration": 5000 } } ],
        "direction": "Outbound",
    });
    Webhook {
        sender: Sender::Genesys,
        at,
        cue: None,
        body: body.to_string().into_bytes(),
        messages: Vec::new(),
        kept: Vec::new(),
        typing: Some((message.number, message.customer)),
        completes: None,
    }
}

/// Web messaging has the file.
pub(super) fn completion(file: &str) -> Webhook {
    let data = json!({ "fileId": file, "virusScanResult": "clean", "formatValidation": "passed", "status": "completed" });
    let body =
        json!({ "eventType": "genesys.cloud.messaging.file.upload.completed", "data": data });
    Webhook {
        sender: Sender::Completions,
        at: Duration::ZERO,
        cue: None,
        body: body.to_string().into_bytes(),
        messages: Vec::new(),
        kept: Vec::new(),
        typing: None,
        completes: Some(file.to_owned()),
    }
}
