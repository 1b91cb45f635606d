//! The customers' side of WhatsApp: files handed over, messages sent without any way to recognise a repeat, the service
//! window, and statuses that come when they like.

use std::time::Duration;

use attache_domain::ids::MediaId;
use attache_domain::wire::{Body, CallError, Request, Response};
use attache_flow::ports::{Credential, Source};
use serde_json::{Value, json};

use super::genesys::millis;
use super::whatsapp::{WhatsApp, error};
use super::{answer, come_back};
use crate::faults::Fault;
use crate::scene::{self, Event, Message, Scene, Side};

/// What a customer is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The row it carries.
    pub row: MediaId,
    /// What statuses of it bring back.
    pub opaque: Option<MediaId>,
    /// The number it comes from.
    pub number: usize,
    /// Who is told.
    pub customer: String,
    /// What.
    pub what: Content,
}

/// What a message to a customer holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// Words.
    Text(String),
    /// A file that was handed over: its bytes, and the words with it.
    File(Vec<u8>, Option<String>),
    /// A template.
    Template,
}

/// What WhatsApp reports of a message, and how often of a hundred.
const FATES: [(u64, &[&str]); 5] = [
    (55, &["sent", "delivered", "read"]),
    (20, &["sent", "delivered"]),
    (12, &["sent", "failed"]),
    (7, &["sent"]),
    (6, &[]),
];

/// Which of WhatsApp's codes a failed message names.
const FAILURES: [u32; 3] = [131_026, 131_047, 131_053];

impl WhatsApp {
    /// `POST /{version}/{number}/media`.
    pub(super) async fn hand_over(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
        mut file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        let fault = scene.faults.strike(scene, 6, UPLOAD_FAULTS);
        let task = scene.agenda.running();
        scene.note(format_args!("task {task} hands a file over ({fault:?})"));
        let mut bytes = Vec::new();
        while let Ok(Some(piece)) = file.next().await {
            bytes.extend_from_slice(&piece);
        }
        let dice = &scene.agenda.dice;
        let longest = if fault == Some(Fault::Slow) {
            150_000
        } else {
            900
        };
        scene.agenda.sleep(dice.millis(5, longest)).await;
        scene.reference.uploaded(scene, task, &bytes);
        let Some(number) = number(request).filter(|it| self.is_valid(*it, credential)) else {
            scene.reference.upload_failed(scene, &bytes, true);
            return Ok(error(401, 190, "Invalid OAuth access token"));
        };
        match fault {
            Some(Fault::SendUnavailable) => {
                scene.reference.upload_failed(scene, &bytes, false);
                Ok(error(500, 131_016, "Service unavailable"))
            }
            Some(Fault::SendTooLarge) => {
                scene.reference.upload_failed(scene, &bytes, false);
                scene.reference.upload_drifts(scene, &bytes);
                Ok(answer(413, &Value::Null))
            }
            Some(Fault::SendLost) => {
                scene.reference.upload_failed(scene, &bytes, false);
                Err(CallError::NoAnswer("connection reset".to_owned()))
            }
            _ => {
                let id = format!("upload-{:016x}", dice.draw());
                self.keep_upload(&id, number, bytes);
                Ok(answer(200, &json!({ "id": id })))
            }
        }
    }

    /// `POST /{version}/{number}/messages`.
    pub(super) async fn message(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let body = match &request.body {
            Body::Json(text) => serde_json::from_str::<Value>(text).unwrap_or_default(),
            Body::Empty
            | Body::Form(_)
            | Body::Multipart(_)
            | Body::File(_)
            | Body::Base64(_)
            | Body::Verbatim(_) => Value::Null,
        };
        if body.get("typing_indicator").is_some() {
            let last = body["message_id"].as_str().unwrap_or_default();
            scene.reference.typing(scene, number(request), last);
            return Ok(answer(200, &json!({ "success": true })));
        }
        let Some(told) = self.read(scene, request, &body) else {
            return Ok(error(400, 100, "Invalid parameter"));
        };
        let fault = scene.faults.strike(scene, 8, TELL_FAULTS);
        scene.note(format_args!("telling {} ({fault:?})", told.row));
        let template = matches!(told.what, Content::Template);
        if !template {
            scene.reference.post(scene, &told.row, request.patience);
        }
        let outcome = self.process(scene, request, credential, &told, fault).await;
        if !template {
            let open = match &outcome {
                Ok(response) => response.status == 502,
                Err(_) => true,
            };
            scene.reference.answered(scene, &told.row, &outcome, open);
        } else if !matches!(&outcome, Ok(response) if response.status == 200) {
            let status = outcome.as_ref().map_or(0, |response| response.status);
            let task = scene.agenda.running();
            scene.reference.invitation_failed(task, status == 401);
        }
        outcome
    }

