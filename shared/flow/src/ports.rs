//! What the loops need of the world. Implemented by `edge` over the AWS SDKs and by [`crate::memory`] for tests and
//! the simulation; [`crate::conformance`] holds both to the same behaviour.
//!
//! A port's error is an [`Outage`]: the world failed, not the work. Outcomes that the protocol foresees (a refused
//! claim, an object that exists already) are values, not errors.

use std::error::Error;
use std::io::{Read, Seek};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::claim::Terms;
use attache_domain::connection::{AuthHeader, Connection, Directory, SecretName};
use attache_domain::conversation::{Conversation, ConversationId, Heard, Invitation, SentItem};
use attache_domain::digest::Sha256Digest;
use attache_domain::event::KeptBecause;
use attache_domain::ids::{ConnectionId, EndpointId, MediaId};
use attache_domain::journey::{Item, StoredObject};
use attache_domain::pacing::gcra;
use attache_domain::pull::GivenLink;
use attache_domain::scan::Scanned;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::TokenRow;
use attache_domain::transfer::{Part, Rest};
use attache_domain::wire::{CallError, Headers, Request, Response};
use bytes::Bytes;

/// The world did not do its part: a service failed, answered nonsense or was out of reach. Whether a write took
/// effect is unknown. The record is left to be delivered again; every step is made so that this is harmless.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Outage {
    /// What we were doing.
    pub doing: String,
    /// What happened.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl Outage {
    /// Wraps an error with what we were doing.
    pub fn new(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            doing: doing.into(),
            source: source.into(),
        }
    }
}

/// Answer of a port.
pub type Answer<T> = Result<T, Outage>;

/// What became of an announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announced {
    /// The row is new.
    New,
    /// The row was there; this is it.
    Known(Box<Item>),
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Taken; this is the row as the claim left it.
    Granted(Box<Item>),
    /// Refused; this is the row that refused it. [`Terms::refusal`] says why.
    Refused(Box<Item>),
    /// There is no such row.
    Missing,
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Written; the item in hand carries the new revision.
    Done,
    /// Somebody else wrote in between; nothing was written.
    Overtaken,
}

/// The `media` table.
#[async_trait(?Send)]
pub trait Items {
    /// Creates the row unless it exists. One call, whatever comes of it.
    async fn announce(&self, item: &Item) -> Answer<Announced>;
    /// Takes the lease by one conditional write, which touches the gate alone.
    async fn claim(&self, id: &MediaId, terms: &Terms) -> Answer<Claimed>;
    /// Reads the row, consistently.
    async fn load(&self, id: &MediaId) -> Answer<Option<Item>>;
    /// Writes the row if its revision is still the item's, and raises the revision in both. A repeat of a write that
    /// took effect unnoticed is `Done`.
    async fn save(&self, item: &mut Item) -> Answer<Saved>;
    /// Up to `limit` items whose due time has passed, oldest first in each shard; may lag behind the rows.
    async fn overdue(&self, now: Timestamp, limit: usize) -> Answer<Vec<MediaId>>;
}

/// An event that is kept rather than carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    /// `<endpoint>/<message id>`, with `/<status>` for statuses.
    pub id: String,
    /// The endpoint it came to.
    pub endpoint: EndpointId,
    /// Why.
    pub because: KeptBecause,
    /// The message's own slice of the webhook, JSON text.
    pub slice: String,
    /// When it came.
    pub at: Timestamp,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// Which of the kept events are asked for: those that can be taken in again and were not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Only those that came to this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only those that came then or later.
    pub since: Timestamp,
    /// Only those that came before.
    pub until: Timestamp,
    /// What was to be forgotten by now counts as gone.
    pub now: Timestamp,
}

/// Some of the kept events, in no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptPage {
    /// The events; there may be none although more follow.
    pub events: Vec<KeptEvent>,
    /// The page to ask for next; `None`: this was the last.
    pub next: Option<String>,
}

/// That a kept event was taken in again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// When.
    pub at: Timestamp,
    /// Why, in the words of the person who did it.
    pub reason: Option<String>,
}

