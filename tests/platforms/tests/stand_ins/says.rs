//! WhatsApp's customers: everything they can say, as the webhook brings it.

use attache_platforms::whatsapp::{
    Contact, MediaFile, MessageId, OrderLine, Say, WhatsApp, WhatsAppOptions,
};
use serde_json::{Value, json};

use crate::support::*;

/// Waits for the webhook of a message; the change's value.
async fn value(whatsapp: &WhatsApp, message: &MessageId) -> Value {
    let delivery = whatsapp.wait_for_delivery(message, SOON).await;
    let body = delivery.expect("settled").body;
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    body["entry"][0]["changes"][0]["value"].clone()
}

#[tokio::test]
async fn every_kind_comes_as_its_schema_says() {
    let (whatsapp, _) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    let customer = whatsapp.customer();
    let earlier = MessageId::new("wamid.earlier");
    let to = || earlier.clone();
    let (name, address) = (
        Some("Philz Coffee".to_owned()),
        Some("101 Forest Ave".to_owned()),
    );
    let contact = Contact {
        name: "Lucía".into(),
        phone: Some("+1 (983) 555-2319".into()),
        wa_id: Some("19835552319".into()),
        email: Some("l@example.com".into()),
        company: Some("Lucky Shrub".into()),
    };
    let bare = Contact {
        name: "Max".into(),
        ..Contact::default()
    };
    let line = OrderLine {
        product_retailer_id: "di9ozbzfi4".into(),
        quantity: 2,
        item_price: 30.5,
        currency: "USD".into(),
    };
    let s = str::to_owned;
    let rows = [
        (Say::Text(s("Hi")), "text", "/text/body", json!("Hi")),
        (
            Say::ProductQuestion(s("Left?"), s("c1"), s("p1")),
            "text",
            "/context/referred_product/catalog_id",
            json!("c1"),
        ),
        (
            Say::Reaction(to(), s("👍")),
            "reaction",
            "/reaction/emoji",
            json!("👍"),
        ),
        (
            Say::Reaction(to(), s("")),
            "reaction",
            "/reaction/emoji",
            json!(""),
        ),
        (
            Say::Location(37.44, -122.16, None, None),
            "location",
            "/location",
            json!({ "latitude": 37.44, "longitude": -122.16 }),
        ),
        (
            Say::Location(37.44, -122.16, name, address),
            "location",
            "/location/name",
            json!("Philz Coffee"),
        ),
        (
            Say::Contacts(vec![contact, bare]),
            "contacts",
            "/contacts/1/name/formatted_name",
            json!("Max"),
        ),
        (
            Say::ButtonReply(to(), s("b1"), s("Yes")),
            "interactive",
            "/interactive/button_reply",
            json!({ "id": "b1", "title": "Yes" }),
        ),
        (
            Say::ListReply(to(), s("r1"), s("Express"), s("Next day")),
            "interactive",
            "/interactive/list_reply/description",
            json!("Next day"),
        ),
        (
            Say::TemplateButton(to(), s("p"), s("Unsubscribe")),
            "button",
            "/button/payload",
            json!("p"),
        ),
        (
            Say::Order(s("c1"), vec![line]),
            "order",
            "/order/product_items/0/quantity",
            json!(2),
        ),
        (
            Say::Unsupported,
            "unsupported",
            "/errors/0/code",
            json!(131_051),
        ),
        (
            Say::LostMedia,
            "unsupported",
            "/errors/0/code",
            json!(131_052),
        ),
    ];
    for (say, kind, at, expected) in rows {
        let told = format!("{say:?}");
        let value = value(&whatsapp, &customer.say(say)).await;
        let message = &value["messages"][0];
        assert_eq!(message["type"], kind, "{told}");
        assert_eq!(message.pointer(at), Some(&expected), "{told}");
        assert_eq!(value["contacts"][0]["wa_id"], "16505551234", "{told}");
        assert_eq!(whatsapp.violations(), [], "{told}");
    }
}

#[tokio::test]
async fn what_happens_to_a_customer_comes_without_contacts() {
    let (whatsapp, _) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    let rows = [
        (
            Say::NumberChanged("12195555358".into()),
            "user_changed_number",
            "/wa_id",
            "12195555358",
        ),
        (
            Say::IdentityChanged("hash".into()),
            "customer_identity_changed",
            "/identity",
            "hash",
        ),
    ];
    for (say, kind, at, expected) in rows {
        let value = value(&whatsapp, &whatsapp.customer().say(say)).await;
        let system = &value["messages"][0]["system"];
        assert_eq!(system["type"], kind);
        assert_eq!(system.pointer(at), Some(&json!(expected)));
        assert_eq!(value.get("contacts"), None);
        assert_eq!(whatsapp.violations(), [], "{kind}");
    }
}

#[tokio::test]
async fn files_say_whether_they_were_spoken_or_move() {
    let (whatsapp, _) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    let mut song = MediaFile::new("x", "audio/ogg");
    song.voice = false;
    let mut sticker = MediaFile::new("x", "image/webp");
    sticker.animated = true;
    let rows = [
        (
            MediaFile::new("x", "audio/ogg; codecs=opus"),
            "/audio/voice",
            true,
        ),
        (song, "/audio/voice", false),
        (sticker, "/sticker/animated", true),
        (
            MediaFile::new("x", "image/webp"),
            "/sticker/animated",
            false,
        ),
    ];
    for (file, at, expected) in rows {
        let message = whatsapp.customer().send_media(file);
        let value = value(&whatsapp, &message).await;
        assert_eq!(
            value["messages"][0].pointer(at),
            Some(&json!(expected)),
            "{at}"
        );
    }
    assert_eq!(whatsapp.violations(), []);
}

#[tokio::test]
async fn a_reply_names_the_message_and_who_wrote_it() {
    let (whatsapp, _) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    let customer = whatsapp.customer();
    let own = customer.send_text("Hello");
    let business = whatsapp.options().numbers[0].display_phone_number.clone();
    let rows = [
        (own, "16505551234".to_owned()),
        (MessageId::new("wamid.of-the-business"), business),
    ];
    for (to, from) in rows {
        let photo = customer.compose_media(MediaFile::new("x", "image/png"));
        let replies = [
            customer.reply(&to, Say::Text("Yes".into())),
            customer.send(customer.in_reply(&to, photo)),
        ];
        for reply in replies {
            let value = value(&whatsapp, &reply).await;
            let context = json!({ "from": from, "id": to.as_str() });
            assert_eq!(value["messages"][0]["context"], context);
        }
    }
    assert_eq!(whatsapp.violations(), []);
}
