//! The ports that nothing stands before but a planted bug, where a test asks for one.

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::conversation::{Conversation, ConversationId, Heard, Invitation, SentItem};
use attache_domain::ids::{MediaId, MessageId};
use attache_domain::journey::Stage;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Rest;
use attache_domain::wire::{Body, CallError, Request, Response};
use attache_flow::ports::{
    Answer, Claims, Conversations, Credential, Download, Http, Jobs, KeptEvent, KeptPage, Limits,
    Queue, Settled, Source, Wanted,
};
use serde_json::Value;

use crate::ports::Ports;
use crate::sabotage::Sabotage;
use crate::scene::{API, GRAPH, SIGNED};

#[async_trait(?Send)]
impl Claims for Ports {
    async fn keep(&self, event: &KeptEvent) -> Answer<bool> {
        self.world.keep(event).await
    }

    async fn kept(&self, wanted: &Wanted, after: Option<&str>) -> Answer<KeptPage> {
        self.world.kept(wanted, after).await
    }

    async fn settle(&self, id: &str, settled: &Settled) -> Answer<bool> {
        self.world.settle(id, settled).await
    }

    async fn count_try(&self, key: &str, expires_at: Timestamp) -> Answer<u32> {
        let tries = self.world.count_try(key, expires_at).await?;
        let forgets = self.sabotage == Sabotage::ForgetTries;
        Ok(if forgets { 1 } else { tries })
    }

    async fn name(
        &self,
        alias: &str,
        item: &MediaId,
        expires_at: Timestamp,
    ) -> Answer<Option<MediaId>> {
        if self.sabotage == Sabotage::ForgetNotes && alias.starts_with("said/") {
            return Ok(None);
        }
        self.world.name(alias, item, expires_at).await
    }

    async fn named(&self, alias: &str) -> Answer<Option<MediaId>> {
        if self.sabotage == Sabotage::DropEarlyEvents {
            let named = self.world.named(alias).await?;
            let early = |id: &MediaId| {
                let state = self.world.state.borrow();
                let item = state.items.get(id);
                item.is_some_and(|item| item.gate.stage == Stage::Uploading)
            };
            return Ok(named.filter(|id| !early(id)));
        }
        self.world.named(alias).await
    }

    async fn handed_over(&self, key: &str, now: Timestamp) -> Answer<Option<String>> {
        self.world.handed_over(key, now).await
    }

    async fn hand_over(&self, key: &str, called: &str, until: Timestamp) -> Answer<()> {
        self.world.hand_over(key, called, until).await
    }
}

#[async_trait(?Send)]
impl Conversations for Ports {
    async fn heard(&self, id: &ConversationId, heard: &Heard) -> Answer<()> {
        self.world.heard(id, heard).await
    }

    async fn link(&self, id: &ConversationId, agent_side: &str) -> Answer<()> {
        Conversations::link(&*self.world, id, agent_side).await
    }

    async fn invite(
        &self,
        id: &ConversationId,
        invitation: &Invitation,
        since: Timestamp,
    ) -> Answer<bool> {
        self.world.invite(id, invitation, since).await
    }

    async fn sent(&self, id: &ConversationId, sent: &SentItem) -> Answer<()> {
        self.world.sent(id, sent).await
    }

    async fn seen(
        &self,
        id: &ConversationId,
        known: &Conversation,
        until: Timestamp,
    ) -> Answer<()> {
        self.world.seen(id, known, until).await
    }

    async fn load(&self, id: &ConversationId) -> Answer<Conversation> {
        let mut known = Conversations::load(&*self.world, id).await?;
        if self.sabotage == Sabotage::IgnoreWindow {
            known.heard = Some(Heard {
                at: self.scene.agenda.now(),
                message: MessageId::new("wamid.now"),
                name: None,
            });
        }
        Ok(known)
    }
}

#[async_trait(?Send)]
impl Jobs for Ports {
    async fn send(&self, queue: Queue, body: String, delay: Duration, group: &str) -> Answer<()> {
        let body = if self.sabotage == Sabotage::ForgetBundles {
            body.replace(",\"bundled\":true", "")
        } else {
            body
        };
        self.world.send(queue, body, delay, group).await
    }
}

#[async_trait(?Send)]
impl Http for Ports {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        let host = request.url.host_str().unwrap_or_default();
        if host == API {
            *self.kept.borrow_mut() = credential.clone();
        }
        let changed = (self.sabotage == Sabotage::DropCaptions).then(|| without_caption(request));
        let request = changed.as_ref().unwrap_or(request);
        let answer = self.world.call(request, credential).await;
        let receipt = request.url.path().ends_with("/receipt");
        if receipt && answer.is_ok() && self.sabotage == Sabotage::ReceiptTwice {
            return Err(CallError::NoAnswer("overheard".to_owned()));
        }
        match answer {
            Err(CallError::NoAnswer(why))
                if host == GRAPH && self.sabotage == Sabotage::RepeatUnknown =>
            {
                Err(CallError::NotSent(why))
            }
            answer => answer,
        }
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        self.world.upload(request, credential, file).await
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        if self.sabotage == Sabotage::AskAlways {
            let asked = self.world.known("host").await;
            asked.map_err(|outage| CallError::NotSent(outage.to_string()))?;
        }
        let signed = request.url.host_str() == Some(SIGNED);
        if signed && self.sabotage == Sabotage::TokenEverywhere {
            let kept = self.kept.borrow().clone();
            return self.world.download(request, &kept, rest).await;
        }
        self.world.download(request, credential, rest).await
    }
}

fn without_caption(request: &Request) -> Request {
    let mut request = request.clone();
    if let Body::Json(text) = &mut request.body {
        let mut body: Value = serde_json::from_str(text).unwrap_or_default();
        for kind in ["image", "document"] {
            if let Some(file) = body.get_mut(kind).and_then(Value::as_object_mut) {
                file.remove("caption");
            }
        }
        *text = body.to_string();
    }
    request
}
