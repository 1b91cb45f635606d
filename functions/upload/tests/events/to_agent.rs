//! To a Genesys that answers as it is told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::channels::Direction;
use attache_domain::digest::Sha256Digest;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::Stage;
use attache_domain::transfer::Rest;
use attache_domain::wire::{CallError, Headers, Request, Response};
use attache_flow::ports::{Clock, Credential, Download, Http, Queue, Source};
use serde_json::json;

use super::site::{NOW, PHOTO, Site, body, done};

/// Counts the messages it accepts; refuses as many as it is told to with 429.
#[derive(Default)]
struct Genesys {
    refuse: Cell<u32>,
    accepted: RefCell<Vec<String>>,
}

#[async_trait(?Send)]
impl Http for Genesys {
    async fn call(&self, request: &Request, _: &Credential) -> Result<Response, CallError> {
        let status = match self.refuse.get() {
            0 => {
                self.accepted
                    .borrow_mut()
                    .push(request.url.path().to_owned());
                200
            }
            left => {
                self.refuse.set(left - 1);
                429
            }
        };
        Ok(Response {
            status,
            headers: Headers::default(),
            body: br#"{"id":"genesys-1"}"#.to_vec(),
        })
    }

    async fn upload(
        &self,
        _: &Request,
        _: &Credential,
        _: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        Err(CallError::NotSent(
            "Genesys fetches files itself".to_owned(),
        ))
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

impl Genesys {
    fn accepted(&self) -> usize {
        self.accepted.borrow().len()
    }
}

async fn site() -> (Site, Rc<Genesys>) {
    let genesys = Rc::new(Genesys::default());
    let site = Site::new(origin(), Rc::clone(&genesys) as Rc<dyn Http>).await;
    assert_eq!(site.job(Queue::Media), body("batch"));
    (site, genesys)
}

fn origin() -> Origin {
    Origin {
        target: Some(ConnectionId::new("genesys")),
        customer_name: Some("Zoë Nelson".to_owned()),
        ..Origin::new(
            (ConnectionId::new("wa-sales"), Direction::ToAgent),
            (
                MessageId::new("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="),
                AttachmentId::new("1003383421387256"),
            ),
            ("16505551234", NOW),
            Content::File(File {
                declared_type: Some("image/jpeg".to_owned()),
                digest: Some(Sha256Digest::of(PHOTO)),
                ..File::new(MediaKind::Image)
            }),
        )
    }
}

#[tokio::test]
async fn a_job_is_sent_once_and_strangers_fail_alone() {
    let strangers = json!([
        {"itemIdentifier": "00000001-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000002-5fd1-4b1a-9a52-8a2f7a7d9c10"},
        {"itemIdentifier": "00000004-5fd1-4b1a-9a52-8a2f7a7d9c10"},
    ]);
    for (name, failed) in [("batch", json!([])), ("batch-mixed", strangers)] {
        let (site, genesys) = site().await;
        assert_eq!(
            site.answer(name).await,
            json!({ "batchItemFailures": failed }),
            "{name}"
        );
        assert_eq!(
            (site.stage().await, genesys.accepted()),
            (Stage::Sent, 1),
            "{name}"
        );
        // SQS delivers at least once.
        assert_eq!(site.answer("batch").await, done(), "{name}");
        assert_eq!(genesys.accepted(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_throttled_job_comes_back_by_the_other_queue_as_its_own_copy() {
    let (site, genesys) = site().await;
    genesys.refuse.set(1);
    assert_eq!(site.answer("batch").await, done());
    assert_eq!(
        (site.stage().await, genesys.accepted()),
        (Stage::Sending, 0)
    );

    site.world
        .set_now(site.world.now() + Duration::from_secs(60));
    assert_eq!(site.job(Queue::MediaRetry), body("batch-retry"));
    // The copy before it is out of date.
    assert_eq!(site.answer("batch").await, done());
    assert_eq!(genesys.accepted(), 0);
    assert_eq!(site.answer("batch-retry").await, done());
    assert_eq!((site.stage().await, genesys.accepted()), (Stage::Sent, 1));
}
