//! Web messaging as one of the source documents has it: a place for the bytes, the bytes, and a file that is worked on, of which
//! it tells by an event, or by none, or before it has answered.

use std::cell::RefCell;
use std::collections::BTreeMap;

use attache_domain::ids::MediaId;
use attache_domain::wire::{Body, CallError, Headers, Request, Response};
use attache_flow::ports::{Credential, Source};
use serde_json::{Value, json};

use super::genesys::Genesys;
use super::{answer, come_back};
use crate::faults::Fault;
use crate::scene::{Scene, UPLOADS};
use attache_domain::time::Timestamp;
use std::time::Duration;

/// What the surface holds.
#[derive(Default)]
pub struct Web {
    files: RefCell<BTreeMap<String, Held>>,
}

/// A file of it.
#[derive(Clone, Debug)]
struct Held {
    row: MediaId,
    name: Value,
    mime: Value,
    size: Value,
    whole: bool,
    progress: Progress,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Its bytes are not there.
    Announced,
    /// Nobody will ever begin with it.
    Queued,
    /// It is done then; `None`: never.
    Works(Option<Timestamp>),
    /// It was taken back.
    Cancelled,
}

/// What may befall the request for a place.
const PLACE_FAULTS: &[Fault] = &[
    Fault::SendThrottled,
    Fault::SendUnavailable,
    Fault::SendLost,
    Fault::SendRefused,
];

/// What may befall the bytes.
const PUT_FAULTS: &[Fault] = &[
    Fault::SendUnavailable,
    Fault::SendLost,
    Fault::SendLostDone,
    Fault::Slow,
];

/// What may become of them.
const FATES: &[Fault] = &[
    Fault::UploadQueued,
    Fault::UploadSilent,
    Fault::CompletionFirst,
    Fault::CompletionTwice,
    Fault::CompletionNever,
];

const LOOK_FAULTS: &[Fault] = &[
    Fault::LookUpUnavailable,
    Fault::LookUpThrottled,
    Fault::LookUpRefused,
    Fault::LookUpLost,
];

fn error(status: u16, code: &str) -> Response {
    answer(status, &json!({ "status": status, "code": code }))
}

/// The row whose file a request for a place announces.
pub(super) fn row_of(scene: &Scene, request: &Request) -> Option<MediaId> {
    let body = metadata(request)?;
    let wire = body.get("messageId")?.as_str()?;
    let named = wire.rsplit_once('#').and_then(|(_, id)| id.parse().ok());
    let message = scene.messages.iter().find(|it| it.id == wire);
    named.or_else(|| Some(message?.parts.first()?.id.clone()))
}

fn metadata(request: &Request) -> Option<Value> {
    let Body::Json(text) = &request.body else {
        return None;
    };
    let is_place = request.url.path().ends_with("/webmessaging/upload");
    serde_json::from_str(text).ok().filter(|_| is_place)
}

impl Web {
    /// `POST …/webmessaging/upload`.
    pub(super) async fn place(
        &self,
        scene: &Scene,
        (request, row): (&Request, MediaId),
        (genesys, credential): (&Genesys, &Credential),
    ) -> Result<Response, CallError> {
        let fault = scene.faults.strike(scene, 6, PLACE_FAULTS);
        scene.note(format_args!("a place for {row} ({fault:?})"));
        scene.reference.calls(scene, &row);
        scene.agenda.sleep(scene.agenda.dice.millis(5, 60)).await;
        if fault == Some(Fault::SendRefused) {
            genesys.revoke();
        }
        if !genesys.is_valid(scene.agenda.now(), credential) {
            scene.reference.not_handed_over(&row, true);
            return Ok(error(401, "bad.credentials"));
        }
        let dice = &scene.agenda.dice;
        if fault.is_some() {
            scene.reference.not_handed_over(&row, false);
        }
        match fault {
            Some(Fault::SendThrottled) => {
                let wait = Duration::from_secs(dice.between(1, 60));
                return Ok(come_back(429, wait, &json!({ "code": "rate.limited" })));
            }
            Some(Fault::SendUnavailable) => return Ok(error(503, "service.unavailable")),
            Some(Fault::SendLost) => {
                scene.agenda.sleep(request.patience).await;
                return Err(CallError::NoAnswer("no answer in time".to_owned()));
            }
            _ => {}
        }
        let body = metadata(request).unwrap_or_default();
        let mut files = self.files.borrow_mut();
        let id = format!("f-{row}-{}", files.len());
        let held = Held {
            row,
            name: body["fileName"].clone(),
            mime: body["contentType"].clone(),
            size: body["fileSize"].clone(),
            whole: false,
            progress: Progress::Announced,
        };
        files.insert(id.clone(), held);
        let link = format!("https://{UPLOADS}/{id}?X-Amz-Signature={:x}", dice.draw());
        Ok(answer(200, &json!({ "fileId": id, "uploadUrl": link })))
    }

