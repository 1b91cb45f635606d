//! The right to work on an item: lease, fence and the one conditional write that takes them.
//!
//! A claim is one `UpdateItem` that either takes the lease and raises the fence, or fails and gives back the row, from
//! which [`Terms::refusal`] says who holds it, since when, or how it ended. The lease lives in the row it protects,
//! and every later write of the holder is conditional on the row's revision, which a claim raises: a holder that
//! stalls past its lease and wakes again can change nothing.
//!
//! Sending is claimed with its *intent* in the same write: whoever holds the claim may make one call, until the
//! stated deadline, and nobody else judges that call before the deadline and a grace have passed.

use serde::{Deserialize, Serialize};

use crate::journey::{Gate, Item, Stage};
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// Who may work on an item, from when until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// A number drawn for one invocation; tells a repeated request of the same holder from a rival.
    pub holder: u64,
    /// When it was taken.
    pub since: Timestamp,
    /// When it ends if nobody renews it.
    pub until: Timestamp,
}

/// What the holder is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Bring the bytes in.
    Fetch,
    /// Send the message; the call is over by `intent_until`.
    Send {
        /// The call's own deadline.
        intent_until: Timestamp,
    },
    /// Hand the bytes to a target that takes them before the message. It may be repeated.
    Upload,
    /// See what became of bytes that the target works on; those that came to nothing are handed over again.
    Follow,
    /// Send the message for bytes that the target holds; the call is over by `intent_until`.
    SendUploaded {
        /// The call's own deadline.
        intent_until: Timestamp,
    },
}

impl Work {
    /// The stages from which this work can be claimed.
    #[must_use]
    pub fn from_stages(self) -> [Stage; 2] {
        match self {
            Self::Fetch => [Stage::Announced, Stage::Fetching],
            Self::Send { .. } => [Stage::Waiting, Stage::Sending],
            Self::Upload => [Stage::Waiting, Stage::Uploading],
            Self::Follow => [Stage::Processing, Stage::Processing],
            Self::SendUploaded { .. } => [Stage::Ready, Stage::Sending],
        }
    }

    /// Until when the call may take effect that the claim allows, if it allows one.
    #[must_use]
    pub fn intent_until(self) -> Option<Timestamp> {
        match self {
            Self::Send { intent_until } | Self::SendUploaded { intent_until } => Some(intent_until),
            Self::Fetch | Self::Upload | Self::Follow => None,
        }
    }

    /// Whether the bytes must have been judged clean.
    #[must_use]
    pub fn needs_clean(self) -> bool {
        self != Self::Fetch
    }

    /// The stage a claim enters.
    #[must_use]
    pub fn stage(self) -> Stage {
        match self {
            Self::Fetch => Stage::Fetching,
            Self::Send { .. } | Self::SendUploaded { .. } => Stage::Sending,
            Self::Upload => Stage::Uploading,
            Self::Follow => Stage::Processing,
        }
    }
}

/// The terms of one claim; the conditional write is made from these, and only these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What for.
    pub work: Work,
    /// The epoch the job belongs to.
    pub epoch: u16,
    /// The sequence of the job's copy; the row's must not be newer.
    pub sequence: u32,
    /// Now.
    pub now: Timestamp,
    /// The lease asked for.
    pub lease: Lease,
}

/// Why a claim was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The item has moved past this work.
    Past(Stage),
    /// The item has not come this far.
    NotYet(Stage),
    /// The job belongs to an older epoch or is an older copy.
    Superseded,
    /// Somebody holds it.
    Held(Lease),
    /// A call may still take effect.
    IntentOpen {
        /// Until when.
        until: Timestamp,
    },
    /// The bytes are not clean.
    NotClean(Verdict),
}

impl Terms {
    /// Why `gate` refuses this claim; `None`: it does not. The stores express exactly this as their condition.
    #[must_use]
    pub fn refusal(&self, gate: &Gate) -> Option<Refusal> {
        let [first, last] = self.work.from_stages();
        if gate.epoch != self.epoch || gate.sequence > self.sequence {
            return Some(Refusal::Superseded);
        }
        if gate.stage > last {
            return Some(Refusal::Past(gate.stage));
        }
        if gate.stage < first {
            return Some(Refusal::NotYet(gate.stage));
        }
        if let Some(lease) = gate.lease.as_ref().filter(|lease| lease.until > self.now) {
            return Some(Refusal::Held(lease.clone()));
        }
        match gate.intent_until {
            Some(until) if self.work.needs_clean() => Some(Refusal::IntentOpen { until }),
            _ if self.work.needs_clean() && gate.verdict != Verdict::Clean => {
                Some(Refusal::NotClean(gate.verdict))
            }
            Some(_) | None => None,
        }
    }

    /// What the claim makes of the gate.
    #[must_use]
    pub fn grant(&self, gate: &Gate) -> Gate {
        Gate {
            revision: gate.revision + 1,
            sequence: self.sequence,
            stage: self.work.stage(),
            fence: gate.fence + 1,
            lease: Some(self.lease.clone()),
            intent_until: self.work.intent_until().or(gate.intent_until),
            ..gate.clone()
        }
    }