/// The `claims` table.
#[async_trait(?Send)]
pub trait Claims {
    /// Keeps the event; `false` if it was kept already.
    async fn keep(&self, event: &KeptEvent) -> Answer<bool>;
    /// A page of the events that are kept for lack of configuration and are not settled; `None` asks for the first.
    async fn kept(&self, wanted: &Wanted, page: Option<&str>) -> Answer<KeptPage>;
    /// Writes down that a kept event was taken in again; `false` if that was done before, or it is not kept any more.
    async fn settle(&self, id: &str, settled: &Settled) -> Answer<bool>;
    /// Counts one more try of the sender to deliver what `key` names; the count, from 1.
    async fn count_try(&self, key: &str, expires_at: Timestamp) -> Answer<u32>;
    /// Remembers which item a name means. The first stays: the item that has it already, if it was given away before.
    async fn name(
        &self,
        alias: &str,
        item: &MediaId,
        expires_at: Timestamp,
    ) -> Answer<Option<MediaId>>;
    /// The item of that name.
    async fn named(&self, alias: &str) -> Answer<Option<MediaId>>;
    /// What a platform calls the bytes it was given under this key, if it holds them at `now` as far as anybody knows.
    async fn handed_over(&self, key: &str, now: Timestamp) -> Answer<Option<String>>;
    /// Writes down what a platform calls bytes that it was given, and until when it holds them. The last word counts.
    async fn hand_over(&self, key: &str, called: &str, until: Timestamp) -> Answer<()>;
}

/// The `conversations` table.
#[async_trait(?Send)]
pub trait Conversations {
    /// Writes down that the customer wrote, unless a later message is known.
    async fn heard(&self, id: &ConversationId, heard: &Heard) -> Answer<()>;
    /// Writes down what the agent's platform calls the conversation.
    async fn link(&self, id: &ConversationId, agent_side: &str) -> Answer<()>;
    /// Writes down that the customer is invited to write; `false` if another invitation after `since` is known.
    async fn invite(
        &self,
        id: &ConversationId,
        invitation: &Invitation,
        since: Timestamp,
    ) -> Answer<bool>;
    /// Writes down that an item was sent to the customer. Of more than [`MOST_SENT`](attache_domain::conversation::MOST_SENT) the
    /// oldest are forgotten.
    async fn sent(&self, id: &ConversationId, sent: &SentItem) -> Answer<()>;
    /// Forgets what the customer has seen: all that was sent up to `until`. What came behind `known` stays.
    async fn seen(&self, id: &ConversationId, known: &Conversation, until: Timestamp)
    -> Answer<()>;
    /// Reads what is known; empty if nothing is.
    async fn load(&self, id: &ConversationId) -> Answer<Conversation>;
}

/// What is known of a stored object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entity tag; every read sends it back.
    pub etag: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Digest of the whole; `None`: it came in parts, and the store digested these alone.
    pub digest: Option<Sha256Digest>,
    /// The type the platform declared when it was stored.
    pub declared_type: Option<String>,
}

/// An object about to be stored.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Names the key.
    pub id: MediaId,
    /// The exact length; the store refuses any other.
    pub size_bytes: u64,
    /// The digest, where the platform announced it; the store refuses bytes that do not match.
    pub digest: Option<Sha256Digest>,
    /// The type the platform declared; kept as one of the three voices.
    pub declared_type: Option<String>,
    /// The fence of the holder that stores it.
    pub fence: u32,
}

/// A stream of bytes pulled piece by piece.
#[async_trait(?Send)]
pub trait Source {
    /// The next piece; `None` at the end. An error ends the transfer: nothing is stored.
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError>;
}

/// Why a stream ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The connection broke or stalled.
    #[error("the stream broke: {0}")]
    Broken(String),
    /// More or fewer bytes than announced.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// Announced.
        expected: u64,
        /// Counted so far.
        got: u64,
    },
    /// The bytes are not those the platform announced.
    #[error("the bytes do not match the announced digest")]
    Digest,
    /// The lease was lost: somebody else works on the item.
    #[error("the lease was lost")]
    LeaseLost,
    /// It will not be over in time; somebody with more of it carries on.
    #[error("it will not be over in time")]
    TooSlow,
    /// The row could not be written.
    #[error("the lease could not be renewed: {0}")]
    Outage(String),
}

/// What became of storing an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is there, whole.
    Whole(StoredObject),
    /// An object was there before. Never taken for success: compare digests.
    Exists,
    /// The stream ended early; nothing was stored.
    Aborted(SourceError),
}

/// Bytes that can be read and sought.
pub trait Bytestream: Read + Seek {}
impl<T: Read + Seek> Bytestream for T {}

