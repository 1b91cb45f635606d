//! What follows when bringing bytes in fails, and how each failure is explained.

use std::time::Duration;

use rand::{Rng, RngExt};

use super::LARGEST_BYTES;
use crate::delivery::Next;
use crate::diagnosis::rules::{self, ours};
use crate::diagnosis::{Disposition, Failure, Outcome, Platform, Seen, Step, Then, judge};
use crate::egress::Refused;
use crate::time::Timestamp;
use crate::wire::CallError;

/// The longest pause between two tries (SQS's longest delay).
const LONGEST_PAUSE: Duration = Duration::from_secs(900);

/// Nothing, or too much.
#[must_use]
pub fn size_refused(size_bytes: u64) -> Failure {
    ours::SIZE_REFUSED.failure(format!("{size_bytes} bytes, at most {LARGEST_BYTES}"))
}

/// Nothing, or too much, if its host alone is to be believed.
#[must_use]
pub fn size_doubted(size_bytes: u64) -> Failure {
    ours::SIZE_DOUBTED.failure(format!("{size_bytes} bytes, at most {LARGEST_BYTES}"))
}

/// Whether one bad answer may be to blame, which the next one is not likely to share: bytes with one flipped on the way, a host
/// that gave nothing or led elsewhere for a moment. The platform still has the file then.
fn is_doubted(failure: &Failure) -> bool {
    rules::by_id(&failure.diagnosis.rule).is_some_and(|rule| rule.then == Then::Doubt)
}

/// What follows after attempt `attempts` (from 1) failed. A fetch may try until the platform no longer
/// gives the file, at `gone_at`: pauses double from one second to fifteen minutes, with a quarter of jitter. A token refused again after its
/// renewal is such a failure too: whoever replaces it in time loses nothing.
pub fn after(
    failure: Failure,
    attempts: u32,
    (gone_at, now): (Timestamp, Timestamp),
    rng: &mut impl Rng,
) -> Next {
    let hint = match failure.disposition {
        Disposition::Rejected if attempts <= DOUBTED_ATTEMPTS && is_doubted(&failure) => {
            Duration::ZERO
        }
        Disposition::Rejected | Disposition::Unfit(_) => return Next::GiveUp(failure.diagnosis),
        Disposition::Throttled { retry_after } | Disposition::Down { retry_after } => {
            retry_after.unwrap_or_default()
        }
        Disposition::Deferred { wait } => wait,
        // A token that stays refused is ours to replace, and the platform keeps the file meanwhile.
        Disposition::Unauthorised | Disposition::Unavailable | Disposition::Unknown => {
            Duration::ZERO
        }
    };
    if now >= gone_at && attempts >= MOST_AFTER_LIFE {
        return Next::GiveUp(Box::new(failure.diagnosis.given_up(attempts)));
    }
    let pause = Duration::from_secs(1)
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)))
        .min(LONGEST_PAUSE * 4 / 5);
    let wait = pause.max(hint).min(LONGEST_PAUSE);
    let jitter = rng.random_range(Duration::ZERO..=wait / 4);
    Next::Retry {
        wait: (wait + jitter).min(LONGEST_PAUSE),
        repeat: false,
    }
}

/// An item announced long ago (a clock that is off, a replay) still gets this many attempts.
const MOST_AFTER_LIFE: u32 = 4;

/// What one bad answer may be to blame for is believed when it is met after so many failed attempts: seven seconds and more.
const DOUBTED_ATTEMPTS: u32 = 3;

/// No answer came.
#[must_use]
pub fn no_answer(error: &CallError) -> Failure {
    let seen = Seen {
        platform: Platform::Host,
        step: Step::Download,
        outcome: Outcome::Lost(error),
    };
    judge(&seen, Timestamp::default())
}

/// The link names a host that may not have the bearer.
#[must_use]
pub fn refused_host(refused: &Refused) -> Failure {
    ours::HOST_REFUSED.failure(refused.to_string())
}

/// The host or the number is left alone until then: nothing was asked, so nothing failed.
#[must_use]
pub fn paused(why: &str, (until, now): (Timestamp, Timestamp)) -> Failure {
    let retry_after = Some(until.saturating_since(now));
    let evidence = format!("{why}; asked again at {until}");
    let mut failure = ours::PAUSED.failure(evidence);
    failure.disposition = Disposition::Throttled { retry_after };
    failure
}

/// How long nothing is to be asked, if that is what `failure` says.
#[must_use]
pub fn pause(failure: &Failure) -> Option<Duration> {
    match failure.disposition {
        Disposition::Throttled { retry_after } if failure.diagnosis.rule == ours::PAUSED.id => {
            retry_after
        }
        _ => None,
    }
}

/// A look-up's failure as it is to be taken after `attempts` failed ones: a platform may announce a file seconds before it gives
/// it, so that it knows none of this id is believed when it says so for the fourth time. No longer: look-ups that fail count
/// against the whole number.
#[must_use]
pub fn not_there_yet(mut failure: Failure, attempts: u32) -> Failure {
    let code = failure.diagnosis.code.as_str();
    if attempts < LATE_ATTEMPTS && ["whatsapp.media-gone", "genesys.link-dead"].contains(&code) {
        failure.disposition = Disposition::Unavailable;
    }
    failure
}

