//! An upload that the target works on: what the row says of it, and what a completion event makes of it. Events and look-ups
//! feed one monotonic state: uploading, processing, ready. Events come late, twice, before the answer to the upload, or never.

use super::{Item, Stage};
use crate::audit::Actor;
use crate::diagnosis::Diagnosis;
use crate::processing::{Completion, Transport};
use crate::time::Timestamp;

/// What is to be done with an upload in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upload {
    /// The bytes are still to be handed over, or once more.
    HandOver,
    /// The target accepted them then, and works on them.
    Follow(Timestamp),
    /// The target told that it came to nothing.
    Failed(Box<Diagnosis>),
}

impl Item {
    /// What is to be done with the upload in hand, by whoever has claimed it.
    #[must_use]
    pub fn upload(&self) -> Upload {
        match (&self.record.reported, self.record.accepted_at) {
            _ if self.gate.stage < Stage::Processing => Upload::HandOver,
            (Some(reported), _) => Upload::Failed(Box::new(reported.clone())),
            (None, Some(since)) => Upload::Follow(since),
            (None, None) => Upload::HandOver,
        }
    }

    /// The target calls the bytes `file`, which are to be handed over now. Written before they are, so that an event that is
    /// faster than the answer finds the item.
    pub fn hands_over(&mut self, file: String) {
        self.drop_upload();
        self.record.uploaded = Some(file);
    }

    /// The target has accepted all bytes at `now`. That is no more than a handshake (`S0-18`).
    pub fn accepted(&mut self, now: Timestamp) {
        self.acknowledge_claim(Actor::Upload);
        self.cross(Stage::Processing, Actor::Upload, now);
        self.record.accepted_at = Some(now);
    }

    /// The upload in hand came to nothing; what is still told of it is no news any more.
    pub fn drop_upload(&mut self) {
        self.record.uploaded = None;
        self.record.accepted_at = None;
        self.record.reported = None;
    }

    /// Whether an event about `file` was taken into account, and nobody has acted upon it yet.
    #[must_use]
    pub fn is_told_of(&self, file: &str) -> bool {
        let told = self.gate.stage == Stage::Ready || self.record.reported.is_some();
        told && self.gate.lease.is_none() && self.record.uploaded.as_deref() == Some(file)
    }

    /// Takes an event about an upload into account; whether it says something new of the upload in hand. Malware is another
    /// matter: that is said of the bytes, whichever upload they came by.
    pub fn hear(&mut self, completion: &Completion, now: Timestamp) -> bool {
        let in_hand = self.record.uploaded.as_ref() == Some(&completion.file);
        let open = matches!(self.gate.stage, Stage::Uploading | Stage::Processing);
        if !in_hand || !open || self.record.reported.is_some() {
            return false;
        }
        let stage = match &completion.told.transport {
            Transport::Arrived => Stage::Ready,
            Transport::Failed(failure) => {
                self.record.reported = Some((*failure.diagnosis).clone());
                Stage::Processing
            }
            Transport::Queued | Transport::Working(_) => return false,
        };
        // Whoever hands the bytes over this moment finds his row overtaken, and stops.
        self.acknowledge_claim(Actor::Upload);
        self.cross(stage, Actor::Intake, now);
        self.rest();
        self.record.wait_until = None;
        self.record.accepted_at.get_or_insert(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Lease;
    use crate::diagnosis::rules::ours;
    use crate::diagnosis::{Disposition, Failure};
    use crate::journey::tests::item;
    use crate::processing::Told;

    const NOW: Timestamp = Timestamp::from_seconds(200);

    fn event(file: &str, transport: Transport) -> Completion {
        Completion {
            file: file.to_owned(),
            told: Told {
                transport,
                scanned: None,
            },
        }
    }

    fn uploading() -> Item {
        let mut item = item();
        item.gate.stage = Stage::Uploading;
        item.gate.lease = Some(Lease {
            holder: 9,
            since: NOW,
            until: Timestamp::from_seconds(300),
        });
        item.hands_over("f1".to_owned());
        item
    }

    /// Of which file, what, and whether it is news.
    type Heard = (&'static str, Transport, bool);

    #[test]
    fn one_state_takes_events_in_any_order() {
        let failed = || Transport::Failed(ours::INTERRUPTED.failure("x"));
        let working = || Transport::Working("scanning".to_owned());
        let arrived = || Transport::Arrived;
        let table: [(&str, bool, Vec<Heard>, Stage); 7] = [
            (
                "after the answer",
                true,
                vec![("f1", arrived(), true)],
                Stage::Ready,
            ),
            (
                "before the answer",
                false,
                vec![("f1", arrived(), true)],
                Stage::Ready,
            ),
            (
                "twice",
                true,
                vec![("f1", arrived(), true), ("f1", arrived(), false)],
                Stage::Ready,
            ),
            (
                "of an upload before",
                true,
                vec![("f0", arrived(), false), ("f0", failed(), false)],
                Stage::Processing,
            ),
            (
                "failed twice, then another word",
                true,
                vec![
                    ("f1", working(), false),
                    ("f1", failed(), true),
                    ("f1", failed(), false),
                    ("f1", arrived(), false),
                ],
                Stage::Processing,
            ),
            (
                "failed before the answer",
                false,
                vec![("f1", failed(), true)],
                Stage::Processing,
            ),
            (
                "failed after it was complete",
                true,
                vec![("f1", arrived(), true), ("f1", failed(), false)],
                Stage::Ready,
            ),
        ];
        for (name, accepted, events, stage) in table {
            let mut item = uploading();
            if accepted {
                item.accepted(NOW);
                item.rest();
            }
            let mut told_of = false;
            for (file, transport, news) in events {
                told_of |= news;
                assert_eq!(item.hear(&event(file, transport), NOW), news, "{name}");
            }
            assert_eq!(item.gate.stage, stage, "{name}");
            for (file, told) in [("f0", false), ("f1", told_of)] {
                assert_eq!(item.is_told_of(file), told, "{name}");
            }
            let told = item.record.reported.is_some();
            let upload = item.upload();
            assert_eq!(matches!(upload, Upload::Failed(_)), told, "{name}");
            item.trail.verify(&item.id).unwrap();
        }
    }

    #[test]
    fn what_is_to_be_done_by_what_the_row_says() {
        let mut item = uploading();
        assert_eq!(item.upload(), Upload::HandOver);
        item.accepted(NOW);
        assert_eq!(item.upload(), Upload::Follow(NOW));
        assert_eq!(item.record.uploaded.as_deref(), Some("f1"));
        item.drop_upload();
        assert_eq!(
            (item.upload(), item.gate.stage),
            (Upload::HandOver, Stage::Processing)
        );
        assert!(!item.hear(&event("f1", Transport::Arrived), NOW), "late");
        item.hands_over("f2".to_owned());
        assert!(item.hear(&event("f2", Transport::Arrived), NOW));
    }

    #[test]
    fn a_failure_that_was_written_down_is_what_it_was() {
        for rule in [ours::INTERRUPTED, ours::UNPLANNED, ours::SCAN_FAILED] {
            let failure = rule.failure("evidence");
            let recalled = Failure::recalled((*failure.diagnosis).clone());
            assert_eq!(recalled, failure);
        }
        let mut gone = ours::INTERRUPTED.diagnosis("evidence");
        gone.rule = "a rule of another version".to_owned();
        let recalled = Failure::recalled(gone);
        assert_eq!(recalled.disposition, Disposition::Rejected);
    }
}
