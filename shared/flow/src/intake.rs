//! Intake: a platform's webhook is verified on its raw bytes, read, and made durable before it is acknowledged.
//!
//! A 2xx means that a later crash cannot lose it. WhatsApp is *claim first*: the media id in the webhook re-mints the
//! link for seven days, so the row and the fetch job are enough, and the answer goes out within Meta's 250 ms.
//!
//! Verification comes before parsing and before any AWS call caused by the request: endpoints and secrets are in
//! memory ([`Doorway`]), refreshed by age.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::connection::{Directory, Endpoint, Profile};
use attache_domain::event::{Admission, Announcement, KeptBecause, Origin, Said, admit};
use attache_domain::ids::EndpointId;
use attache_domain::journey::{Item, Stage};
use attache_domain::platforms::whatsapp;
use attache_domain::signature::handshake::Challenge;
use attache_domain::signature::{Secret, Verifier};
use futures_util::stream::{self, StreamExt};

use crate::batch::chain;
use crate::ports::{Announced, Answer, Claims, Clock, Items, Jobs, KeptEvent, Queue};
use crate::retry;

/// The largest body taken. Meta batches up to about 3 MB; the function could take no more than 6.
pub const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// How long a kept event is remembered: well beyond the seven days for which Meta repeats.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a row is remembered after its webhook.
const RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);

/// How many announcements of one body are worked on at once.
const AT_ONCE: usize = 16;

/// One HTTP request, as received.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The endpoint's name out of the path.
    pub endpoint: String,
    /// The query string, as received.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The raw body, byte for byte as it was sent.
    pub body: Vec<u8>,
    /// Names the request in logs and error answers.
    pub correlation_id: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Plain text: the challenge, or what was wrong.
    pub body: String,
}

impl Reply {
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            body: body.into(),
        }
    }
}

/// Endpoints and their secrets, in memory.
#[derive(Debug, Default)]
pub struct Doorway {
    /// What is configured.
    pub directory: Directory,
    /// The live secrets of each endpoint, and its verify token.
    pub keys: BTreeMap<EndpointId, Keys>,
}

/// The secrets of one endpoint.
#[derive(Debug)]
pub struct Keys {
    /// Checks signatures with the live secret, and during a rotation with the one before.
    pub verifier: Verifier,
    /// The verification call's token.
    pub verify_token: Option<Secret>,
}

/// What intake needs.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The `claims` table.
    pub claims: &'a dyn Claims,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
    /// How long after a webhook `sweep` looks at an item that is not done.
    pub due_in: Duration,
}

