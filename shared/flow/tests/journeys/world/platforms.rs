//! The platforms of the world: both answer at once, as they are told to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::digest::Sha256Digest;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Headers, Request, Response, Verbatim};
use attache_flow::ports::{Credential, Download, Http, Source, SourceError};
use bytes::Bytes;
use serde_json::{Value, json};

use super::agent_side::AgentSide;
use super::cxone::Cxone;
use super::web_messaging::WebMessaging;

/// What a platform answers to one send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// The message arrives, the answer does not.
    Lost,
}

/// A status, with the seconds of a `Retry-After`; `None`: no answer at all.
pub(crate) type OldAnswer = Option<(u16, Option<u32>)>;

/// A status, and headers.
pub(crate) type Refusal = (u16, &'static [(&'static str, &'static str)]);

/// The platforms.
#[derive(Default)]
pub(crate) struct Platforms {
    /// The file that either side sends.
    pub(crate) file: RefCell<Vec<u8>>,
    /// What the look-up says instead of the link.
    pub(crate) look_ups: RefCell<VecDeque<(u16, String)>>,
    /// Names in whose ids look-ups find nothing.
    pub(crate) dead: Cell<Option<&'static str>>,
    /// When look-ups were answered that they find nothing: so many.
    pub(crate) not_found: Cell<usize>,
    /// What the next downloads are answered instead of the file, with these headers.
    pub(crate) downloads: RefCell<VecDeque<Refusal>>,
    /// How many bytes the next downloads give before they end.
    pub(crate) cut: RefCell<VecDeque<usize>>,
    /// Whether an edge on the way keeps an error that it gave once, and gives it again to whoever asks the same.
    pub(crate) poisoned: Cell<bool>,
    /// The question that it keeps it of.
    pub(crate) kept_of: RefCell<Option<String>>,
    /// So many of the next calls and downloads do not answer at once.
    pub(crate) lingers: Cell<usize>,
    /// So many of the next downloads have the right length and one wrong byte.
    pub(crate) wrong: Cell<usize>,
    /// How the host of the file behaves.
    pub(crate) host: RefCell<Host>,
    /// What it was asked to begin with, download by download.
    pub(crate) asked_from: RefCell<Vec<u64>>,
    /// How many bytes of the file it gave.
    pub(crate) given: Cell<usize>,
    /// What the sends are answered, in order; after that, 200.
    pub(crate) answers: RefCell<VecDeque<Answer>>,
    /// To whose sends something else is answered first: a part of their address, whether only those with a file, and the status.
    pub(crate) refuses: Cell<Option<(&'static str, bool, u16)>>,
    /// What every send to WhatsApp is answered instead: a status and a body.
    pub(crate) errs: RefCell<Option<(u16, String)>>,
    /// A customer gets one message in so many seconds of WhatsApp; more are refused with 131056.
    pub(crate) most_a_pair: Cell<Option<u64>>,
    /// When each customer got the last one.
    pub(crate) paired: RefCell<BTreeMap<String, Timestamp>>,
    /// How many of them were.
    pub(crate) erred: Cell<usize>,
    /// How many of the others were.
    pub(crate) refused: Cell<usize>,
    /// Headers of every answer to a send.
    pub(crate) told: Cell<&'static [(&'static str, &'static str)]>,
    /// The bodies of all messages that reached Genesys.
    pub(crate) sends: RefCell<Vec<Value>>,
    /// The receipts that reached Genesys.
    pub(crate) receipts: RefCell<Vec<Value>>,
    /// The bodies of all messages that reached WhatsApp, Messenger or Instagram.
    pub(crate) said: RefCell<Vec<Value>>,
    /// What the uploads are answered, in order; after that, 200.
    pub(crate) upload_answers: RefCell<VecDeque<(u16, &'static str)>>,
    /// The types that the integration's supported-content profile allows from customers; `None`: it has none, and the
    /// organisation's default allows all.
    pub(crate) supported: RefCell<Option<Vec<&'static str>>>,
    /// What is answered when it is asked for instead.
    pub(crate) unsupported: Cell<Option<u16>>,
    /// How often the integration was asked for.
    pub(crate) integrations: Cell<u32>,
    /// The files handed over to one of them, as they came.
    pub(crate) uploads: RefCell<Vec<Vec<u8>>>,
    /// Ids of files that WhatsApp has lost: messages with them are refused.
    pub(crate) forgotten: RefCell<Vec<&'static str>>,
    /// What the system at `old.example` was sent.
    pub(crate) forwarded: RefCell<Vec<Verbatim>>,
    /// What it answers, in order; after that, 204.
    pub(crate) old_answers: RefCell<VecDeque<OldAnswer>>,
    /// Every host a bearer was sent to.
    pub(crate) bearers: RefCell<Vec<String>>,
    /// Web messaging, as the source documents describe it.
    pub(crate) web: WebMessaging,
    /// CXone.
    pub(crate) cxone: Cxone,
    /// What was posted about messages: the end of the path, and the body.
    pub(crate) notes: RefCell<Vec<(String, Value)>>,
    /// The configuration of a web chat.
    pub(crate) web_chat: RefCell<Value>,
    /// The agent's side of conversations.
    pub(crate) agent: AgentSide,
    /// Tokens issued.
    pub(crate) issued: RefCell<u32>,
    /// How long they live, in seconds; 0: a day.
    pub(crate) life: Cell<u64>,
    /// What the token endpoint is to say instead of giving one.
    pub(crate) no_tokens: Cell<Option<u16>>,
    /// When each token of Genesys' dies, by its number less one.
    pub(crate) dies: RefCell<Vec<Timestamp>>,
    /// The platforms' own time.
    pub(crate) now: Cell<Timestamp>,
    /// How many calls came with a token that was dead.
    pub(crate) came_dead: Cell<u32>,
}

const GONE: &str =
    include_str!("../../../../domain/src/platforms/whatsapp/fixtures/error-100-media-id.json");

/// How the host of a file behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    /// Names the state of the file.
    pub(crate) etag: Option<&'static str>,
    /// Gives the rest where that is asked for.
    pub(crate) honours_range: bool,
    /// The look-up names neither length nor digest.
    pub(crate) silent_look_up: bool,
    /// The download names no length.
    pub(crate) no_length: bool,
    /// What the file is after the next download, under a new entity tag if it has any.
    pub(crate) becomes: Option<Vec<u8>>,
}

/// A body in pieces of this size.
const PIECE: usize = 300;

struct Pieces(VecDeque<Bytes>);

#[async_trait(?Send)]
impl Source for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.pop_front())
    }
}

