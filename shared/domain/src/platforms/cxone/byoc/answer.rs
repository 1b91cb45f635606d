//! What CXone is answered when it calls with an agent's message: HTTP 200 with *our* id of it (cxone.md §3). The vendor's page is
//! explicit about the id; the rest of contract 2.0's answer is what public middleware gives.

use serde_json::{Value, json};

use super::address::Address;
use crate::event::{Announcement, FollowUp, Part, Said};
use crate::ids::{AttachmentId, ConnectionId, MediaId};
use crate::time::Timestamp;

/// Our name for an agent's message that came over `connection`: the media id of its first part, by which every command of ours finds it. It
/// follows from what was said, so a repeat is answered with the same, and it is there before anything is delivered.
#[must_use]
pub fn message_name(connection: &ConnectionId, announcement: &Announcement) -> MediaId {
    let words = FollowUp::Words.part(&AttachmentId::new(""));
    let first = match &announcement.said {
        Said::Message(message) => message.parts.first(),
        _ => None,
    };
    let part = match first {
        Some(Part::File(file)) => &file.id,
        Some(Part::Words(_)) | None => &words,
    };
    MediaId::derive(connection, &announcement.message, part)
}

/// The body of the answer to a message that came to `path`.
#[must_use]
pub fn answer(path: &str, slice: &str, name: &MediaId, now: Timestamp) -> String {
    let name = name.as_str();
    if !matches!(
        Address::read(path),
        Some(Address::Message { channel: Some(_) })
    ) {
        return json!({ "idOnExternalPlatform": name }).to_string();
    }
    let slice: Value = serde_json::from_str(slice).unwrap_or_default();
    let of = |key: &str| slice.pointer(&format!("/body/{key}")).cloned();
    let list = |key: &str| of(key).filter(Value::is_array).unwrap_or_else(|| json!([]));
    let identities: Vec<Value> = list("endUserRecipients")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| Some(json!({ "idOnExternalPlatform": it.get("idOnExternalPlatform")? })))
        .collect();
    let thread = of("thread/idOnExternalPlatform");
    json!({
        "message": { "idOnExternalPlatform": name, "createdAtWithMilliseconds": now.to_rfc3339() },
        "thread": { "idOnExternalPlatform": thread },
        "endUserIdentities": identities,
        "recipients": list("recipients"),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::super::parse_at;
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_768_484_484);

    fn answered(path: &str, body: &str) -> (Value, MediaId) {
        let announcement = parse_at(path, body.as_bytes(), NOW).unwrap().remove(0);
        let name = message_name(&ConnectionId::new("cxone"), &announcement);
        let text = answer(path, &announcement.slice, &name, NOW);
        (serde_json::from_str(&text).unwrap(), name)
    }

    fn keys(value: &Value) -> Vec<&String> {
        value.as_object().unwrap().keys().collect()
    }

    #[test]
    fn each_contract_is_answered_in_its_own_form_with_the_item_s_id() {
        let body = include_str!("../fixtures/byoc-outbound-1.0-request.json");
        let (answer, name) = answered("1.0/posts/p1/messages", body);
        let published: Value =
            serde_json::from_str(include_str!("../fixtures/byoc-outbound-1.0-response.json"))
                .unwrap();
        assert_eq!(keys(&answer), keys(&published));
        assert_eq!(answer["idOnExternalPlatform"], name.as_str());
        let body = include_str!("../fixtures/byoc-outbound-2.0-request.json");
        let (answer, name) = answered("2.0/channel/byoc_1/outbound", body);
        let published: Value =
            serde_json::from_str(include_str!("../fixtures/byoc-outbound-2.0-response.json"))
                .unwrap();
        assert_eq!(keys(&answer), keys(&published));
        assert_eq!(answer["message"]["idOnExternalPlatform"], name.as_str());
        assert_eq!(
            (&answer["thread"], &answer["recipients"]),
            (&published["thread"], &published["recipients"])
        );
        assert_eq!(
            answer["endUserIdentities"][0]["idOnExternalPlatform"],
            "16505551234"
        );
    }
}
