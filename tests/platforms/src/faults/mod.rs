//! The catalogue of misbehaviour: what each fault is called, what it does, where it can strike.
//!
//! A fault is armed by name for a number of times ([`Faults::arm`]), optionally for one medium or message only, and is used up
//! as requests meet it. A fault that could never strike at the platform it is armed on is refused, so that
//! a test cannot pass because its fault never happened; [`Armed::fired`] says how often it did.

mod aim;
mod armed;

use std::{fmt, str::FromStr, time::Duration};

pub use aim::{Aim, Times};
pub(crate) use armed::SLOW_TICK;
pub use armed::{Armed, Faults};

/// A place in a platform's surface where faults can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// WhatsApp: the look-up or deletion of a medium by its id.
    LookUp,
    /// The download of a file: WhatsApp's from the link a look-up gave, Genesys' from a signed link or as media data.
    Download,
    /// WhatsApp: the upload of a medium.
    Upload,
    /// WhatsApp: the sending of a message to a customer.
    Send,
    /// Genesys: a token asked for at the login host.
    Token,
    /// Genesys: an inbound message.
    Inbound,
    /// Genesys: an inbound receipt.
    Receipt,
    /// Genesys: its own fetch of the link in an inbound message.
    Fetch,
    /// Genesys: the downloads path that leads to a signed link.
    Resolve,
    /// WhatsApp: the media of a message to a customer, after the message was accepted.
    Fate,
    /// Genesys: the metadata of an upload of web messaging.
    Place,
    /// Genesys: the bytes of such an upload.
    Put,
    /// Genesys: such an upload, after its bytes were accepted.
    Scan,
    /// Genesys: a message on the agent's side, or one that names a file of the documents' surfaces.
    AgentMessage,
    /// Genesys: a file in one form, of the documents' surfaces.
    Form,
}

/// The points that answer with JSON to a bearer token.
const API: &[Point] = &[
    Point::Form,
    Point::AgentMessage,
    Point::Place,
    Point::LookUp,
    Point::Upload,
    Point::Send,
    Point::Inbound,
    Point::Receipt,
    Point::Resolve,
];
/// [`API`] and the token endpoint.
const API_AND_TOKEN: &[Point] = &[
    Point::Form,
    Point::AgentMessage,
    Point::Place,
    Point::LookUp,
    Point::Upload,
    Point::Send,
    Point::Inbound,
    Point::Receipt,
    Point::Resolve,
    Point::Token,
];
/// [`API_AND_TOKEN`] and bytes that are put.
const EFFECTS: &[Point] = &[
    Point::Form,
    Point::AgentMessage,
    Point::Place,
    Point::LookUp,
    Point::Upload,
    Point::Send,
    Point::Inbound,
    Point::Receipt,
    Point::Resolve,
    Point::Token,
    Point::Put,
];
/// Everything that answers.
const ANSWERS: &[Point] = &[
    Point::Form,
    Point::AgentMessage,
    Point::Place,
    Point::Put,
    Point::LookUp,
    Point::Upload,
    Point::Send,
    Point::Inbound,
    Point::Receipt,
    Point::Resolve,
    Point::Token,
    Point::Download,
];
/// Everything, our own fetches included.
const EVERYWHERE: &[Point] = &[
    Point::Form,
    Point::AgentMessage,
    Point::Place,
    Point::Put,
    Point::LookUp,
    Point::Upload,
    Point::Send,
    Point::Inbound,
    Point::Receipt,
    Point::Resolve,
    Point::Token,
    Point::Download,
    Point::Fetch,
];
/// WhatsApp's Graph calls.
const GRAPH: &[Point] = &[Point::LookUp, Point::Upload, Point::Send];
/// What lies on the way to a file: the call that leads to its link, and the download.
const FILES: &[Point] = &[Point::LookUp, Point::Resolve, Point::Download];
/// What becomes of an upload.
const SCAN: &[Point] = &[Point::Scan];
/// The download alone.
const BYTES: &[Point] = &[Point::Download];

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal at $points:expr;)*) => {
        /// One way to misbehave. Names are what [`FromStr`] reads and `Display` writes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every fault, in catalogue order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name used on command lines and in reports.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Where this fault can strike.
            #[must_use]
            pub fn points(self) -> &'static [Point] {
                match self { $(Self::$name => $points,)* }
            }
        }
    };
}

