//! Accepted is not delivered: what a target tells of bytes it works on, by webhook and by look-up, and what to do next.
//!
//! ```text
//! handed over ─ asked every 5 s ─┬─ has it ─────────── sent
//!                                ├─ failed ─────────── handed over again, as any failed attempt
//!                                ├─ malware ────────── out of everybody's reach
//!                                ├─ queued at 45 s ─┬─ cancelled, and handed over again
//!                                └─ open at 60 s ───┘
//! ```
//!
//! The wait never ends in a bare time-out: its diagnosis says what was heard last (`S0-86`).

use std::time::Duration;

use crate::diagnosis::rules::ours;
use crate::diagnosis::{Disposition, Failure};
use crate::scan::{Outcome, Scanned};

/// How often the target is asked (`S0-83`).
pub const ASK_EVERY: Duration = Duration::from_secs(5);

/// What is still queued after this long is cancelled (`S0-84`).
pub const QUEUED_AT_MOST: Duration = Duration::from_secs(45);

/// The wait is over after this long, whatever the target works on (`S0-82`).
pub const WAIT_AT_MOST: Duration = Duration::from_secs(60);

/// What became of bytes on their way through the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// It has not begun with them.
    Queued,
    /// It works on them, or says something we do not know: its word.
    Working(String),
    /// It has them.
    Arrived,
    /// It does not, or does not take them.
    Failed(Failure),
}

/// What a target tells of bytes. What its scan found is another field than what became of their transport (ruling C16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What became of the bytes.
    pub transport: Transport,
    /// What its scan found, if it tells of one.
    pub scanned: Option<Scanned>,
}

impl Told {
    /// Its scan, if that found malware.
    #[must_use]
    pub fn malware(&self) -> Option<&Scanned> {
        let found = |it: &&Scanned| matches!(it.outcome, Outcome::Malware { .. });
        self.scanned.as_ref().filter(found)
    }
}

/// One upload of ours, of which the target tells by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the target calls the file.
    pub file: String,
    /// What it tells.
    pub told: Told,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again after this long.
    Ask(Duration),
    /// It can be sent.
    Send,
    /// It is malware, the target says: it goes nowhere.
    Condemn(Scanned),
    /// This upload came to nothing: a failed attempt.
    Failed(Failure),
    /// This upload takes too long: it is cancelled, and counts as a failed attempt.
    Cancel(Failure),
}

/// Decides after the target was asked, `waited` after it accepted the bytes. `heard`: what it told; or why that could not be
/// learnt, which is no news of the bytes.
#[must_use]
pub fn next(waited: Duration, heard: Result<Told, Failure>) -> Next {
    let told = match heard {
        Ok(told) => told,
        // A scan that could not be made is the end of this upload (`S3-54`), even if only the look-up says so.
        Err(failure) if matches!(failure.disposition, Disposition::Deferred { .. }) => {
            return Next::Failed(failure);
        }
        Err(failure) if waited < WAIT_AT_MOST => return Next::Ask(pause(&failure)),
        Err(failure) => {
            let cause = &failure.diagnosis;
            return timed_out(waited, &format!("{}: {}", cause.code, cause.evidence));
        }
    };
    if let Some(malware) = told.malware() {
        return Next::Condemn(malware.clone());
    }
    match told.transport {
        Transport::Arrived => Next::Send,
        Transport::Failed(failure) => Next::Failed(failure),
        Transport::Queued if waited >= QUEUED_AT_MOST => {
            let evidence = format!("still queued after {} s", waited.as_secs());
            Next::Cancel(ours::QUEUED_TOO_LONG.failure(evidence))
        }
        Transport::Working(word) if waited >= WAIT_AT_MOST => {
            timed_out(waited, &format!("it still says {word:?}"))
        }
        Transport::Queued | Transport::Working(_) => Next::Ask(ASK_EVERY),
    }
}