/// The media and quarantine buckets.
#[async_trait(?Send)]
pub trait Objects {
    /// What lies under the item's key.
    async fn head(&self, id: &MediaId) -> Answer<Option<Head>>;
    /// Stores the stream under the item's key if nothing is there, in bounded memory.
    async fn store(&self, arrival: &Arrival, source: &mut dyn Source) -> Answer<Stored>;
    /// Opens the stored original for reading, if it still has this entity tag.
    async fn open(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Bytestream>>>;
    /// Streams the stored original, if it still has this entity tag.
    async fn stream(&self, id: &MediaId, etag: &str) -> Answer<Option<Box<dyn Source>>>;
    /// Copies the original into the quarantine bucket. Repeating it is harmless.
    async fn quarantine(&self, id: &MediaId) -> Answer<()>;
    /// Removes the original, and a rendition that was made of it. Repeating it is harmless.
    async fn remove(&self, id: &MediaId) -> Answer<()>;
    /// Removes everything of the item: the original, its copy in quarantine, the parts of this upload. Repeating it is
    /// harmless.
    async fn erase(&self, id: &MediaId, upload: Option<&str>) -> Answer<()>;
    /// A link, made `now`, by which somebody can fetch the original without credentials; served with this type and name. It
    /// works for `life` at most: for how long, the answer says.
    async fn link(
        &self,
        id: &MediaId,
        (mime, file_name): (&str, &str),
        (now, life): (Timestamp, Duration),
    ) -> Answer<GivenLink>;
}

/// Somebody who looks for malware when asked.
#[async_trait(?Send)]
pub trait Scanner {
    /// As which its findings are written down.
    fn name(&self) -> &'static str;
    /// Looks at all of `bytes`, from the beginning, in bounded memory and within a time of its own. An [`Outage`] is no
    /// finding: asked again it may come to one. That it cannot look at these bytes, now or ever, is one.
    async fn scan(&self, bytes: &mut dyn Bytestream) -> Answer<Scanned>;
}

/// What became of putting an object together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is there, whole. A store may say so once more of an upload that was joined before.
    Whole,
    /// An object was there before; the parts are still held.
    Exists,
    /// The store no longer has the upload or one of its parts: somebody ended it.
    Gone,
}

/// Objects that come in parts, for what is too long, too slow or too uncertain for one stream. Parts outlive who sent them
/// and cost until they are joined or dropped.
#[async_trait(?Send)]
pub trait Parts {
    /// Begins an upload to the item's key, with the declared type and the fence of the holder; what the store calls it.
    async fn begin_parts(
        &self,
        id: &MediaId,
        declared_type: Option<&str>,
        fence: u32,
    ) -> Answer<String>;
    /// Stores a part, numbered from 1; all but the last have [`attache_domain::transfer::PART_BYTES`]. One of that number
    /// is replaced. `None`: there is no such upload any more.
    async fn add_part(
        &self,
        id: &MediaId,
        upload: &str,
        number: u32,
        bytes: Bytes,
    ) -> Answer<Option<Part>>;
    /// Puts the parts together under the item's key, if nothing is there.
    async fn join_parts(&self, id: &MediaId, upload: &str, parts: &[Part]) -> Answer<Joined>;
    /// Ends an upload without an object; its parts are gone. Repeating it is harmless.
    async fn discard_parts(&self, id: &MediaId, upload: &str) -> Answer<()>;
}

/// The queues a function may send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Transfers to begin or carry on.
    Fetch,
    /// Objects to judge whose S3 event was lost.
    Judge,
    /// Items of which a rendition is to be made.
    Convert,
    /// Items to deliver.
    Media,
    /// Items to deliver again: what a platform refuses for the moment never delays what it has not seen yet.
    MediaRetry,
    /// What has no bytes. Media can never stall it.
    Text,
    /// Tokens to renew.
    Refresh,
    /// Webhooks to pass on to another system.
    Forward,
    /// Transfers given up.
    FetchDeadLetters,
    /// Deliveries given up.
    MediaDeadLetters,
    /// Words given up.
    TextDeadLetters,
    /// Webhooks that the other system did not take.
    ForwardDeadLetters,
}

/// The queues.
#[async_trait(?Send)]
pub trait Jobs {
    /// Sends a message, visible after `delay` (whole seconds, at most 900). `group` is the fairness group: one
    /// connection's backlog does not delay another's.
    async fn send(&self, queue: Queue, body: String, delay: Duration, group: &str) -> Answer<()>;
}

/// The `tokens` table.
#[async_trait(?Send)]
pub trait Tokens {
    /// Reads a row, consistently.
    async fn load(&self, id: &str) -> Answer<Option<TokenRow>>;
    /// Writes the row if its revision is still the row's in hand (or it is absent, for revision 0), and raises the
    /// revision in both.
    async fn save(&self, row: &mut TokenRow) -> Answer<Saved>;
}

/// Secrets by name.
#[async_trait(?Send)]
pub trait Secrets {
    /// The secret's present value.
    async fn get(&self, name: &SecretName) -> Answer<Secret>;
}

