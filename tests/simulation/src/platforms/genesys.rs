//! Genesys: tokens that end, calls that recognise nothing, every way in which their outcome can stay open, and agents'
//! files behind two hops.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::event::{FollowUp, ReceiptStatus};
use attache_domain::ids::MediaId;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Headers, Request, Response};
use attache_flow::ports::{Credential, Download};
use serde_json::{Value, json};

use super::download::{DOWNLOAD_FAULTS, page, serve};
use super::{answer, come_back};
use crate::faults::Fault;
use crate::scene::{Event, SIGNED, Scene};

/// How long a signed link lives.
const LINK_LIFE: Duration = Duration::from_secs(600);

/// What the agents' side remembers.
#[derive(Default)]
pub struct Genesys {
    /// Live tokens and their ends.
    tokens: RefCell<BTreeMap<String, Timestamp>>,
    /// Signed links: whose attachment, until when.
    links: RefCell<BTreeMap<String, (String, Timestamp)>>,
}

/// What reached Genesys.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The row it carries.
    pub row: MediaId,
    /// `channel.messageId`; of a receipt, the message it is about.
    pub wire: String,
    /// What it says.
    pub said: Said,
}

/// What a call to Genesys says.
#[derive(Clone, Debug)]
pub enum Said {
    /// A message.
    Message {
        /// Its words.
        text: Option<String>,
        /// Link and digest of its file.
        file: Option<(String, String)>,
    },
    /// A receipt with this status.
    Receipt(String),
}

