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
//! 9. A planned wait sends the copy with the next sequence, then advances the row, then deletes the old job.
//! 10. Every row that is not at an end has a due time; the sweep puts what is due back on its way.
//!
//! # What the checker is free to do
//! Any worker may stall between any two of its steps for any number of ticks, any message may be delivered at any
//! time, any answer may be lost, and within a budget ([`CRASHES`], [`DUPLICATES`]) workers and the sweep die at any
//! boundary, also after an effect and before its answer, and messages are delivered again. The link may die, and a
//! second download may bring other bytes.
//!
//! # Why it can be explored to the end
//! Times are ticks to go, fences are renumbered after each step, equal workers are interchangeable, equal messages
//! are one, the platform counts to two. Nothing else is bounded: there is no limit on ticks, claims or attempts.
//! A step that only reads what cannot change is joined to the write after it.
//!
//! # What it leaves out
//! Multipart checkpoints, lease renewal, erasure, pacing itself (a wait is simply possible), tokens, bundles, several
//! items, and queues that lose messages. The simulation covers those with production code.

mod calm;
mod eager;
mod fetch;
mod properties;
mod state;
mod upload;
mod world;

use stateright::{Model, Property};

use fetch::{Delivery, possible_downloads};
pub use properties::name;
pub use state::{
    Breaches, Bytes, DEADLINE, GRACE, Job, LEASE, PATIENCE, Platform, Queue, Row, Stage, State, Step, Task, Verdict,
    WAITS, WORKERS,
};

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
}

/// How a delivery goes on where the row leaves a choice to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Do what the row says.
    Straight,
    /// The pace leaves no room: plan a wait.
    Wait,
    /// The bytes turn out to be such that policy holds them.
    Unsound,
    /// The platform, asked about an unknown outcome, has the message.
    Found,
}

/// How a download ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Download {
    /// With these bytes.
    Brought(Bytes),
    /// The link is dead.
    Dead,
}

/// One step of the world. Workers are named by their place in [`State::workers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A message is delivered to an idle worker, which makes its first conditional write at once. `again`: it also
    /// stays in the queue and will be delivered once more.
    Deliver {
        /// The message.
        job: Job,
        /// Whether this uses up one of the duplicates.
        again: bool,
        /// The world's choice.
        course: Course,
    },
    /// A fetch's download ends, and its put is answered.
    Download(usize, Download),
    /// A fetch whose bytes still flow renews its lease.
    Renew(usize),
    /// The bucket's notice of the new object is lost, together with all its retries.
    LoseNotice,
    /// A worker does its next step. `dies`: and dies before it can delete its message.
    Step {
        /// The worker.
        worker: usize,
        /// Whether this uses up one of the crashes.
        dies: bool,
    },
    /// The platform answers a send with "too many": nothing happened there.
    Throttle(usize),
    /// A sender gets no answer, too late or not at all: the outcome is unknown to it.
    GiveUp(usize),
    /// A worker dies before its next step. Its message comes back; its request, if any, is on its own.
    Crash(usize),
    /// A request without a sender lands.
    AstrayLands,
    /// A request without a sender never arrives.
    AstrayDies,
    /// The sweep acts on the due row. `dies`: after it moved the due time, before it enqueued.
    Sweep {
        /// Whether this uses up one of the crashes.
        dies: bool,
    },
    /// A person releases the held item, or looks at the customer's phone and resolves the unconfirmed one.
    Person,
    /// The clock advances.
    Tick,
}

impl Protocol {
    /// The protocol as designed.
    pub fn designed(direction: Direction) -> Self {
        Self { direction, bug: None, eager: true }
    }

    /// The protocol with one mistake.
    pub fn with(direction: Direction, bug: Bug) -> Self {
        Self { direction, bug: Some(bug), eager: true }
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
            Delivery::Begun(fence, next) => Some(Task { job, deleted: self.deletes_first(next), fence, next }),
        };
        if again {
            state.duplicates -= 1;
        } else {
            state.queue.remove(job);
        }
        if let (Some(task), Some(place)) = (task, state.workers.iter_mut().find(|place| place.is_none())) {
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
        vec![handed_over, intake_died]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        possible_deliveries(state, actions);
        for (worker, task) in state.workers.iter().enumerate() {
            if let Some(task) = task {
                possible_steps(state, worker, task, actions);
            }
        }
        if state.crashes > 0 && state.queue.holds(Job::Judge) {
            actions.push(Action::LoseNotice);
        }
        if state.astray.is_some() {
            actions.extend([Action::AstrayLands, Action::AstrayDies]);
        }
        if state.row.due == Some(0) {
            actions.push(Action::Sweep { dies: false });
            if state.crashes > 0 {
                actions.push(Action::Sweep { dies: true });
            }
        }
        actions.extend([Action::Person, Action::Tick]);
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

fn possible_deliveries(state: &State, actions: &mut Vec<Action>) {
    if state.workers.iter().all(Option::is_some) {
        return;
    }
    for job in Job::ALL.into_iter().filter(|job| state.queue.holds(*job)) {
        let mut courses = vec![Course::Straight];
        if job == Job::Judge && state.row.verdict == Verdict::Unjudged {
            courses.push(Course::Unsound);
        }
        if job.may_wait(&state.row) && state.row.intent.is_none() {
            courses.push(Course::Wait);
        }
        if matches!(job, Job::Upload(_)) && state.row.intent.is_some() && state.platform.visible > 0 {
            courses.push(Course::Found);
        }
        for course in courses {
            actions.push(Action::Deliver { job, again: false, course });
            if state.duplicates > 0 {
                actions.push(Action::Deliver { job, again: true, course });
            }
        }
    }
}

fn possible_steps(state: &State, worker: usize, task: &Task, actions: &mut Vec<Action>) {
    match task.next {
        Step::Download => {
            let outcomes = possible_downloads(state.bucket).iter();
            actions.extend(outcomes.map(|outcome| Action::Download(worker, *outcome)));
            actions.push(Action::Renew(worker));
        }
        _ => actions.push(Action::Step { worker, dies: false }),
    }
    if matches!(task.next, Step::InFlight(_) | Step::Landed) {
        actions.push(Action::GiveUp(worker));
    }
    if matches!(task.next, Step::InFlight(_)) && task.job.may_wait(&state.row) {
        actions.push(Action::Throttle(worker));
    }
    if state.crashes > 0 {
        actions.push(Action::Crash(worker));
        if task.next.may_be_last() {
            actions.push(Action::Step { worker, dies: true });
        }
    }
}
