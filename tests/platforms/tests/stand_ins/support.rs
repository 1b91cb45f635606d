//! What the scenarios share: a plain client, a callback that answers as told, stand-ins with known data.

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use attache_platforms::{
    faults::{Armed, Faults, Times},
    genesys::{AgentFile, AttachmentLinks, Genesys, GenesysOptions},
    specs::Side,
    whatsapp::{MediaFile, MessageId, WhatsApp, WhatsAppOptions},
};
use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use reqwest::Response;
use serde_json::{Value, json};

/// Longer than anything here takes; a bound, not a pause.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// The place of an answer that never comes.
pub(crate) const SILENCE: u16 = 0;

/// One client for all: making one reads the system's certificates, which takes longer than most scenarios.
/// It keeps no connections, because those belong to the runtime of the test that made them.
pub(crate) fn client() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let client = reqwest::Client::builder().no_proxy().user_agent("scenario");
        let client = client.redirect(reqwest::redirect::Policy::none());
        let client = client.timeout(SOON).pool_max_idle_per_host(0);
        client.build().expect("a client")
    });
    CLIENT.clone()
}

/// A callback that answers with the given statuses in turn, then with 200. [`SILENCE`] is no answer at all.
#[derive(Clone, Default)]
pub(crate) struct Callback {
    pub(crate) received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    pub(crate) challenge: Arc<Mutex<Option<&'static str>>>,
}

