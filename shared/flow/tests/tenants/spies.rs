//! Ports that note what they are asked for, and do it.

use std::cell::RefCell;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::connection::SecretName;
use attache_domain::conversation::{Conversation, ConversationId, Heard, Invitation, SentItem};
use attache_domain::ids::MediaId;
use attache_domain::pull::GivenLink;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_flow::memory::World;
use attache_flow::ports::{
    Answer, Arrival, Bytestream, Conversations, Head, Objects, Secrets, Source, Stored,
};

/// What was asked for, by the names of what was looked at.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) objects: RefCell<Vec<MediaId>>,
    pub(crate) secrets: RefCell<Vec<String>>,
    pub(crate) conversations: RefCell<Vec<String>>,
}

/// A world whose files, secrets and conversations are watched.
pub(crate) struct Spied<'a> {
    pub(crate) world: &'a World,
    pub(crate) notes: &'a Notes,
}

impl Spied<'_> {
    fn object(&self, id: &MediaId) {
        self.notes.objects.borrow_mut().push(id.clone());
    }

    fn conversation(&self, id: &ConversationId) {
        let id = id.as_str().to_owned();
        self.notes.conversations.borrow_mut().push(id);
    }
}

#[async_trait(?Send)]
impl Objects for Spied<'_> {
    async fn head(&self, id: &MediaId) -> Answer<Option<Head>> {
        self.object(id);
        self.world.head(id).await
    }

    async fn store(&self, arrival: &Arrival, source: &mut dyn Source) -> Answer<Stored> {
        self.object(&arrival.id);
        self.world.store(arrival, source).await
    }

    async fn open(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Bytestream>>> {
        self.object(id);
        Objects::open(self.world, id, etag).await
    }

    async fn stream(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Source>>> {
        self.object(id);
        self.world.stream(id, etag).await
    }

    async fn quarantine(&self, id: &MediaId) -> Answer<()> {
        self.object(id);
        self.world.quarantine(id).await
    }

    async fn erase(&self, id: &MediaId, upload: Option<&str>) -> Answer<()> {
        self.object(id);
        self.world.erase(id, upload).await
    }

    async fn remove(&self, id: &MediaId) -> Answer<()> {
        self.object(id);
        self.world.remove(id).await
    }

    async fn link(
        &self,
        id: &MediaId,
        served: (&str, &str),
        when: (Timestamp, Duration),
    ) -> Answer<GivenLink> {
        self.object(id);
        Objects::link(self.world, id, served, when).await
    }
}

#[async_trait(?Send)]
impl Secrets for Spied<'_> {
    async fn get(&self, name: &SecretName) -> Answer<Secret> {
        self.notes.secrets.borrow_mut().push(name.0.clone());
        self.world.get(name).await
    }
}

#[async_trait(?Send)]
impl Conversations for Spied<'_> {
    async fn heard(&self, id: &ConversationId, heard: &Heard) -> Answer<()> {
        self.conversation(id);
        self.world.heard(id, heard).await
    }

    async fn link(&self, id: &ConversationId, agent_side: &str) -> Answer<()> {
        self.conversation(id);
        Conversations::link(self.world, id, agent_side).await
    }

    async fn invite(
        &self,
        id: &ConversationId,
        invitation: &Invitation,
        since: Timestamp,
    ) -> Answer<bool> {
        self.conversation(id);
        self.world.invite(id, invitation, since).await
    }

    async fn sent(&self, id: &ConversationId, sent: &SentItem) -> Answer<()> {
        self.conversation(id);
        self.world.sent(id, sent).await
    }

    async fn seen(
        &self,
        id: &ConversationId,
        known: &Conversation,
        until: Timestamp,
    ) -> Answer<()> {
        self.conversation(id);
        self.world.seen(id, known, until).await
    }

    async fn load(&self, id: &ConversationId) -> Answer<Conversation> {
        self.conversation(id);
        Conversations::load(self.world, id).await
    }
}
