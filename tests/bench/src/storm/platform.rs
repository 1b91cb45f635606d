//! The platform of the bench: WhatsApp numbers that take files at their rate and messages at any, after the time a call takes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Headers, Request, Response};
use attache_flow::ports::{Credential, Download, Http, Source};
use attache_simulation::schedule::Agenda;
use serde_json::{Value, json};

use super::limiter::Limiter;

/// How long a call takes to the platform, and its answer back: a fifth of a second together, quick for the Graph API.
const WAY: Duration = Duration::from_millis(100);

/// What Meta answers who calls too often.
const REFUSAL: &str = r#"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,"error_data":{"messaging_product":"whatsapp","details":"Message failed to send because there were too many messages sent from this phone number in a short period of time"},"fbtrace_id":"Az8or2yhqkZfEZ-_4Qn_Bam"}}"#;

/// The platform.
pub(super) struct Platform<E> {
    pub(super) agenda: Rc<Agenda<E>>,
    /// Its numbers, by the id in the path.
    pub(super) limiters: RefCell<BTreeMap<String, Limiter>>,
    /// When the message of each item, named by its id, was accepted.
    pub(super) accepted: RefCell<BTreeMap<String, Timestamp>>,
}

impl<E> Platform<E> {
    /// One call to the limited part of it, there and back.
    pub(super) async fn hand_over(&self, number: &str) -> Result<(), u64> {
        self.agenda.sleep(WAY).await;
        let now = self.agenda.now();
        let taken = match self.limiters.borrow_mut().get_mut(number) {
            Some(limiter) => limiter.take(now),
            None => Ok(()),
        };
        self.agenda.sleep(WAY).await;
        taken
    }

    fn accept(&self, request: &Request) {
        let Body::Json(text) = &request.body else {
            return;
        };
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let opaque = said["biz_opaque_callback_data"].as_str();
        if let Some(id) = opaque {
            let now = self.agenda.now();
            let mut accepted = self.accepted.borrow_mut();
            accepted.entry(id.to_owned()).or_insert(now);
        }
    }
}

fn number(request: &Request) -> String {
    let mut path = request.url.path_segments().into_iter().flatten();
    path.nth(1).unwrap_or_default().to_owned()
}

fn response(status: u16, headers: Vec<(String, String)>, body: String) -> Response {
    Response {
        status,
        headers: Headers::new(headers),
        body: body.into_bytes(),
    }
}

#[async_trait(?Send)]
impl<E> Http for Platform<E> {
    async fn call(
        &self,
        request: &Request,
        _credential: &Credential,
    ) -> Result<Response, CallError> {
        self.agenda.sleep(WAY).await;
        self.accept(request);
        self.agenda.sleep(WAY).await;
        let accepted = json!({"messages": [{"id": "wamid.1"}]});
        Ok(response(200, Vec::new(), accepted.to_string()))
    }

    async fn upload(
        &self,
        request: &Request,
        _credential: &Credential,
        mut file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        while let Ok(Some(_)) = file.next().await {}
        match self.hand_over(&number(request)).await {
            Ok(()) => Ok(response(200, Vec::new(), json!({"id": "1"}).to_string())),
            Err(seconds) => {
                let hint = ("retry-after".to_owned(), seconds.to_string());
                Ok(response(429, vec![hint], REFUSAL.to_owned()))
            }
        }
    }

    async fn download(
        &self,
        request: &Request,
        _credential: &Credential,
        _rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        Err(CallError::NotSent(format!(
            "nothing is fetched here: {}",
            request.describe()
        )))
    }
}
