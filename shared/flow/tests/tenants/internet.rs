//! The platforms of all tenants. Every host and every credential says whose it is; every call is looked at.

use std::cell::{Cell, RefCell};

use async_trait::async_trait;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Headers, Request, Response};
use attache_flow::ports::{Credential, Download, Http, Source, SourceError};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::site::TENANTS;

/// What every file says; a text that inspection finds clean.
const FILE: &[u8] = b"A file that somebody sent.\n";

/// A call, as far as it matters.
pub(crate) struct Call {
    /// Whose host it went to, if it is anybody's.
    pub(crate) host_of: Option<&'static str>,
    /// Whose credential went along, if one did.
    pub(crate) credential_of: Option<&'static str>,
    /// Host and path.
    pub(crate) at: String,
    /// What was sent.
    pub(crate) body: String,
}

/// The platforms.
#[derive(Default)]
pub(crate) struct Internet {
    /// Since the last look.
    pub(crate) seen: RefCell<Vec<Call>>,
    count: Cell<usize>,
}

struct Once(Option<Bytes>);

#[async_trait(?Send)]
impl Source for Once {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}

/// The tenant whose name ends `text` behind `mark`.
fn whose(text: &str, mark: &str) -> Option<&'static str> {
    TENANTS
        .into_iter()
        .find(|tenant| text.contains(&format!("{mark}{tenant}")))
}

fn credential_of(credential: &Credential) -> Option<&'static str> {
    let secret = match credential {
        Credential::None => return None,
        Credential::Bearer(secret)
        | Credential::Basic { secret, .. }
        | Credential::ClientAndPassword { secret, .. }
        | Credential::Header { token: secret, .. } => secret,
    };
    let text = String::from_utf8_lossy(secret.expose()).into_owned();
    Some(whose(&text, "of-").unwrap_or("nobody"))
}

fn response(body: &Value) -> Response {
    Response {
        status: 200,
        headers: Headers::default(),
        body: body.to_string().into_bytes(),
    }
}

impl Internet {
    /// Whose host it is: `api.b.example` is b's.
    fn note(&self, request: &Request, credential: &Credential) -> (Option<&'static str>, usize) {
        let host = request.url.host_str().unwrap_or_default();
        let host_of = TENANTS
            .into_iter()
            .find(|tenant| host.ends_with(&format!(".{tenant}.example")));
        let body = match &request.body {
            Body::Json(text) => text.clone(),
            other => format!("{other:?}"),
        };
        self.count.set(self.count.get() + 1);
        self.seen.borrow_mut().push(Call {
            host_of,
            credential_of: credential_of(credential),
            at: format!("{host}{}", request.url.path()),
            body,
        });
        (host_of, self.count.get())
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.count.get()
    }

    /// What a tenant's agents were told since the last look.
    pub(crate) fn told(&self, tenant: &str) -> Vec<String> {
        let seen = self.seen.borrow();
        let inbound = seen.iter().filter(|call| {
            call.host_of == Some(tenant) && call.at.ends_with("/inbound/open/message")
        });
        let text = |call: &Call| {
            let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
            body["text"].as_str().unwrap_or_default().to_owned()
        };
        inbound.map(text).collect()
    }
}

#[async_trait(?Send)]
impl Http for Internet {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let (host_of, count) = self.note(request, credential);
        let path = request.url.path();
        let Some(tenant) = host_of else {
            return Err(CallError::NotSent("no such host".to_owned()));
        };
        Ok(response(&if path == "/oauth/token" {
            json!({"access_token": format!("token-{count}-of-{tenant}"), "token_type": "bearer", "expires_in": 86_399})
        } else if path.ends_with("/inbound/open/message") {
            json!({"id": format!("genesys-{count}"), "conversationId": format!("conversation-{count}")})
        } else if path.ends_with("/inbound/open/receipt") {
            json!({"id": "receipt"})
        } else if path.ends_with("/messages") {
            json!({"messages": [{"id": format!("wamid.out.{tenant}.{count}")}]})
        } else if path.contains("/downloads/") {
            json!({"url": format!("https://signed.{tenant}.example/x?sig=1")})
        } else {
            json!({"url": format!("https://media.{tenant}.example/x?hash=1"), "file_size": FILE.len()})
        }))
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        mut file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        let (_, count) = self.note(request, credential);
        while file.next().await.is_ok_and(|piece| piece.is_some()) {}
        Ok(response(&json!({ "id": format!("uploaded-{count}") })))
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        _rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        self.note(request, credential);
        let length = ("content-length".to_owned(), FILE.len().to_string());
        Ok(Download {
            status: 200,
            headers: Headers::new([length]),
            body: Box::new(Once(Some(Bytes::from_static(FILE)))),
        })
    }
}
