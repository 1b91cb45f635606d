//! An exhaustive model of how one media item gets from an acknowledged webhook to one visible message.
//!
//! # The protocol in ten lines
//! 1. Jobs come from queues that repeat and delay; what to do is decided by the item's row, never by the job.
//! 2. `fetch` claims: one conditional write takes a free or expired lease and raises the fence. Later writes carry it.
//! 3. It puts the bytes under a write-once key. 412 means "compare": same digest, adopt; another, hold and raise.
//! 4. `validate` judges the object once; the row may still say `fetching`, then the judge completes it.
//! 5. `upload` writes claim and intent in one conditional write: verdict clean, no open intent. Then it sends.
//! 6. No send starts after the intent's deadline; what is under way has landed or died when the grace is over.
//! 7. The answer is recorded under the sender's own fence, and closes the intent.
//! 8. An open intent is judged only after deadline and grace: agents get a repeat under the same message id, customers
//!    never; theirs becomes `unconfirmed`, and a person resolves it in a new epoch.
//! 9. A planned wait sends the copy with the next sequence, then advances the row if sequence and fence are still those
//!    it saw, then deletes the old job.
//! 10. Every row that is not at an end has a due time; the sweep puts what is due back on its way.
//!
//! A write "under a fence" passes while the row still has that fence, also after the lease has run out: as long as
//! nobody else has taken over, nothing is wrong with a late write. The judge takes no lease; its one write raises the
//! fence, so a fetcher that comes second is refused.
//!
//! # What the checker is free to do
//! Any worker may stall between any two of its steps for any number of ticks, any message may be delivered at any
//! time, any answer may be lost, and within a budget ([`CRASHES`], [`DUPLICATES`]) workers and the sweep die at any
//! boundary, also after an effect and before its answer, and messages are delivered again. The link may die, and a
//! second download may bring other bytes.
//!
//! # Why it can be explored to the end
//! Times are ticks to go, fences are renumbered after each step, equal workers are interchangeable, equal messages
//! are one, the platform counts to two, and waits end at [`WAITS`]. There is no limit on ticks, claims or attempts.
//! A step that only reads what cannot change is joined to the write after it, and what makes no difference later is
//! done at once (`eager.rs`; the exploration without that is an ignored test).
//!
//! # How to read a finding
//! [`name`] lists what must always hold and what must be possible. A broken property comes with the shortest list of
//! [`Action`]s that leads there, starting from a row just announced. [`Bug`] takes single safeguards away; the test
//! table says which property notices, and how many steps it takes.
//!
//! # What it leaves out
//! Multipart checkpoints, erasure, pacing itself (a wait is simply possible), refusals by the platform, tokens, bundles,
//! several items, dead-letter queues, and clocks that disagree. It is a model of the protocol, not of the code; the
//! simulation runs the code.

mod action;
mod calm;
mod eager;
mod fetch;
mod properties;
mod row;
mod state;
mod upload;
mod work;
mod world;

use stateright::{Model, Property};

pub use action::{Action, Course, Download};
use fetch::Delivery;
pub use properties::name;
pub use row::{Bytes, Row, Stage, Verdict};
pub use state::{Breaches, DEADLINE, GRACE, LEASE, PATIENCE, Platform, State, WORKERS};
pub use work::{Job, Queue, Step, Task, WAITS};

/// Deaths in one run, of workers, of the sweep, or of intake before it enqueued the first job.
pub const CRASHES: u8 = 2;
/// Repeated deliveries in one run.
pub const DUPLICATES: u8 = 2;

/// Which way the item travels: it decides what an unknown outcome leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The receiving platform recognises a repeated message id.
    ToAgent,
    /// It does not: a repeat is a second message on somebody's phone.
    ToCustomer,
}

/// Mistakes the checker must find. Each takes one safeguard away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Writes after the claim do not ask for the fence; they put back the row as their writer remembers its fence.
    UnfencedWrites,
    /// The lease is taken whether or not somebody holds it.
    UnconditionalLease,
    /// The intent is written whether or not one is open.
    UnconditionalIntent,
    /// The send goes out under a claim alone; nothing durable says that it may have happened.
    SendBeforeIntent,
    /// The intent is written whatever the verdict.
    VerdictIgnored,
    /// An open intent is judged without waiting for its deadline and grace.
    JudgeAtOnce,
    /// A holder that stalled past its intent's deadline sends all the same.
    SendAfterDeadline,
    /// 412 is taken for success without comparing digests.
    ConflictIsSuccess,
    /// The put does not ask that the key is free.
    Overwrite,
    /// A dead link ends the item without a look into the bucket.
    LostUnlooked,
    /// A send to a customer with unknown outcome is repeated.
    ResendUnknown,
    /// An unknown outcome is recorded as sent.
    UnknownIsSent,
    /// A repeat towards agents carries a new message id.
    FreshMessageId,
    /// A planned wait deletes its job first, then sends the copy and advances the sequence.
    DeleteBeforeCopy,
    /// A planned wait advances the sequence first, then sends the copy.
    AdvanceBeforeCopy,
    /// The advance asks for the job's sequence and not for the fence.
    SequenceAlone,
    /// A row that somebody once claimed counts as done, however the claim ended.
    PresenceIsDone,
    /// The write that stores the item clears its due time.
    NoDueTime,
}

