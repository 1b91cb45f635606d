//! The fetching and the judging worker: from the claim to an object, a verdict and a job for the upload.

use super::{
    Bug, Bytes, Course, Download, Job, LEASE, PATIENCE, Protocol, Row, Stage, State, Step, Task,
    Verdict,
};

impl Protocol {
    /// A delivery of the fetch job: one conditional write takes the lease and raises the fence.
    /// Returns the task begun, or `None` with `true` if the message is done with.
    pub(super) fn begin_fetch(self, state: &mut State) -> Delivery {
        let row = state.row;
        if row.stage > Stage::Fetching
            || (self.has(Bug::PresenceIsDone) && row.stage == Stage::Fetching)
        {
            return Delivery::Done;
        }
        if row.lease > 0 && !self.has(Bug::UnconditionalLease) {
            return Delivery::Refused;
        }
        state.breaches.lease_stolen |= row.lease > 0;
        let fence = row.fence + 1;
        state.write(Row {
            stage: Stage::Fetching,
            fence,
            lease: LEASE,
            due: Some(LEASE),
            ..row
        });
        Delivery::Begun(Some(fence), Step::Download)
    }

    /// The download ended; if it brought bytes, they are put under the write-once key. A 412 is answered by comparing
    /// digests, never taken for success. Before an item is given up for lost, the bucket is looked at: an earlier
    /// holder may have died between its put and its record.
    pub(super) fn downloaded(self, state: &mut State, outcome: Download) -> Step {
        match (outcome, state.bucket) {
            (Download::Dead, Some(stored)) if !self.has(Bug::LostUnlooked) => {
                Step::RecordStored(stored)
            }
            (Download::Dead, stored) => {
                state.breaches.lost_unlooked |= stored.is_some();
                Step::RecordLost
            }
            (Download::Brought(bytes), None) => {
                state.bucket = Some(bytes);
                state.queue.add(Job::Judge);
                Step::RecordStored(bytes)
            }
            (Download::Brought(bytes), Some(stored)) if bytes == stored => {
                Step::RecordStored(stored)
            }
            (Download::Brought(bytes), Some(_)) if self.has(Bug::Overwrite) => {
                state.bucket = Some(bytes);
                state.breaches.object_replaced = true;
                Step::RecordStored(bytes)
            }
            (Download::Brought(bytes), Some(_)) if self.has(Bug::ConflictIsSuccess) => {
                Step::RecordStored(bytes)
            }
            (Download::Brought(_), Some(_)) => Step::RecordConflict,
        }
    }

    /// A fetch whose bytes still flow makes its lease last longer, if the fence is still its own.
    pub(super) fn renew(self, state: &mut State, worker: usize) -> Option<()> {
        let task = state.workers[worker]?;
        if !self.may_write(state, task) {
            return None;
        }
        let row = Row {
            lease: LEASE,
            due: Some(LEASE),
            ..state.row
        };
        state.write(self.as_written_by(task, row));
        Some(())
    }

    /// The fetch's last write, carrying its fence. Returns whether it passed.
    pub(super) fn record_fetch(self, state: &mut State, task: Task) -> bool {
        if !self.may_write(state, task) {
            return false;
        }
        let row = self.as_written_by(
            task,
            Row {
                lease: 0,
                due: None,
                ..state.row
            },
        );
        state.write(match task.next {
            Step::RecordStored(bytes) => {
                let due = (!self.has(Bug::NoDueTime)).then_some(PATIENCE);
                Row {
                    stage: Stage::Stored,
                    digest: Some(bytes),
                    due,
                    ..row
                }
            }
            Step::RecordConflict => Row {
                stage: Stage::Held,
                ..row
            },
            _ => Row {
                stage: Stage::Lost,
                ..row
            },
        });
        true
    }

    /// A delivery of the judge job. The object cannot change, so reading it and writing the verdict is one step: the
    /// write asks only that nobody has judged before. It finds the row `fetching` when the notice was quicker than the
    /// fetcher's own record; then it completes the row, and by raising the fence tells the fetcher so.
    pub(super) fn judge(self, state: &mut State, course: Course) -> Delivery {
        let row = state.row;
        let (Some(bytes), true) = (state.bucket, row.stage <= Stage::Planned) else {
            return Delivery::Done;
        };
        if row.stage == Stage::Planned {
            // Judged already, but whoever judged may have died before the job was enqueued: say it again.
            return Delivery::Begun(None, Step::EnqueueUpload);
        }
        let judged = Row {
            digest: Some(bytes),
            fence: row.fence + 1,
            lease: 0,
            ..row
        };
        if course != Course::Unsound {
            state.write(Row {
                stage: Stage::Planned,
                verdict: Verdict::Clean,
                due: Some(PATIENCE),
                ..judged
            });
            return Delivery::Begun(None, Step::EnqueueUpload);
        }
        state.write(Row {
            stage: Stage::Held,
            verdict: Verdict::Held,
            due: None,
            ..judged
        });
        if self.has(Bug::VerdictIgnored) {
            return Delivery::Begun(None, Step::EnqueueUpload);
        }
        Delivery::Done
    }
}

/// What became of a delivered message.
pub(super) enum Delivery {
    /// A task began, with the fence of its claim if it took one.
    Begun(Option<u8>, Step),
    /// Nothing is left to do for this message; it is deleted.
    Done,
    /// Not now: the message goes back to its queue, and nothing has changed.
    Refused,
}

/// What the fetcher's download may bring, in the form the checker needs it: the first bytes stored are `First` by name.
pub(super) fn possible_downloads(bucket: Option<Bytes>) -> &'static [Download] {
    match bucket {
        None => &[Download::Brought(Bytes::First), Download::Dead],
        Some(_) => &[
            Download::Brought(Bytes::First),
            Download::Brought(Bytes::Other),
            Download::Dead,
        ],
    }
}
