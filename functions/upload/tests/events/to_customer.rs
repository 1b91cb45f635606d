//! To a WhatsApp that takes files before messages, and loses answers as it is told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::channels::Direction;
use attache_domain::conversation::{ConversationId, Heard};
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::Stage;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Headers, Request, Response};
use attache_flow::ports::{
    Claims, Clock, Conversations, Credential, Download, Http, Queue, Source,
};
use serde_json::{Value, json};

use super::site::{NOW, PHOTO, Site, body, done};

/// Notes what it is given.
#[derive(Default)]
struct WhatsApp {
    /// So many answers to uploads get lost.
    lose_uploads: Cell<u32>,
    /// So many answers to messages get lost.
    lose_messages: Cell<u32>,
    uploads: Cell<u32>,
    messages: RefCell<Vec<Value>>,
}

/// The answer, unless it gets lost.
fn answered(lose: &Cell<u32>, body: &Value) -> Result<Response, CallError> {
    if let Some(left) = lose.get().checked_sub(1) {
        lose.set(left);
        return Err(CallError::NoAnswer("reset".to_owned()));
    }
    Ok(Response {
        status: 200,
        headers: Headers::default(),
        body: body.to_string().into_bytes(),
    })
}

#[async_trait(?Send)]
impl Http for WhatsApp {
    async fn call(&self, request: &Request, _: &Credential) -> Result<Response, CallError> {
        let Body::Json(text) = &request.body else {
            panic!("{}", request.describe());
        };
        let message = serde_json::from_str(text).unwrap();
        self.messages.borrow_mut().push(message);
        let body = json!({"messaging_product": "whatsapp", "messages": [{"id": "wamid.ours"}]});
        answered(&self.lose_messages, &body)
    }

    async fn upload(
        &self,
        request: &Request,
        _: &Credential,
        mut file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        let mut bytes = Vec::new();
        while let Some(piece) = file.next().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        assert!(bytes == PHOTO, "{} bytes", bytes.len());
        assert_eq!(request.url.path(), "/v23.0/106540352242922/media");
        self.uploads.set(self.uploads.get() + 1);
        answered(&self.lose_uploads, &json!({"id": "4490709327384033"}))
    }

    async fn download(
        &self,
        _: &Request,
        _: &Credential,
        _: Option<&Rest>,
    ) -> Result<Download, CallError> {
        Err(CallError::NotSent("upload downloads nothing".to_owned()))
    }
}

async fn site() -> (Site, Rc<WhatsApp>) {
    let whatsapp = Rc::new(WhatsApp::default());
    let site = Site::new(origin(), Rc::clone(&whatsapp) as Rc<dyn Http>).await;
    assert_eq!(site.job(Queue::Media), body("batch-to-customer"));
    let conversation = ConversationId::new(&ConnectionId::new("wa-sales"), "16505551234");
    let heard = Heard {
        at: NOW,
        message: MessageId::new("wamid.last"),
        name: None,
    };
    site.world.heard(&conversation, &heard).await.unwrap();
    (site, whatsapp)
}

fn origin() -> Origin {
    Origin {
        target: Some(ConnectionId::new("wa-sales")),
        ..Origin::new(
            (ConnectionId::new("genesys"), Direction::ToCustomer),
            (
                MessageId::new("1b2c3d4e5f60718293a4b5c6d7e8f90a"),
                AttachmentId::new("84afaa85-bfaa-40bf-bc37-a534cfa0e0c9"),
            ),
            ("16505551234", NOW),
            Content::File(File {
                declared_type: Some("image/jpeg".to_owned()),
                file_name: Some("plan.jpg".to_owned()),
                caption: Some("The plan".to_owned()),
                ..File::new(MediaKind::Image)
            }),
        )
    }
}

#[tokio::test]
async fn a_file_is_handed_over_and_sent_by_its_id() {
    let (site, whatsapp) = site().await;
    // SQS delivers at least once.
    for _ in 0..2 {
        assert_eq!(site.answer("batch-to-customer").await, done());
        assert_eq!(site.stage().await, Stage::Sent);
        let messages = whatsapp.messages.borrow();
        assert_eq!((whatsapp.uploads.get(), messages.len()), (1, 1));
        assert_eq!(messages[0]["image"]["id"], "4490709327384033");
        assert_eq!(messages[0]["image"]["caption"], "The plan");
    }
    let named = site.world.named("name/wa-sales/wamid.ours").await.unwrap();
    assert_eq!(named, Some(site.media));
}

#[tokio::test]
async fn a_lost_answer_repeats_an_upload_and_never_a_message() {
    for (lose_uploads, lose_messages, first, second, uploads) in [
        (1, 0, Stage::Uploading, Stage::Sent, 2),
        (0, 1, Stage::Sending, Stage::Sending, 1),
    ] {
        let (site, whatsapp) = site().await;
        whatsapp.lose_uploads.set(lose_uploads);
        whatsapp.lose_messages.set(lose_messages);
        assert_eq!(site.answer("batch-to-customer").await, done());
        assert_eq!(site.stage().await, first);
        site.world
            .set_now(site.world.now() + Duration::from_secs(60));
        for name in ["batch-to-customer", "batch-to-customer-retry"] {
            assert_eq!(site.answer(name).await, done(), "{name}");
        }
        assert_eq!(site.stage().await, second);
        let sent = whatsapp.messages.borrow().len();
        assert_eq!((whatsapp.uploads.get(), sent), (uploads, 1));
    }
}
