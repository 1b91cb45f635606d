//! The catalogue of misbehaviour: what each fault is called, what it does, where it can strike.
//!
//! A fault is armed by name for a number of times ([`Faults::arm`]), optionally for one medium or message only, and is used up
//! as requests meet it. A fault that could never strike at the platform it is armed on is refused, so that
//! a test cannot pass because its fault never happened; [`Armed::fired`] says how often it did.

mod armed;

use std::{fmt, str::FromStr};

pub(crate) use armed::SLOW_TICK;
pub use armed::{Armed, Faults, Times};

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
}

/// The points that answer with JSON to a bearer token.
const API: &[Point] = &[
    Point::LookUp,
    Point::Upload,
    Point::Send,
    Point::Inbound,
    Point::Receipt,
    Point::Resolve,
];
/// [`API`] and the token endpoint.
const API_AND_TOKEN: &[Point] = &[
    Point::LookUp,
    Point::Upload,
    Point::Send,
    Point::Inbound,
    Point::Receipt,
    Point::Resolve,
    Point::Token,
];
/// Everything that answers.
const ANSWERS: &[Point] = &[
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
    LostAnswer = "lost-answer" at API_AND_TOKEN;
    /// The link is answered as if its life were over, whatever the clock says.
    ExpiredLink = "expired-link" at &[Point::Download];
    /// The body trickles ([`Faults::set_slow_rate`]).
    SlowBody = "slow-body" at &[Point::Download];
    /// The connection is closed in good order after half of the announced bytes.
    TruncatedBody = "truncated-body" at &[Point::Download];
    /// The connection is reset (TCP RST) after half of the announced bytes.
    ResetMidBody = "reset-mid-body" at &[Point::Download];
    /// The HTTP framing is in order, but a quarter of the bytes promised (`file_size` at look-up, `contentSizeBytes` in
    /// the webhook) is missing.
    LengthLies = "length-lies" at &[Point::Download];
    /// An HTML page instead of the answer: status 200 at the download host, 502 at API hosts.
    HtmlErrorPage = "html-error-page" at ANSWERS;
    /// The right number of bytes, one of them wrong: only the digest tells.
    DigestMismatch = "digest-mismatch" at &[Point::Download];
    /// A redirect (302) to a host that is not the platform's; whoever follows it with the token is seen by the
    /// [`Canary`](crate::canary::Canary).
    RedirectOffHost = "redirect-off-host" at &[Point::LookUp, Point::Resolve, Point::Download];
    /// The token presented is dead from now on: Genesys forgets it (401 `bad.credentials` for it ever after), WhatsApp answers 401
    /// with code 190, subcode 463, as often as armed.
    DeadToken = "dead-token" at API;
    /// Nothing, or half of a body, until [`Faults::release`]. At [`Point::Fetch`]: Genesys comes for the link late.
    Stall = "stall" at EVERYWHERE;
    /// This one request is refused with 401 (403 at an object store, which knows no tokens); the token itself stays good.
    Unauthorised = "unauthorised" at ANSWERS;
    /// WhatsApp takes a message with media, and finds afterwards that it cannot use them: status `failed`, code 131053.
    MediaUploadError = "media-upload-error" at &[Point::Fate];
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
