//! Where a judged file goes, and what a person decides about one that is held: the one way in which a verdict gets better,
//! written down with its reason.

use std::time::Duration;

use super::{Item, Stage};
use crate::audit::Actor;
use crate::time::Timestamp;
use crate::verdict::{Plan, Reason, Verdict};

/// How long after its release `sweep` looks whether the file is on its way.
const DUE_IN: Duration = Duration::from_secs(30);

/// The code of the reason that a release leaves.
const RELEASED: &str = "released";

/// The code of the reason that a rejection leaves.
const REJECTED: &str = "rejected-by-hand";

impl Item {
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
            Some(plan) if self.origin.shadow && plan.delivery().is_some() => {
                self.end(Stage::Kept, actor, now);
            }
            Some(Plan::AsIs(_) | Plan::ReTyped(_)) => self.cross(Stage::Waiting, actor, now),
            Some(Plan::Converted { .. }) => self.cross(Stage::Converting, actor, now),
            Some(Plan::Keep) => self.end(Stage::Kept, actor, now),
            // Nobody sends links or summaries: they are not planned here, and were they, the sender is told why.
            Some(Plan::Rejected(_) | Plan::Link { .. } | Plan::Summary { .. }) | None => {
                self.end(Stage::Rejected, actor, now);
            }
        }
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
        let refused = Plan::Rejected(Refusal {
            code: "channel.type".to_owned(),
            reason: "no".to_owned(),
        });
        for (plan, stage) in [(Plan::Keep, Stage::Kept), (refused, Stage::Rejected)] {
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