/// Seals what must lie encrypted in a table. The context is bound: opened under another, it does not open.
#[async_trait(?Send)]
pub trait Vault {
    /// Seals; the result is text.
    async fn seal(&self, purpose: &str, subject: &str, secret: &Secret) -> Answer<String>;
    /// Opens.
    async fn open(&self, purpose: &str, subject: &str, sealed: &str) -> Answer<Secret>;
}

/// The credential a request asked for with its [`attache_domain::wire::Auth`].
#[derive(Clone, Debug)]
pub enum Credential {
    /// None.
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// The token alone, in a header of this name.
    Header {
        /// The header.
        name: AuthHeader,
        /// The token.
        token: Secret,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The OAuth client's id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
    /// The same, and a password as the form's field `password`.
    ClientAndPassword {
        /// The OAuth client's id.
        id: String,
        /// Its secret.
        secret: Secret,
        /// The password of the user as whom it comes.
        password: Secret,
    },
}

impl Credential {
    /// The token in the header that this connection's is wanted in.
    #[must_use]
    pub fn of(connection: &Connection, token: &Secret) -> Self {
        let token = token.clone();
        match &connection.provider.auth_header {
            Some(name) => Self::Header {
                name: name.clone(),
                token,
            },
            None => Self::Bearer(token),
        }
    }
}

/// A download whose headers have arrived.
pub struct Download {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Headers,
    /// The body.
    pub body: Box<dyn Source>,
}

/// Calls to the platforms. Redirects are never followed; addresses are judged and pinned by the implementation.
#[async_trait(?Send)]
pub trait Http {
    /// Makes a call and reads the (small) answer whole.
    async fn call(&self, request: &Request, credential: &Credential)
    -> Result<Response, CallError>;
    /// Sends a file: the request's body is a [`attache_domain::wire::Multipart`] into which the bytes of `file` go, or a
    /// [`attache_domain::wire::FileBody`] that they are.
    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        file: Box<dyn Source>,
    ) -> Result<Response, CallError>;
    /// Begins a download, of the rest only where one is asked for; a host may send the whole all the same.
    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        rest: Option<&Rest>,
    ) -> Result<Download, CallError>;
}

/// The limiter rows.
#[async_trait(?Send)]
pub trait Limits {
    /// Reserves slots under `key`: one conditional write, rarely two. What is known of the key comes with it: both lie in one row.
    async fn reserve(&self, key: &str, request: &gcra::Request) -> Answer<Reservation>;
    /// Reads, consistently, what is known of `key` beside its reservations: a small text.
    async fn known(&self, key: &str) -> Answer<Option<String>>;
    /// Writes `to` if what is known is still `from`; what is known instead, if not. A repeat of a write that took effect
    /// unnoticed is no refusal. It may be forgotten a day after `now`. `restart`: in the same write the line of the key's
    /// reservations begins anew at that moment, whatever was reserved.
    async fn learn(
        &self,
        key: &str,
        (from, to): (Option<&str>, &str),
        restart: Option<Timestamp>,
        now: Timestamp,
    ) -> Answer<Result<(), Option<String>>>;
}

/// A reservation, and what is known of its key beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// What became of it.
    pub reserved: Reserved,
    /// What [`Limits::known`] would have said at that moment.
    pub known: Option<String>,
}

/// What became of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The moments at which the calls may be made, in order.
    Slots(Vec<Timestamp>),
    /// Nothing was reserved; ask again then.
    Full {
        /// When.
        retry_at: Timestamp,
    },
}

/// The configuration, as fresh as its age allows.
#[async_trait(?Send)]
pub trait Directories {
    /// The directory to use now.
    async fn current(&self) -> Answer<Rc<Directory>>;
    /// The directory as it is, whatever is in hand.
    async fn newest(&self) -> Answer<Rc<Directory>>;
    /// The directory to use for what names this connection. Whoever made it knew the connection, so a copy in hand that
    /// does not is older than the work: nothing is given up for want of a connection that was added a moment ago.
    async fn knowing(&self, connection: &ConnectionId) -> Answer<Rc<Directory>> {
        let current = self.current().await?;
        if current.connection(connection).is_some() {
            return Ok(current);
        }
        self.newest().await
    }
}

/// Time and chance.
#[async_trait(?Send)]
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Waits in place; only for what is too short for a queue, or has somebody waiting for the answer.
    async fn wait(&self, duration: Duration);
    /// A fresh random number: names a holder, seeds a jitter.
    fn draw(&self) -> u64;
}