    fn read(&self, scene: &Scene, request: &Request, body: &Value) -> Option<Told> {
        let number = number(request)?;
        let kind = body.get("type")?.as_str()?;
        let content = body.get(kind)?;
        let word = |key: &str| content.get(key)?.as_str().map(str::to_owned);
        let what = match kind {
            "text" => Content::Text(word("body")?),
            "template" => Content::Template,
            _ => Content::File(self.upload(&word("id")?, number)?, word("caption")),
        };
        let customer = body.get("to")?.as_str()?.to_owned();
        let opaque = body.get("biz_opaque_callback_data");
        let opaque: Option<MediaId> = opaque.and_then(|it| it.as_str()?.parse().ok());
        let of_theirs = |message: &&Message| {
            message.side == Side::Agent
                && (message.number, message.customer) == (number, customer.as_str())
        };
        let row = match (&opaque, &what) {
            // A template stands for no row of its own.
            (_, Content::Template) => {
                let message = scene.messages.iter().find(of_theirs)?;
                message.parts[0].id.clone()
            }
            (row, _) => row.clone()?,
        };
        Some(Told {
            row,
            opaque,
            number,
            customer,
            what,
        })
    }

    async fn process(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
        told: &Told,
        fault: Option<Fault>,
    ) -> Result<Response, CallError> {
        let dice = &scene.agenda.dice;
        if !self.is_valid(told.number, credential) || fault == Some(Fault::SendRefused) {
            return Ok(error(401, 190, "Invalid OAuth access token"));
        }
        let (reference, now) = (&scene.reference, scene.agenda.now());
        let template = matches!(told.what, Content::Template);
        if !template && !reference.may_be_told(told.number, &told.customer, now) {
            reference.turn_away(&told.row);
            return Ok(error(400, 131_047, "Re-engagement message"));
        }
        if fault == Some(Fault::SendRejected) {
            reference.turn_away(&told.row);
            return Ok(error(400, 131_026, "Message undeliverable"));
        }
        let lands = matches!(
            fault,
            None | Some(Fault::SendUnknownDone | Fault::SendLostDone)
        );
        if lands {
            told.land(scene);
        }
        if fault == Some(Fault::SendLandsLate) {
            let late = dice.millis(1, millis(request.patience));
            scene.agenda.expect(late, Event::Tell(told.clone()));
        }
        scene.agenda.sleep(dice.millis(5, 80)).await;
        match fault {
            None => Ok(answer(
                200,
                &json!({ "messages": [ { "id": scene::wamid(&told.row) } ] }),
            )),
            Some(Fault::SendThrottled) => {
                let wait = Duration::from_secs(dice.between(1, 60));
                let body =
                    json!({ "error": { "code": 131_056, "message": "Pair rate limit hit" } });
                Ok(come_back(400, wait, &body))
            }
            // Meta's own word: it was not taken.
            Some(Fault::SendUnavailable) => Ok(error(500, 131_016, "Service unavailable")),
            // Somebody's between us: nobody knows.
            Some(Fault::SendUnknown | Fault::SendUnknownDone) => Ok(answer(502, &Value::Null)),
            Some(_) => {
                let patience = millis(request.patience).saturating_sub(80);
                scene.agenda.sleep(dice.millis(0, patience)).await;
                Err(CallError::NoAnswer("connection reset".to_owned()))
            }
        }
    }
}

impl Told {
    /// It reaches its customer; WhatsApp reports that in its own time, and the customer may answer.
    pub fn land(&self, scene: &Scene) {
        scene.reference.tell(scene, self);
        let dice = &scene.agenda.dice;
        if matches!(self.what, Content::Template) {
            let soon = |fate| (fate, dice.millis(0, 60));
            return scene.follow(self, &["sent", "delivered"].map(soon), 0);
        }
        let mut left = dice.between(1, 100);
        let mut fates: &[&'static str] = &[];
        for (weight, candidate) in FATES {
            if left <= weight {
                fates = candidate;
                break;
            }
            left -= weight;
        }
        scene.reference.fated(&self.row, fates);
        let longest = *dice.pick(&[10, 2_000, 60_000, 3_600_000]).unwrap_or(&0);
        let mut reports: Vec<(&'static str, Duration)> = fates
            .iter()
            .map(|fate| (*fate, dice.millis(0, longest)))
            .collect();
        if let Some(fate) = dice.pick(fates).filter(|_| dice.chance(200)) {
            reports.push((*fate, dice.millis(0, longest)));
        }
        let code = *dice.pick(&FAILURES).unwrap_or(&0);
        scene.follow(self, &reports, code);
    }
}

/// Whose URL it is.
fn number(request: &Request) -> Option<usize> {
    let id = request.url.path_segments()?.nth(1)?;
    (0..3).find(|number| scene::phone_number_id(*number) == id)
}

const UPLOAD_FAULTS: &[Fault] = &[
    Fault::SendUnavailable,
    Fault::SendTooLarge,
    Fault::SendLost,
    Fault::Slow,
];

const TELL_FAULTS: &[Fault] = &[
    Fault::SendThrottled,
    Fault::SendUnavailable,
    Fault::SendUnknown,
    Fault::SendUnknownDone,
    Fault::SendLost,
    Fault::SendLostDone,
    Fault::SendLandsLate,
    Fault::SendRefused,
    Fault::SendRejected,
];