impl Callback {
    pub(crate) async fn start(answers: &[u16]) -> (Self, url::Url) {
        let callback = Self::default();
        callback.answers.lock().expect("lock").extend(answers);
        let app = Router::new().route("/hook", get(challenge).post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let app = app.with_state(callback.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (callback, url.parse().expect("a URL"))
    }
}

impl Callback {
    /// The bodies received so far, as JSON.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let received = self.received.lock().expect("lock");
        let bodies = received
            .iter()
            .map(|(_, body)| serde_json::from_slice(body));
        bodies.map(|body| body.expect("JSON")).collect()
    }
}

async fn take(State(callback): State<Callback>, headers: HeaderMap, body: Bytes) -> StatusCode {
    callback
        .received
        .lock()
        .expect("lock")
        .push((headers, body));
    let next = callback.answers.lock().expect("lock").pop_front();
    if next == Some(SILENCE) {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(next.unwrap_or(200)).expect("a status")
}

async fn challenge(State(callback): State<Callback>, RawQuery(query): RawQuery) -> String {
    if let Some(fixed) = *callback.challenge.lock().expect("lock") {
        return fixed.to_owned();
    }
    let query = query.unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(name, _)| name == "hub.challenge");
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// A stand-in whose webhooks go to a callback that answers as told.
pub(crate) async fn whatsapp_calling(
    options: WhatsAppOptions,
    answers: &[u16],
) -> (WhatsApp, Callback) {
    let whatsapp = WhatsApp::start(options).await.expect("starts");
    let (callback, url) = Callback::start(answers).await;
    whatsapp.set_callback(url);
    (whatsapp, callback)
}

/// A stand-in whose customer has sent one photo to a callback that takes everything.
pub(crate) async fn whatsapp_with_photo(
    options: WhatsAppOptions,
) -> (WhatsApp, MessageId, Vec<u8>) {
    let whatsapp = WhatsApp::start(options).await.expect("starts");
    let (_, callback) = Callback::start(&[]).await;
    whatsapp.set_callback(callback);
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let photo = MediaFile::new(bytes.clone(), "image/jpeg").captioned("Look");
    let message = whatsapp.customer().send_media(photo);
    (whatsapp, message, bytes)
}

/// The first hop for a message's medium.
pub(crate) async fn look_up(whatsapp: &WhatsApp, message: &MessageId) -> Response {
    let medium = whatsapp.medium(message).expect("a medium");
    look_up_id(whatsapp, &medium.id).await
}

pub(crate) async fn look_up_id(whatsapp: &WhatsApp, id: &str) -> Response {
    let number = &whatsapp.options().numbers[0].phone_number_id;
    let url = format!(
        "{}/v23.0/{id}?phone_number_id={number}",
        whatsapp.graph_url()
    );
    let request = client()
        .get(url)
        .bearer_auth(&whatsapp.options().access_token);
    request.send().await.expect("an answer")
}

/// A link from the first hop.
pub(crate) async fn link(whatsapp: &WhatsApp, message: &MessageId) -> String {
    let answer = look_up(whatsapp, message).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.expect("JSON");
    answer["url"].as_str().expect("a link").to_owned()
}

/// The second hop.
pub(crate) async fn download(whatsapp: &WhatsApp, link: &str) -> reqwest::Result<Response> {
    let request = client()
        .get(link)
        .bearer_auth(&whatsapp.options().access_token);
    request.send().await
}

pub(crate) async fn genesys(options: GenesysOptions) -> (Genesys, String) {
    let genesys = Genesys::start(options).await.expect("starts");
    let token = token(&genesys).await;
    (genesys, token)
}

pub(crate) async fn ask_token(genesys: &Genesys, secret: &str) -> reqwest::Result<Response> {
    let url = format!("{}/oauth/token", genesys.login_url());
    let request = client()
        .post(url)
        .basic_auth(&genesys.options().client_id, Some(secret));
    request
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
}

pub(crate) async fn token(genesys: &Genesys) -> String {
    let answer = ask_token(genesys, &genesys.options().client_secret).await;
    let answer: Value = answer.expect("an answer").json().await.expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// A stand-in whose agents' webhooks go to a callback that answers as told.
pub(crate) async fn genesys_calling(
    options: GenesysOptions,
    answers: &[u16],
) -> (Genesys, String, Callback) {
    let (genesys, token) = genesys(options).await;
    let (callback, url) = Callback::start(answers).await;
    genesys.set_callback(url);
    (genesys, token, callback)
}

/// Everything a GET can show: status, headers, body as far as it came in order.
pub(crate) async fn get_with(url: &str, token: Option<&str>) -> reqwest::Result<Response> {
    let request = client().get(url);
    match token {
        Some(token) => request.bearer_auth(token).send().await,
        None => request.send().await,
    }
}

/// An inbound message with an optional link.
pub(crate) fn message(id: &str, link: Option<&str>) -> Value {
    let mut body = json!({
        "channel": {
            "messageId": id, "time": "2026-01-15T13:40:00.000Z",
            "from": { "id": "16505551234", "idType": "Phone", "nickname": "Sheena Nelson" }
        },
        "text": "Here is my receipt"
    });
    if let Some(link) = link {
        body["content"] = json!([{ "attachment": {
            "id": "a1", "mediaType": "Image", "url": link, "mime": "image/jpeg", "filename": "r.jpg"
        } }]);
    }
    body
}

pub(crate) async fn post(
    genesys: &Genesys,
    token: &str,
    kind: &str,
    body: &Value,
) -> reqwest::Result<Response> {
    let integration = &genesys.options().integration_id;
    let path = format!("/api/v2/conversations/messages/{integration}/inbound/open/{kind}");
    let request = client()
        .post(format!("{}{path}", genesys.api_url()))
        .bearer_auth(token);
    request.json(body).send().await
}

/// Nothing the stand-ins said themselves broke their contracts.
pub(crate) fn assert_own_words_fit(violations: &[attache_platforms::specs::Violation]) {
    let own: Vec<_> = violations.iter().filter(|v| v.side == Side::Own).collect();
    assert!(own.is_empty(), "{own:?}");
}

/// Status and JSON body of an answer.
pub(crate) async fn status_and_body(answer: reqwest::Result<reqwest::Response>) -> (u16, Value) {
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// A file at one of the two download hosts.
pub(crate) struct Download {
    pub(crate) faults: Faults,
    pub(crate) link: String,
    pub(crate) token: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Download {
    /// Asks for it, with these headers too.
    pub(crate) async fn get(&self, headers: &[(&str, &str)]) -> reqwest::Result<Response> {
        let request = client().get(&self.link);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let add = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        headers.iter().fold(request, add).send().await
    }

    /// Arms a fault for the next request.
    pub(crate) fn arm(&self, name: &str) -> Armed {
        let armed = self.faults.arm_named(name, Times(1));
        armed.unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// The same photo at WhatsApp's download host and at Genesys' object store.
pub(crate) async fn downloads() -> (WhatsApp, Genesys, [Download; 2]) {
    let (whatsapp, message, bytes) = whatsapp_with_photo(WhatsAppOptions::default()).await;
    let at_whatsapp = Download {
        faults: whatsapp.faults().clone(),
        link: link(&whatsapp, &message).await,
        token: Some(whatsapp.options().access_token.clone()),
        bytes: bytes.clone(),
    };
    let options = GenesysOptions {
        attachment_links: AttachmentLinks::Signed,
        ..GenesysOptions::default()
    };
    let (genesys, _, callback) = genesys_calling(options, &[]).await;
    let file = AgentFile::new(bytes.clone(), "image/jpeg").named("r.jpg");
    let sent = genesys.agent().send_file("16505551234", file, "");
    let sent = sent.expect("allowed");
    let waited = genesys.wait_for_delivery(&sent, SOON).await;
    waited.expect("settled");
    let link = callback.bodies()[0]["content"][0]["attachment"]["url"].clone();
    let at_genesys = Download {
        faults: genesys.faults().clone(),
        link: link.as_str().expect("a link").to_owned(),
        token: None,
        bytes,
    };
    (whatsapp, genesys, [at_whatsapp, at_genesys])
}

/// Reads a body as far as it goes: the bytes, and whether it ended in order.
pub(crate) async fn read(mut answer: Response) -> (Vec<u8>, bool) {
    let mut got = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) => got.extend_from_slice(&piece),
            Ok(None) => return (got, true),
            Err(_) => return (got, false),
        }
    }
}