pub(super) fn response(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response {
        status,
        headers: Headers::default(),
        body: body.into(),
    }
}

pub(super) fn json_body(request: &Request) -> Value {
    match &request.body {
        Body::Json(text) => serde_json::from_str(text).unwrap(),
        other => panic!("a JSON body, not {other:?}"),
    }
}

impl Platforms {
    async fn linger(&self) {
        let Some(left) = self.lingers.get().checked_sub(1) else {
            return;
        };
        self.lingers.set(left);
        let mut lingers = true;
        poll_fn(|_| match std::mem::take(&mut lingers) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }

    fn note_bearer(&self, request: &Request, credential: &Credential) {
        if matches!(credential, Credential::Bearer(_)) {
            let host = request.url.host_str().unwrap_or_default().to_owned();
            self.bearers.borrow_mut().push(host);
        }
    }

    /// Whether the customer got a message so short a time ago that this one is refused.
    fn is_too_much(&self, body: &Value) -> bool {
        let Some(seconds) = self.most_a_pair.get() else {
            return false;
        };
        let (now, customer) = (self.now.get(), body["to"].to_string());
        let mut paired = self.paired.borrow_mut();
        let last = paired.get(&customer);
        if last.is_some_and(|at| now.saturating_since(*at).as_secs() < seconds) {
            return true;
        }
        paired.insert(customer, now);
        false
    }

    fn is_refused(&self, request: &Request, who: &str, files: bool) -> bool {
        request.url.path().contains(who) && (!files || json_body(request).get("content").is_some())
    }

    /// A send: kept in `taken` if it has an effect.
    fn send(
        &self,
        request: &Request,
        taken: &RefCell<Vec<Value>>,
        accepted: &Value,
    ) -> Result<Response, CallError> {
        let answer = match self.refuses.get() {
            Some((who, files, status)) if self.is_refused(request, who, files) => {
                self.refused.set(self.refused.get() + 1);
                Some(Answer::Status(status))
            }
            _ => self.answers.borrow_mut().pop_front(),
        };
        let answer = answer.unwrap_or(Answer::Status(200));
        if matches!(answer, Answer::Lost | Answer::Status(200)) {
            taken.borrow_mut().push(json_body(request));
        }
        match answer {
            Answer::Status(status) => {
                let owned =
                    |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
                Ok(Response {
                    headers: Headers::new(self.told.get().iter().map(owned)),
                    ..response(status, accepted.to_string())
                })
            }
            Answer::Lost => Err(CallError::NoAnswer("reset".to_owned())),
        }
    }
}

impl Platforms {
    fn give_token(&self) -> Response {
        if let Some(status) = self.no_tokens.get() {
            return response(status, "{}");
        }
        let life = match self.life.get() {
            0 => 86_399,
            life => life,
        };
        let mut dies = self.dies.borrow_mut();
        dies.push(self.now.get() + Duration::from_secs(life));
        *self.issued.borrow_mut() += 1;
        let token = json!({"access_token": format!("token-{}", dies.len()), "token_type": "bearer", "expires_in": life});
        response(200, token.to_string())
    }

