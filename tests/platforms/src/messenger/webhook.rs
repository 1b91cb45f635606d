//! Webhook bodies: the envelope, and who is in it.

use serde_json::{Value, json};

use super::surface::Surface;

/// One event and the page or account it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) surface: Surface,
    /// The page, or the professional account.
    pub(super) business: String,
    pub(super) fields: Value,
}

/// The body of one webhook: one entry for each page or account, events in order.
pub(super) fn body(surface: Surface, events: &[Event], millis: i64) -> Value {
    let mut entries: Vec<(&str, Vec<Value>)> = Vec::new();
    for event in events {
        match entries.iter_mut().find(|(id, _)| *id == event.business) {
            Some((_, messaging)) => messaging.push(event.fields.clone()),
            None => entries.push((&event.business, vec![event.fields.clone()])),
        }
    }
    let entry = |(id, messaging)| json!({ "id": id, "time": millis, "messaging": messaging });
    let entries: Vec<Value> = entries.into_iter().map(entry).collect();
    json!({ "object": surface.object(), "entry": entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_grouped_by_whom_they_belong_to() {
        let event = |business: &str, text: &str| Event {
            surface: Surface::Messenger,
            business: business.to_owned(),
            fields: json!({ "message": { "text": text } }),
        };
        let events = [event("1", "a"), event("2", "b"), event("1", "c")];
        let body = body(Surface::Messenger, &events, 5);
        assert_eq!(body["object"], "page");
        let texts = |entry: usize| {
            let events = body["entry"][entry]["messaging"].as_array().cloned();
            let texts = events.unwrap_or_default().into_iter();
            texts
                .map(|event| event["message"]["text"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(0), ["a", "c"]);
        assert_eq!(texts(1), ["b"]);
    }
}
