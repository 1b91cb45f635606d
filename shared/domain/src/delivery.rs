//! What follows a failed attempt: wait and try again, renew the token first, or give up with the cause.
//!
//! Four attempts in all (ruling `C6`): one and three retries, whatever they fail of. The only attempt that does not
//! count is the one whose token was refused for the first time: its repeat with a newer token is the same attempt.

use std::time::Duration;

use rand::Rng;

use crate::diagnosis::{Diagnosis, Disposition, Failure};
use crate::pacing::{Backoff, Key, Retry};

/// How long one send may take (`S2-24`); with its intent this is also how long nobody else touches the item.
pub const SEND_PATIENCE: Duration = Duration::from_secs(20);

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Come back after the wait, as a delayed copy.
    Retry {
        /// At least this long.
        wait: Duration,
        /// The outcome is open: the repeat goes out under the same message id, and is recorded.
        repeat: bool,
    },
    /// Ask for a newer token, then come back.
    Renew {
        /// How long a renewal is given.
        wait: Duration,
    },
    /// Enough.
    GiveUp(Box<Diagnosis>),
}

/// How long a job waits for a token renewal before it looks again.
pub const RENEWAL_WAIT: Duration = Duration::from_secs(2);

/// Decides after attempt number `attempts` (from 1) failed. `renewed` says that a refused token was renewed for this
/// item already.
pub fn after(failure: Failure, attempts: u32, renewed: bool, backoff: &Backoff, rng: &mut impl Rng) -> Next {
    let give_up = |failure: Failure| Next::GiveUp(failure.diagnosis);
    let (key, retry_after, repeat) = match failure.disposition {
        Disposition::Rejected => return give_up(failure),
        Disposition::Unauthorised if renewed => return give_up(failure),
        Disposition::Unauthorised => return Next::Renew { wait: RENEWAL_WAIT },
        Disposition::Throttled { retry_after } => (Key::Throttled, retry_after, false),
        Disposition::Unavailable => (Key::Quiet, None, false),
        Disposition::Unknown => (Key::Quiet, None, true),
    };
    match backoff.after(attempts, retry_after.map(crate::pacing::RetryAfter::capped), key, rng) {
        Retry::After(wait) => Next::Retry { wait, repeat },
        Retry::GiveUp => give_up(failure),
    }
}
