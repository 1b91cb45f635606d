//! What `sweep` does with an item that is still in its index after its due time: nothing stays stuck.

use std::time::Duration;

use super::{Item, Stage};
use crate::channels::Direction;
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// How long after an intent's deadline nobody judges it, unless configured otherwise: a stalled call may still land.
pub const INTENT_GRACE: Duration = Duration::from_secs(30);

/// The longest pause between two looks at the same item. The pauses double from one minute, so that a long backlog
/// does not fill the queues with copies of itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(900);

/// How often a file is inspected after `sweep` asked for its verdict, before it counts as one that cannot be judged: over the
/// pauses below that is more than an hour, longer than most deployments.
const MOST_INSPECTIONS: u32 = 8;

/// What to do with an overdue item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// Somebody holds it, or a delayed copy of its job still waits, or its intent may still take effect.
    Leave,
    /// Put it back into the `fetch` queue.
    Fetch,
    /// Put it back into the `judge` queue: the S3 event was lost, the judge died half-way, or bytes are to be removed or
    /// looked for once more.
    Judge,
    /// Put it back into the `convert` queue.
    Convert,
    /// Put it back into the `media` queue.
    Deliver,
    /// Its send was begun and never answered: close the intent, record the repeat, and deliver again under the same
    /// message id (only towards agents, where the platform and the reader can tell a repeat).
    RepeatSend,
    /// The same towards a customer, who would see it twice: nobody sends it again, a person decides.
    Unconfirmed,
    /// It was given up, and whoever wrote that may have died before telling.
    Tell,
}

/// Decides for one item at `now`; `grace` is how long after its deadline an open intent is left alone.
#[must_use]
pub fn overdue(item: &Item, now: Timestamp, grace: Duration) -> Overdue {
    let gate = &item.gate;
    let not_due = gate.due_at.is_none_or(|due| due > now);
    let held = gate.lease.as_ref().is_some_and(|lease| lease.until > now);
    let waits = item
        .record
        .wait_until
        .is_some_and(|until| until + Duration::from_secs(5) > now);
    let undecided = gate.intent_until.is_some_and(|until| until + grace > now);
    if not_due || held || waits || undecided {
        return Overdue::Leave;
    }
    if item.is_without_bytes(now) {
        return Overdue::Judge;
    }
    match gate.stage {
        Stage::Announced | Stage::Fetching => Overdue::Fetch,
        Stage::Stored | Stage::Planned if gate.verdict == Verdict::Held => Overdue::Leave,
        Stage::Stored | Stage::Planned => Overdue::Judge,
        // A look at whether a late store put the original back.
        Stage::Rejected if gate.verdict == Verdict::Quarantined => Overdue::Judge,
        Stage::Sending if gate.intent_until.is_some() => match item.origin.direction {
            Direction::ToAgent => Overdue::RepeatSend,
            Direction::ToCustomer => Overdue::Unconfirmed,
        },
        Stage::Waiting | Stage::Uploading | Stage::Ready | Stage::Sending => Overdue::Deliver,
        // Whoever asks next finds out how long that has been, and ends what takes too long.
        Stage::Processing => Overdue::Deliver,
        Stage::Converting => Overdue::Convert,
        Stage::Lost | Stage::Failed => Overdue::Tell,
        Stage::Sent
        | Stage::Delivered
        | Stage::Read
        | Stage::Kept
        | Stage::Rejected
        | Stage::Unconfirmed
        | Stage::Undelivered
        | Stage::Erased => Overdue::Leave,
    }
}

