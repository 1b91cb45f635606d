//! Where a judged file goes, and what a person decides about one that is held: the one way in which a verdict gets better,
//! written down with its reason.

use super::reopening::DUE_IN;
use super::reopening::{REDRIVEN, RESENT, SENT};
use super::{Item, Stage};
use crate::audit::Actor;
use crate::channels::Refused;
use crate::diagnosis::Diagnosis;
use crate::time::Timestamp;
use crate::verdict::{Plan, Reason, Verdict};

/// The code of the reason that a release leaves.
const RELEASED: &str = "released";

/// The code of the reason that a rejection leaves.
const REJECTED: &str = "rejected-by-hand";

/// Whether a person left this reason, rather than the judge.
pub(crate) fn is_by_hand(reason: &Reason) -> bool {
    [RELEASED, REJECTED, REDRIVEN, SENT, RESENT].contains(&reason.code.as_str())
}

impl Item {
    /// Takes in what the judge makes of its bytes. A person's word stays written, and what a person released stays so, unless it
    /// turns out to be dangerous.
    pub fn judged(&mut self, verdict: Verdict, reasons: Vec<Reason>) {
        if self.was_released() && verdict != Verdict::Quarantined {
            return;
        }
        self.gate.verdict = self.gate.verdict.worsen(verdict);
        let said = std::mem::replace(&mut self.record.reasons, reasons);
        let said = said.into_iter().filter(is_by_hand);
        self.record.reasons.extend(said);
    }

