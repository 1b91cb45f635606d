//! Genesys: tokens that end, a message call that recognises nothing, and every way in which its outcome can stay open.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::ids::MediaId;
use attache_domain::time::Timestamp;
use attache_domain::wire::{Body, CallError, Request, Response};
use attache_flow::ports::Credential;
use serde_json::{Value, json};

use super::{answer, come_back};
use crate::faults::Fault;
use crate::scene::{Event, Scene};

/// What the agents' side remembers.
#[derive(Default)]
pub struct Genesys {
    /// Live tokens and their ends.
    tokens: RefCell<BTreeMap<String, Timestamp>>,
}

/// A message as it reached Genesys.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The item it carries.
    pub media: MediaId,
    /// `channel.messageId`.
    pub message: String,
    /// The link it names.
    pub link: String,
    /// The digest it names.
    pub digest: String,
}

impl Landing {
    /// What a request carries, if it is a message.
    pub(super) fn read(request: &Request) -> Option<Self> {
        let Body::Json(text) = &request.body else {
            return None;
        };
        let body: Value = serde_json::from_str(text).ok()?;
        let attachment = body.pointer("/content/0/attachment")?;
        let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
        Some(Self {
            media: attachment.get("id")?.as_str()?.parse().ok()?,
            message: text(body.get("channel")?, "messageId")?,
            link: text(attachment, "url")?,
            digest: text(attachment, "sha256")?,
        })
    }
}

fn error(status: u16, code: &str) -> Response {
    answer(
        status,
        &json!({ "status": status, "code": code, "message": code, "contextId": "c" }),
    )
}

impl Genesys {
    /// `POST …/inbound/open/message`.
    pub(super) async fn message(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let Some(landing) = Landing::read(request) else {
            return Ok(error(400, "bad.request"));
        };
        let fault = scene.faults.strike(scene, 8, SEND_FAULTS);
        scene.note(format_args!("post of {} ({fault:?})", landing.message));
        scene
            .reference
            .post(scene, &landing.media, request.patience);
        let outcome = self
            .process(scene, request, credential, &landing, fault)
            .await;
        scene.reference.answered(scene, &landing.media, &outcome);
        outcome
    }

    async fn process(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
        landing: &Landing,
        fault: Option<Fault>,
    ) -> Result<Response, CallError> {
        let dice = &scene.agenda.dice;
        if fault == Some(Fault::SendRefused) {
            self.tokens.borrow_mut().clear();
        }
        if !self.is_valid(scene.agenda.now(), credential) {
            return Ok(error(401, "bad.credentials"));
        }
        let lands = matches!(
            fault,
            None | Some(Fault::SendUnknownDone | Fault::SendLostDone)
        );
        if lands {
            scene.reference.land(scene, landing);
        }
        if fault == Some(Fault::SendLandsLate) {
            let late = dice.millis(1, millis(request.patience));
            scene.agenda.expect(late, Event::Land(landing.clone()));
        }
        scene.agenda.sleep(dice.millis(5, 80)).await;
        match fault {
            None => Ok(answer(
                200,
                &json!({ "id": format!("g-{}", landing.message) }),
            )),
            Some(Fault::SendThrottled) => {
                let wait = Duration::from_secs(dice.between(1, 60));
                Ok(come_back(429, wait, &json!({ "code": "rate.limited" })))
            }
            Some(Fault::SendUnavailable) => Ok(error(503, "service.unavailable")),
            Some(Fault::SendUnknown) => Ok(error(504, "gateway.timeout")),
            Some(Fault::SendUnknownDone) => Ok(error(500, "internal")),
            Some(_) => {
                let patience = millis(request.patience).saturating_sub(80);
                let wait = dice.millis(0, patience);
                scene.agenda.sleep(wait).await;
                Err(CallError::NoAnswer("connection reset".to_owned()))
            }
        }
    }

    fn is_valid(&self, now: Timestamp, credential: &Credential) -> bool {
        let Credential::Bearer(token) = credential else {
            return false;
        };
        let tokens = self.tokens.borrow();
        tokens
            .iter()
            .any(|(live, end)| now < *end && token.matches(live.as_bytes()))
    }

    /// `POST /oauth/token`.
    pub(super) async fn token(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let fault = scene.faults.strike(scene, 6, TOKEN_FAULTS);
        scene.note(format_args!("token request ({fault:?})"));
        let dice = &scene.agenda.dice;
        if !matches!(credential, Credential::Basic { secret, .. } if secret.matches(b"client secret"))
        {
            return Ok(error(401, "invalid_client"));
        }
        let life = *dice.pick(&[300, 900, 3_600, 86_399]).unwrap_or(&300);
        let token = format!("genesys-{:016x}", dice.draw());
        if fault != Some(Fault::TokenUnavailable) {
            let end = scene.agenda.now() + Duration::from_secs(life);
            self.tokens.borrow_mut().insert(token.clone(), end);
        }
        scene.agenda.sleep(dice.millis(5, 80)).await;
        match fault {
            Some(Fault::TokenUnavailable) => Ok(error(503, "service.unavailable")),
            Some(_) => {
                scene.agenda.sleep(request.patience).await;
                Err(CallError::NoAnswer("no answer in time".to_owned()))
            }
            None => Ok(answer(
                200,
                &json!({ "access_token": token, "token_type": "bearer", "expires_in": life }),
            )),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const SEND_FAULTS: &[Fault] = &[
    Fault::SendThrottled,
    Fault::SendUnavailable,
    Fault::SendUnknown,
    Fault::SendUnknownDone,
    Fault::SendLost,
    Fault::SendLostDone,
    Fault::SendLandsLate,
    Fault::SendRefused,
];

const TOKEN_FAULTS: &[Fault] = &[Fault::TokenUnavailable, Fault::TokenLost];
