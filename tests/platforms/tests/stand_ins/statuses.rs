//! WhatsApp's statuses: as they come about, held back, out of order, twice.

use attache_platforms::whatsapp::{MessageId, WhatsApp, WhatsAppOptions};
use serde_json::{Value, json};

use crate::{outbound::send, support::*};

/// A text to a customer who has just written, with callback data.
async fn text(whatsapp: &WhatsApp) -> MessageId {
    whatsapp.customer().send_text("Hello");
    let body = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": "text",
        "text": { "body": "Hello" }, "biz_opaque_callback_data": "job-1",
    });
    let (status, answer) = send(whatsapp, &body).await;
    assert_eq!(status, 200, "{answer}");
    MessageId::new(answer["messages"][0]["id"].as_str().expect("an id"))
}

/// The statuses the callback has received, in the order they came.
fn received(callback: &Callback) -> Vec<Value> {
    let bodies = callback.bodies().into_iter();
    let statuses =
        bodies.map(|body| body["entry"][0]["changes"][0]["value"]["statuses"][0].clone());
    statuses.filter(|status| !status.is_null()).collect()
}

#[tokio::test]
async fn a_message_is_sent_then_delivered_then_read_by_the_customer() {
    for auto_read in [false, true] {
        let options = WhatsAppOptions {
            auto_read,
            ..WhatsAppOptions::default()
        };
        let (whatsapp, callback) = whatsapp_calling(options, &[]).await;
        let id = text(&whatsapp).await;
        whatsapp
            .wait_for_status(&id, "delivered", SOON)
            .await
            .expect("delivered");
        if !auto_read {
            assert_eq!(whatsapp.sent()[0].status, "delivered");
            whatsapp.read(&id).expect("it is there to be read");
        }
        for status in ["sent", "delivered", "read"] {
            let told = whatsapp.wait_for_status_delivery(&id, status, SOON).await;
            assert!(told.expect("settled").attempts[0].acknowledged());
        }
        assert_eq!(whatsapp.sent()[0].status, "read");
        let order: Vec<_> = whatsapp
            .statuses()
            .into_iter()
            .map(|one| one.status)
            .collect();
        assert_eq!(order, ["sent", "delivered", "read"]);
        let received = received(&callback);
        assert_eq!(received.len(), 3);
        assert!(
            received
                .iter()
                .all(|one| one["biz_opaque_callback_data"] == "job-1")
        );
        assert_eq!(whatsapp.violations(), []);
    }
}

#[tokio::test]
async fn statuses_held_back_come_when_and_in_the_order_they_are_let_go() {
    let (whatsapp, callback) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    whatsapp.hold_statuses();
    let id = text(&whatsapp).await;
    whatsapp
        .wait_for_status(&id, "delivered", SOON)
        .await
        .expect("delivered");
    whatsapp.read(&id).expect("it is there to be read");
    assert!(whatsapp.statuses().iter().all(|status| status.held));
    assert!(received(&callback).is_empty());
    for status in ["read", "sent"] {
        whatsapp.post_status(&id, status).expect("known");
        let told = whatsapp.wait_for_status_delivery(&id, status, SOON).await;
        told.expect("settled");
    }
    whatsapp.release_statuses();
    let told = whatsapp
        .wait_for_status_delivery(&id, "delivered", SOON)
        .await;
    told.expect("settled");
    let order: Vec<_> = received(&callback)
        .into_iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(order, ["read", "sent", "delivered"]);
    assert!(whatsapp.statuses().iter().all(|status| !status.held));
}

#[tokio::test]
async fn a_status_can_come_twice_and_one_that_never_was_cannot_come() {
    let (whatsapp, callback) = whatsapp_calling(WhatsAppOptions::default(), &[]).await;
    let id = text(&whatsapp).await;
    let told = whatsapp
        .wait_for_status_delivery(&id, "delivered", SOON)
        .await;
    told.expect("settled");
    whatsapp
        .wait_for_status_delivery(&id, "sent", SOON)
        .await
        .expect("settled");
    whatsapp.post_status(&id, "delivered").expect("known");
    let twice = async {
        while received(&callback).len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, twice).await.expect("posted");
    let last = received(&callback);
    let delivered: Vec<_> = last
        .iter()
        .filter(|one| one["status"] == "delivered")
        .collect();
    assert!(delivered.len() == 2 && delivered[0] == delivered[1]);
    assert!(whatsapp.post_status(&id, "read").is_err());
    assert!(whatsapp.read(&MessageId::new("wamid.none")).is_err());
    assert_eq!(
        whatsapp.statuses().len(),
        2,
        "a repetition is no new status"
    );
}
