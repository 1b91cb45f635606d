//! Intake: a platform's webhook is verified on its raw bytes, read, and made durable before it is acknowledged.
//!
//! A 2xx means that a later crash cannot lose it. WhatsApp is *claim first*: the media id in the webhook re-mints the
//! link for seven days, so the row and the fetch job are enough, and the answer goes out within Meta's 250 ms. Genesys is
//! *bytes first*: there is only a link, so its file is brought in while Genesys waits (`files`).
//!
//! Where the endpoint names another system, what passed verification is then passed on to it (`onward`).
//!
//! A platform that signs nothing bears a token that we issued (`tokens`); it may ask for things under an endpoint's address too, by a path.
//!
//! Verification comes before parsing and before any AWS call caused by the request: endpoints and secrets are in
//! memory ([`Doorway`]), refreshed by age.

mod files;
mod onward;
mod take;
mod tokens;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use attache_domain::connection::{Directory, Endpoint, Patience};
use attache_domain::conversation::ConversationId;
use attache_domain::event::Announcement;
use attache_domain::ids::EndpointId;
use attache_domain::platforms::{self, Asked};
use attache_domain::signature::handshake::Challenge;
use attache_domain::signature::{Issuer, Secret, Verifier};
use attache_domain::time::Timestamp;
use attache_domain::wire::Headers;
use futures_util::stream::{self, StreamExt};

use crate::batch::chain;
use crate::fetch::Fetch;
use crate::ports::{Answer, Claims, Clock, Conversations, Items, Jobs, Vault};
use tokens::covers;

/// The largest body taken. Meta batches up to about 3 MB; the function could take no more than 6.
pub const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// How long a kept event is remembered: well beyond the seven days for which Meta repeats.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Logged for an event of a number nobody configured. A filter in `template.yaml` looks for it: an alarm follows.
pub const KEPT_UNKNOWN: &str = "kept: nobody configured the number it was sent to";

/// Logged for an event of a connection without a route; looked for like [`KEPT_UNKNOWN`].
pub const KEPT_ROUTELESS: &str = "kept: the connection has no route";

/// Logged for what comes under the id of something else, and is refused; looked for like [`KEPT_UNKNOWN`].
pub const OTHER_CONTENT: &str = "same id, other content: refused; the first stays untouched";

/// How many announcements of one body are worked on at once.
const AT_ONCE: usize = 16;

/// One HTTP request, as received.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The endpoint's name out of the path.
    pub endpoint: String,
    /// The rest of the path behind it, without a slash at its beginning; empty where there is none.
    pub path: String,
    /// The query string, as received.
    pub query: String,
    /// Its headers.
    pub headers: Headers,
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
    /// The challenge, what the sender wants to read, or what was wrong.
    pub body: String,
    /// Whether that is JSON, and not plain text.
    pub is_json: bool,
}

impl Reply {
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            body: body.into(),
            is_json: false,
        }
    }

    fn json(status: u16, body: String) -> Self {
        Self {
            is_json: true,
            ..Self::new(status, body)
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
    /// By what its callers prove themselves, with the live secret, and during a rotation with the one before.
    pub proof: Proof,
    /// The verification call's token.
    pub verify_token: Option<Secret>,
}

/// By what the callers of an endpoint prove themselves.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most endpoints are signed for, and there are few"
)]
pub enum Proof {
    /// By a signature of each body.
    Signed(Verifier),
    /// By a token that we issued.
    Issued(Issuer),
}

/// When each customer was last heard from, as far as this process wrote it down.
#[derive(Default)]
pub struct LastHeard(RefCell<HashMap<ConversationId, Timestamp>>);

/// What intake needs.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The `claims` table.
    pub claims: &'a dyn Claims,
    /// The `conversations` table.
    pub conversations: &'a dyn Conversations,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Seals links.
    pub vault: &'a dyn Vault,
    /// Brings in files that are to be stored before the answer.
    pub fetch: Fetch<'a>,
    /// Time.
    pub clock: &'a dyn Clock,
    /// How long after a webhook `sweep` looks at an item that is not done.
    pub due_in: Duration,
    /// What was written down before.
    pub heard: &'a LastHeard,
}

/// The call in which an announcement came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// How its sender waits.
    pub(crate) patience: Patience,
    /// When it came.
    pub(crate) came_at: Timestamp,
    /// Until when files may take, where it waits for bytes.
    pub(crate) deadline: Timestamp,
    /// Whether it says that it is a test.
    pub(crate) marked: bool,
}

/// Whether an announcement is where a later crash cannot lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is, or there is nothing to be lost.
    Durable,
    /// Its bytes are not in yet; the platform is to come again.
    NotYet,
}