/// The protocol under check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Which way the item travels.
    pub direction: Direction,
    /// The planted mistake; `None` is the protocol as designed.
    pub bug: Option<Bug>,
    /// Whether what makes no difference later is done at once: the same conclusions from far fewer states.
    pub eager: bool,
    /// Whether intake certainly dies before it enqueues the first job, rather than possibly: then nothing but the
    /// sweep can start the work.
    pub intake_dies: bool,
}

impl Protocol {
    /// The protocol as designed.
    pub fn designed(direction: Direction) -> Self {
        Self {
            direction,
            bug: None,
            eager: true,
            intake_dies: false,
        }
    }

    /// The protocol with one mistake.
    pub fn with(direction: Direction, bug: Bug) -> Self {
        Self {
            bug: Some(bug),
            ..Self::designed(direction)
        }
    }

    fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Whether a write of this task passes its condition: the row still has the fence of the task's claim.
    fn may_write(self, state: &State, task: Task) -> bool {
        task.fence == Some(state.row.fence) || self.has(Bug::UnfencedWrites)
    }

    /// The row as the task writes it. Without the condition, a whole-row put restores the fence its writer remembers.
    fn as_written_by(self, task: Task, row: Row) -> Row {
        match task.fence {
            Some(fence) if self.has(Bug::UnfencedWrites) => Row { fence, ..row },
            _ => row,
        }
    }

    fn deliver(self, state: &mut State, job: Job, again: bool, course: Course) {
        let delivery = match job {
            Job::Fetch => self.begin_fetch(state),
            Job::Judge => self.judge(state, course),
            Job::Upload(sequence) => self.begin_upload(state, sequence, course),
        };
        let task = match delivery {
            Delivery::Refused => return,
            Delivery::Done => None,
            Delivery::Begun(fence, next) => Some(Task {
                job,
                deleted: self.deletes_first(next),
                fence,
                next,
            }),
        };
        if again {
            state.duplicates -= 1;
        } else {
            state.queue.remove(job);
        }
        if let (Some(task), Some(place)) =
            (task, state.workers.iter_mut().find(|place| place.is_none()))
        {
            *place = Some(task);
        }
    }

    fn deletes_first(self, next: Step) -> bool {
        self.has(Bug::DeleteBeforeCopy) && next == Step::CopyJob
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        // Intake writes the row, enqueues the first job and acknowledges. It may die in between.
        let mut handed_over = State::announced(CRASHES, DUPLICATES);
        handed_over.queue.add(Job::Fetch);
        let intake_died = State::announced(CRASHES - 1, DUPLICATES);
        if self.intake_dies {
            vec![intake_died]
        } else {
            vec![handed_over, intake_died]
        }
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        action::possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Deliver { job, again, course } => self.deliver(&mut state, job, again, course),
            Action::Download(worker, outcome) => {
                let next = self.downloaded(&mut state, outcome);
                state.workers[worker].as_mut()?.next = next;
            }
            Action::Renew(worker) => self.renew(&mut state, worker)?,
            Action::LoseNotice => {
                state.crashes -= 1;
                state.queue.remove(Job::Judge);
            }
            Action::Step { worker, dies } => self.step(&mut state, worker, dies)?,
            Action::Throttle(worker) => self.throttle(&mut state, worker)?,
            Action::GiveUp(worker) => self.abandon(&mut state, worker)?,
            Action::Crash(worker) => {
                state.crashes -= 1;
                self.abandon(&mut state, worker)?;
            }
            Action::AstrayLands => {
                state.astray = None;
                self.land(&mut state);
            }
            Action::AstrayDies => state.astray = None,
            Action::Sweep { dies } => self.sweep(&mut state, dies),
            Action::Person => self.person(&mut state),
            Action::Tick => self.tick(&mut state),
        }
        if self.eager {
            self.hurry(&mut state);
        }
        state.settle();
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self.direction)
    }
}
