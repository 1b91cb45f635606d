//! What a person, or its sender by a fresh link, sets going again after it came to an end, always in a new epoch: jobs and calls
//! of the old one find that it is over. And what a person says of a message of which nobody knows whether it was sent.

use std::time::Duration;

use super::{Item, Stage};
use crate::audit::Actor;
use crate::digest::Sha256Digest;
use crate::event::Content;
use crate::time::Timestamp;
use crate::verdict::{Reason, Verdict};

/// How long after that `sweep` looks whether the item is on its way.
pub(super) const DUE_IN: Duration = Duration::from_secs(30);

/// The codes of the reasons that are left behind.
pub(super) const REDRIVEN: &str = "redriven";
const REPEATED: &str = "repeated";
pub(super) const SENT: &str = "sent-by-hand";
pub(super) const RESENT: &str = "sent-again-by-hand";

/// What goes on with an item that was set going again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Its bytes are brought in.
    Fetch,
    /// Its bytes are judged and planned for anew.
    Judge,
    /// It goes on as its plan says.
    Deliver,
}

/// Why an item is not set going again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It did not end.
    #[error("it is on its way")]
    OnItsWay,
    /// There is nothing to be done again.
    #[error("it arrived, or was only to be kept")]
    Arrived,
    /// It may have been sent.
    #[error("nobody knows whether it was sent: resolve it")]
    Unconfirmed,
    /// Its verdict keeps it back.
    #[error("its verdict keeps it back")]
    KeptBack,
    /// It was erased, or its bytes were removed.
    #[error("its bytes were removed")]
    NoBytes,
    /// Its platform has the file no longer, or the link to it is gone.
    #[error("its platform cannot be asked for it any more: ask its sender")]
    Gone,
}

