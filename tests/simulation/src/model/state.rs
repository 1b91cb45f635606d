//! What the model remembers: one row, one object key, the queues, the workers, the platform, and what must not be forgotten.
//!
//! Every time is a count of ticks still to go, so the clock itself is no part of the state and may run for ever.
//! Every fence is renumbered after each step (see [`State::settle`]): fences are only ever compared for equality and
//! order, so the state space stays finite however often a stalled holder is replaced.

use super::row::{Bytes, Row, Stage, Verdict};
use super::work::{Job, Queue, Step, Task};

/// Ticks a claim lasts.
pub const LEASE: u8 = 2;
/// Ticks from the intent to the moment after which its send may no longer start.
pub const DEADLINE: u8 = 2;
/// Ticks after the deadline within which a request already under way lands or dies. Nobody judges before it is over.
pub const GRACE: u8 = 1;
/// Ticks until the sweep looks again at work that was handed over or put back on its way.
pub const PATIENCE: u8 = 1;
/// Workers that may be busy at once.
pub const WORKERS: usize = 3;
/// Counters of messages stop here: two is already one too many.
const MANY: u8 = 2;

/// What the receiving platform has seen of the item, counted up to two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Platform {
    /// Requests that took effect there, repeated ones included.
    pub posts: u8,
    /// Messages a person can see.
    pub visible: u8,
}

impl Platform {
    /// Takes a request in; `known` says that the platform recognises the message id of an earlier one.
    pub fn land(&mut self, known: bool) {
        self.posts = (self.posts + 1).min(MANY);
        if !known || self.visible == 0 {
            self.visible = (self.visible + 1).min(MANY);
        }
    }
}

/// Rules about steps rather than states. A broken one is remembered here, so that a property of states can see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Breaches {
    /// A write lowered the fence.
    pub fence_fell: bool,
    /// A write left the order of (epoch, stage).
    pub stage_fell: bool,
    /// A claim took a lease that was still live.
    pub lease_stolen: bool,
    /// The object changed after it was stored.
    pub object_replaced: bool,
    /// A send began while the row's verdict was not clean.
    pub sent_unjudged: bool,
    /// An open intent was judged while a request was under way.
    pub judged_early: bool,
    /// An item was given up as lost by a worker that had not looked, while its bytes were in the bucket.
    pub lost_unlooked: bool,
}

/// Everything there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The item's row.
    pub row: Row,
    /// The object under the item's key.
    pub bucket: Option<Bytes>,
    /// Messages waiting to be delivered.
    pub queue: Queue,
    /// The workers, sorted: they are alike, so only what they do matters, not which one does it.
    pub workers: [Option<Task>; WORKERS],
    /// A request whose sender has died or given up, with the ticks by which it lands or dies.
    pub astray: Option<u8>,
    /// The receiving platform.
    pub platform: Platform,
    /// Deaths still to come.
    pub crashes: u8,
    /// Repeated deliveries still to come.
    pub duplicates: u8,
    /// An upload job of this epoch was enqueued; from then on the queues alone must keep it.
    pub entrusted: bool,
    /// Rules broken on the way here.
    pub breaches: Breaches,
}

impl State {
    /// An item just announced: its row is durable, and nothing is enqueued yet.
    pub fn announced(crashes: u8, duplicates: u8) -> Self {
        Self {
            row: Row {
                stage: Stage::Announced,
                epoch: 0,
                fence: 1,
                lease: 0,
                due: Some(PATIENCE),
                digest: None,
                verdict: Verdict::Unjudged,
                intent: None,
                sequence: 0,
            },
            bucket: None,
            queue: Queue::default(),
            workers: [None; WORKERS],
            astray: None,
            platform: Platform::default(),
            crashes,
            duplicates,
            entrusted: false,
            breaches: Breaches::default(),
        }
    }

    /// Replaces the row, and remembers if that broke the order of fences or stages. Every write passes here.
    pub fn write(&mut self, row: Row) {
        let old = self.row;
        self.breaches.fence_fell |= row.fence < old.fence;
        let in_order =
            row.epoch > old.epoch || (row.epoch == old.epoch && old.stage.allows(row.stage));
        self.breaches.stage_fell |= !in_order;
        if row.epoch > old.epoch {
            self.entrusted = false;
        }
        self.row = row;
    }

    /// Enqueues an upload job and notes that the queues now answer for it.
    pub fn enqueue_upload(&mut self, sequence: u8) {
        self.queue.add(Job::Upload(sequence));
        self.entrusted |= sequence >= self.row.sequence;
    }

    /// The tasks under way.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.workers.iter().flatten()
    }

    /// Whether some request to the platform has left and neither landed nor died.
    pub fn request_under_way(&self) -> bool {
        self.astray.is_some()
            || self
                .tasks()
                .any(|task| matches!(task.next, Step::InFlight(_)))
    }

    /// Frees a worker whose task is not at its end; the message comes back, unless it was deleted too soon.
    pub fn give_back(&mut self, worker: usize) {
        if let Some(task) = self.workers[worker].take()
            && !task.deleted
        {
            self.queue.add(task.job);
        }
    }

    /// Brings the state to its one form: workers sorted, the row's fence 1, a task's fence 1 if it is still the row's
    /// and 0 if another holder has come.
    pub fn settle(&mut self) {
        let current = self.row.fence;
        for task in self.workers.iter_mut().flatten() {
            task.fence = task.fence.map(|fence| u8::from(fence == current));
        }
        self.row.fence = 1;
        self.workers.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Job, Row, Stage, State, Step, Task};

    fn holding(fence: u8) -> Option<Task> {
        Some(Task {
            job: Job::Fetch,
            deleted: false,
            fence: Some(fence),
            next: Step::Download,
        })
    }

    #[test]
    fn settling_keeps_who_holds_the_fence_and_forgets_which_worker_it_is() {
        let mut left = State::announced(0, 0);
        left.row.fence = 5;
        left.workers = [holding(5), None, holding(3)];
        let mut right = State::announced(0, 0);
        right.row.fence = 2;
        right.workers = [holding(1), holding(2), None];
        left.settle();
        right.settle();
        assert_eq!(left, right);
        assert_eq!(left.workers, [None, holding(0), holding(1)]);
    }

    #[test]
    fn writes_out_of_order_are_remembered() {
        let state = State::announced(0, 0);
        let row = Row {
            stage: Stage::Planned,
            fence: 3,
            ..state.row
        };
        let cases = [
            (
                "forward",
                Row {
                    stage: Stage::Sending,
                    fence: 4,
                    ..row
                },
                false,
                false,
            ),
            ("lower fence", Row { fence: 2, ..row }, true, false),
            (
                "earlier stage",
                Row {
                    stage: Stage::Stored,
                    ..row
                },
                false,
                true,
            ),
            (
                "earlier stage, later epoch",
                Row {
                    stage: Stage::Stored,
                    epoch: 1,
                    ..row
                },
                false,
                false,
            ),
        ];
        for (name, next, fence_fell, stage_fell) in cases {
            let mut state = State { row, ..state };
            state.write(next);
            assert_eq!(state.breaches.fence_fell, fence_fell, "{name}");
            assert_eq!(state.breaches.stage_fell, stage_fell, "{name}");
        }
    }
}