impl Intake<'_> {
    /// Answers one request.
    pub async fn handle(&self, doorway: &Doorway, request: &Request) -> Reply {
        let id = EndpointId::new(request.endpoint.as_str());
        let Some((endpoint, keys)) = doorway.directory.endpoint(&id).zip(doorway.keys.get(&id))
        else {
            return Reply::new(404, "no such endpoint");
        };
        let Some(asked) = platforms::asked(endpoint.profile, &request.path) else {
            return Reply::new(404, "nothing is asked for here");
        };
        if request.body.len() > LARGEST_BODY {
            return Reply::new(413, format!("the body is larger than {LARGEST_BODY} bytes"));
        }
        match (asked, request.method.as_str()) {
            (Asked::Nothing, _) => Reply::new(200, ""),
            (Asked::Token, "POST") => self.issue(endpoint, keys, request),
            (Asked::Webhook, "GET") => verify_subscription(keys, request),
            (Asked::Webhook, "POST") => self.deliver(doorway, endpoint, keys, request).await,
            (Asked::Token | Asked::Webhook, _) => Reply::new(405, "GET or POST"),
        }
    }

    async fn deliver(
        &self,
        doorway: &Doorway,
        endpoint: &Endpoint,
        keys: &Keys,
        request: &Request,
    ) -> Reply {
        let scope = match self.proven(keys, request) {
            Ok(scope) => scope,
            Err(refused) => {
                tracing::warn!(endpoint.id = %endpoint.id, reason = %refused, "webhook refused");
                return Reply::new(401, refused.to_string());
            }
        };
        let correlation = &request.correlation_id;
        let came = (request.path.as_str(), request.body.as_slice());
        let reply = match platforms::parse_at(endpoint.profile, came, self.clock.now()) {
            Ok(announcements) if !covers(&scope, (doorway, endpoint), &announcements) => {
                tracing::warn!(endpoint.id = %endpoint.id, "webhook refused: its token is for another address of the business");
                return Reply::new(403, "the token is for another channel");
            }
            Ok(announcements) => {
                let marked = is_marked(&request.headers);
                let reply = self
                    .take_in((doorway, endpoint), &announcements, marked, correlation)
                    .await;
                self.answered(reply, (doorway, endpoint), &request.path, &announcements)
            }
            Err(unreadable) => {
                tracing::warn!(endpoint.id = %endpoint.id, correlation.id = %correlation, reason = %unreadable, "signed webhook unreadable");
                let text = format!("{unreadable} (correlation id {correlation})");
                Reply::new(400, text)
            }
        };
        // What could not be made durable comes again, and is passed on then.
        if reply.status == 503 {
            return reply;
        }
        match self.pass_on(endpoint, request).await {
            Ok(()) => reply,
            Err(outage) => {
                tracing::error!(endpoint.id = %endpoint.id, correlation.id = %correlation, error = %chain(&outage), "not passed on; the platform is asked to repeat");
                send_again(correlation)
            }
        }
    }

    /// Makes every announcement durable, each on its own; answers 503 if one of them could not be, so that the
    /// platform repeats the whole body and the others are recognised.
    async fn take_in(
        &self,
        (doorway, endpoint): (&Doorway, &Endpoint),
        all: &[Announcement],
        marked: bool,
        correlation: &str,
    ) -> Reply {
        let patience = endpoint.profile.patience();
        let came_at = self.clock.now();
        let deadline = match patience {
            Patience::BytesFirst { inline, .. } => came_at + inline,
            Patience::ClaimFirst => came_at,
        };
        let call = Call {
            patience,
            came_at,
            deadline,
            marked,
        };
        let outcomes: Vec<Answer<Taken>> = stream::iter(all)
            .map(|it| self.take(&doorway.directory, endpoint, it, call))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut reply = Reply::new(200, "");
        for outcome in outcomes {
            match outcome {
                Ok(Taken::Durable) => continue,
                Ok(Taken::NotYet) => {
                    tracing::info!(endpoint.id = %endpoint.id, correlation.id = %correlation, "not stored yet; the platform is asked to repeat");
                }
                Err(outage) => {
                    tracing::error!(endpoint.id = %endpoint.id, correlation.id = %correlation, error = %chain(&outage), "not durable; the platform is asked to repeat");
                }
            }
            reply = send_again(correlation);
        }
        reply
    }
}

/// Whether a call says of itself that it is a test (`S4-17`). Anybody can say so; it counts for what comes over a connection
/// of tests alone.
fn is_marked(headers: &Headers) -> bool {
    headers
        .get("x-synthetic-test")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

fn send_again(correlation: &str) -> Reply {
    let text = format!("not stored; send it again (correlation id {correlation})");
    Reply::new(503, text)
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
