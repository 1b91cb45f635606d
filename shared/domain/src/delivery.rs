//! What follows a failed attempt: wait and try again, renew the token first, or give up with the cause.
//!
//! Four attempts in all (ruling `C6`): one and three retries, whatever they fail of. The only attempt that does not
//! count is the one whose token was refused for the first time: its repeat with a newer token is the same attempt.

use std::time::Duration;

use rand::Rng;

use crate::channels::Direction;
use crate::diagnosis::rules::ours;
use crate::diagnosis::{Diagnosis, Disposition, Failure, LONGEST_EVIDENCE, Platform, excerpt};
use crate::digest::Sha256Digest;
use crate::ids::ConnectionId;
use crate::journey::Item;
use crate::pacing::backoff::{Backoff, Key, Retry};
use crate::pacing::retry_after::RetryAfter;
use crate::time::Timestamp;
use crate::token::Purpose;

/// How long one send may take (`S2-24`); with its intent this is also how long nobody else touches the item.
pub const SEND_PATIENCE: Duration = Duration::from_secs(20);

/// How long a link to an original lives that a platform is given. Genesys fetches it itself, perhaps hours later.
pub const LINK_LIFE: Duration = Duration::from_secs(6 * 3600);

/// Under which the `claims` table knows what a connection's platform calls these bytes, handed over as this type.
#[must_use]
pub fn held_key(connection: &ConnectionId, digest: &Sha256Digest, mime: &str) -> String {
    format!("held/{connection}/{digest}/{mime}")
}

/// How long a file or a text waits for a platform that does not work, from the moment it went down or the message was written,
/// whichever is later.
///
/// To agents a day: so long the customer can be answered (the service window of 24 h), and so what the customer sent is of use. To
/// customers an hour: the agent who wrote is told then that it did not arrive, and can still call; later it would come without the
/// conversation it belongs to.
#[must_use]
pub fn outlasts(direction: Direction) -> Duration {
    match direction {
        Direction::ToAgent => Duration::from_secs(24 * 3600),
        Direction::ToCustomer => Duration::from_secs(3600),
    }
}

/// An item waited too long for a platform that does not work, or for a token to speak to it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlasted {
    since: Timestamp,
    waited: Duration,
}

impl Outlasted {
    /// Whether that is so at `now` of `item`, whose target has not worked since then, or could not be asked.
    #[must_use]
    pub fn by(item: &Item, since: Timestamp, now: Timestamp) -> Option<Self> {
        let waited = now.saturating_since(since.max(item.origin.sent_at));
        (waited >= outlasts(item.origin.direction)).then_some(Self { since, waited })
    }

    /// What the item ends with: since when the platform was down, and what was seen of that last.
    #[must_use]
    pub fn diagnosis(&self, item: &Item, platform: Option<Platform>) -> Diagnosis {
        let name = platform.map_or("the platform", Platform::as_str);
        let (since, minutes) = (self.since.to_rfc3339(), self.waited.as_secs() / 60);
        let last = last_attempt(item);
        let page = platform.and_then(Platform::status_page);
        let page = page.map_or_else(String::new, |page| format!("; status page {page}"));
        let evidence =
            format!("{name} down since {since}; waited for it {minutes} minutes{page}{last}");
        ours::PLATFORM_DOWN.diagnosis(excerpt(&evidence, LONGEST_EVIDENCE))
    }

    /// What the item ends with that waited so long for a token: since when there was none to use.
    #[must_use]
    pub fn without_token(&self, item: &Item, purpose: Purpose) -> Diagnosis {
        let (since, minutes) = (self.since.to_rfc3339(), self.waited.as_secs() / 60);
        let (purpose, last) = (purpose.as_str(), last_attempt(item));
        let evidence = format!(
            "no usable token for {purpose} since {since}; asked for a new one for {minutes} minutes{last}"
        );
        ours::NO_TOKEN.diagnosis(excerpt(&evidence, LONGEST_EVIDENCE))
    }
}

fn last_attempt(item: &Item) -> String {
    match &item.record.diagnosis {
        Some(last) => format!("; the last attempt: {} ({})", last.code, last.evidence),
        None => String::new(),
    }
}

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
    /// Ask for a newer token, then come back after [`renewal_wait`].
    Renew,
    /// Enough.
    GiveUp(Box<Diagnosis>),
}

