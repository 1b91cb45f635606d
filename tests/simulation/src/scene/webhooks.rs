//! The webhooks' bodies: each file in one, some together, some twice, some among other things said.

use serde_json::{Value, json};

use super::configuration::{NUMBERS, phone_number_id};
use super::{BEGINNING, ENDPOINT, Item, Webhook};
use crate::dice::Dice;

/// Each item in one webhook, some of them together, some with other things said.
pub(super) fn webhooks(dice: &Dice, items: &[Item]) -> Vec<Webhook> {
    let mut groups: Vec<Vec<&Item>> = Vec::new();
    for item in items {
        match groups.last_mut().filter(|_| dice.chance(350)) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    let mut webhooks: Vec<Webhook> = (0_usize..)
        .zip(groups)
        .map(|(n, group)| webhook(dice, n, &group))
        .collect();
    // Some messages come in a second webhook of their own, while the first is still on its way.
    for item in items.iter().filter(|_| dice.chance(150)) {
        let n = webhooks.len();
        webhooks.push(webhook(dice, n, &[item]));
    }
    webhooks
}

fn webhook(dice: &Dice, n: usize, group: &[&Item]) -> Webhook {
    let mut changes: Vec<Value> = group
        .iter()
        .map(|item| change(item.number, "messages", message(item)))
        .collect();
    let mut kept = Vec::new();
    let mut add = |number: usize, list: &str, entry: Value, suffix: &str| {
        let id = entry["id"].as_str().unwrap_or_default();
        kept.push(format!("{ENDPOINT}/{id}{suffix}"));
        changes.push(change(number, list, entry));
    };
    if dice.chance(200) {
        let text = json!({ "from": "16505551234", "id": format!("wamid.text{n}"), "timestamp": "1790000000", "type": "text", "text": { "body": "Hello" } });
        add(0, "messages", text, "");
    }
    if dice.chance(200) {
        let status = json!({ "id": format!("wamid.out{n}"), "status": "delivered", "timestamp": "1790000000", "recipient_id": "16505551234" });
        add(1, "statuses", status, "/status:delivered");
    }
    if dice.chance(100) {
        let image = json!({ "from": "16505551234", "id": format!("wamid.stranger{n}"), "timestamp": "1790000000", "type": "image", "image": { "id": "1", "mime_type": "image/png" } });
        add(NUMBERS, "messages", image, "");
    }
    let body = json!({ "object": "whatsapp_business_account", "entry": [ { "id": "1", "changes": changes } ] });
    Webhook {
        body: body.to_string().into_bytes(),
        items: group.iter().map(|item| item.id.clone()).collect(),
        kept,
    }
}

fn change(number: usize, list: &str, entry: Value) -> Value {
    json!({ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "phone_number_id": phone_number_id(number) },
        "contacts": [ { "wa_id": "16505551234", "profile": { "name": "Sheena" } } ],
        list: [entry],
    } })
}

fn message(item: &Item) -> Value {
    let file = &item.file;
    let mut media =
        json!({ "id": item.attachment, "mime_type": file.mime, "sha256": file.digest.to_base64() });
    if let Some(name) = file.name {
        media["filename"] = json!(name);
    }
    json!({
        "from": "16505551234",
        "id": item.message,
        "timestamp": BEGINNING.as_seconds().to_string(),
        "type": file.kind,
        (file.kind): media,
    })
}
