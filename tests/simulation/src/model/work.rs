//! Work on the item: the messages that ask for it and the tasks that do it.

use super::row::{Bytes, Row};

/// Planned waits an item may go through, each raising the sequence by one.
pub const WAITS: u8 = 2;

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
    pub const ALL: [Self; 5] = [
        Self::Fetch,
        Self::Judge,
        Self::Upload(0),
        Self::Upload(1),
        Self::Upload(WAITS),
    ];

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
        f.debug_set()
            .entries(Job::ALL.iter().filter(|job| self.holds(**job)))
            .finish()
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
            Self::EnqueueUpload | Self::Landed | Self::AdvanceSequence | Self::CopyAfterAdvance => {
                true
            }
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
