//! Calls to the platforms, by HTTP/1.1 over TLS.
//!
//! **Promises.** Redirects are never followed, no proxy is used, no cookie kept, no body unpacked, nothing sent twice.
//! Each hop is judged before a packet leaves: HTTPS only and no private address, unless the connection is marked
//! `local`. Names are resolved here, addresses that are not public are dropped, and the connection is made to one of
//! those that are left. No error's text holds a query or a credential.
//!
//! An error says what can have happened: anything but [`CallError::NoAnswer`] only where certainly nothing was sent.
//!
//! A file to be sent is read while it is sent (`form`): a piece waits while another is on the wire.

mod body;
mod failed;
mod form;
mod resolver;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::egress;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Headers, Method, Request, Response};
use attache_flow::batch::chain;
use attache_flow::ports::{Credential, Download, Http, Source};
use data_encoding::BASE64;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, IF_RANGE, RANGE,
};
use reqwest::{Client, RequestBuilder};
use tokio::sync::mpsc;

use crate::feed::{Fed, Feed, feed};
use failed::classify;
use form::Form;
use resolver::{Judged, Names, Resolver, System};

/// Time to connect, TLS included.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a stream of bytes may pause before it counts as broken.
const IDLE: Duration = Duration::from_secs(20);

/// How long a connection is kept for another call. Shorter than what common load balancers keep, so that a call is
/// rarely sent into a connection the other side is just closing.
const KEPT: Duration = Duration::from_secs(15);

/// What every call asks of caches.
const NO_STORE: &str = "no-store, no-cache, must-revalidate";

/// The way out to the platforms. Two clients, each built with its first use: most functions never need the local one.
#[derive(Debug)]
pub struct Platforms {
    public: OnceCell<Client>,
    local: OnceCell<Client>,
    names: Arc<dyn Names>,
    idle: Duration,
}

impl Platforms {
    /// With no connection open yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            public: OnceCell::new(),
            local: OnceCell::new(),
            names: Arc::new(System),
            idle: IDLE,
        }
    }

    fn client(&self, local: bool) -> Result<Client, CallError> {
        let kept = if local { &self.local } else { &self.public };
        if let Some(client) = kept.get() {
            return Ok(client.clone());
        }
        let client = build(local, Arc::clone(&self.names))
            .map_err(|e| CallError::NotSent(chain(&e.without_url())))?;
        Ok(kept.get_or_init(|| client).clone())
    }

    /// A request, judged and made ready to leave; a form still without its body.
    fn prepare(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<RequestBuilder, CallError> {
        judge(request)?;
        let client = self.client(request.local)?;
        let url = request.url.clone();
        let builder = match request.method {
            Method::Get => client.get(url),
            Method::Post => client.post(url),
            Method::Put => client.put(url),
            Method::Patch => client.patch(url),
            Method::Delete => client.delete(url),
        };
        let builder = match &request.body {
            Body::Empty => builder,
            Body::Json(text) => builder
                .header(CONTENT_TYPE, "application/json")
                .body(text.clone()),
            Body::Form(fields) => builder.form(&with_password(fields, credential)?),
            Body::Base64(_) => builder.header(CONTENT_TYPE, "application/json"),
            Body::Multipart(form) => builder.header(CONTENT_TYPE, form.content_type()),
            Body::File(file) => builder
                .header(CONTENT_TYPE, &file.content_type)
                .headers(given(&file.headers)?),
            Body::Verbatim(verbatim) => builder
                .headers(given(&verbatim.headers)?)
                .body(verbatim.bytes.clone()),
        };
        Ok(match authorization(credential)? {
            Some((name, value)) => builder.header(name, value),
            None => builder,
        })
    }
}

impl Default for Platforms {
    fn default() -> Self {
        Self::new()
    }
}