/// When to look again after the `sweeps`-th time (from 1) an item was put back: one minute, doubling, at most 15.
#[must_use]
fn next_look(now: Timestamp, sweeps: u32) -> Timestamp {
    let doublings = sweeps.saturating_sub(1).min(5);
    now + (Duration::from_secs(60) * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

impl Item {
    /// Whether its inspection has come to no end so often that it is not tried again: a person decides.
    #[must_use]
    pub fn cannot_be_judged(&self) -> bool {
        self.record.inspections >= MOST_INSPECTIONS
    }

    /// Notes that it is inspected once more, if an earlier inspection may have come to no end; answers whether it was noted.
    pub fn inspected_again(&mut self) -> bool {
        let again = self.record.sweeps > 0;
        self.record.inspections += u32::from(again);
        again
    }

    /// Notes that the last inspection did come to its end, or that it was not the file that ended it.
    pub fn inspection_ended(&mut self, by_the_world: bool) {
        self.record.inspections = match by_the_world {
            true => self.record.inspections.saturating_sub(1),
            false => 0,
        };
    }

    /// Notes that `sweep` puts the item back on its way at `now`.
    pub fn swept(&mut self, step: Overdue, now: Timestamp) {
        self.record.sweeps += 1;
        self.record.wait_until = None;
        self.rest();
        if step == Overdue::RepeatSend {
            self.record.repeats += 1;
        }
        self.gate.due_at = Some(next_look(now, self.record.sweeps));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Lease;
    use crate::journey::tests::item;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn at(stage: Stage) -> Item {
        let mut item = item();
        item.gate.stage = stage;
        item
    }

    #[test]
    fn each_stage_goes_back_where_it_belongs() {
        for (stage, step) in [
            (Stage::Announced, Overdue::Fetch),
            (Stage::Fetching, Overdue::Fetch),
            (Stage::Stored, Overdue::Judge),
            (Stage::Planned, Overdue::Judge),
            (Stage::Converting, Overdue::Convert),
            (Stage::Waiting, Overdue::Deliver),
            (Stage::Uploading, Overdue::Deliver),
            (Stage::Processing, Overdue::Deliver),
            (Stage::Ready, Overdue::Deliver),
            (Stage::Sending, Overdue::Deliver),
            (Stage::Sent, Overdue::Leave),
            (Stage::Lost, Overdue::Tell),
            (Stage::Failed, Overdue::Tell),
        ] {
            assert_eq!(overdue(&at(stage), NOW, INTENT_GRACE), step, "{stage:?}");
        }
    }

    #[test]
    fn what_is_held_waiting_or_undecided_is_left() {
        let mut held = at(Stage::Fetching);
        held.gate.lease = Some(Lease {
            holder: 1,
            since: NOW,
            until: NOW + Duration::from_millis(1),
        });
        assert_eq!(overdue(&held, NOW, INTENT_GRACE), Overdue::Leave);
        assert_eq!(
            overdue(&held, NOW + Duration::from_millis(1), INTENT_GRACE),
            Overdue::Fetch
        );

        let mut waiting = at(Stage::Sending);
        waiting.record.wait_until = Some(NOW);
        assert_eq!(overdue(&waiting, NOW, INTENT_GRACE), Overdue::Leave);
        assert_eq!(
            overdue(&waiting, NOW + Duration::from_secs(5), INTENT_GRACE),
            Overdue::Deliver
        );

        let mut open = at(Stage::Sending);
        open.gate.intent_until = Some(NOW);
        assert_eq!(
            overdue(&open, NOW + Duration::from_secs(29), INTENT_GRACE),
            Overdue::Leave
        );
        assert_eq!(
            overdue(&open, NOW + INTENT_GRACE, INTENT_GRACE),
            Overdue::RepeatSend
        );

        open.origin.direction = Direction::ToCustomer;
        assert_eq!(
            overdue(&open, NOW + INTENT_GRACE, INTENT_GRACE),
            Overdue::Unconfirmed
        );

        let mut quarantined = at(Stage::Rejected);
        assert_eq!(overdue(&quarantined, NOW, INTENT_GRACE), Overdue::Leave);
        quarantined.gate.verdict = Verdict::Quarantined;
        assert_eq!(overdue(&quarantined, NOW, INTENT_GRACE), Overdue::Judge);

        let mut by_policy = at(Stage::Planned);
        by_policy.gate.verdict = Verdict::Held;
        assert_eq!(overdue(&by_policy, NOW, INTENT_GRACE), Overdue::Leave);
    }

    #[test]
    fn looks_grow_rarer() {
        let minutes = |sweeps| next_look(NOW, sweeps).saturating_since(NOW).as_secs() / 60;
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 60].map(minutes),
            [1, 2, 4, 8, 15, 15, 15]
        );
    }

    #[test]
    fn inspections_without_an_end_are_counted() {
        let mut item = at(Stage::Fetching);
        assert!(!item.inspected_again(), "the first look costs no write");
        item.swept(Overdue::Fetch, NOW);
        for _ in 0..20 {
            assert!(item.inspected_again());
            item.inspection_ended(true);
        }
        assert!(
            !item.cannot_be_judged(),
            "an outage is no fault of the file's"
        );
        for n in 1..=MOST_INSPECTIONS {
            assert!(item.inspected_again());
            assert_eq!(item.cannot_be_judged(), n == MOST_INSPECTIONS, "{n}");
        }
        item.inspection_ended(false);
        assert!(!item.cannot_be_judged());
    }
}