impl Item {
    /// Sets an item going again that was lost, refused or given up. `had_until`: for how long its platform can still be
    /// asked for its bytes, if it can.
    ///
    /// # Errors
    /// [`Unfit`]; nothing is changed then.
    pub fn redrive(
        &mut self,
        reason: &str,
        had_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Way, Unfit> {
        let has_bytes = self.record.object.is_some() && self.record.removed_at.is_none();
        let without_bytes = !matches!(self.origin.content, Content::File(_));
        let way = match (self.gate.stage, self.gate.verdict) {
            (Stage::Erased, _) => return Err(Unfit::NoBytes),
            (Stage::Unconfirmed, _) => return Err(Unfit::Unconfirmed),
            (Stage::Sent | Stage::Delivered | Stage::Read | Stage::Kept, _) => {
                return Err(Unfit::Arrived);
            }
            (Stage::Lost, _) if had_until.is_none_or(|until| until <= now) => {
                return Err(Unfit::Gone);
            }
            (Stage::Lost, _) => Way::Fetch,
            (Stage::Failed | Stage::Undelivered | Stage::Rejected, Verdict::Clean) => {
                if !without_bytes && !has_bytes {
                    return Err(Unfit::NoBytes);
                }
                // Of a file there is one rendition, and no other is made of it.
                let has_rendition = self.is_converted() && self.record.rendition.is_some();
                match without_bytes || has_rendition {
                    true => Way::Deliver,
                    false => Way::Judge,
                }
            }
            (Stage::Failed | Stage::Undelivered | Stage::Rejected, _) => {
                return Err(Unfit::KeptBack);
            }
            _ => return Err(Unfit::OnItsWay),
        };
        self.reopen((way, Actor::Operator), (REDRIVEN, reason), now);
        Ok(way)
    }

    /// It was lost, and its sender repeats it under the link of this digest: set going again, unless that is the link by which
    /// it was lost. Whether it was.
    pub fn take_up(&mut self, link: Sha256Digest, now: Timestamp) -> bool {
        if self.gate.stage != Stage::Lost || self.record.lost_link == Some(link) {
            return false;
        }
        let reason = "its sender repeated it under another link";
        self.reopen((Way::Fetch, Actor::Intake), (REPEATED, reason), now);
        true
    }

    /// Nobody knew whether it was sent; a person knows that it was.
    pub fn resolve_as_sent(&mut self, reason: &str, now: Timestamp) {
        self.gate.epoch += 1;
        self.note(SENT, reason);
        self.enter(Stage::Sent, Actor::Operator, now);
        self.rest();
    }

    /// Nobody knew whether it was sent; a person knows that it was not, or wants it sent all the same.
    pub fn resolve_by_sending(&mut self, reason: &str, now: Timestamp) {
        self.reopen((Way::Deliver, Actor::Operator), (RESENT, reason), now);
    }

    fn reopen(&mut self, (way, actor): (Way, Actor), (code, reason): (&str, &str), now: Timestamp) {
        self.begin_epoch(now);
        self.note(code, reason);
        // What the target was given, it may have dropped since.
        self.drop_upload();
        let record = &mut self.record;
        record.repeats = 0;
        record.diagnosis = None;
        record.link_dies_at = None;
        record.refused = None;
        match way {
            Way::Fetch => self.enter(Stage::Announced, actor, now),
            Way::Judge => self.enter(Stage::Stored, actor, now),
            Way::Deliver if self.is_converted() && self.record.rendition.is_none() => {
                self.enter(Stage::Converting, actor, now);
            }
            Way::Deliver => self.enter(Stage::Waiting, actor, now),
        }
    }

    /// From now on nothing counts that was tried before; who is still at work on that finds his row overtaken.
    pub(super) fn begin_epoch(&mut self, now: Timestamp) {
        self.gate.epoch += 1;
        self.rest();
        let record = &mut self.record;
        record.attempts = 0;
        record.sweeps = 0;
        record.inspections = 0;
        record.forget_tokens();
        record.wait_until = None;
        record.delivered_as = None;
        record.bytes_until = None;
        self.gate.due_at = Some(now + DUE_IN);
    }

    fn note(&mut self, code: &str, reason: &str) {
        self.record.reasons.push(Reason {
            code: code.to_owned(),
            evidence: reason.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::rules::ours;
    use crate::digest::Sha256Digest;
    use crate::event::{FollowUp, Words, origin};
    use crate::journey::StoredObject;
    use crate::journey::tests::{announced, item};
    use crate::verdict::{Delivery, Plan, Refusal};

    const NOW: Timestamp = Timestamp::from_seconds(1_000);
    const LATER: Option<Timestamp> = Some(Timestamp::from_seconds(2_000));

    fn ended(stage: Stage, verdict: Verdict) -> Item {
        let mut item = item();
        item.record.object = Some(StoredObject {
            etag: "\"e\"".to_owned(),
            size_bytes: 5,
            digest: Sha256Digest::of(b"bytes"),
        });
        item.gate.verdict = verdict;
        item.end(stage, Actor::Upload, NOW);
        item.record.attempts = 4;
        item.record.uploaded = Some("4490709327384033".to_owned());
        item.record.diagnosis = Some(ours::NO_LINK.diagnosis("y"));
        item
    }

    #[test]
    fn what_was_lost_is_taken_up_under_another_link() {
        let (dead, fresh) = (Sha256Digest::of(b"dead"), Sha256Digest::of(b"fresh"));
        for (stage, link, taken_up) in [
            (Stage::Lost, fresh, true),
            (Stage::Lost, dead, false),
            (Stage::Failed, fresh, false),
        ] {
            let mut item = ended(stage, Verdict::Unjudged);
            item.record.lost_link = Some(dead);
            assert_eq!(item.take_up(link, NOW), taken_up, "{stage:?}");
            let expected = if taken_up {
                (Stage::Announced, 1)
            } else {
                (stage, 0)
            };
            assert_eq!((item.gate.stage, item.gate.epoch), expected);
        }
    }

    #[test]
    fn what_ended_badly_goes_where_it_is_mended() {
        use Stage::{Announced, Failed, Lost, Rejected, Stored, Undelivered};
        for (stage, way, next) in [
            (Lost, Way::Fetch, Announced),
            (Failed, Way::Judge, Stored),
            (Undelivered, Way::Judge, Stored),
            (Rejected, Way::Judge, Stored),
        ] {
            let mut item = ended(stage, Verdict::Clean);
            assert_eq!(item.redrive("mended", LATER, NOW), Ok(way), "{stage:?}");
            assert_eq!((item.gate.stage, item.gate.epoch), (next, 1), "{stage:?}");
            assert_eq!(item.gate.due_at, Some(NOW + DUE_IN));
            assert_eq!((item.record.attempts, &item.record.uploaded), (0, &None));
            let entries = item.trail.verify(&item.id).unwrap();
            assert_eq!(entries.last().map(|it| it.actor), Some(Actor::Operator));
            assert_eq!(item.record.reasons.last().unwrap().evidence, "mended");
        }
    }

    #[test]
    fn words_and_renditions_go_on_as_they_are() {
        let content = Content::Words(Words {
            text: "hello".to_owned(),
            notice: false,
        });
        let origin = origin();
        let target = origin.target.clone();
        let direction = crate::channels::Direction::ToAgent;
        let words = origin.follow_up(FollowUp::Words, content, target, direction);
        let mut words = announced(words);
        words.end(Stage::Failed, Actor::Text, NOW);
        let mut converted = ended(Stage::Failed, Verdict::Clean);
        converted.record.rendition = converted.record.object.clone();
        converted.record.plan = Some(Plan::Converted {
            to: Delivery {
                mime: "image/jpeg".to_owned(),
                name: "a.jpg".to_owned(),
                kind: None,
                caption_apart: false,
            },
            max_bytes: 5,
            why: Refusal {
                code: "channel.type".to_owned(),
                reason: "No.".to_owned(),
            },
        });
        for mut item in [words, converted] {
            assert_eq!(item.redrive("again", None, NOW), Ok(Way::Deliver));
            assert_eq!(item.gate.stage, Stage::Waiting);
        }
    }

    #[test]
    fn what_is_not_fit_is_left_as_it_is() {
        let without = |mut item: Item| {
            item.record.removed_at = Some(NOW);
            item
        };
        for (mut item, until, expected) in [
            (ended(Stage::Lost, Verdict::Unjudged), None, Unfit::Gone),
            (
                ended(Stage::Lost, Verdict::Unjudged),
                Some(NOW),
                Unfit::Gone,
            ),
            (
                ended(Stage::Rejected, Verdict::Held),
                LATER,
                Unfit::KeptBack,
            ),
            (
                ended(Stage::Rejected, Verdict::Quarantined),
                LATER,
                Unfit::KeptBack,
            ),
            (ended(Stage::Erased, Verdict::Clean), LATER, Unfit::NoBytes),
            (
                ended(Stage::Unconfirmed, Verdict::Clean),
                LATER,
                Unfit::Unconfirmed,
            ),
            (
                ended(Stage::Delivered, Verdict::Clean),
                LATER,
                Unfit::Arrived,
            ),
            (ended(Stage::Kept, Verdict::Clean), LATER, Unfit::Arrived),
            (
                ended(Stage::Waiting, Verdict::Clean),
                LATER,
                Unfit::OnItsWay,
            ),
            (
                without(ended(Stage::Failed, Verdict::Clean)),
                LATER,
                Unfit::NoBytes,
            ),
        ] {
            let before = item.clone();
            assert_eq!(item.redrive("again", until, NOW), Err(expected));
            assert_eq!(item, before);
        }
    }

    #[test]
    fn a_person_says_whether_it_was_sent() {
        let mut sent = ended(Stage::Unconfirmed, Verdict::Clean);
        sent.resolve_as_sent("the customer answered it", NOW);
        assert_eq!((sent.gate.stage, sent.gate.epoch), (Stage::Sent, 1));
        assert_eq!(sent.gate.due_at, None);
        let mut again = ended(Stage::Unconfirmed, Verdict::Clean);
        again.resolve_by_sending("the customer has nothing", NOW);
        assert_eq!((again.gate.stage, again.gate.epoch), (Stage::Waiting, 1));
        for item in [sent, again] {
            item.trail.verify(&item.id).unwrap();
        }
    }
}