    /// Genesys' word on a token that has died.
    fn refuse_dead(&self, credential: &Credential) -> Option<Response> {
        let Credential::Bearer(token) = credential else {
            return None;
        };
        let token = String::from_utf8_lossy(token.expose()).into_owned();
        let number: usize = token.strip_prefix("token-")?.parse().ok()?;
        let dies = self.dies.borrow().get(number - 1).copied()?;
        (dies <= self.now.get()).then(|| {
            self.came_dead.set(self.came_dead.get() + 1);
            response(401, r#"{"code": "bad.credentials", "status": 401}"#)
        })
    }

    /// An integration, or a supported-content profile, of Genesys.
    fn configuration(&self, path: &str) -> Response {
        let supported = self.supported.borrow();
        if let Some(status) = self.unsupported.get() {
            return response(status, "{}");
        }
        if path.contains("/integrations/open/") {
            self.integrations.set(self.integrations.get() + 1);
            let integration = match &*supported {
                Some(_) => json!({"id": "2d1f6a3c", "supportedContent": {"id": "own"}}),
                None => json!({"id": "2d1f6a3c"}),
            };
            return response(200, integration.to_string());
        }
        let types = match path.rsplit('/').next() {
            Some("own") => supported.clone().unwrap_or_default(),
            _ => vec!["*/*"],
        };
        let types: Vec<Value> = types.iter().map(|it| json!({"type": it})).collect();
        let profile = json!({"id": "p", "name": "p", "mediaTypes": {"allow": {"inbound": types, "outbound": [{"type": "image/*"}]}}});
        response(200, profile.to_string())
    }

    fn take_forwarded(&self, request: &Request) -> Result<Response, CallError> {
        let Body::Verbatim(body) = &request.body else {
            panic!("as it came, not {:?}", request.body)
        };
        self.forwarded.borrow_mut().push(body.clone());
        let answer = self.old_answers.borrow_mut().pop_front();
        let Some((status, retry_after)) = answer.unwrap_or(Some((204, None))) else {
            return Err(CallError::NoAnswer("reset".to_owned()));
        };
        let headers = retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
        Ok(Response {
            headers: Headers::new(headers),
            ..response(status, "")
        })
    }
}

#[async_trait(?Send)]
impl Http for Platforms {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        self.linger().await;
        if request.url.host_str() == Some("old.example") {
            assert!(matches!(credential, Credential::None), "no credential");
            return self.take_forwarded(request);
        }
        let path = request.url.path().to_owned();
        self.note_bearer(request, credential);
        if self.poisoned.get() && (path.contains("/media-") || path.contains("/downloads/")) {
            let mut kept_of = self.kept_of.borrow_mut();
            let kept_of = kept_of.get_or_insert_with(|| request.url.to_string());
            if kept_of.as_str() == request.url.as_str() {
                let hit = [("x-cache", "Error from cloudfront"), ("age", "7")];
                let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
                return Ok(Response {
                    headers: Headers::new(hit.map(owned)),
                    ..response(404, "{}")
                });
            }
        }
        if Cxone::is_asked(request) {
            return self.cxone.call(request, credential);
        }
        if path == "/oauth/token" {
            return Ok(self.give_token());
        }
        if let Some(refused) = self.refuse_dead(credential) {
            return Ok(refused);
        }
        if path.ends_with("/inbound/open/message") {
            let id = format!("genesys-{}", self.sends.borrow().len() + 1);
            let accepted = json!({"id": id, "conversationId": "conv-1"});
            return self.send(request, &self.sends, &accepted);
        }
        if path.ends_with("/inbound/open/receipt") {
            return self.send(request, &self.receipts, &json!({"id": "r"}));
        }
        if let Some(about) = path.strip_prefix("/api/v2/messages/") {
            let note = (about.to_owned(), json_body(request));
            self.notes.borrow_mut().push(note);
            return Ok(response(200, ""));
        }
        if path.contains("/webchat/configurations/") {
            return Ok(response(200, self.web_chat.borrow().to_string()));
        }
        if path.contains("/messages/media/") {
            return Ok(self.agent.call(request));
        }
        let by_name = path == "/api/v2/messages" || path.contains("/conversations/messages/");
        if by_name && path.ends_with("/messages") {
            let id = format!("said-{}", self.said.borrow().len() + 1);
            return self.send(request, &self.said, &json!({ "id": id }));
        }
        if path.ends_with("/messages") {
            let body = json_body(request);
            let named = body["image"]["id"].as_str();
            if named.is_some_and(|id| self.forgotten.borrow().contains(&id)) {
                let refused =
                    json!({"error": {"code": 131_009, "message": "Parameter value is not valid"}});
                return Ok(response(400, refused.to_string()));
            }
            if let Some((status, body)) = &*self.errs.borrow() {
                self.erred.set(self.erred.get() + 1);
                return Ok(response(*status, body.clone()));
            }
            if self.is_too_much(&body) {
                self.erred.set(self.erred.get() + 1);
                let refused = json!({"error": {"code": 131_056, "message": "Pair rate limit hit"}});
                return Ok(response(400, refused.to_string()));
            }
            let count = self.said.borrow().len() + 1;
            let accepted = match body.get("recipient") {
                Some(to) => json!({"recipient_id": to["id"], "message_id": format!("m_{count}")}),
                None => json!({"messages": [{"id": format!("wamid.{count}")}]}),
            };
            return self.send(request, &self.said, &accepted);
        }
        if path.contains("/webmessaging/") || path.contains("/attachments/") {
            return Ok(self.web.call(request));
        }
        if path.contains("/messaging/") {
            return Ok(self.configuration(&path));
        }
        if path.contains("/downloads/") {
            let link = json!({"url": "https://signed.example/x?sig=secret"});
            return Ok(response(200, link.to_string()));
        }
        if self.dead.get().is_some_and(|dead| path.contains(dead)) {
            self.not_found.set(self.not_found.get() + 1);
            return Ok(response(400, GONE));
        }
        if let Some((status, body)) = self.look_ups.borrow_mut().pop_front() {
            return Ok(response(status, body));
        }
        let file = self.file.borrow();
        if self.host.borrow().silent_look_up {
            let link = json!({"url": "https://lookaside.fbsbx.com/x?hash=secret"});
            return Ok(response(200, link.to_string()));
        }
        let link = json!({"url": "https://lookaside.fbsbx.com/x?hash=secret", "file_size": file.len(), "sha256": Sha256Digest::of(&file).to_string()});
        Ok(response(200, link.to_string()))
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        mut file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        self.note_bearer(request, credential);
        let mut bytes = Vec::new();
        while let Some(piece) = file.next().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        if matches!(request.body, Body::File(_)) {
            assert!(
                matches!(credential, Credential::None),
                "no bearer on a signed link"
            );
            if AgentSide::is_asked(request) {
                return Ok(self.agent.put(request, bytes));
            }
            return self.web.put(request, bytes);
        }
        if matches!(request.body, Body::Base64(_)) {
            return Ok(self.cxone.upload(request, bytes));
        }
        let Body::Multipart(form) = &request.body else {
            panic!("a form")
        };
        assert_eq!(form.file_bytes, bytes.len() as u64);
        let answer = self.upload_answers.borrow_mut().pop_front();
        if let Some((status, body)) = answer {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            return Ok(Response {
                headers: Headers::new(self.told.get().iter().map(owned)),
                ..response(status, body)
            });
        }
        self.uploads.borrow_mut().push(bytes);
        let id = format!("uploaded-{}", self.uploads.borrow().len());
        let key = match request.url.path().ends_with("/message_attachments") {
            true => "attachment_id",
            false => "id",
        };
        Ok(response(200, json!({ key: id }).to_string()))
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        self.linger().await;
        self.note_bearer(request, credential);
        let signed = request.url.host_str() == Some("signed.example");
        let query = request.url.query().unwrap_or_default();
        assert!(
            !query.contains("attache"),
            "a signed link is used as it came"
        );
        assert_eq!(
            signed,
            matches!(credential, Credential::None),
            "a signed link needs no bearer, the others do"
        );
        if let Some((status, headers)) = self.downloads.borrow_mut().pop_front() {
            self.asked_from.borrow_mut().push(0);
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            return Ok(Download {
                status,
                headers: Headers::new(headers.iter().map(owned)),
                body: Box::new(Pieces(VecDeque::new())),
            });
        }
        let mut file = self.file.borrow().clone();
        if let Some(left) = self.wrong.get().checked_sub(1) {
            self.wrong.set(left);
            file[0] ^= 1;
        }
        let host = self.host.borrow_mut();
        let from = rest.map_or(0, |rest| rest.from_byte);
        self.asked_from.borrow_mut().push(from);
        let fits = rest.is_some_and(|rest| Some(rest.validator.as_str()) == host.etag);
        let from = usize::try_from(from).unwrap();
        let (status, body) = match fits && host.honours_range {
            true if from >= file.len() => (416, &[][..]),
            true => (206, &file[from..]),
            false => (200, &file[..]),
        };
        let mut headers = vec![];
        headers.extend(host.etag.map(|etag| ("etag", etag.to_owned())));
        if status != 200 {
            let range = match status {
                206 => format!("bytes {from}-{}/{}", file.len() - 1, file.len()),
                _ => format!("bytes */{}", file.len()),
            };
            headers.push(("content-range", range));
        } else if !host.no_length {
            headers.push(("content-length", file.len().to_string()));
        }
        let given = self.cut.borrow_mut().pop_front().unwrap_or(body.len());
        let body = &body[..given.min(body.len())];
        self.given.set(self.given.get() + body.len());
        let pieces = body.chunks(PIECE).map(Bytes::copy_from_slice).collect();
        let mut host = host;
        if let Some(other) = host.becomes.take() {
            *self.file.borrow_mut() = other;
            host.etag = host.etag.map(|_| "\"another\"");
        }
        let headers = headers.into_iter().map(|(n, v)| (n.to_owned(), v));
        Ok(Download {
            status,
            headers: Headers::new(headers),
            body: Box::new(Pieces(pieces)),
        })
    }
}
