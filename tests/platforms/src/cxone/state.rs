//! What a running CXone stand-in shares between its listeners, its agent and its fetches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

use super::contacts::Contacts;
use super::options::CxoneOptions;
use crate::background::Background;
pub(super) use crate::background::lock;
use crate::faults::{Faults, Point};
use crate::seal::Seal;

pub(super) const ISSUER: &str = "cxone";

/// A message that agents were shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The conversation's thread, or the conversation's id on the documents' surface.
    pub thread: String,
    /// `idOnExternalPlatform`; empty on the documents' surface.
    pub id: String,
    /// The text.
    pub text: String,
    /// The whole body.
    pub body: Value,
    /// Its files.
    pub attachments: Vec<Attachment>,
}

/// A file that agents were shown.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its bytes, or why there are none.
    pub bytes: Result<Bytes, String>,
}

/// A file that was handed over.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// The platform's name for it.
    pub id: String,
    /// Its type, as it was said.
    pub mime: String,
    /// Its name, where one was said.
    pub name: Option<String>,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A file that the store serves.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) bytes: Bytes,
    pub(super) mime: String,
    pub(super) created_at: OffsetDateTime,
}

/// Shared state. Tasks in the background hold it too: whoever owns the stand-in stops them to let it go.
pub(super) struct State {
    pub(super) options: CxoneOptions,
    pub(super) faults: Faults,
    pub(super) client: reqwest::Client,
    /// `host:port` of issuer, API and store.
    pub(super) hosts: [String; 3],
    pub(super) box_url: Mutex<Option<url::Url>>,
    pub(super) events_url: Mutex<Option<url::Url>>,
    /// Clients' tokens, with the moment each dies.
    pub(super) tokens: Mutex<HashMap<String, OffsetDateTime>>,
    pub(super) issued: Mutex<usize>,
    /// The token that the middleware issued to us.
    pub(super) middleware_token: Mutex<Option<String>>,
    pub(super) contacts: Mutex<Contacts>,
    pub(super) limited: Mutex<usize>,
    pub(super) seal: Seal,
    pub(super) stored: Mutex<HashMap<String, Stored>>,
    pub(super) uploads: Mutex<Vec<Uploaded>>,
    pub(super) shown: Mutex<Vec<Shown>>,
    pub(super) violations: Mutex<Vec<String>>,
    /// Changes whenever a message is shown.
    pub(super) background: Arc<Background>,
}

impl State {
    /// The state of a stand-in that nothing has happened to.
    ///
    /// # Errors
    /// If no HTTP client can be built.
    pub(super) fn new(
        options: CxoneOptions,
        points: &'static [Point],
        hosts: [String; 3],
    ) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("the client that fetches attachments and calls the middleware")?;
        let issuer = [hosts[0].as_str()];
        for secret in [&options.access_key_secret, &options.client_secret] {
            options.canary.watch(ISSUER, secret, &issuer);
        }
        Ok(Self {
            faults: Faults::new(ISSUER, points, options.clock.clone()),
            client,
            hosts,
            box_url: Mutex::new(options.box_url.clone()),
            events_url: Mutex::default(),
            tokens: Mutex::default(),
            issued: Mutex::default(),
            middleware_token: Mutex::default(),
            contacts: Mutex::new(Contacts::new(options.contact)),
            limited: Mutex::default(),
            seal: Seal::new(),
            stored: Mutex::default(),
            uploads: Mutex::default(),
            shown: Mutex::default(),
            violations: Mutex::default(),
            background: Arc::default(),
            options,
        })
    }

    /// Notes what no client should do.
    pub(super) fn violated(&self, what: impl Into<String>) {
        lock(&self.violations).push(what.into());
    }

    /// Shows agents a message.
    pub(super) fn show(&self, message: Shown) {
        lock(&self.shown).push(message);
        self.background.changed();
    }

    /// Keeps a file and makes a signed link to it, which dies after `life`.
    pub(super) fn store(&self, id: &str, file: Stored, life: std::time::Duration) -> String {
        let dies_at = (self.options.clock.now() + life).unix_timestamp();
        lock(&self.stored).insert(id.to_owned(), file);
        let hash = self.seal.hash(id, dies_at);
        format!(
            "http://{}/attachments/{id}?Expires={dies_at}&Signature={hash}",
            self.hosts[2]
        )
    }
}
