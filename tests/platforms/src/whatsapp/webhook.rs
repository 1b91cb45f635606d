//! Webhook bodies as Meta writes them: envelope, batching, escapes.

use std::mem::Discriminant;

use serde_json::{Value, json};

use super::options::PhoneNumber;

/// What one change of a webhook carries.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A customer's message with the contact that sent it.
    Message { contact: Value, message: Value },
    /// A message of the system about a customer; travels without contacts.
    System(Value),
    /// The status of a message to a customer.
    Status(Value),
}

/// One item and the number it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Addressed {
    pub(super) number: PhoneNumber,
    pub(super) item: Item,
}

/// The body of one webhook: one entry per business account, one change per number and kind, items in order.
pub(super) fn body(items: &[Addressed]) -> Value {
    let mut entries: Vec<(String, Vec<Change>)> = Vec::new();
    for Addressed { number, item } in items {
        let changes = match entries.iter_mut().find(|(waba, _)| *waba == number.waba_id) {
            Some((_, changes)) => changes,
            None => {
                entries.push((number.waba_id.clone(), Vec::new()));
                let last = entries.len() - 1;
                &mut entries[last].1
            }
        };
        let kind = std::mem::discriminant(item);
        let fits = |change: &&mut Change| change.kind == kind && change.number == *number;
        match changes.iter_mut().find(fits) {
            Some(change) => change.add(item),
            None => {
                let mut change = Change::new(number, item);
                change.add(item);
                changes.push(change);
            }
        }
    }
    let entry = |(waba, changes): (String, Vec<Change>)| {
        let changes: Vec<Value> = changes.into_iter().map(Change::into_json).collect();
        json!({ "id": waba, "changes": changes })
    };
    let entries: Vec<Value> = entries.into_iter().map(entry).collect();
    json!({ "object": "whatsapp_business_account", "entry": entries })
}

struct Change {
    number: PhoneNumber,
    kind: Discriminant<Item>,
    /// The name of the list that the items go to.
    list: &'static str,
    contacts: Vec<Value>,
    items: Vec<Value>,
}

impl Change {
    /// An empty change for items of the same kind as this one.
    fn new(number: &PhoneNumber, item: &Item) -> Self {
        Self {
            number: number.clone(),
            kind: std::mem::discriminant(item),
            list: match item {
                Item::Status(_) => "statuses",
                Item::Message { .. } | Item::System(_) => "messages",
            },
            contacts: Vec::new(),
            items: Vec::new(),
        }
    }

    fn add(&mut self, item: &Item) {
        match item {
            Item::Status(body) | Item::System(body) => self.items.push(body.clone()),
            Item::Message { contact, message } => {
                if !self.contacts.contains(contact) {
                    self.contacts.push(contact.clone());
                }
                self.items.push(message.clone());
            }
        }
    }

    fn into_json(self) -> Value {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.number.display_phone_number,
                "phone_number_id": self.number.phone_number_id,
            },
        });
        if !self.contacts.is_empty() {
            value["contacts"] = self.contacts.into();
        }
        value[self.list] = self.items.into();
        json!({ "value": value, "field": "messages" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_grouped_by_account_and_number() {
        let number = |id: &str, waba: &str| PhoneNumber::new(id, "1555", waba);
        let message = |id: &str, waba: &str, text: &str| Addressed {
            number: number(id, waba),
            item: Item::Message {
                contact: json!({"wa_id":"1"}),
                message: json!(text),
            },
        };
        let items = [
            message("n1", "w1", "a"),
            message("n2", "w2", "b"),
            message("n1", "w1", "c"),
            Addressed {
                number: number("n1", "w1"),
                item: Item::Status(json!("s")),
            },
            Addressed {
                number: number("n1", "w1"),
                item: Item::System(json!("y")),
            },
        ];
        let body = body(&items);
        let value = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(
            value("/entry/0/changes/0/value/messages"),
            json!(["a", "c"])
        );
        assert_eq!(
            value("/entry/0/changes/0/value/contacts"),
            json!([{"wa_id":"1"}])
        );
        assert_eq!(value("/entry/0/changes/1/value/statuses"), json!(["s"]));
        let system = "/entry/0/changes/2/value";
        assert_eq!(value(&format!("{system}/messages")), json!(["y"]));
        assert_eq!(value(&format!("{system}/contacts")), Value::Null);
        assert_eq!(value("/entry/1/changes/0/value/messages"), json!(["b"]));
        assert_eq!(value("/entry/2"), Value::Null);
    }
}
