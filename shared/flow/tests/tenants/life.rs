//! What the tenants did before one of them turned on the others. All have one and the same person among their customers.

use std::collections::BTreeMap;

use attache_domain::signature::Scheme;
use attache_flow::memory::State;
use serde_json::{Value, json};

use crate::forger::Forged;
use crate::property::is_of;
use crate::site::{Site, TENANTS, integration_of, number_of, secret_of};

/// The customer of them all.
pub(crate) const CUSTOMER: &str = "16505551234";

/// The names under which a tenant's things are known to the platforms, and to us.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Messages of its customers and agents.
    pub(crate) messages: Vec<String>,
    /// Messages to its customers, as WhatsApp names them.
    pub(crate) wamids: Vec<String>,
    /// Its items.
    pub(crate) items: Vec<String>,
    /// Files.
    pub(crate) media: Vec<String>,
}

/// The facts of every tenant.
pub(crate) type Known = BTreeMap<&'static str, Facts>;

/// A webhook as its platform signs it.
pub(crate) fn signed(endpoint: &str, body: &Value) -> Forged {
    let body = body.to_string();
    let scheme = if endpoint.starts_with("wa") {
        Scheme::META
    } else {
        Scheme::GENESYS
    };
    Forged {
        signature: Some(scheme.sign(&secret_of(endpoint), body.as_bytes())),
        endpoint: endpoint.to_owned(),
        body,
        is_own: true,
    }
}

/// A body of WhatsApp's about this number.
pub(crate) fn change(number: &str, mut value: Value) -> Value {
    value["metadata"] = json!({ "phone_number_id": number });
    json!({"changes": [{"field": "messages", "value": value}]})
}

fn customer_says(site: &Site, tenant: &str, number: &str, mut message: Value) {
    message["from"] = json!(CUSTOMER);
    message["timestamp"] = json!("1744344500");
    let name = format!("words-of-{tenant} name");
    let value = json!({"messages": [message], "contacts": [{"profile": {"name": name}, "wa_id": CUSTOMER}]});
    let body = json!({"entry": [change(number, value)]});
    let status = site.post(&signed(&format!("wa-{tenant}"), &body));
    assert_eq!(status, 200);
}

fn agent_says(site: &Site, tenant: &str, id: &str, content: Value) {
    let text = format!("words-of-{tenant} {id}");
    let mut body = json!({"id": format!("{id}-{tenant}"), "type": "Text", "text": text, "direction": "Outbound",
        "channel": {"id": integration_of(tenant), "to": {"id": CUSTOMER}, "time": "2025-04-11T04:08:20.000Z"}});
    if !content.is_null() {
        body["content"] = content;
    }
    assert_eq!(site.post(&signed(&format!("gc-{tenant}"), &body)), 200);
}

/// Lets every tenant live a little: words and a file each way, an event of media, something kept.
pub(crate) fn live(site: &Site) -> Known {
    site.run(1);
    for tenant in TENANTS {
        let number = number_of(tenant);
        let hello = json!({"id": format!("wamid.hello-{tenant}"), "type": "text", "text": {"body": format!("words-of-{tenant} hello")}});
        customer_says(site, tenant, &number, hello);
        let file = json!({"id": format!("media-{tenant}"), "filename": format!("words-of-{tenant}.txt"), "mime_type": "text/plain"});
        let file =
            json!({"id": format!("wamid.file-{tenant}"), "type": "document", "document": file});
        customer_says(site, tenant, &number, file);
        let stray = json!({"id": format!("wamid.stray-{tenant}"), "type": "text", "text": {"body": format!("words-of-{tenant} stray")}});
        customer_says(site, tenant, "nobody's", stray);
    }
    site.run(5);
    for tenant in TENANTS {
        agent_says(site, tenant, "answer", Value::Null);
        let attachment = json!({"contentType": "Attachment", "attachment": {"id": format!("attachment-{tenant}"), "mediaType": "File",
            "filename": "answer.txt", "mime": "text/plain", "url": format!("https://api.{tenant}.example/api/v2/downloads/1")}});
        agent_says(site, tenant, "look", json!([attachment]));
        let event = json!({"event_type": "message:message-media", "timestamp": "2025-04-11T04:08:20.000Z",
            "data": {"id": format!("event-{tenant}"), "message_id": format!("event-{tenant}"), "conversation_id": CUSTOMER,
                "media_type": "text/plain", "url": format!("https://api.{tenant}.example/api/v2/message/mediadata/1")}});
        assert_eq!(site.post(&signed(&format!("mm-{tenant}"), &event)), 200);
    }
    site.run(40);
    let state = site.world.state.borrow();
    TENANTS.into_iter().map(|t| (t, facts(&state, t))).collect()
}

fn facts(state: &State, tenant: &str) -> Facts {
    let own = || state.items.values().filter(|item| is_of(item, tenant));
    let alias = format!("name/wa-{tenant}/");
    let wamids = state
        .names
        .keys()
        .filter_map(|key| key.strip_prefix(&alias));
    Facts {
        messages: own().map(|item| item.origin.message.to_string()).collect(),
        wamids: wamids.map(str::to_owned).collect(),
        items: own().map(|item| item.id.to_string()).collect(),
        media: own()
            .map(|item| item.origin.attachment.to_string())
            .collect(),
    }
}

/// The tenant's customer answers everything that its agents wrote.
pub(crate) fn answer(site: &Site, tenant: &str, known: &Known) {
    for wamid in &known[tenant].wamids {
        let reply = json!({"id": format!("wamid.reply-{wamid}"), "type": "text", "text": {"body": "Thank you"}, "context": {"id": wamid}});
        customer_says(site, tenant, &number_of(tenant), reply);
    }
}
