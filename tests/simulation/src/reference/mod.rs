//! The reference model: what must hold after every effect, at every call that leaves, and at the end.
//!
//! It knows what the system cannot know (what a file truly is, what the platform did with a message whose answer was
//! lost) and nothing of how the system works: rows, objects, messages and their times are all it looks at.

mod ending;
mod erasing;
mod fates;
mod handing;
mod hearing;
mod hosts;
mod landings;
mod rows;
mod sends;
mod tries;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::time::Timestamp;

use crate::schedule::TaskId;

pub use ending::Remains;
use erasing::Links;
use handing::Handing;
use hearing::Hearing;
use hosts::Hosts;
pub use hosts::Outcome;
use rows::Row;
use sends::Sends;
use tries::Tries;

pub use tries::{MOST_TRIES, PATIENCE};

macro_rules! promises {
    ($($name:ident $words:literal,)*) => {
        /// What is promised.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Promise {
            $(#[doc = $words] $name,)*
        }

        impl fmt::Display for Promise {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $words,)* })
            }
        }
    };
}

promises! {
    Durable "what was acknowledged is in a row or kept, and stays there",
    Monotonic "epoch and stage, revision, fence and sequence only grow; verdicts only get worse",
    Trail "the audit trail verifies, only grows, and never leads back",
    Bytes "an object holds exactly the bytes of its source",
    Clean "nothing but clean files is linked or sent",
    Quarantine "a quarantined file ends in quarantine and nowhere else",
    Once "towards agents a message is repeated only after an outcome that stayed open, and under one id; towards customers never",
    Faithful "what arrives is what was said, with its words, under its name",
    Order "the parts of a message arrive in their order",
    Window "nothing but a template goes to a customer whose window is closed, and none twice a day",
    Told "what does not arrive is told to the agent, and what is told is true",
    Receipts "each message of an agent whose fate is known gets one final receipt, a true one",
    Patience "who waits for an answer gets it in time, and is refused to the end only for cause",
    Words "words never wait for files",
    Alone "no two calls for one item are under way at once, and only the holder of the intent makes one",
    Attempts "four attempts, renewals and repeats after a sweep, and no more",
    Paced "every call has its own reserved slot, and waits for it; slots keep to the rate",
    Bearer "a credential goes to its issuer's hosts alone",
    Ends "everything comes to its own end: nothing is lost, failed or stuck without a cause",
    Erased "what was taken back is a tombstone or never came in: nothing of it lies anywhere, is sent, or comes back",
    Referenced "by reference only no bytes are left once no link lives, and they stay until then",
    Spared "a host in trouble gets its probe and no more, a number no more than fifteen errors an hour; in calm nobody asks",
    Handed "bytes go to the place that is theirs, and not once more when their target told that it has them",
    Probed "who may ask whether a target works again asks, or lets the next one ask at once",
    Isolated "no handler panics and no job is unreadable",
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} — {}", self.promise, self.detail)
    }
}

/// What was seen so far.
#[derive(Default)]
pub struct Reference {
    violation: RefCell<Option<Violation>>,
    rows: RefCell<BTreeMap<MediaId, Row>>,
    stored: RefCell<BTreeSet<MediaId>>,
    sends: RefCell<BTreeMap<MediaId, Sends>>,
    batches: RefCell<BTreeMap<TaskId, sends::Batch>>,
    /// Reserved slots, by limiter key and by the pace of its line: with each one the line begins anew.
    slots: RefCell<BTreeMap<(String, u64), Vec<Timestamp>>>,
    foreign: RefCell<BTreeSet<MediaId>>,
    struck: RefCell<BTreeSet<TaskId>>,
    hearing: RefCell<Hearing>,
    hosts: RefCell<Hosts>,
    links: RefCell<Links>,
    /// Where something was refused that should have been taken.
    drifted: RefCell<BTreeSet<ConnectionId>>,
    tries: RefCell<Tries>,
    handing: RefCell<Handing>,
}

impl Reference {
    /// Notes a broken promise; the first one counts.
    pub fn break_promise(&self, promise: Promise, detail: String) {
        self.violation
            .borrow_mut()
            .get_or_insert(Violation { promise, detail });
    }

    /// The first broken promise.
    pub fn violation(&self) -> Option<Violation> {
        self.violation.borrow().clone()
    }

    /// Whether a promise was broken.
    pub fn is_broken(&self) -> bool {
        self.violation.borrow().is_some()
    }

    fn demand(&self, holds: bool, promise: Promise, detail: impl FnOnce() -> String) {
        if !holds {
            self.break_promise(promise, detail());
        }
    }

    /// Meta named a host for this item that is not its own.
    pub fn name_foreign_host(&self, id: &MediaId) {
        self.foreign.borrow_mut().insert(id.clone());
    }
}