faults! {
    /// HTTP 429. Genesys: its error body, `Retry-After`, `inin-ratelimit-*`. WhatsApp: code 130429 under status 429, which it
    /// sometimes uses.
    RateLimit = "rate-limit" at API_AND_TOKEN;
    /// WhatsApp's usual throttle: code 130429 under HTTP **400**.
    MetaThrottleAs400 = "meta-throttle-as-400" at GRAPH;
    /// A server error in the platform's own words (Genesys 503 `service.unavailable`, WhatsApp 500 code 131000, a bare
    /// 503 at WhatsApp's download host, `SlowDown` at Genesys' object store). The request had no effect.
    FiveHundreds = "five-hundreds" at ANSWERS;
    /// The request takes its full effect, then the connection is closed without an answer.
    LostAnswer = "lost-answer" at EFFECTS;
    /// The link is answered as if its life were over, whatever the clock says.
    ExpiredLink = "expired-link" at BYTES;
    /// The body trickles ([`Faults::set_slow_rate`]).
    SlowBody = "slow-body" at BYTES;
    /// The connection is closed in good order after half of the announced bytes.
    TruncatedBody = "truncated-body" at BYTES;
    /// The connection is reset (TCP RST) after half of the announced bytes.
    ResetMidBody = "reset-mid-body" at BYTES;
    /// The HTTP framing is in order, but a quarter of the bytes promised (`file_size` at look-up, `contentSizeBytes` in
    /// the webhook) is missing.
    LengthLies = "length-lies" at BYTES;
    /// An HTML page instead of the answer: status 200 at the download host, 502 at API hosts.
    HtmlErrorPage = "html-error-page" at ANSWERS;
    /// The right number of bytes, one of them wrong: only the digest tells.
    DigestMismatch = "digest-mismatch" at BYTES;
    /// A redirect (302) to a host that is not the platform's; whoever follows it with the token is seen by the
    /// [`Canary`](crate::canary::Canary).
    RedirectOffHost = "redirect-off-host" at FILES;
    /// The token presented is dead from now on: Genesys forgets it (401 `bad.credentials` for it ever after), WhatsApp answers 401
    /// with code 190, subcode 463, as often as armed.
    DeadToken = "dead-token" at API;
    /// Nothing, or half of a body, until [`Faults::release`]. At [`Point::Fetch`]: Genesys comes for the link late.
    Stall = "stall" at EVERYWHERE;
    /// This one request is refused with 401 (403 at an object store, which knows no tokens); the token itself stays good.
    Unauthorised = "unauthorised" at ANSWERS;
    /// [`FiveHundreds`](Self::FiveHundreds) until the platform's clock has moved by a minute.
    FiveHundredsForAMinute = "five-hundreds-for-a-minute" at ANSWERS;
    /// All but the last hundredth of a body, then nothing until [`Faults::release`].
    StallAt99 = "stall-at-99" at BYTES;
    /// One byte of the body at a time, one each second ([`Faults::set_trickle_rate`]).
    OneBytePerSecond = "one-byte-per-second" at BYTES;
    /// The headers come one byte at a time, one each second ([`Faults::set_trickle_rate`]); the body at once.
    SlowHeaders = "slow-headers" at FILES;
    /// Ten thousand header lines that nobody asked for, then the answer as it should be.
    HeaderFlood = "header-flood" at FILES;
    /// One header line that never ends.
    EndlessHeader = "endless-header" at FILES;
    /// `Content-Length` names one byte more than there is; the connection is closed after the last.
    LengthPlusOne = "length-plus-one" at FILES;
    /// `Content-Length` names one byte less than is sent.
    LengthMinusOne = "length-minus-one" at FILES;
    /// `Content-Length: 0`, and all the bytes.
    LengthZero = "length-zero" at FILES;
    /// `Content-Length` names ten terabytes; the connection is closed after the last real byte.
    LengthHuge = "length-huge" at FILES;
    /// Neither `Content-Length` nor chunks: the body ends with the connection. The bytes are right.
    LengthMissing = "length-missing" at FILES;
    /// Two `Content-Length` headers, the right one and another.
    LengthTwice = "length-twice" at FILES;
    /// `Transfer-Encoding: chunked` in the place of a length. The bytes are right.
    Chunked = "chunked" at FILES;
    /// The body is packed with gzip and says so, although nothing but identity was asked for.
    GzipLies = "gzip-lies" at BYTES;
    /// The body says that it is packed with gzip, and is not.
    GzipLabelLies = "gzip-label-lies" at BYTES;
    /// A redirect (302) to the credentials of a cloud machine, `http://169.254.169.254/…`.
    RedirectToMetadata = "redirect-to-metadata" at FILES;
    /// A redirect (302) to the very link that was asked for.
    RedirectLoop = "redirect-loop" at FILES;
    /// A request for a part is answered with 200 and everything. Only requests with `Range` meet it.
    ServerIgnoresRange = "server-ignores-range" at BYTES;
    /// The object has other bytes, another entity tag and a later date than before. Only requests with `Range` meet it.
    ObjectChangedBetweenRanges = "object-changed-between-ranges" at BYTES;
    /// The file is not there yet: what a look-up says of an unknown id (it counts against WhatsApp's budget of failing look-ups), 404 at
    /// downloads. As many requests as armed, or as long ([`Aim::lasting`]).
    LateAttachment = "late-attachment" at FILES;
    /// The look-up says that the id is unknown, however often it is asked; arm it for one id, for ever.
    LookupErrors = "lookup-errors" at &[Point::LookUp];
    /// WhatsApp takes a message with media, and finds afterwards that it cannot use them: status `failed`, code 131053.
    MediaUploadError = "media-upload-error" at &[Point::Fate];
    /// A file that by everything published fits is refused as too large: 413, from WhatsApp's edge as a page, from Genesys in its own
    /// words. Neither documents it.
    LimitDrift = "limit-drift" at &[Point::Upload, Point::Inbound, Point::Place, Point::Form];
    /// WhatsApp does not take an upload whose type and size it publishes: code 131053 at once.
    ProviderRejectsType = "provider-rejects-type" at &[Point::Upload];
    /// 415 although the declared type is that of the bytes: Genesys in its own words (for metadata in the documents', as if a form
    /// had come), its object store and WhatsApp in theirs.
    Wrong415 = "wrong-415" at &[Point::Upload, Point::Inbound, Point::Place, Point::Put, Point::Form];
    /// A refusal (429) out of an edge cache, which names itself: it is told to whoever asks, whatever the host would say.
    Cached429 = "cached-429" at BYTES;
    /// [`DeadToken`](Self::DeadToken), for one message of a batch: the calls for the others are under way with the same token.
    DeadTokenMidBatch = "dead-token-mid-batch" at API;
    /// [`Stall`](Self::Stall) of a message whose sender takes it back meanwhile: that is up to the test.
    UnsendDuringSend = "unsend-during-send" at &[Point::Inbound];
    /// The event that an upload is complete comes before the answer to its bytes.
    CompletionFirst = "completion-first" at SCAN;
    /// That event comes twice.
    CompletionTwice = "completion-twice" at SCAN;
    /// It never comes; the upload is complete all the same.
    CompletionNever = "completion-never" at SCAN;
    /// The upload is accepted, and nobody ever begins with it.
    StuckQueued = "stuck-queued" at SCAN;
    /// The upload is accepted, and its processing never ends.
    Silent202 = "silent-202" at SCAN;
    /// The scan cannot read the file: the event says so, and look-ups are answered with 500.
    Scan500 = "scan-500" at SCAN;
    /// Accepted, and then refused by the provider behind with 403: something between the two lowers TLS.
    TlsDowngrade = "tls-downgrade" at SCAN;
    /// The event of the direct upload test tells that the file was not taken in behind the edge in time.
    CdnIngestion = "cdn-ingestion" at SCAN;
    /// The scan finds malware.
    VirusFound = "virus-found" at SCAN;
    /// Genesys comes for the link of an inbound message once it is dead by what the link itself says, finds that, and tells.
    LinkPulledLate = "link-pulled-late" at &[Point::Fetch];
    /// The link for the bytes is answered as if its life were over, whatever the clock says.
    UploadLinkExpired = "upload-link-expired" at &[Point::Put];
}

