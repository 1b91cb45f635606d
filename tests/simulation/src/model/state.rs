//! What the model remembers: one row, one object key, the queues, the workers, the platform, and what must not be forgotten.
//!
//! Every time is a count of ticks still to go, so the clock itself is no part of the state and may run for ever.
//! Every fence is renumbered after each step (see [`State::settle`]): fences are only ever compared for equality and
//! order, so the state space stays finite however often a stalled holder is replaced.

/// Ticks a claim lasts.
pub const LEASE: u8 = 2;
/// Ticks from the intent to the moment after which its send may no longer start.
pub const DEADLINE: u8 = 2;
/// Ticks after the deadline within which a request already under way lands or dies. Nobody judges before it is over.
pub const GRACE: u8 = 1;
/// Ticks until the sweep looks again at work that was handed over or put back on its way.
pub const PATIENCE: u8 = 1;
/// Planned waits an item may go through, each raising the sequence by one.
pub const WAITS: u8 = 2;
/// Workers that may be busy at once.
pub const WORKERS: usize = 3;
/// Counters of messages stop here: two is already one too many.
const MANY: u8 = 2;

/// Where the item is on its journey. Later is higher; the endings stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Claimed from the webhook and acknowledged to its sender.
    Announced,
    /// A fetch holds, or held, the lease.
    Fetching,
    /// The object is in the bucket and the row knows it.
    Stored,
    /// Judged clean; an upload may begin.
    Planned,
    /// An intent was written; with no intent open, the next attempt may be made.
    Sending,
    /// Ending: the platform said yes.
    Sent,
    /// Ending: the link died before the bytes were stored.
    Lost,
    /// Ending, until a person releases it: policy, or other bytes under the same id.
    Held,
    /// Ending, until a person resolves it: it may have been sent, and nobody can tell.
    Unconfirmed,
}

impl Stage {
    /// Whether no more work is due unless a person asks for it.
    pub fn is_ending(self) -> bool {
        self >= Self::Sent
    }

    /// Whether a row may go from `self` to `next` within one epoch.
    pub fn allows(self, next: Self) -> bool {
        self == next || (!self.is_ending() && next > self)
    }
}

/// What was decided about the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nobody has looked yet.
    Unjudged,
    /// May leave.
    Clean,
    /// Must not leave until a person releases it.
    Held,
}

/// The content of a download. The first bytes ever stored for the item are called `First`; any later download may
/// bring the same bytes or `Other` ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bytes {
    /// The bytes that were stored first.
    First,
    /// Any bytes with another digest.
    Other,
}

/// The item's row, as every conditional write sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Where the item is.
    pub stage: Stage,
    /// Raised whenever a person sends the item on its way again.
    pub epoch: u8,
    /// Raised by each new holder. Every later write of that holder carries it.
    pub fence: u8,
    /// Ticks the lease still lasts; 0 is free or expired, which are the same to a claim.
    pub lease: u8,
    /// Ticks until the sweep acts; `None` only when the item has ended.
    pub due: Option<u8>,
    /// Digest of the stored object, once known.
    pub digest: Option<Bytes>,
    /// What was decided about the bytes.
    pub verdict: Verdict,
    /// Ticks until the open intent may be judged; `None` when no intent is open.
    pub intent: Option<u8>,
    /// The upload job's sequence: raised by each planned wait; jobs with an older one are dropped.
    pub sequence: u8,
}

/// A message in one of the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Job {
    /// Fetch the bytes.
    Fetch,
    /// Judge the object: the bucket's notice, or the sweep's reminder.
    Judge,
    /// Send the item; the number is the job's sequence.
    Upload(u8),
}

impl Job {
    /// Every message there can be: sequences end at [`WAITS`].
    pub const ALL: [Self; 5] = [Self::Fetch, Self::Judge, Self::Upload(0), Self::Upload(1), Self::Upload(WAITS)];

    /// Whether this is the job the row's sequence asks for, and one more wait may be planned.
    pub fn may_wait(self, row: &Row) -> bool {
        self == Self::Upload(row.sequence) && row.sequence < WAITS
    }

    fn bit(self) -> u8 {
        match self {
            Self::Fetch => 1,
            Self::Judge => 2,
            Self::Upload(sequence) => 4 << sequence,
        }
    }
}

/// The messages waiting to be delivered, in no order. Equal messages are kept as one: a second copy could only cause
/// one more delivery, and those are what the budget of duplicates is for.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Queue(u8);

impl Queue {
    /// Adds a message.
    pub fn add(&mut self, job: Job) {
        self.0 |= job.bit();
    }

    /// Takes a message out.
    pub fn remove(&mut self, job: Job) {
        self.0 &= !job.bit();
    }

    /// Whether such a message waits.
    pub fn holds(self, job: Job) -> bool {
        self.0 & job.bit() != 0
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(Job::ALL.iter().filter(|job| self.holds(**job))).finish()
    }
}

/// What a busy worker will do next. Between any two of these it may stall for any time, or die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// fetch: holds the claim; will download and put the object, write-once.
    Download,
    /// fetch: the bucket holds these bytes; will write that to the row.
    RecordStored(Bytes),
    /// fetch: the bucket holds other bytes than were downloaded; will write that to the row.
    RecordConflict,
    /// fetch: the link is dead and the bucket was empty when looked at; will write that to the row.
    RecordLost,
    /// judge: the verdict is written; will enqueue the upload job.
    EnqueueUpload,
    /// upload: the intent is written; will send. The number is ticks until its own intent may be judged.
    Send(u8),
    /// upload: the request is under way. The number is ticks by which it lands or dies.
    InFlight(u8),
    /// upload: the platform has the message; the answer is on its way back, then the row is written.
    Landed,
    /// upload: must wait; will send the delayed copy with the next sequence.
    CopyJob,
    /// upload: must wait; will raise the row's sequence if it is still that of its own job.
    AdvanceSequence,
    /// upload, only with the planted bug: raised the sequence first; will send the delayed copy.
    CopyAfterAdvance,
}

impl Step {
    /// Whether the task can be at its end after this step, so that only the deletion of its message is left.
    pub fn may_be_last(self) -> bool {
        match self {
            Self::RecordStored(_) | Self::RecordConflict | Self::RecordLost => true,
            Self::EnqueueUpload | Self::Landed | Self::AdvanceSequence | Self::CopyAfterAdvance => true,
            Self::Download | Self::Send(_) | Self::InFlight(_) | Self::CopyJob => false,
        }
    }
}

/// A worker's work on one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Task {
    /// The message it was started for; it comes back to the queue unless the task gets to its end.
    pub job: Job,
    /// The message was deleted although the task is not at its end. Only planted bugs do that.
    pub deleted: bool,
    /// The fence its writes carry: of its claim, or as seen when a wait was decided. `None`: it writes no more.
    pub fence: Option<u8>,
    /// What it does next.
    pub next: Step,
}

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
        let in_order = row.epoch > old.epoch || (row.epoch == old.epoch && old.stage.allows(row.stage));
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
        self.astray.is_some() || self.tasks().any(|task| matches!(task.next, Step::InFlight(_)))
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