    /// Whether a row that refused this claim did so because an earlier copy of this very request had taken effect
    /// (the SDK repeats a request whose answer was lost).
    #[must_use]
    pub fn already_granted(&self, item: &Item) -> bool {
        item.gate.lease.as_ref() == Some(&self.lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::tests::item;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_seconds(500);

    fn terms(work: Work) -> Terms {
        let lease = Lease {
            holder: 7,
            since: NOW,
            until: NOW + Duration::from_secs(30),
        };
        Terms {
            work,
            epoch: 0,
            sequence: 0,
            now: NOW,
            lease,
        }
    }

    #[test]
    fn a_claim_raises_fence_and_revision_and_keeps_the_rest() {
        let mut gate = item().gate;
        let fetch = terms(Work::Fetch);
        assert_eq!(fetch.refusal(&gate), None);
        let granted = fetch.grant(&gate);
        assert_eq!(
            (granted.fence, granted.revision, granted.stage),
            (1, 1, Stage::Fetching)
        );
        assert_eq!(
            fetch.refusal(&granted),
            Some(Refusal::Held(fetch.lease.clone()))
        );
        gate.lease = Some(Lease {
            until: NOW,
            ..fetch.lease.clone()
        });
        assert_eq!(fetch.refusal(&gate), None, "an expired lease is no lease");
    }

    #[test]
    fn refusals_by_state() {
        let send = Work::Send {
            intent_until: NOW + Duration::from_secs(30),
        };
        type Change = fn(&mut Gate);
        let sent = Work::SendUploaded {
            intent_until: NOW + Duration::from_secs(30),
        };
        let table: [(&str, Work, Change, Option<Refusal>); 16] = [
            (
                "fetched already",
                Work::Fetch,
                |g| g.stage = Stage::Stored,
                Some(Refusal::Past(Stage::Stored)),
            ),
            (
                "not judged yet",
                send,
                |g| g.stage = Stage::Stored,
                Some(Refusal::NotYet(Stage::Stored)),
            ),
            (
                "other epoch",
                Work::Fetch,
                |g| g.epoch = 1,
                Some(Refusal::Superseded),
            ),
            (
                "older copy",
                Work::Fetch,
                |g| g.sequence = 1,
                Some(Refusal::Superseded),
            ),
            (
                "waiting and clean",
                send,
                |g| (g.stage, g.verdict) = (Stage::Waiting, Verdict::Clean),
                None,
            ),
            (
                "waiting, unjudged",
                send,
                |g| g.stage = Stage::Waiting,
                Some(Refusal::NotClean(Verdict::Unjudged)),
            ),
            (
                "retry of a send",
                send,
                |g| (g.stage, g.verdict) = (Stage::Sending, Verdict::Clean),
                None,
            ),
            (
                "open intent",
                send,
                |g| {
                    (g.stage, g.verdict, g.intent_until) =
                        (Stage::Sending, Verdict::Clean, Some(NOW))
                },
                Some(Refusal::IntentOpen { until: NOW }),
            ),
            (
                "to be uploaded",
                Work::Upload,
                |g| (g.stage, g.verdict) = (Stage::Uploading, Verdict::Clean),
                None,
            ),
            (
                "upload of a held one",
                Work::Upload,
                |g| (g.stage, g.verdict) = (Stage::Waiting, Verdict::Held),
                Some(Refusal::NotClean(Verdict::Held)),
            ),
            (
                "uploaded already",
                Work::Upload,
                |g| (g.stage, g.verdict) = (Stage::Sending, Verdict::Clean),
                Some(Refusal::Past(Stage::Sending)),
            ),
            (
                "worked on",
                Work::Follow,
                |g| (g.stage, g.verdict) = (Stage::Processing, Verdict::Clean),
                None,
            ),
            (
                "ready already",
                Work::Follow,
                |g| (g.stage, g.verdict) = (Stage::Ready, Verdict::Clean),
                Some(Refusal::Past(Stage::Ready)),
            ),
            (
                "malware, it turned out",
                Work::Follow,
                |g| (g.stage, g.verdict) = (Stage::Processing, Verdict::Quarantined),
                Some(Refusal::NotClean(Verdict::Quarantined)),
            ),
            (
                "sent before it was uploaded",
                sent,
                |g| (g.stage, g.verdict) = (Stage::Waiting, Verdict::Clean),
                Some(Refusal::NotYet(Stage::Waiting)),
            ),
            (
                "sent",
                send,
                |g| g.stage = Stage::Sent,
                Some(Refusal::Past(Stage::Sent)),
            ),
        ];
        for (name, work, change, expected) in table {
            let mut gate = item().gate;
            change(&mut gate);
            assert_eq!(terms(work).refusal(&gate), expected, "{name}");
        }
    }

    #[test]
    fn a_newer_copy_is_taken_and_remembered() {
        let gate = item().gate;
        let newer = Terms {
            sequence: 3,
            ..terms(Work::Fetch)
        };
        assert_eq!(newer.refusal(&gate), None);
        assert_eq!(newer.grant(&gate).sequence, 3);
    }
}
