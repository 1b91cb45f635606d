//! The uploading worker: intent, send, record; planned waits; and the judging of an intent that was left open.

use super::fetch::Delivery;
use super::{
    Bug, Course, DEADLINE, Direction, GRACE, Job, LEASE, PATIENCE, Protocol, Row, Stage, State,
    Step, Task, Verdict,
};

impl Protocol {
    /// A delivery of an upload job with this sequence.
    pub(super) fn begin_upload(self, state: &mut State, sequence: u8, course: Course) -> Delivery {
        let row = state.row;
        let released = self.has(Bug::VerdictIgnored) && row.stage == Stage::Held;
        if (row.stage.is_ending() && !released) || sequence < row.sequence {
            return Delivery::Done;
        }
        if self.has(Bug::PresenceIsDone) && row.stage == Stage::Sending {
            return Delivery::Done;
        }
        if self.has(Bug::UnconditionalIntent) {
            return self.claim_and_intend(state);
        }
        if let Some(left) = row.intent {
            if left > 0 && !self.has(Bug::JudgeAtOnce) {
                return Delivery::Refused;
            }
            return self.judge_intent(state, course);
        }
        if row.lease > 0 && !self.has(Bug::UnconditionalLease) {
            return Delivery::Refused;
        }
        if course == Course::Wait {
            return Delivery::Begun(Some(row.fence), self.first_step_of_wait());
        }
        self.claim_and_intend(state)
    }

    /// Claim and intent in one conditional write: verdict clean, no open intent, lease free or expired.
    fn claim_and_intend(self, state: &mut State) -> Delivery {
        let row = state.row;
        if row.verdict != Verdict::Clean && !self.has(Bug::VerdictIgnored) {
            return Delivery::Refused;
        }
        state.breaches.lease_stolen |= row.lease > 0;
        let fence = row.fence + 1;
        let left = DEADLINE + GRACE;
        let intent = (!self.has(Bug::SendBeforeIntent)).then_some(left);
        let stage = if row.stage.is_ending() {
            row.stage
        } else {
            Stage::Sending
        };
        state.write(Row {
            stage,
            fence,
            lease: LEASE,
            due: Some(left),
            intent,
            ..row
        });
        Delivery::Begun(Some(fence), Step::Send(left))
    }

    /// Judges an open intent whose deadline and grace are over. The platform is asked first; if it knows nothing,
    /// agents get the message again under the same id, and customers never get it again by themselves.
    fn judge_intent(self, state: &mut State, course: Course) -> Delivery {
        state.breaches.judged_early |= state.request_under_way();
        let row = Row {
            fence: state.row.fence + 1,
            lease: 0,
            due: None,
            intent: None,
            ..state.row
        };
        if course == Course::Found || self.has(Bug::UnknownIsSent) {
            state.write(Row {
                stage: Stage::Sent,
                ..row
            });
            return Delivery::Done;
        }
        if self.direction == Direction::ToAgent || self.has(Bug::ResendUnknown) {
            return self.claim_and_intend(state);
        }
        state.write(Row {
            stage: Stage::Unconfirmed,
            ..row
        });
        Delivery::Done
    }

    /// Where a planned wait begins.
    pub(super) fn first_step_of_wait(self) -> Step {
        if self.has(Bug::AdvanceBeforeCopy) {
            Step::AdvanceSequence
        } else {
            Step::CopyJob
        }
    }

    /// The send, or, after the deadline, its withdrawal: who never sent knows so, and closes the intent itself.
    /// Returns the next step, or `None` when the task is over and its message goes back.
    pub(super) fn start_send(self, state: &mut State, task: Task, left: u8) -> Option<Step> {
        if left > GRACE || self.has(Bug::SendAfterDeadline) {
            state.breaches.sent_unjudged |= state.row.verdict != Verdict::Clean;
            return Some(Step::InFlight(left.max(GRACE)));
        }
        if self.may_write(state, task) {
            let row = Row {
                intent: None,
                lease: 0,
                due: Some(PATIENCE),
                ..state.row
            };
            state.write(self.as_written_by(task, row));
        }
        None
    }

    /// The request takes effect at the platform.
    pub(super) fn land(self, state: &mut State) {
        let known = self.direction == Direction::ToAgent && !self.has(Bug::FreshMessageId);
        state.platform.land(known);
    }

    /// The answer is in: record that it was sent. Returns whether the write passed.
    pub(super) fn record_sent(self, state: &mut State, task: Task) -> bool {
        let passes = self.may_write(state, task);
        if passes {
            let row = Row {
                stage: Stage::Sent,
                intent: None,
                lease: 0,
                due: None,
                ..state.row
            };
            state.write(self.as_written_by(task, row));
        }
        passes
    }

    /// Raises the row's sequence if it is still that of the job, and the fence still the one seen when the wait was
    /// decided. A task that holds the claim frees it in the same write and closes its intent, because the platform said
    /// that it did nothing. The sequence alone is not enough: the copy may have run to an ending and a person may have
    /// opened a new epoch, all before this write; then it would outdate the new epoch's job.
    /// Returns whether the write passed.
    pub(super) fn advance(self, state: &mut State, task: Task) -> bool {
        let row = state.row;
        if task.job != Job::Upload(row.sequence) {
            return false;
        }
        let advanced = Row {
            sequence: row.sequence + 1,
            ..row
        };
        if self.may_write(state, task) {
            let row = Row {
                intent: None,
                lease: 0,
                due: Some(PATIENCE),
                ..advanced
            };
            state.write(self.as_written_by(task, row));
            return true;
        }
        let passes = self.has(Bug::SequenceAlone) && !row.stage.is_ending();
        if passes {
            state.write(advanced);
        }
        passes
    }
}
