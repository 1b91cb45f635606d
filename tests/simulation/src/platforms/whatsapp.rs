//! Meta: the look-up by media id, links that live five minutes, tokens that are replaced; files handed over.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::ids::MediaId;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Rest;
use attache_domain::wire::{CallError, Request, Response};
use attache_flow::memory::State;
use attache_flow::ports::{Credential, Download};
use serde_json::{Value, json};

use super::download::{DOWNLOAD_FAULTS, page, serve};
use super::{answer, come_back};
use crate::faults::Fault;
use crate::files::File;
use crate::scene::{self, Event, Scene};

pub use super::customers::Told;

/// How long a link lives.
const LINK_LIFE: Duration = Duration::from_secs(300);

/// What Meta remembers.
#[derive(Default)]
pub struct WhatsApp {
    /// Links by their hash: which row's file, until when.
    links: RefCell<BTreeMap<String, (MediaId, Timestamp)>>,
    /// How often each number's token was replaced.
    tokens: RefCell<BTreeMap<usize, u32>>,
    /// Files handed over, by the id they were given.
    uploads: RefCell<BTreeMap<String, (usize, Vec<u8>)>>,
}

pub(super) fn error(status: u16, code: u32, message: &str) -> Response {
    answer(
        status,
        &json!({ "error": { "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1" } }),
    )
}

impl WhatsApp {
    /// The token a number has now.
    fn token(&self, number: usize) -> String {
        let replaced = self.tokens.borrow().get(&number).copied().unwrap_or(0);
        format!("meta-{number}-{replaced}")
    }

    /// Puts the tokens where `refresh` reads them.
    pub fn hand_out(&self, state: &mut State) {
        for number in 0..3 {
            if let Ok(secret) = Secret::new(self.token(number)) {
                state.secrets.insert(scene::token_secret(number).0, secret);
            }
        }
    }

    pub(super) fn is_valid(&self, number: usize, credential: &Credential) -> bool {
        match credential {
            Credential::Bearer(token) => token.matches(self.token(number).as_bytes()),
            Credential::None
            | Credential::Basic { .. }
            | Credential::ClientAndPassword { .. }
            | Credential::Header { .. } => false,
        }
    }

    pub(super) fn keep_upload(&self, id: &str, number: usize, bytes: Vec<u8>) {
        let mut uploads = self.uploads.borrow_mut();
        uploads.insert(id.to_owned(), (number, bytes));
    }

    /// What was handed over under this id for a number.
    pub(super) fn upload(&self, id: &str, number: usize) -> Option<Vec<u8>> {
        let uploads = self.uploads.borrow();
        let (whose, bytes) = uploads.get(id)?;
        (*whose == number).then(|| bytes.clone())
    }

    /// `GET /{version}/{media id}?phone_number_id=…`.
    pub(super) async fn look_up(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let media = request.url.path().rsplit('/').next().unwrap_or_default();
        let of = |message: &scene::Message| {
            let part = message.parts.iter().find(|part| part.attachment == media)?;
            Some((message.number, part.id.clone(), part.sent()?.clone()))
        };
        let Some((number, row, sent)) = scene.messages.iter().find_map(of) else {
            return Ok(error(400, 100, "Unsupported get request"));
        };
        let fault = scene.faults.strike(scene, 6, LOOK_UP_FAULTS);
        if fault == Some(Fault::Rotated) {
            *self.tokens.borrow_mut().entry(number).or_default() += 1;
            // Whoever replaced it needs a while to store it where `refresh` reads it.
            let wait = scene.agenda.dice.millis(0, 600_000);
            scene.agenda.expect(wait, Event::HandOut);
        }
        scene.note(format_args!("look-up of {media} ({fault:?})"));
        if !self.is_valid(number, credential) {
            return Ok(error(401, 190, "Invalid OAuth access token"));
        }
        if sent.withheld {
            return Ok(error(500, 131_000, "Something went wrong"));
        }
        if sent.dead {
            return Ok(error(404, 100, "Unsupported get request"));
        }
        scene.agenda.sleep(scene.agenda.dice.millis(5, 60)).await;
        let dice = &scene.agenda.dice;
        match fault {
            Some(Fault::LookUpUnavailable) => Ok(error(503, 131_016, "Service unavailable")),
            Some(Fault::LookUpThrottled) => {
                let wait = Duration::from_secs(dice.between(0, 90));
                let code = *dice.pick(&[4, 80_007, 130_429]).unwrap_or(&4);
                Ok(come_back(
                    400,
                    wait,
                    &json!({ "error": { "code": code, "message": "(#4) Rate limit hit" } }),
                ))
            }
            Some(Fault::LookUpRefused) => Ok(error(401, 190, "Invalid OAuth access token")),
            Some(Fault::LookUpLost) => {
                scene.agenda.sleep(request.patience).await;
                Err(CallError::NoAnswer("no answer in time".to_owned()))
            }
            Some(Fault::LinkForeign) => {
                scene.reference.name_foreign_host(&row);
                Ok(self.link(scene, (media, &row), &sent.file, scene::STRANGER))
            }
            _ => Ok(self.link(scene, (media, &row), &sent.file, scene::LOOKASIDE)),
        }
    }

    fn link(
        &self,
        scene: &Scene,
        (media, row): (&str, &MediaId),
        file: &File,
        host: &str,
    ) -> Response {
        let hash = format!("{:016x}", scene.agenda.dice.draw());
        let until = scene.agenda.now() + LINK_LIFE;
        let mut links = self.links.borrow_mut();
        links.insert(hash.clone(), (row.clone(), until));
        let mut body = json!({
            "messaging_product": "whatsapp",
            "url": format!("https://{host}/whatsapp_business/attachments/?mid={media}&hash={hash}"),
            "mime_type": file.mime,
            "sha256": file.digest.to_string(),
            "file_size": file.bytes.len(),
            "id": media,
        });
        if scene.agenda.dice.chance(300) {
            body["file_size"] = Value::String(file.bytes.len().to_string());
        }
        answer(200, &body)
    }

    /// The link.
    pub(super) fn download(
        &self,
        scene: &Rc<Scene>,
        request: &Request,
        credential: &Credential,
        rest: Option<&Rest>,
    ) -> Download {
        let hash = request.url.query_pairs().find(|(key, _)| key == "hash");
        let hash = hash.map(|(_, value)| value.into_owned());
        let link = hash.and_then(|hash| self.links.borrow().get(&hash).cloned());
        let now = scene.agenda.now();
        let alive = link.filter(|(_, until)| now < *until);
        let found = alive.and_then(|(row, _)| scene.row(&row));
        let Some((message, sent)) = found.and_then(|(it, part, _)| Some((it, part.sent()?))) else {
            return page(404, "text/html", "");
        };
        let fault = scene.faults.strike(scene, 6, DOWNLOAD_FAULTS);
        scene.note(format_args!("download of {} ({fault:?})", message.id));
        if !self.is_valid(message.number, credential) {
            return page(401, "application/json", "{}");
        }
        serve(scene, sent, fault, rest)
    }
}

const LOOK_UP_FAULTS: &[Fault] = &[
    Fault::LookUpUnavailable,
    Fault::LookUpThrottled,
    Fault::LookUpRefused,
    Fault::LookUpLost,
    Fault::LinkForeign,
    Fault::Rotated,
];