    /// `PUT` to a link that was given.
    pub(super) async fn put(
        &self,
        scene: &Scene,
        request: &Request,
        mut file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        let id = request.url.path().trim_start_matches('/').to_owned();
        let fault = scene.faults.strike(scene, 6, PUT_FAULTS);
        scene.note(format_args!("bytes of {id} ({fault:?})"));
        let mut bytes = Vec::new();
        while let Ok(Some(piece)) = file.next().await {
            bytes.extend_from_slice(&piece);
        }
        let dice = &scene.agenda.dice;
        let longest = if fault == Some(Fault::Slow) {
            25_000
        } else {
            900
        };
        scene.agenda.sleep(dice.millis(5, longest)).await;
        let held = self.files.borrow().get(&id).cloned();
        let Some(held) = held else {
            return Ok(error(403, "AccessDenied"));
        };
        scene.reference.handed_over(scene, (&held.row, &id), &bytes);
        let lost = matches!(fault, Some(Fault::SendLost | Fault::SendLostDone));
        let taken = !matches!(fault, Some(Fault::SendUnavailable | Fault::SendLost));
        if taken {
            self.accept(scene, &id).await;
        }
        if lost || !taken {
            scene.reference.not_handed_over(&held.row, false);
        }
        match fault {
            Some(Fault::SendUnavailable) => Ok(error(503, "SlowDown")),
            _ if lost => Err(CallError::NoAnswer("connection reset".to_owned())),
            _ => Ok(answer(202, &Value::Null)),
        }
    }

    /// It has the bytes: draws what becomes of them, and who is told when.
    async fn accept(&self, scene: &Scene, id: &str) {
        let fate = scene.faults.strike(scene, 80, FATES);
        let dice = &scene.agenda.dice;
        let takes = dice.millis(0, *dice.pick(&[200, 5_000, 20_000, 50_000]).unwrap_or(&0));
        let now = scene.agenda.now();
        let (progress, events) = match fate {
            Some(Fault::UploadQueued) => (Progress::Queued, 0),
            Some(Fault::UploadSilent) => (Progress::Works(None), 0),
            Some(Fault::CompletionFirst) => (Progress::Works(Some(now)), 1),
            Some(Fault::CompletionTwice) => (Progress::Works(Some(now + takes)), 2),
            Some(Fault::CompletionNever) => (Progress::Works(Some(now + takes)), 0),
            _ => (Progress::Works(Some(now + takes)), 1),
        };
        if let Some(held) = self.files.borrow_mut().get_mut(id) {
            held.whole = true;
            held.progress = progress;
        }
        let first = fate == Some(Fault::CompletionFirst);
        let done = if first { Duration::ZERO } else { takes };
        for _ in 0..events {
            scene.complete(id, done + dice.millis(0, 100));
        }
        if first {
            scene.agenda.sleep(dice.millis(1_000, 3_000)).await;
        }
    }

    /// `GET …/messages/{messageId}/attachments/{fileId}`.
    pub(super) async fn look_up(
        &self,
        scene: &Scene,
        request: &Request,
        (genesys, credential): (&Genesys, &Credential),
    ) -> Result<Response, CallError> {
        let id = request.url.path().rsplit('/').next().unwrap_or_default();
        let fault = scene.faults.strike(scene, 4, LOOK_FAULTS);
        scene.note(format_args!("a look at {id} ({fault:?})"));
        let row = self.files.borrow().get(id).map(|held| held.row.clone());
        if let Some(row) = row {
            scene.reference.calls(scene, &row);
        }
        scene.agenda.sleep(scene.agenda.dice.millis(5, 60)).await;
        let known = genesys.is_valid(scene.agenda.now(), credential);
        if !known || fault == Some(Fault::LookUpRefused) {
            return Ok(error(401, "bad.credentials"));
        }
        match fault {
            Some(Fault::LookUpUnavailable) => return Ok(error(503, "service.unavailable")),
            Some(Fault::LookUpThrottled) => {
                let wait = Duration::from_secs(scene.agenda.dice.between(1, 60));
                return Ok(come_back(429, wait, &json!({ "code": "rate.limited" })));
            }
            Some(Fault::LookUpLost) => {
                scene.agenda.sleep(request.patience).await;
                return Err(CallError::NoAnswer("no answer in time".to_owned()));
            }
            _ => {}
        }
        let files = self.files.borrow();
        let held = files.get(id);
        let Some(held) = held.filter(|it| it.progress != Progress::Cancelled) else {
            return Ok(error(404, "not.found"));
        };
        let now = scene.agenda.now();
        let status = match held.progress {
            Progress::Queued => "queued",
            Progress::Works(Some(done)) if done <= now => "completed",
            Progress::Works(_) => "processing",
            Progress::Announced | Progress::Cancelled => "uploading",
        };
        let mut body = json!({ "id": id, "fileName": held.name, "contentType": held.mime,
            "fileSize": held.size, "status": status });
        if status == "completed" && held.whole {
            body["virusScanResult"] = json!("clean");
            body["downloadUrl"] = json!(format!("https://{UPLOADS}/{id}?X-Amz-Signature=1"));
        }
        Ok(answer(200, &body))
    }

    /// `DELETE` of the same.
    pub(super) fn cancel(&self, scene: &Scene, request: &Request) -> Response {
        let id = request.url.path().rsplit('/').next().unwrap_or_default();
        scene.note(format_args!("{id} is taken back"));
        if let Some(held) = self.files.borrow_mut().get_mut(id) {
            held.progress = Progress::Cancelled;
        }
        Response {
            status: 204,
            headers: Headers::default(),
            body: Vec::new(),
        }
    }
}
