//! Everything a customer can say that is not a file, as the webhook writes it.
//!
//! The kinds are those of the published schema. It knows no message for a deletion, none for a first "hello" (`request_welcome`), and no
//! reference to an advertisement: such things can be posted with [`WhatsApp::send_raw`](super::WhatsApp::send_raw).

use serde_json::{Value, json};

use super::customer::Customer;
use crate::delivery::MessageId;

/// A contact that a customer shares; only what is there is sent.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Contact {
    /// The whole name as shown.
    pub name: String,
    /// A phone number as written.
    pub phone: Option<String>,
    /// The WhatsApp id of that number.
    pub wa_id: Option<String>,
    /// An address for mail.
    pub email: Option<String>,
    /// A company.
    pub company: Option<String>,
}

impl Contact {
    fn written(&self) -> Value {
        let mut contact =
            json!({ "name": { "formatted_name": self.name, "first_name": self.name } });
        if let Some(phone) = &self.phone {
            let mut written = json!({ "phone": phone, "type": "MOBILE" });
            if let Some(wa_id) = &self.wa_id {
                written["wa_id"] = wa_id.as_str().into();
            }
            contact["phones"] = json!([written]);
        }
        if let Some(email) = &self.email {
            contact["emails"] = json!([{ "email": email, "type": "WORK" }]);
        }
        if let Some(company) = &self.company {
            contact["org"] = json!({ "company": company });
        }
        contact
    }
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLine {
    /// The product.
    pub product_retailer_id: String,
    /// How many.
    pub quantity: u32,
    /// The price of one.
    pub item_price: f64,
    /// Its currency, `USD`.
    pub currency: String,
}

/// What a customer says.
#[derive(Clone, Debug, PartialEq)]
pub enum Say {
    /// A text.
    Text(String),
    /// A text about a product of the catalogue: text, catalogue id, product id.
    ProductQuestion(String, String, String),
    /// An emoji on a message; an empty one takes the last back.
    Reaction(MessageId, String),
    /// A place: latitude, longitude, and name and address where the customer chose one.
    Location(f64, f64, Option<String>, Option<String>),
    /// Contacts out of the address book.
    Contacts(Vec<Contact>),
    /// The choice of a reply button of a message: its id and title.
    ButtonReply(MessageId, String, String),
    /// The choice from a list of a message: the row's id, title and description.
    ListReply(MessageId, String, String, String),
    /// The choice of a quick-reply button of a template: its payload and text.
    TemplateButton(MessageId, String, String),
    /// An order from the catalogue with this id.
    Order(String, Vec<OrderLine>),
    /// Something WhatsApp does not hand on (131051), a poll for example.
    Unsupported,
    /// A file that Meta could not get from the customer (131052).
    LostMedia,
    /// Not said but done: the customer has another number from now on.
    NumberChanged(String),
    /// Not said but done: the customer's identity, as this hash, is new (another phone, a new installation).
    IdentityChanged(String),
}

/// A message without sender, id and time.
pub(super) enum Said {
    /// Of the customer.
    Message(Value),
    /// Of the system.
    System(Value),
}

impl Say {
    /// The message as the webhook writes it.
    pub(super) fn said(&self, customer: &Customer) -> Said {
        let business = &customer.number.display_phone_number;
        let about = |message: &MessageId| json!({ "from": business, "id": message.as_str() });
        Said::Message(match self {
            Self::NumberChanged(wa_id) => return Said::System(number_changed(customer, wa_id)),
            Self::IdentityChanged(hash) => return Said::System(identity_changed(customer, hash)),
            Self::Text(text) => json!({ "type": "text", "text": { "body": text } }),
            Self::ProductQuestion(text, catalog, product) => json!({
                "type": "text", "text": { "body": text },
                "context": {
                    "from": business, "id": super::customer::message_id(&customer.wa_id),
                    "referred_product": { "catalog_id": catalog, "product_retailer_id": product },
                },
            }),
            Self::Reaction(message, emoji) => json!({
                "type": "reaction", "reaction": { "message_id": message.as_str(), "emoji": emoji },
            }),
            Self::Location(latitude, longitude, name, address) => {
                let mut place = json!({ "latitude": latitude, "longitude": longitude });
                for (field, value) in [("name", name), ("address", address)] {
                    if let Some(value) = value {
                        place[field] = value.as_str().into();
                    }
                }
                json!({ "type": "location", "location": place })
            }
            Self::Contacts(contacts) => {
                let contacts: Vec<Value> = contacts.iter().map(Contact::written).collect();
                json!({ "type": "contacts", "contacts": contacts })
            }
            Self::ButtonReply(message, id, title) => json!({
                "type": "interactive", "context": about(message),
                "interactive": { "type": "button_reply", "button_reply": { "id": id, "title": title } },
            }),
            Self::ListReply(message, id, title, description) => {
                let row = json!({ "id": id, "title": title, "description": description });
                let reply = json!({ "type": "list_reply", "list_reply": row });
                json!({ "type": "interactive", "context": about(message), "interactive": reply })
            }
            Self::TemplateButton(message, payload, text) => json!({
                "type": "button", "context": about(message), "button": { "payload": payload, "text": text },
            }),
            Self::Order(catalog, lines) => order(catalog, lines),
            Self::Unsupported => {
                let details = "Message type is currently not supported.";
                unsupported(131_051, "Message type unknown", details)
            }
            Self::LostMedia => {
                let details = "Failed to download the media from the sender.";
                unsupported(131_052, "Media download error", details)
            }
        })
    }
}

fn number_changed(customer: &Customer, wa_id: &str) -> Value {
    let Customer {
        name, wa_id: old, ..
    } = customer;
    let body = format!("User {name} changed from {old} to {wa_id}");
    json!({ "type": "system", "system": { "body": body, "wa_id": wa_id, "type": "user_changed_number" } })
}

fn identity_changed(customer: &Customer, hash: &str) -> Value {
    let Customer { name, wa_id, .. } = customer;
    let body = format!("User {name} changed identity");
    let kind = "customer_identity_changed";
    json!({ "type": "system", "system": { "body": body, "wa_id": wa_id, "type": kind, "identity": hash } })
}

fn order(catalog: &str, lines: &[OrderLine]) -> Value {
    let line = |line: &OrderLine| {
        json!({
            "product_retailer_id": line.product_retailer_id, "quantity": line.quantity,
            "item_price": line.item_price, "currency": line.currency,
        })
    };
    let lines: Vec<Value> = lines.iter().map(line).collect();
    json!({ "type": "order", "order": { "catalog_id": catalog, "text": "", "product_items": lines } })
}

fn unsupported(code: u32, title: &str, details: &str) -> Value {
    let error = json!({
        "code": code, "title": title, "message": title, "error_data": { "details": details },
    });
    json!({ "type": "unsupported", "errors": [error] })
}
