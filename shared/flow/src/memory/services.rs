//! Twins of the queues, secrets, the vault, the clock, the configuration and the way out.

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::connection::{Directory, SecretName};
use attache_domain::digest::Sha256Digest;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::wire::{CallError, Request, Response};

use super::{Queued, World};
use crate::ports::{
    Answer, Clock, Credential, Directories, Download, Http, Jobs, Outage, Queue, Secrets, Source,
    Vault,
};

#[async_trait(?Send)]
impl Jobs for World {
    async fn send(&self, queue: Queue, body: String, delay: Duration, group: &str) -> Answer<()> {
        self.begin("jobs.send").await?;
        // Whole seconds, as the real queue.
        let visible_at = self.now.get() + Duration::from_secs(delay.as_secs());
        self.state
            .borrow_mut()
            .queues
            .entry(queue)
            .or_default()
            .push(Queued {
                body,
                visible_at,
                group: group.to_owned(),
            });
        self.weather.after("jobs.send").await
    }
}

#[async_trait(?Send)]
impl Secrets for World {
    async fn get(&self, name: &SecretName) -> Answer<Secret> {
        self.begin("secrets.get").await?;
        let found = self.state.borrow().secrets.get(&name.0).cloned();
        found.ok_or_else(|| {
            Outage::new(
                "reading a secret",
                format!("there is no secret {:?}", name.0),
            )
        })
    }
}

#[async_trait(?Send)]
impl Vault for World {
    async fn seal(&self, purpose: &str, subject: &str, secret: &Secret) -> Answer<String> {
        self.begin("vault.seal").await?;
        // The context is bound by its digest; nothing here is secret, it is a twin.
        Ok(format!(
            "{}:{}",
            context(purpose, subject),
            data_encoding::BASE64.encode(secret.expose())
        ))
    }

    async fn open(&self, purpose: &str, subject: &str, sealed: &str) -> Answer<Secret> {
        self.begin("vault.open").await?;
        let text = sealed.strip_prefix(&format!("{}:", context(purpose, subject)));
        let bytes = text.and_then(|text| data_encoding::BASE64.decode(text.as_bytes()).ok());
        let secret = bytes.and_then(|bytes| Secret::new(bytes).ok());
        secret.ok_or_else(|| {
            Outage::new(
                "opening a sealed secret",
                "sealed under another context, or damaged",
            )
        })
    }
}

fn context(purpose: &str, subject: &str) -> String {
    Sha256Digest::of(format!("{purpose}\0{subject}").as_bytes()).to_string()
}

#[async_trait(?Send)]
impl Http for World {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        if let Err(outage) = self.begin("http.call").await {
            return Err(CallError::NotSent(outage.to_string()));
        }
        let answer = self.http.call(request, credential).await;
        match self.weather.after("http.call").await {
            Ok(()) => answer,
            Err(outage) => Err(CallError::NoAnswer(outage.to_string())),
        }
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        if let Err(outage) = self.begin("http.upload").await {
            return Err(CallError::NotSent(outage.to_string()));
        }
        let answer = self.http.upload(request, credential, file).await;
        match self.weather.after("http.upload").await {
            Ok(()) => answer,
            Err(outage) => Err(CallError::NoAnswer(outage.to_string())),
        }
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Download, CallError> {
        if let Err(outage) = self.begin("http.download").await {
            return Err(CallError::NotSent(outage.to_string()));
        }
        self.http.download(request, credential).await
    }
}

#[async_trait(?Send)]
impl Directories for World {
    async fn current(&self) -> Answer<Rc<Directory>> {
        let mut known = self.known.borrow_mut();
        let present = || Rc::clone(&self.directory.borrow());
        Ok(Rc::clone(known.get_or_insert_with(present)))
    }

    async fn newest(&self) -> Answer<Rc<Directory>> {
        self.known.replace(None);
        self.current().await
    }
}

#[async_trait(?Send)]
impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    async fn wait(&self, duration: Duration) {
        self.weather.wait(duration).await;
    }

    fn draw(&self) -> u64 {
        // SplitMix64: every draw another number, the same ones for the same seed.
        let state = self.drawn.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.drawn.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
