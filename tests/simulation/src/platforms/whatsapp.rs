//! Meta: the look-up by media id, links that live five minutes, tokens that are replaced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::wire::{CallError, Headers, Request, Response};
use attache_flow::memory::State;
use attache_flow::ports::{Credential, Download, Source, SourceError};
use bytes::Bytes;
use serde_json::{Value, json};

use super::download::{Body, Pace};
use super::{answer, come_back};
use crate::faults::Fault;
use crate::scene::{self, Event, Scene};

/// How long a link lives.
const LINK_LIFE: Duration = Duration::from_secs(300);

/// What Meta remembers.
#[derive(Default)]
pub struct WhatsApp {
    /// Links by their hash: which item, until when.
    links: RefCell<BTreeMap<String, (usize, Timestamp)>>,
    /// How often each number's token was replaced.
    tokens: RefCell<BTreeMap<usize, u32>>,
}

fn error(status: u16, code: u32, message: &str) -> Response {
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

    fn is_valid(&self, number: usize, credential: &Credential) -> bool {
        match credential {
            Credential::Bearer(token) => token.matches(self.token(number).as_bytes()),
            Credential::None | Credential::Basic { .. } => false,
        }
    }

    /// `GET /{version}/{media id}?phone_number_id=…`.
    pub(super) async fn look_up(
        &self,
        scene: &Scene,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let media = request.url.path().rsplit('/').next().unwrap_or_default();
        let found = scene.items.iter().position(|item| item.attachment == media);
        let Some((index, item)) = found.map(|index| (index, &scene.items[index])) else {
            return Ok(error(400, 100, "Unsupported get request"));
        };
        let fault = scene.faults.strike(scene, 6, LOOK_UP_FAULTS);
        if fault == Some(Fault::Rotated) {
            *self.tokens.borrow_mut().entry(item.number).or_default() += 1;
            // Whoever replaced it needs a while to store it where `refresh` reads it.
            let wait = scene.agenda.dice.millis(0, 600_000);
            scene.agenda.expect(wait, Event::HandOut);
        }
        scene.note(format_args!("look-up of {} ({fault:?})", item.message));
        if !self.is_valid(item.number, credential) {
            return Ok(error(401, 190, "Invalid OAuth access token"));
        }
        if item.withheld {
            return Ok(error(500, 131_000, "Something went wrong"));
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
                scene.reference.name_foreign_host(&item.id);
                Ok(self.link(scene, index, scene::STRANGER))
            }
            _ => Ok(self.link(scene, index, scene::LOOKASIDE)),
        }
    }

    fn link(&self, scene: &Scene, index: usize, host: &str) -> Response {
        let item = &scene.items[index];
        let hash = format!("{:016x}", scene.agenda.dice.draw());
        let until = scene.agenda.now() + LINK_LIFE;
        self.links.borrow_mut().insert(hash.clone(), (index, until));
        let mut body = json!({
            "messaging_product": "whatsapp",
            "url": format!("https://{host}/whatsapp_business/attachments/?mid={}&hash={hash}", item.attachment),
            "mime_type": item.file.mime,
            "sha256": item.file.digest.to_string(),
            "file_size": item.file.bytes.len(),
            "id": item.attachment,
        });
        if scene.agenda.dice.chance(300) {
            body["file_size"] = Value::String(item.file.bytes.len().to_string());
        }
        answer(200, &body)
    }

    /// The link.
    pub(super) fn download(
        &self,
        scene: &Rc<Scene>,
        request: &Request,
        credential: &Credential,
    ) -> Result<Download, CallError> {
        let hash = request.url.query_pairs().find(|(key, _)| key == "hash");
        let hash = hash.map(|(_, value)| value.into_owned());
        let link = hash.and_then(|hash| self.links.borrow().get(&hash).copied());
        let now = scene.agenda.now();
        let Some((index, _)) = link.filter(|(_, until)| now < *until) else {
            return Ok(page(404, "text/html", ""));
        };
        let item = &scene.items[index];
        let fault = scene.faults.strike(scene, 6, DOWNLOAD_FAULTS);
        scene.note(format_args!("download of {} ({fault:?})", item.message));
        if !self.is_valid(item.number, credential) {
            return Ok(page(401, "application/json", "{}"));
        }
        let bytes = item.file.bytes.as_slice();
        let whole = bytes.len();
        let pace = match fault {
            Some(Fault::LinkDead) => return Ok(page(404, "text/html", "")),
            Some(Fault::ErrorPage) => return Ok(page(200, "text/html", "<html>Sorry</html>")),
            Some(Fault::Cut) => Pace::until(scene.agenda.dice.below(whole)),
            Some(Fault::Reset) => Pace::until(scene.agenda.dice.below(whole)).and_reset(),
            Some(Fault::Slow) => Pace::slow(),
            _ => Pace::whole(),
        };
        let body = Body::new(Rc::clone(scene), bytes, pace);
        Ok(Download {
            status: 200,
            headers: headers(item.file.mime, whole),
            body: Box::new(body),
        })
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

const DOWNLOAD_FAULTS: &[Fault] = &[
    Fault::LinkDead,
    Fault::ErrorPage,
    Fault::Cut,
    Fault::Reset,
    Fault::Slow,
];

fn headers(mime: &str, length: usize) -> Headers {
    Headers::new([
        ("Content-Type".to_owned(), mime.to_owned()),
        ("Content-Length".to_owned(), length.to_string()),
    ])
}

/// An answer that is no file.
fn page(status: u16, mime: &str, text: &str) -> Download {
    Download {
        status,
        headers: headers(mime, text.len()),
        body: Box::new(Page),
    }
}

/// The body of an answer nobody reads.
struct Page;

#[async_trait(?Send)]
impl Source for Page {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(None)
    }
}