/// After so many failed attempts a file is gone, not late: seven seconds and more.
const LATE_ATTEMPTS: u32 = 3;

/// The stream ended early or was too long.
#[must_use]
pub fn interrupted(evidence: &str) -> Failure {
    ours::INTERRUPTED.failure(evidence)
}

/// What comes now is not what came before.
#[must_use]
pub fn changed() -> Failure {
    ours::FILE_CHANGED.failure("the file is another than the one of which a part was stored")
}

/// It comes so slowly that no step of it is done in the time one process has.
#[must_use]
pub fn too_slow() -> Failure {
    ours::TOO_SLOW.failure("no part of it comes in time")
}

/// The store no longer knows the parts it took.
#[must_use]
pub fn parts_gone() -> Failure {
    ours::PARTS_GONE.failure("the store no longer has the parts that came before")
}

/// A page or an error message came where the file should.
#[must_use]
pub fn error_page(evidence: &str) -> Failure {
    ours::ERROR_PAGE.failure(evidence)
}

/// Bytes that are not those announced.
#[must_use]
pub fn other_bytes() -> Failure {
    ours::OTHER_BYTES.failure("the bytes do not have the announced digest")
}

/// There is nothing to have the file by.
#[must_use]
pub fn no_link() -> Failure {
    ours::NO_LINK.failure("the message named no usable link")
}

/// One hop led to another, again and again.
#[must_use]
pub fn looping() -> Failure {
    ours::REDIRECT_LOOP.failure("more hops than any platform needs")
}

/// The store said "exists", and then nothing was there.
#[must_use]
pub fn vanished() -> Failure {
    ours::VANISHED.failure("the store refused a second object, then had none")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// WhatsApp's.
    const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

    #[test]
    fn a_fetch_tries_for_days_and_then_ends() {
        let sent = Timestamp::from_seconds(1_000);
        let mut rng = StdRng::seed_from_u64(1);
        let mut now = sent;
        let mut tries = 0;
        loop {
            tries += 1;
            match after(interrupted("x"), tries, (sent + LIFE, now), &mut rng) {
                Next::Retry { wait, .. } => {
                    assert!(
                        wait <= LONGEST_PAUSE && wait >= Duration::from_secs(1),
                        "{wait:?}"
                    );
                    now = now + wait;
                }
                Next::GiveUp(_) => break,
                Next::Renew => panic!("no renewal was called for"),
            }
        }
        assert!(now >= sent + LIFE && tries < 1_000, "{tries} tries");
    }

    #[test]
    fn a_token_that_stays_refused_costs_time_not_the_file() {
        let mut rng = StdRng::seed_from_u64(1);
        let sent = Timestamp::from_seconds(1_000);
        let refused = || Failure {
            disposition: Disposition::Unauthorised,
            ..no_link()
        };
        let next = |now, rng: &mut StdRng| after(refused(), 9, (sent + LIFE, now), rng);
        assert!(matches!(next(sent, &mut rng), Next::Retry { .. }));
        assert!(matches!(next(sent + LIFE, &mut rng), Next::GiveUp(_)));
    }

    #[test]
    fn a_late_file_is_asked_for_again_and_a_dead_one_not_for_long() {
        for (code, attempts, expected) in [
            ("whatsapp.media-gone", 0, Disposition::Unavailable),
            ("genesys.link-dead", 2, Disposition::Unavailable),
            ("whatsapp.media-gone", 3, Disposition::Rejected),
            ("whatsapp.permission", 0, Disposition::Rejected),
        ] {
            let mut failure = no_link();
            failure.diagnosis.code = code.to_owned();
            let failure = not_there_yet(failure, attempts);
            assert_eq!(failure.disposition, expected, "{code} {attempts}");
        }
    }

    #[test]
    fn a_pause_is_no_failure() {
        let now = Timestamp::from_seconds(5);
        let failure = paused("the host is down", (now + LIFE, now));
        assert_eq!(pause(&failure), Some(LIFE));
        assert_eq!(pause(&interrupted("x")), None);
    }

    #[test]
    fn refusals_are_final() {
        let mut rng = StdRng::seed_from_u64(1);
        let now = Timestamp::from_seconds(5);
        assert!(matches!(
            after(no_link(), 1, (now, now), &mut rng),
            Next::GiveUp(_)
        ));
    }

    #[test]
    fn one_bad_answer_is_doubted_and_the_fourth_believed() {
        let mut rng = StdRng::seed_from_u64(1);
        let sent = Timestamp::from_seconds(1_000);
        for doubted in [other_bytes as fn() -> Failure, || size_doubted(0)] {
            for (attempts, again) in [(1, true), (3, true), (4, false)] {
                let next = after(doubted(), attempts, (sent + LIFE, sent), &mut rng);
                assert_eq!(matches!(next, Next::Retry { .. }), again, "{attempts}");
            }
        }
    }
}