impl Landing {
    /// What a request carries, if it is a message or a receipt.
    pub(super) fn read(scene: &Scene, request: &Request) -> Option<Self> {
        let Body::Json(text) = &request.body else {
            return None;
        };
        let body: Value = serde_json::from_str(text).ok()?;
        let word = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
        if request.url.path().ends_with("/inbound/open/receipt") {
            let wire = word(&body, "id")?;
            let is_final = body.get("isFinalReceipt")?.as_bool()?;
            let status = word(&body, "status").filter(|_| is_final)?;
            let last_word = match status.as_str() {
                "Delivered" => ReceiptStatus::Delivered,
                _ => ReceiptStatus::Failed,
            };
            let message = scene.messages.iter().find(|it| it.id == wire)?;
            return Some(Self {
                row: message.follow_up(FollowUp::Receipt(last_word), ""),
                wire,
                said: Said::Receipt(status),
            });
        }
        let wire = word(body.get("channel")?, "messageId")?;
        let named = wire.rsplit_once('#').and_then(|(_, id)| id.parse().ok());
        let message = scene.messages.iter().find(|it| it.id == wire);
        let row = named.or_else(|| Some(message?.parts[0].id.clone()))?;
        let attachment = body.pointer("/content/0/attachment");
        let file = attachment.and_then(|it| Some((word(it, "url")?, word(it, "sha256")?)));
        let text = word(&body, "text");
        Some(Self {
            row,
            wire,
            said: Said::Message { text, file },
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
    /// `POST …/inbound/open/message` and `…/receipt`.
    pub(super) async fn message(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let Some(landing) = Landing::read(scene, request) else {
            return Ok(error(400, "bad.request"));
        };
        let faults = match &landing.said {
            Said::Message { file: Some(_), .. } => FILE_FAULTS,
            Said::Message { file: None, .. } | Said::Receipt(_) => SEND_FAULTS,
        };
        let fault = scene.faults.strike(scene, 8, faults);
        scene.note(format_args!("post of {} ({fault:?})", landing.wire));
        scene.reference.post(scene, &landing.row, request.patience);
        let outcome = self
            .process(scene, request, credential, &landing, fault)
            .await;
        let open = match &outcome {
            Ok(response) => [500, 504].contains(&response.status),
            Err(_) => true,
        };
        scene
            .reference
            .answered(scene, &landing.row, &outcome, open);
        outcome
    }

    /// `GET /api/v2/conversations/messaging/…`: an integration, or the profile that it names.
    pub(super) fn configuration(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let fault = scene.faults.strike(scene, 6, &[Fault::LimitsUnread]);
        scene.note(format_args!("limits are asked for ({fault:?})"));
        if !self.is_valid(scene.agenda.now(), credential) {
            return Ok(error(401, "bad.credentials"));
        }
        if fault.is_some() {
            let status = *scene.agenda.dice.pick(&[403, 503]).unwrap_or(&503);
            return Ok(error(status, "missing.permissions"));
        }
        let path = request.url.path();
        Ok(match path.rsplit_once("/integrations/open/") {
            Some((_, id)) => answer(
                200,
                &json!({ "id": id, "supportedContent": { "id": "own" } }),
            ),
            None => answer(
                200,
                &json!({ "id": "own", "name": "own", "mediaTypes": { "allow": {
                    "inbound": [{ "type": "*/*" }], "outbound": [{ "type": "*/*" }],
                } } }),
            ),
        })
    }

    /// `GET /api/v2/downloads/…?issueRedirect=false`: a signed link to somewhere else.
    pub(super) async fn ask(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let name = request.url.path().rsplit('/').next().unwrap_or_default();
        let fault = scene.faults.strike(scene, 6, ASK_FAULTS);
        scene.note(format_args!("a link for {name} ({fault:?})"));
        if !self.is_valid(scene.agenda.now(), credential) || fault == Some(Fault::LookUpRefused) {
            return Ok(error(401, "bad.credentials"));
        }
        let parts = scene.messages.iter().flat_map(|message| &message.parts);
        let found = parts
            .filter(|part| part.attachment == name)
            .find_map(|part| part.sent());
        if found.is_none_or(|sent| sent.withheld) {
            return Ok(error(404, "not.found"));
        }
        let dice = &scene.agenda.dice;
        scene.agenda.sleep(dice.millis(5, 60)).await;
        match fault {
            Some(Fault::LookUpUnavailable) => return Ok(error(503, "service.unavailable")),
            Some(Fault::LookUpThrottled) => {
                let wait = Duration::from_secs(dice.between(1, 60));
                return Ok(come_back(429, wait, &json!({ "code": "rate.limited" })));
            }
            Some(Fault::LookUpLost) => {
                scene.agenda.sleep(request.patience).await;
                return Err(CallError::NoAnswer("no answer in time".to_owned()));
            }
            _ => {}
        }
        let hash = format!("{:016x}", dice.draw());
        let until = scene.agenda.now() + LINK_LIFE;
        let mut links = self.links.borrow_mut();
        links.insert(hash.clone(), (name.to_owned(), until));
        let url = format!("https://{SIGNED}/{name}?X-Amz-Signature={hash}");
        if dice.chance(300) {
            return Ok(Response {
                status: 303,
                headers: Headers::new([("Location".to_owned(), url)]),
                body: Vec::new(),
            });
        }
        Ok(answer(200, &json!({ "url": url })))
    }

    /// The signed link, or one that a webhook named.
    pub(super) fn download(
        &self,
        scene: &Rc<Scene>,
        request: &Request,
        rest: Option<&Rest>,
    ) -> Download {
        let name = request.url.path().rsplit('/').next().unwrap_or_default();
        let hash = request
            .url
            .query_pairs()
            .find(|(key, _)| key == "X-Amz-Signature");
        let hash = hash.map(|(_, value)| value.into_owned());
        let link = hash.map(|hash| self.links.borrow().get(&hash).cloned());
        let now = scene.agenda.now();
        let alive = match link {
            Some(link) => link.is_some_and(|(whose, until)| whose == name && now < until),
            // Signed when the webhook was made.
            None => true,
        };
        let parts = scene.messages.iter().flat_map(|message| &message.parts);
        let sent = parts
            .filter(|part| part.attachment == name)
            .find_map(|part| part.sent());
        let Some(sent) = sent.filter(|sent| alive && !sent.withheld) else {
            return page(403, "application/xml", "<Error/>");
        };
        let fault = scene.faults.strike(scene, 6, DOWNLOAD_FAULTS);
        scene.note(format_args!("download of {name} ({fault:?})"));
        serve(scene, sent, fault, rest)
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
            self.revoke();
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
                &json!({ "id": format!("g-{}", landing.wire), "conversationId": "c" }),
            )),
            Some(Fault::SendThrottled) => {
                let wait = Duration::from_secs(dice.between(1, 60));
                Ok(come_back(429, wait, &json!({ "code": "rate.limited" })))
            }
            Some(Fault::SendTooLarge) => {
                scene.reference.drifts(scene, &landing.row);
                Ok(error(413, "request.entity.too.large"))
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

    /// No token is good any more.
    pub(super) fn revoke(&self) {
        self.tokens.borrow_mut().clear();
    }

    pub(super) fn is_valid(&self, now: Timestamp, credential: &Credential) -> bool {
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

pub(super) fn millis(duration: Duration) -> u64 {
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

/// What befalls a message with a file.
const FILE_FAULTS: &[Fault] = &[
    Fault::SendThrottled,
    Fault::SendUnavailable,
    Fault::SendUnknown,
    Fault::SendUnknownDone,
    Fault::SendLost,
    Fault::SendLostDone,
    Fault::SendLandsLate,
    Fault::SendRefused,
    Fault::SendTooLarge,
];

const ASK_FAULTS: &[Fault] = &[
    Fault::LookUpUnavailable,
    Fault::LookUpThrottled,
    Fault::LookUpRefused,
    Fault::LookUpLost,
];

const TOKEN_FAULTS: &[Fault] = &[Fault::TokenUnavailable, Fault::TokenLost];