/// How long a job waits for a token renewal before it looks again: two seconds, doubling with each copy of the job up
/// to about a minute, so that a login host that is down for hours costs little.
#[must_use]
pub fn renewal_wait(sequence: u32) -> Duration {
    Duration::from_secs(2_u64 << sequence.min(5))
}

/// Decides after attempt number `attempts` (from 1) failed. `renewed` says that a refused token was renewed for this
/// item already. What was deferred is tried again only if nothing of this item failed before.
pub fn after(
    failure: Failure,
    attempts: u32,
    renewed: bool,
    backoff: &Backoff,
    rng: &mut impl Rng,
) -> Next {
    let give_up = |failure: Failure| Next::GiveUp(failure.diagnosis);
    let (key, retry_after, repeat) = match failure.disposition {
        Disposition::Rejected | Disposition::Unfit(_) => return give_up(failure),
        Disposition::Unauthorised if renewed => return give_up(failure),
        Disposition::Unauthorised => return Next::Renew,
        Disposition::Throttled { retry_after } | Disposition::Down { retry_after } => {
            (Key::Throttled, retry_after, false)
        }
        Disposition::Deferred { .. } if attempts > 1 => return give_up(failure),
        Disposition::Deferred { wait } => (Key::Calm, Some(wait), false),
        Disposition::Unavailable => (Key::Calm, None, false),
        Disposition::Unknown => (Key::Calm, None, true),
    };
    match backoff.after(attempts, retry_after.map(RetryAfter::capped), key, rng) {
        Retry::After(wait) => Next::Retry { wait, repeat },
        Retry::Exhausted => Next::GiveUp(Box::new(failure.diagnosis.given_up(attempts))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::SCAN_PAUSE;
    use crate::diagnosis::rules::ours;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn next(disposition: Disposition, attempts: u32, renewed: bool) -> Next {
        let failure = Failure {
            disposition,
            ..ours::TOO_LATE.failure("")
        };
        after(
            failure,
            attempts,
            renewed,
            &Backoff::default(),
            &mut StdRng::seed_from_u64(1),
        )
    }

    #[test]
    fn four_attempts_in_all() {
        for disposition in [
            Disposition::Unavailable,
            Disposition::Unknown,
            Disposition::Throttled { retry_after: None },
        ] {
            let ends = (1..=5)
                .map(|n| matches!(next(disposition, n, false), Next::GiveUp(_)))
                .collect::<Vec<_>>();
            assert_eq!(ends, [false, false, false, true, true], "{disposition:?}");
        }
        assert!(matches!(
            next(Disposition::Rejected, 1, false),
            Next::GiveUp(_)
        ));
    }

    #[test]
    fn a_failed_scan_is_asked_for_once_more_after_five_minutes() {
        let deferred = Disposition::Deferred { wait: SCAN_PAUSE };
        match next(deferred, 1, false) {
            Next::Retry {
                wait,
                repeat: false,
            } => assert!(wait >= SCAN_PAUSE, "{wait:?}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(next(deferred, 2, false), Next::GiveUp(_)));
    }

    #[test]
    fn waits_for_a_token_grow_to_a_minute() {
        let waits = [0, 1, 2, 5, 6, u32::MAX].map(|sequence| renewal_wait(sequence).as_secs());
        assert_eq!(waits, [2, 4, 8, 64, 64, 64]);
    }

    #[test]
    fn a_refused_token_is_renewed_once() {
        assert_eq!(next(Disposition::Unauthorised, 1, false), Next::Renew);
        assert!(matches!(
            next(Disposition::Unauthorised, 1, true),
            Next::GiveUp(_)
        ));
    }

    #[test]
    fn only_an_open_outcome_is_a_repeat_and_hints_are_kept() {
        assert!(matches!(
            next(Disposition::Unknown, 1, false),
            Next::Retry { repeat: true, .. }
        ));
        let asked = Some(Duration::from_secs(20));
        match next(Disposition::Throttled { retry_after: asked }, 1, false) {
            Next::Retry {
                wait,
                repeat: false,
            } => assert!(wait >= Duration::from_secs(20), "{wait:?}"),
            other => panic!("{other:?}"),
        }
    }
}
