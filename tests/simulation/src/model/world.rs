//! What happens around the workers' decisions: the order of their steps, death, the sweep, people, time.

use super::{Bug, GRACE, Job, PATIENCE, Protocol, Row, Stage, State, Step, Task, Verdict};

/// How a task stands after a step.
enum Progress {
    /// It goes on with this step.
    Next(Step),
    /// It is at its end: its message is deleted.
    Finished,
    /// It could not get to its end: its message goes back to the queue.
    Returned,
}

impl Protocol {
    /// Does the next step of a worker. `None` if there is no such step, or it cannot die after it.
    pub(super) fn step(self, state: &mut State, worker: usize, dies: bool) -> Option<()> {
        let task = state.workers[worker]?;
        let progress = self.progress(state, task);
        match progress {
            Progress::Next(_) | Progress::Returned if dies => return None,
            Progress::Next(next) => state.workers[worker] = Some(Task { next, ..task }),
            Progress::Finished if !dies => state.workers[worker] = None,
            Progress::Finished | Progress::Returned => state.give_back(worker),
        }
        state.crashes -= u8::from(dies);
        Some(())
    }

    fn progress(self, state: &mut State, task: Task) -> Progress {
        match task.next {
            // A download has outcomes; it is an action of its own.
            Step::Download => Progress::Next(Step::Download),
            Step::RecordStored(_) | Step::RecordConflict | Step::RecordLost => {
                ended(self.record_fetch(state, task))
            }
            Step::EnqueueUpload => {
                state.enqueue_upload(0);
                Progress::Finished
            }
            Step::Send(left) => self
                .start_send(state, task, left)
                .map_or(Progress::Returned, Progress::Next),
            Step::InFlight(_) => {
                self.land(state);
                Progress::Next(Step::Landed)
            }
            Step::Landed => ended(self.record_sent(state, task)),
            Step::CopyJob => {
                copy_job(state, task);
                Progress::Next(Step::AdvanceSequence)
            }
            Step::AdvanceSequence => match self.advance(state, task) {
                true if self.has(Bug::AdvanceBeforeCopy) => Progress::Next(Step::CopyAfterAdvance),
                passed => ended(passed),
            },
            Step::CopyAfterAdvance => {
                copy_job(state, task);
                Progress::Finished
            }
        }
    }

    /// The platform refused the request for now, and nothing happened there: the task plans a wait.
    pub(super) fn throttle(self, state: &mut State, worker: usize) -> Option<()> {
        let task = state.workers[worker].as_mut()?;
        task.next = self.first_step_of_wait();
        task.deleted = self.deletes_first(task.next);
        Some(())
    }

    /// The worker is gone, or knows no more than if it were: its message comes back, its request is on its own.
    pub(super) fn abandon(self, state: &mut State, worker: usize) -> Option<()> {
        if let Step::InFlight(left) = state.workers[worker]?.next {
            // One such request is all the design allows. If a planted bug makes two, the older one lands now.
            if state.astray.replace(left).is_some() {
                self.land(state);
            }
        }
        state.give_back(worker);
        Some(())
    }

    /// A due row is put back on its way. The due time moves first, on condition that it is still the one that was read;
    /// the job is enqueued after, so a death in between costs one more round and no work.
    pub(super) fn sweep(self, state: &mut State, dies: bool) {
        let row = state.row;
        state.write(Row {
            due: Some(PATIENCE),
            ..row
        });
        if dies {
            state.crashes -= 1;
            return;
        }
        match row.stage {
            Stage::Announced | Stage::Fetching => state.queue.add(Job::Fetch),
            Stage::Stored => state.queue.add(Job::Judge),
            Stage::Planned | Stage::Sending => state.enqueue_upload(row.sequence),
            Stage::Sent | Stage::Lost | Stage::Held | Stage::Unconfirmed => {}
        }
    }

    /// A person opens the one further epoch the model allows: releases what the judge held, or resolves what is
    /// unconfirmed by what the customer can see.
    pub(super) fn person(self, state: &mut State) {
        let row = state.row;
        if row.epoch > 0 {
            return;
        }
        let again = Row {
            epoch: 1,
            fence: row.fence + 1,
            ..row
        };
        let planned = Row {
            stage: Stage::Planned,
            due: Some(PATIENCE),
            ..again
        };
        match row.stage {
            Stage::Held if row.verdict == Verdict::Held => state.write(Row {
                verdict: Verdict::Clean,
                ..planned
            }),
            Stage::Unconfirmed if state.platform.visible > 0 => state.write(Row {
                stage: Stage::Sent,
                ..again
            }),
            Stage::Unconfirmed => state.write(planned),
            _ => {}
        }
    }

    /// One tick passes, unless a request under way must land or die first: that every request has, by the end of its
    /// grace, is what the protocol assumes of the network.
    pub(super) fn tick(self, state: &mut State) {
        let overruns = state
            .tasks()
            .any(|task| matches!(task.next, Step::InFlight(..=1)));
        if overruns || state.astray == Some(1) {
            return;
        }
        let row = &mut state.row;
        row.lease = row.lease.saturating_sub(1);
        row.due = row.due.map(|left| left.saturating_sub(1));
        row.intent = row.intent.map(|left| left.saturating_sub(1));
        state.astray = state.astray.map(|left| left - 1);
        for task in state.workers.iter_mut().flatten() {
            match &mut task.next {
                // Past the deadline it makes no difference how far.
                Step::Send(left) => *left = (*left - 1).max(GRACE),
                Step::InFlight(left) => *left -= 1,
                _ => {}
            }
        }
    }
}

/// Sends the delayed copy, with the sequence after that of the task's own job.
fn copy_job(state: &mut State, task: Task) {
    if let Job::Upload(sequence) = task.job {
        state.enqueue_upload(sequence + 1);
    }
}

fn ended(passed: bool) -> Progress {
    if passed {
        Progress::Finished
    } else {
        Progress::Returned
    }
}