fn build(local: bool, names: Arc<dyn Names>) -> reqwest::Result<Client> {
    let headers = HeaderMap::from_iter([
        // Files must arrive as they are: digests and lengths are of the bytes sent, not of what they unpack to.
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        // Of an edge on the way, nothing is to be an answer that was kept for somebody else (`S0-77`).
        (CACHE_CONTROL, HeaderValue::from_static(NO_STORE)),
    ]);
    let builder = Client::builder()
        .user_agent(concat!("attache/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(KEPT)
        .tcp_nodelay(true)
        .https_only(!local);
    let judged = if local { Judged::Local } else { Judged::Public };
    builder.dns_resolver(Resolver { judged, names }).build()
}

/// Scheme, credentials in the link and literal addresses. Whether the host is one of the connection's was judged by
/// whoever made the request: only there the list is known.
fn judge(request: &Request) -> Result<(), CallError> {
    let host = request.url.host_str().unwrap_or_default();
    let authority = match request.url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    egress::judge(&request.url, &[authority], request.local)
        .map_err(|refused| CallError::Refused(refused.to_string()))
}

fn authorization(credential: &Credential) -> Result<Option<(HeaderName, HeaderValue)>, CallError> {
    let unfit = || CallError::Refused("the credential does not fit into a header".to_owned());
    let (name, value) = match credential {
        Credential::None => return Ok(None),
        Credential::Bearer(token) => (AUTHORIZATION, [b"Bearer ", token.expose()].concat()),
        Credential::Header { name, token } => {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| unfit())?;
            (name, token.expose().to_vec())
        }
        Credential::Basic { id, secret } | Credential::ClientAndPassword { id, secret, .. } => {
            let pair = [id.as_bytes(), b":", secret.expose()].concat();
            let value = format!("Basic {}", BASE64.encode(&pair)).into_bytes();
            (AUTHORIZATION, value)
        }
    };
    let mut value = HeaderValue::from_bytes(&value).map_err(|_| unfit())?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// The fields of a form, with the password that belongs to the credential.
fn with_password<'a>(
    fields: &'a [(String, String)],
    credential: &'a Credential,
) -> Result<Vec<(&'a str, &'a str)>, CallError> {
    let mut all: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    if let Credential::ClientAndPassword { password, .. } = credential {
        let password = std::str::from_utf8(password.expose())
            .map_err(|_| CallError::Refused("the password is no text".to_owned()))?;
        all.push(("password", password));
    }
    Ok(all)
}

/// The headers that belong to bytes; they take the place of our own of the same name.
fn given(of_bytes: &BTreeMap<String, String>) -> Result<HeaderMap, CallError> {
    let unfit = |name: &String| CallError::Refused(format!("header {name:?} cannot be sent"));
    let mut headers = HeaderMap::new();
    for (name, value) in of_bytes {
        let fit = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit(name))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unfit(name))?;
        value.set_sensitive(true);
        headers.insert(fit, value);
    }
    Ok(headers)
}

/// Sends a request and reads its answer whole.
async fn exchange(call: RequestBuilder) -> Result<Response, CallError> {
    let answer = call.send().await.map_err(classify)?;
    Ok(Response {
        status: answer.status().as_u16(),
        headers: headers(answer.headers()),
        body: body::read(answer).await.map_err(classify)?,
    })
}

/// Headers as the domain reads them. A value that is not text is left out: nothing we read is.
fn headers(map: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| value.to_str().ok().map(ToOwned::to_owned);
    Headers::new(
        map.iter()
            .filter_map(|(name, value)| Some((name.to_string(), text(value)?))),
    )
}

#[async_trait(?Send)]
impl Http for Platforms {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        if matches!(
            request.body,
            Body::Multipart(_) | Body::File(_) | Body::Base64(_)
        ) {
            return Err(CallError::Refused("a body without its file".to_owned()));
        }
        exchange(self.prepare(request, credential)?.timeout(request.patience)).await
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        let (mut whole, size) = match &request.body {
            Body::Multipart(form) => (Form::new(form, file), form.content_length()),
            Body::File(body) => (Form::bare(file), body.size_bytes),
            Body::Base64(body) => (Form::base64(body, file), body.content_length()),
            _ => return Err(CallError::Refused("a file without its place".to_owned())),
        };
        let call = self.prepare(request, credential)?.timeout(request.patience);
        // One piece waits in the channel while another is on the wire.
        let (pieces, taken) = mpsc::channel(1);
        let call = call.body(reqwest::Body::wrap(Feed::new(taken, size)));
        let (answered, feeding) = (exchange(call), feed(&mut whole, size, pieces));
        tokio::pin!(answered, feeding);
        let fed = tokio::select! {
            biased;
            // Over before all was sent: refused, most likely.
            done = &mut answered => return done,
            fed = &mut feeding => fed,
        };
        match fed {
            Fed::Whole => answered.await,
            // The request is dropped with its last piece unsent: the connection ends, and the form is never complete.
            Fed::Ended(error) => Err(CallError::NoAnswer(format!("given up: {error}"))),
            Fed::Stalled => Err(CallError::NoAnswer("it took no more bytes".to_owned())),
        }
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        let mut call = self.prepare(request, credential)?;
        if let Some(rest) = rest {
            call = call
                .header(RANGE, rest.range())
                .header(IF_RANGE, &rest.validator);
        }
        let answer = match tokio::time::timeout(request.patience, call.send()).await {
            Ok(answer) => answer.map_err(classify)?,
            Err(_) => {
                let text = format!("no headers within {:?}", request.patience);
                return Err(CallError::NoAnswer(text));
            }
        };
        Ok(Download {
            status: answer.status().as_u16(),
            headers: headers(answer.headers()),
            body: Box::new(body::Streamed::new(answer, self.idle)),
        })
    }
}

#[cfg(test)]
mod tests;
