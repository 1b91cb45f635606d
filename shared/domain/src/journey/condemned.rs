//! What becomes of an item whose bytes turn out to be malware after they were judged: a scanner's result that comes late, or the
//! target's own scan. A verdict only gets worse; the journey still never leads back.

use super::{Item, Stage};
use crate::audit::Actor;
use crate::diagnosis::Diagnosis;
use crate::diagnosis::rules::ours;
use crate::scan::Scanned;
use crate::time::Timestamp;
use crate::verdict::{Reason, Verdict};

/// The code of the reason, the same as the policy's flag.
const MALWARE: &str = "malware";

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A scanner of ours.
    Scanner,
    /// The platform the file was sent to, which passes it on to nobody.
    Target,
}

/// What it made of the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condemned {
    /// Nothing: it was known, or there is nothing left that could be.
    Known,
    /// Somebody is at work on it this moment, and the outcome of that is not known: ask again.
    Busy,
    /// It does not go out any more.
    Stopped,
    /// It had gone out, and its target keeps it back: it counts as undelivered.
    TurnedBack,
    /// It had gone out: whoever has it is to be told.
    TooLate,
    /// It was over without anybody having it.
    Over,
}

impl Item {
    /// Takes into account that its bytes are malware. Its bytes are still to be moved out of reach, and others to be told.
    pub fn condemn(&mut self, scanned: &Scanned, source: Source, now: Timestamp) -> Condemned {
        let stage = self.gate.stage;
        if self.gate.verdict == Verdict::Quarantined || stage == Stage::Erased {
            return Condemned::Known;
        }
        let leased = |it: &Self| it.gate.lease.as_ref().is_some_and(|it| it.until > now);
        if leased(self) || self.gate.intent_until.is_some() {
            return Condemned::Busy;
        }
        let outcome = match stage {
            Stage::Sent | Stage::Processing | Stage::Ready if source == Source::Target => {
                Condemned::TurnedBack
            }
            Stage::Sent | Stage::Delivered | Stage::Read | Stage::Unconfirmed => Condemned::TooLate,
            Stage::Kept
            | Stage::Lost
            | Stage::Rejected
            | Stage::Failed
            | Stage::Undelivered
            | Stage::Erased => Condemned::Over,
            Stage::Announced
            | Stage::Fetching
            | Stage::Stored
            | Stage::Planned
            | Stage::Converting
            | Stage::Waiting
            | Stage::Uploading
            | Stage::Processing
            | Stage::Ready
            | Stage::Sending => Condemned::Stopped,
        };
        self.gate.verdict = Verdict::Quarantined;
        self.record.reasons.insert(
            0,
            Reason {
                code: MALWARE.to_owned(),
                evidence: scanned.evidence(),
            },
        );
        match outcome {
            Condemned::Stopped => self.end(Stage::Rejected, Actor::Validate, now),
            Condemned::TurnedBack => {
                self.record.diagnosis = Some(turned_back(scanned));
                self.end(Stage::Undelivered, Actor::Validate, now);
            }
            Condemned::Known | Condemned::Busy | Condemned::TooLate | Condemned::Over => {}
        }
        outcome
    }
}

fn turned_back(scanned: &Scanned) -> Diagnosis {
    ours::PROVIDER_MALWARE.diagnosis(scanned.evidence())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::claim::Lease;
    use crate::journey::tests::item;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn at(stage: Stage) -> Item {
        let mut item = item();
        item.gate.verdict = Verdict::Clean;
        item.gate.stage = stage;
        item
    }

    #[test]
    fn it_ends_as_far_as_it_has_come() {
        use Source::{Scanner, Target};
        let malware = Scanned::malware("GuardDuty", Some("EICAR"));
        for (stage, source, outcome, end) in [
            (Stage::Planned, Scanner, Condemned::Stopped, Stage::Rejected),
            (Stage::Waiting, Scanner, Condemned::Stopped, Stage::Rejected),
            (Stage::Sending, Scanner, Condemned::Stopped, Stage::Rejected),
            (Stage::Sent, Scanner, Condemned::TooLate, Stage::Sent),
            (
                Stage::Sent,
                Target,
                Condemned::TurnedBack,
                Stage::Undelivered,
            ),
            (
                Stage::Ready,
                Target,
                Condemned::TurnedBack,
                Stage::Undelivered,
            ),
            (Stage::Ready, Scanner, Condemned::Stopped, Stage::Rejected),
            (Stage::Read, Target, Condemned::TooLate, Stage::Read),
            (Stage::Kept, Scanner, Condemned::Over, Stage::Kept),
            (Stage::Failed, Scanner, Condemned::Over, Stage::Failed),
        ] {
            let mut item = at(stage);
            assert_eq!(item.condemn(&malware, source, NOW), outcome, "{stage:?}");
            assert_eq!(
                (item.gate.stage, item.gate.verdict),
                (end, Verdict::Quarantined)
            );
            assert_eq!(item.record.reasons[0].evidence, "GuardDuty: EICAR");
            assert_eq!(
                item.record.diagnosis.is_some(),
                outcome == Condemned::TurnedBack
            );
            let (stage, reasons) = (item.gate.stage, item.record.reasons.len());
            assert_eq!(
                item.condemn(&malware, source, NOW),
                Condemned::Known,
                "twice"
            );
            assert_eq!(
                (item.gate.stage, item.record.reasons.len()),
                (stage, reasons)
            );
        }
    }

    #[test]
    fn nobody_is_interrupted_and_a_tombstone_stays_one() {
        let malware = Scanned::malware("GuardDuty", None);
        let later = NOW + Duration::from_secs(1);
        let mut leased = at(Stage::Converting);
        leased.gate.lease = Some(Lease {
            holder: 1,
            since: NOW,
            until: later,
        });
        let mut open = at(Stage::Sending);
        open.gate.intent_until = Some(NOW);
        for mut item in [leased.clone(), open] {
            let before = item.clone();
            assert_eq!(
                item.condemn(&malware, Source::Scanner, NOW),
                Condemned::Busy
            );
            assert_eq!(item, before);
        }
        assert_eq!(
            leased.condemn(&malware, Source::Scanner, later),
            Condemned::Stopped
        );
        let mut gone = at(Stage::Erased);
        assert_eq!(
            gone.condemn(&malware, Source::Target, NOW),
            Condemned::Known
        );
    }
}