    /// Whether a person is to decide.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.gate.stage == Stage::Planned && self.gate.verdict == Verdict::Held
    }

    /// Whether a person released it.
    #[must_use]
    pub fn was_released(&self) -> bool {
        let reasons = &self.record.reasons;
        self.gate.verdict == Verdict::Clean && reasons.iter().any(|it| it.code == RELEASED)
    }

    /// The file is clean because a person says so, and goes the way its plan says, in a new epoch.
    pub fn release(&mut self, reason: &str, now: Timestamp) {
        self.gate.verdict = Verdict::Clean;
        self.gate.epoch += 1;
        self.record.reasons.push(Reason {
            code: RELEASED.to_owned(),
            evidence: reason.to_owned(),
        });
        self.gate.due_at = Some(now + DUE_IN);
        self.proceed(Actor::Operator, now);
    }

    /// A clean file goes the way its plan says.
    pub fn proceed(&mut self, actor: Actor, now: Timestamp) {
        match &self.record.plan {
            // Only watched: it is known what would have become of it.
            Some(plan) if self.origin.shadow && plan.goes_out() => {
                self.end(Stage::Kept, actor, now);
            }
            Some(Plan::AsIs(_) | Plan::ReTyped(_) | Plan::Link { .. } | Plan::Summary { .. }) => {
                self.cross(Stage::Waiting, actor, now)
            }
            Some(Plan::Converted { .. }) => self.cross(Stage::Converting, actor, now),
            Some(Plan::Keep) => self.end(Stage::Kept, actor, now),
            Some(Plan::Rejected(_)) | None => self.end(Stage::Rejected, actor, now),
        }
    }

    /// The target refused a file that everything known said it takes: it is judged once more, and planned by what the refusal
    /// taught. What was sent under the old plan counts no more, so this opens a new epoch, although no person asked for it. It
    /// happens to an item once.
    pub fn plan_anew(&mut self, refused: Refused, why: Diagnosis, actor: Actor, now: Timestamp) {
        self.acknowledge_claim(actor);
        self.rest();
        self.gate.epoch += 1;
        self.enter(Stage::Stored, actor, now);
        self.gate.due_at = Some(now + DUE_IN);
        self.drop_upload();
        let record = &mut self.record;
        record.refused = Some(refused);
        record.diagnosis = Some(why);
        record.wait_until = None;
    }

    /// The file stays where it is, for good.
    pub fn reject(&mut self, reason: &str, now: Timestamp) {
        self.gate.epoch += 1;
        self.record.reasons.push(Reason {
            code: REJECTED.to_owned(),
            evidence: reason.to_owned(),
        });
        self.end(Stage::Rejected, Actor::Operator, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{Kind, Objection};
    use crate::claim::Lease;
    use crate::diagnosis::rules::ours;
    use crate::journey::tests::item;
    use crate::verdict::Refusal;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn held(plan: Plan) -> Item {
        let mut item = item();
        item.cross(Stage::Planned, Actor::Validate, NOW);
        item.gate.verdict = Verdict::Held;
        item.gate.due_at = None;
        item.record.plan = Some(plan);
        item
    }

    #[test]
    fn a_released_file_goes_the_way_of_its_plan() {
        let why = || Refusal {
            code: "channel.type".to_owned(),
            reason: "no".to_owned(),
        };
        let link = Plan::Link {
            mime: "application/msword".to_owned(),
            name: "a.doc".to_owned(),
            caption_apart: false,
            why: why(),
        };
        for (plan, stage) in [
            (Plan::Keep, Stage::Kept),
            (Plan::Rejected(why()), Stage::Rejected),
            (link, Stage::Waiting),
        ] {
            let mut item = held(plan);
            assert!(item.is_held() && !item.was_released());
            item.release("looked at it", NOW);
            assert_eq!((item.gate.stage, item.gate.epoch), (stage, 1));
            assert!(!item.is_held() && item.was_released());
            let entries = item.trail.verify(&item.id).unwrap();
            assert_eq!(entries.last().map(|it| it.actor), Some(Actor::Operator));
        }
    }

    #[test]
    fn a_file_that_is_planned_anew_begins_at_its_bytes() {
        let mut item = item();
        item.cross(Stage::Waiting, Actor::Validate, NOW);
        item.gate.verdict = Verdict::Clean;
        item.gate.stage = Stage::Sending;
        item.gate.intent_until = Some(NOW);
        item.gate.lease = Some(Lease {
            holder: 1,
            since: NOW,
            until: NOW,
        });
        item.record.uploaded = Some("id".to_owned());
        let refused = Refused {
            kind: Kind::Image,
            mime: "image/png".to_owned(),
            bytes: 7,
            within: 9,
            objection: Objection::TooLarge,
            at: NOW,
        };
        let why = ours::LIMIT_DRIFT.diagnosis("7 of 9");
        item.plan_anew(refused.clone(), why, Actor::Upload, NOW);
        let gate = &item.gate;
        assert_eq!((gate.stage, gate.epoch), (Stage::Stored, 1));
        assert_eq!((&gate.lease, gate.intent_until), (&None, None));
        assert_eq!(item.record.refused, Some(refused));
        assert_eq!(item.record.uploaded, None);
        let stages: Vec<_> = item.trail.verify(&item.id).unwrap();
        let stages: Vec<_> = stages.iter().map(|it| (it.epoch, it.stage)).collect();
        assert_eq!(
            stages[stages.len() - 2..],
            [(0, Stage::Sending), (1, Stage::Stored)]
        );
    }

    #[test]
    fn what_a_person_said_outlives_another_judgement() {
        let reason = |code: &str| Reason {
            code: code.to_owned(),
            evidence: String::new(),
        };
        let codes = |item: &Item| -> Vec<String> {
            let reasons = item.record.reasons.iter();
            reasons.map(|it| it.code.clone()).collect()
        };
        let mut redriven = held(Plan::Keep);
        redriven.gate.verdict = Verdict::Clean;
        redriven.record.reasons = vec![reason("truncated"), reason(REDRIVEN)];
        redriven.judged(Verdict::Clean, vec![reason("declared-differs")]);
        assert_eq!(codes(&redriven), ["declared-differs", REDRIVEN]);
        let mut released = held(Plan::Keep);
        released.release("looked at it", NOW);
        released.judged(Verdict::Held, vec![reason("truncated")]);
        assert_eq!(codes(&released), [RELEASED]);
        assert_eq!(released.gate.verdict, Verdict::Clean);
        released.judged(Verdict::Quarantined, vec![reason("malware")]);
        assert_eq!(codes(&released), ["malware", RELEASED]);
        assert_eq!(released.gate.verdict, Verdict::Quarantined);
    }

    #[test]
    fn a_rejected_file_is_over_and_stays_held() {
        let mut item = held(Plan::Keep);
        item.reject("ticket 7", NOW);
        assert_eq!(
            (item.gate.stage, item.gate.verdict, item.gate.due_at),
            (Stage::Rejected, Verdict::Held, None)
        );
        assert!(!item.is_held() && !item.was_released());
    }
}