impl Fault {
    /// How long it lasts by the platform's clock if nobody says otherwise; `None` for as many requests as armed.
    fn lasts(self) -> Option<Duration> {
        (self == Self::FiveHundredsForAMinute).then_some(Duration::from_secs(60))
    }

    /// Whether it shows in the answers to requests for a part only.
    fn needs_range(self) -> bool {
        matches!(
            self,
            Self::ServerIgnoresRange | Self::ObjectChangedBetweenRanges
        )
    }

    /// What it looks like where it strikes: some differ only in when they strike.
    fn shown(self) -> Self {
        match self {
            Self::FiveHundredsForAMinute => Self::FiveHundreds,
            Self::LookupErrors => Self::LateAttachment,
            Self::DeadTokenMidBatch => Self::DeadToken,
            Self::UnsendDuringSend => Self::Stall,
            other => other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(name: &str) -> Result<Self, FaultError> {
        let found = Self::ALL.iter().find(|fault| fault.name() == name);
        found.copied().ok_or_else(|| FaultError::Unknown {
            name: name.to_owned(),
        })
    }
}

/// Why a fault could not be armed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No fault has this name.
    #[error("no fault is called {name:?}")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The fault exists, but nothing on this platform can show it.
    #[error("the fault {fault} cannot strike at {platform}")]
    NotHere {
        /// The fault that was asked for.
        fault: Fault,
        /// The platform it was asked of.
        platform: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_strikes_somewhere() {
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse(), Ok(*fault));
            assert!(!fault.points().is_empty(), "{fault}");
        }
        assert!("no-such-fault".parse::<Fault>().is_err());
    }
}
