//! What can be done at once because waiting with it makes no difference. This is what makes the model small.
//!
//! * A write refused for its fence is refused for ever, for fences only grow. A task with nothing else left to do gives
//!   its message back at once; a message in a stalled hand and a message late in its queue come to the same.
//! * A message that the row will never ask for again is deleted at once; stages and sequences only grow, and what a
//!   person opens again starts behind the fetch.
//!
//! Both rest on rules that are themselves checked at the write, before anything here looks at the row. The exploration
//! without them, several times larger, is the test marked as ignored; it must come to the same conclusions.

use super::{Bug, GRACE, Job, Protocol, Stage, State, Step, Task, Verdict};

impl Protocol {
    /// Does what may be done at once.
    pub(super) fn hurry(self, state: &mut State) {
        for worker in 0..state.workers.len() {
            if state.workers[worker].is_some_and(|task| self.can_only_be_refused(state, task)) {
                state.give_back(worker);
            }
        }
        for job in Job::ALL {
            if never_wanted_again(state, job) {
                state.queue.remove(job);
            }
        }
    }

    fn can_only_be_refused(self, state: &State, task: Task) -> bool {
        if self.may_write(state, task) {
            return false;
        }
        match task.next {
            Step::RecordStored(_) | Step::RecordConflict | Step::RecordLost | Step::Landed => true,
            // Whatever it downloads, the object stays, and the record of that is refused.
            Step::Download => state.bucket.is_some() && !self.has(Bug::Overwrite),
            Step::Send(left) => left <= GRACE && !self.has(Bug::SendAfterDeadline),
            Step::AdvanceSequence => !self.has(Bug::SequenceAlone),
            Step::EnqueueUpload | Step::InFlight(_) | Step::CopyJob | Step::CopyAfterAdvance => {
                false
            }
        }
    }
}

fn never_wanted_again(state: &State, job: Job) -> bool {
    let row = state.row;
    let person_may_reopen = row.epoch == 0
        && match row.stage {
            Stage::Held => row.verdict == Verdict::Held,
            Stage::Sent | Stage::Lost => false,
            _ => true,
        };
    match job {
        _ if row.stage.is_ending() && !person_may_reopen => true,
        Job::Fetch => row.stage > Stage::Fetching,
        Job::Judge => row.stage > Stage::Planned && !person_may_reopen,
        Job::Upload(sequence) => sequence < row.sequence,
    }
}
