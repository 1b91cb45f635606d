//! The platforms in virtual time, as far as the functions meet them: what they answer, what they refuse, how they fail.
//! And the place where every credential that leaves is seen.

pub mod customers;
pub mod download;
pub mod genesys;
mod visits;
pub mod web;
pub mod whatsapp;

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::ids::MediaId;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Headers, Method, Request, Response};
use attache_flow::ports::{Credential, Download, Http, Source};
use serde_json::Value;

use crate::faults::Fault;
use crate::reference::Promise;
use crate::scene::{API, GRAPH, LOGIN, LOOKASIDE, SIGNED, Scene, UPLOADS};

/// Everything behind the network.
pub struct Platforms {
    scene: Rc<Scene>,
    /// Meta.
    pub whatsapp: whatsapp::WhatsApp,
    /// Genesys.
    pub genesys: genesys::Genesys,
    /// Its web messaging.
    pub web: web::Web,
}

impl Platforms {
    /// The platforms of one run.
    #[must_use]
    pub fn new(scene: Rc<Scene>) -> Self {
        Self {
            whatsapp: whatsapp::WhatsApp::default(),
            genesys: genesys::Genesys::default(),
            web: web::Web::default(),
            scene,
        }
    }

    /// A credential may go to its issuer's hosts and nowhere else.
    fn see(&self, host: &str, credential: &Credential) {
        let at_home = match credential {
            Credential::None => true,
            Credential::Basic { .. } | Credential::ClientAndPassword { .. } => host == LOGIN,
            Credential::Header { .. } => false,
            Credential::Bearer(token) if token.expose().starts_with(b"meta-") => {
                [GRAPH, LOOKASIDE].contains(&host)
            }
            Credential::Bearer(_) => host == API,
        };
        if !at_home {
            let detail = format!("{credential:?} was sent to {host}");
            self.scene.reference.break_promise(Promise::Bearer, detail);
        }
    }

    /// The way there; it takes up to 30 ms, or leads nowhere.
    async fn travel(&self, request: &Request) -> Result<(), CallError> {
        let agenda = &self.scene.agenda;
        agenda.sleep(agenda.dice.millis(1, 30)).await;
        match self
            .scene
            .faults
            .strike(&self.scene, 2, &[Fault::NotConnected])
        {
            Some(_) => Err(CallError::NotSent(format!(
                "no way to {}",
                request.describe()
            ))),
            None => Ok(()),
        }
    }
}

#[async_trait(?Send)]
impl Http for Platforms {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let host = request.url.host_str().unwrap_or_default();
        let visit = match request.method {
            Method::Get => self.visit(host, request),
            _ => None,
        };
        if let Err(error) = self.travel(request).await {
            self.leave(visit.as_ref(), Err(&error));
            if host == API
                && let Some(landing) = genesys::Landing::read(&self.scene, request)
            {
                self.scene.reference.not_connected(&landing.row);
            }
            let place = web::row_of(&self.scene, request).filter(|_| host == API);
            if let Some(row) = opaque(request).or(place) {
                self.scene.reference.not_connected(&row);
            }
            return Err(error);
        }
        self.see(host, credential);
        let scene = &self.scene;
        if let Some(refused) = self.down(host, request).await {
            return refused;
        }
        match (host, request.method) {
            (GRAPH | API, Method::Get) => {
                let trouble = self.arrive(visit.as_ref(), host, request).await;
                let answer = match trouble {
                    Some(answer) => answer,
                    None if host == GRAPH => {
                        self.whatsapp.look_up(scene, request, credential).await
                    }
                    None if request.url.path().contains("/attachments/") => {
                        let key = (&self.genesys, credential);
                        self.web.look_up(scene, request, key).await
                    }
                    None if request.url.path().contains("/messaging/") => {
                        self.genesys.configuration(scene, request, credential)
                    }
                    None => self.genesys.ask(scene, request, credential).await,
                };
                let ended = answer.as_ref().map(|it| (it.status, &it.headers));
                self.leave(visit.as_ref(), ended);
                answer
            }
            (GRAPH, Method::Post) => self.whatsapp.message(scene, request, credential).await,
            (API, Method::Delete) => Ok(self.web.cancel(scene, request)),
            (API, Method::Post) if request.url.path().ends_with("/webmessaging/upload") => {
                let Some(row) = web::row_of(scene, request) else {
                    return Err(CallError::NotSent("no message".to_owned()));
                };
                let key = (&self.genesys, credential);
                self.web.place(scene, (request, row), key).await
            }
            (API, Method::Post) => self.genesys.message(scene, request, credential).await,
            (LOGIN, _) => self.genesys.token(scene, request, credential).await,
            _ => Err(CallError::NotSent(format!("nobody is at {host}"))),
        }
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        let host = request.url.host_str().unwrap_or_default();
        if let Err(error) = self.travel(request).await {
            let task = self.scene.agenda.running();
            self.scene.reference.upload_not_connected(task);
            return Err(error);
        }
        self.see(host, credential);
        if let Some(refused) = self.down(host, request).await {
            let task = self.scene.agenda.running();
            self.scene.reference.upload_not_connected(task);
            return refused;
        }
        match host {
            UPLOADS => self.web.put(&self.scene, request, file).await,
            GRAPH => {
                self.whatsapp
                    .hand_over(&self.scene, request, credential, file)
                    .await
            }
            _ => Err(CallError::NotSent(format!("nobody is at {host}"))),
        }
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        let host = request.url.host_str().unwrap_or_default();
        let visit = self.visit(host, request);
        if let Err(error) = self.travel(request).await {
            self.leave(visit.as_ref(), Err(&error));
            return Err(error);
        }
        self.see(host, credential);
        let trouble = self.arrive(visit.as_ref(), host, request).await;
        let answer = match (trouble, host) {
            (Some(answer), _) => answer.map(download::headers_alone),
            (None, LOOKASIDE) => Ok(self
                .whatsapp
                .download(&self.scene, request, credential, rest)),
            (None, SIGNED) => Ok(self.genesys.download(&self.scene, request, rest)),
            (None, _) => Err(CallError::NotSent(format!("nobody is at {host}"))),
        };
        let ended = answer.as_ref().map(|it| (it.status, &it.headers));
        self.leave(visit.as_ref(), ended);
        answer
    }
}

/// The row whose message a request to WhatsApp carries.
fn opaque(request: &Request) -> Option<MediaId> {
    let Body::Json(text) = &request.body else {
        return None;
    };
    let body: Value = serde_json::from_str(text).ok()?;
    body.get("biz_opaque_callback_data")?.as_str()?.parse().ok()
}

/// An answer in JSON.
fn answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: Headers::default(),
        body: body.to_string().into_bytes(),
    }
}

/// An answer that says when to come back.
fn come_back(status: u16, wait: Duration, body: &Value) -> Response {
    Response {
        headers: Headers::new([("Retry-After".to_owned(), wait.as_secs().to_string())]),
        ..answer(status, body)
    }
}