/// As long as the target asks for, if it asks for more than usual; a wait longer than the rest of the time is the rest's.
fn pause(failure: &Failure) -> Duration {
    let asked = match failure.disposition {
        Disposition::Throttled { retry_after } | Disposition::Down { retry_after } => {
            retry_after.unwrap_or_default()
        }
        _ => Duration::ZERO,
    };
    asked.clamp(ASK_EVERY, WAIT_AT_MOST)
}

fn timed_out(waited: Duration, cause: &str) -> Next {
    let evidence = format!("no completion within {} s; {cause}", waited.as_secs());
    Next::Cancel(ours::COMPLETION_TIMEOUT.failure(evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::SCAN_PAUSE;

    fn told(transport: Transport) -> Result<Told, Failure> {
        Ok(Told {
            transport,
            scanned: None,
        })
    }

    fn working() -> Result<Told, Failure> {
        told(Transport::Working("processing".to_owned()))
    }

    fn unheard(disposition: Disposition) -> Result<Told, Failure> {
        Err(Failure {
            disposition,
            ..ours::TOO_LATE.failure("status 429")
        })
    }

    fn word(next: &Next) -> String {
        match next {
            Next::Ask(wait) => format!("ask in {}", wait.as_secs()),
            Next::Send => "send".to_owned(),
            Next::Condemn(_) => "condemn".to_owned(),
            Next::Failed(failure) => format!("failed {}", failure.diagnosis.rule),
            Next::Cancel(failure) => format!("cancel {}", failure.diagnosis.rule),
        }
    }

    #[test]
    fn what_follows_by_time_and_by_what_was_heard() {
        let malware = || {
            Ok(Told {
                transport: Transport::Arrived,
                scanned: Some(Scanned::malware("Genesys Cloud", None)),
            })
        };
        let failed = || told(Transport::Failed(ours::INTERRUPTED.failure("")));
        let throttled = |seconds: Option<u64>| {
            unheard(Disposition::Throttled {
                retry_after: seconds.map(Duration::from_secs),
            })
        };
        for (seconds, heard, expected) in [
            (0, working(), "ask in 5"),
            (59, working(), "ask in 5"),
            (60, working(), "cancel completion-timeout"),
            (500, working(), "cancel completion-timeout"),
            (0, told(Transport::Queued), "ask in 5"),
            (44, told(Transport::Queued), "ask in 5"),
            (45, told(Transport::Queued), "cancel queued-too-long"),
            (60, told(Transport::Queued), "cancel queued-too-long"),
            (0, told(Transport::Arrived), "send"),
            (500, told(Transport::Arrived), "send"),
            (0, failed(), "failed interrupted"),
            (0, malware(), "condemn"),
            (500, malware(), "condemn"),
            (0, unheard(Disposition::Unavailable), "ask in 5"),
            (50, throttled(None), "ask in 5"),
            (50, throttled(Some(2)), "ask in 5"),
            (50, throttled(Some(9)), "ask in 9"),
            (50, throttled(Some(999)), "ask in 60"),
            (
                60,
                unheard(Disposition::Unavailable),
                "cancel completion-timeout",
            ),
            (
                5,
                unheard(Disposition::Deferred { wait: SCAN_PAUSE }),
                "failed deadline-passed",
            ),
        ] {
            let next = next(Duration::from_secs(seconds), heard.clone());
            assert_eq!(word(&next), expected, "{seconds} s, {heard:?}");
        }
    }

    #[test]
    fn a_time_out_says_what_is_underneath() {
        let late = Duration::from_secs(61);
        for (heard, evidence) in [
            (
                working(),
                "no completion within 61 s; it still says \"processing\"",
            ),
            (
                unheard(Disposition::Unavailable),
                "no completion within 61 s; ours.deadline-passed: status 429",
            ),
        ] {
            let Next::Cancel(failure) = next(late, heard) else {
                panic!("cancelled")
            };
            assert_eq!(failure.diagnosis.evidence, evidence);
        }
    }
}