impl Intake<'_> {
    /// Answers one request.
    pub async fn handle(&self, doorway: &Doorway, request: &Request) -> Reply {
        let id = EndpointId::new(request.endpoint.as_str());
        let Some((endpoint, keys)) = doorway.directory.endpoint(&id).zip(doorway.keys.get(&id))
        else {
            return Reply::new(404, "no such endpoint");
        };
        match request.method.as_str() {
            "GET" => verify_subscription(keys, request),
            "POST" => self.deliver(doorway, endpoint, keys, request).await,
            _ => Reply::new(405, "GET or POST"),
        }
    }

    async fn deliver(
        &self,
        doorway: &Doorway,
        endpoint: &Endpoint,
        keys: &Keys,
        request: &Request,
    ) -> Reply {
        if request.body.len() > LARGEST_BODY {
            return Reply::new(413, format!("the body is larger than {LARGEST_BODY} bytes"));
        }
        let signature = request
            .headers
            .get(keys.verifier.scheme().header.as_ref())
            .map(String::as_str);
        if let Err(refused) = keys.verifier.verify(signature, &request.body) {
            tracing::warn!(endpoint.id = %endpoint.id, reason = %refused, "webhook refused");
            return Reply::new(401, refused.to_string());
        }
        match endpoint.profile {
            Profile::WhatsApp => {}
            // Acknowledging what nobody reads would lose it in silence.
            Profile::GenesysOpenMessaging => {
                return Reply::new(
                    501,
                    "this version takes nothing in from genesys-open-messaging",
                );
            }
        }
        let announcements = match whatsapp::parse(&request.body) {
            Ok(announcements) => announcements,
            Err(unreadable) => {
                let text = format!("{unreadable} (correlation id {})", request.correlation_id);
                tracing::warn!(endpoint.id = %endpoint.id, correlation.id = %request.correlation_id, reason = %unreadable, "signed webhook unreadable");
                return Reply::new(400, text);
            }
        };
        self.take_in(doorway, endpoint, &announcements, &request.correlation_id)
            .await
    }

    /// Makes every announcement durable, each on its own; answers 503 if one of them could not be, so that the
    /// platform repeats the whole body and the others are recognised.
    async fn take_in(
        &self,
        doorway: &Doorway,
        endpoint: &Endpoint,
        all: &[Announcement],
        correlation: &str,
    ) -> Reply {
        let outcomes: Vec<Answer<()>> = stream::iter(all)
            .map(|announcement| self.take(doorway, endpoint, announcement))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut reply = Reply::new(200, "");
        for outage in outcomes.into_iter().filter_map(Result::err) {
            tracing::error!(endpoint.id = %endpoint.id, correlation.id = %correlation, error = %chain(&outage), "not durable; the platform is asked to repeat");
            reply = Reply::new(
                503,
                format!("not stored; send it again (correlation id {correlation})"),
            );
        }
        reply
    }

    async fn take(
        &self,
        doorway: &Doorway,
        endpoint: &Endpoint,
        announcement: &Announcement,
    ) -> Answer<()> {
        match admit(announcement, &endpoint.id, &doorway.directory) {
            Admission::Carry(origin) => self.carry(*origin).await,
            Admission::Keep(because) => self.keep(endpoint, announcement, because).await,
        }
    }

    async fn carry(&self, origin: Origin) -> Answer<()> {
        let item = Item::announce(origin, self.clock.now(), self.due_in, RETENTION);
        match self.items.announce(&item).await? {
            Announced::New => self.begin(&item).await,
            Announced::Known(known) if !known.origin.same_content(&item.origin) => {
                tracing::error!(media.id = %item.id, "same id, other content: refused; the first stays untouched");
                Ok(())
            }
            // The row is durable, but perhaps the process died before its job was sent.
            Announced::Known(known) if known.gate.stage == Stage::Announced => {
                self.begin(&known).await
            }
            Announced::Known(known) => {
                tracing::info!(media.id = %item.id, media.stage = known.gate.stage.as_str(), "duplicate webhook");
                Ok(())
            }
        }
    }

    async fn begin(&self, item: &Item) -> Answer<()> {
        let job = item.job(&item.origin.connection);
        retry::send(self.jobs, Queue::Fetch, &job, Duration::ZERO).await?;
        tracing::info!(media.id = %item.id, connection.id = %item.origin.connection, "announced");
        Ok(())
    }

    async fn keep(
        &self,
        endpoint: &Endpoint,
        announcement: &Announcement,
        because: KeptBecause,
    ) -> Answer<()> {
        let now = self.clock.now();
        let suffix = match &announcement.said {
            Said::Other(kind) if kind.starts_with("status:") => format!("/{kind}"),
            Said::Other(_) | Said::Notice(_) | Said::Media(_) => String::new(),
        };
        let event = KeptEvent {
            id: format!("{}/{}{suffix}", endpoint.id, announcement.message),
            because,
            slice: announcement.slice.clone(),
            at: now,
            expires_at: now + KEPT_FOR,
        };
        if self.claims.keep(&event).await? {
            match because {
                KeptBecause::UnknownBusiness => {
                    tracing::error!(endpoint.id = %endpoint.id, event.id = %event.id, "kept: nobody configured the number it was sent to");
                }
                KeptBecause::NoRoute | KeptBecause::NotCarried => {
                    tracing::warn!(endpoint.id = %endpoint.id, event.id = %event.id, reason = ?because, "kept, not carried");
                }
            }
        }
        Ok(())
    }
}

fn verify_subscription(keys: &Keys, request: &Request) -> Reply {
    let Some(token) = &keys.verify_token else {
        return Reply::new(403, "this endpoint has no verify token");
    };
    match Challenge::answer(&request.query, token) {
        Ok(challenge) => Reply::new(200, challenge.as_str()),
        Err(refused) => Reply::new(403, refused.to_string()),
    }
}
