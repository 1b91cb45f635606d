//! What must hold in every state, and what must be possible at all.

use stateright::Property;

use super::{Direction, Job, Protocol, Stage, State, Step, Task, Verdict};

/// The properties' names, as discoveries report them.
pub mod name {
    /// No write lowers the row's fence.
    pub const FENCE_GROWS: &str = "the fence only grows";
    /// No write goes back in the order of (epoch, stage), or from one ending to another.
    pub const STAGE_ADVANCES: &str = "within an epoch the stage only advances";
    /// No claim takes a lease that is still live.
    pub const LEASE_RESPECTED: &str = "a live lease is never taken over";
    /// The object under the key never changes, and the row's digest is the object's.
    pub const ONE_OBJECT: &str = "there is one object and the row describes it";
    /// Every send begins under a clean verdict.
    pub const CLEAN_BEFORE_SENT: &str = "nothing is sent without a clean verdict";
    /// Nobody sees the item twice, in either direction.
    pub const VISIBLE_ONCE: &str = "at most one message is visible";
    /// Customers' platforms take every request as a new message, so there is at most one request at all.
    pub const POSTED_ONCE: &str = "customers are sent at most one request that takes effect";
    /// When an open intent is judged, its request has landed or died.
    pub const JUDGED_WHEN_QUIET: &str = "an intent is judged only when nothing is under way";
    /// An item is lost only if its bytes were not there when somebody looked.
    pub const LOST_ONLY_IF_ABSENT: &str =
        "nothing is given up as lost without a look into the bucket";
    /// `sent` is true.
    pub const SENT_IS_TRUE: &str = "what is recorded as sent is visible";
    /// Once enqueued, an unfinished upload always has a job the row accepts, without help from the sweep.
    pub const JOB_SURVIVES: &str = "an enqueued upload keeps a job until it ends";
    /// Every row that is not at an end has a due time: no state is quiet for ever with work left.
    pub const DUE_UNTIL_ENDED: &str = "what has not ended is due";
    /// If nothing more goes wrong, the item reaches an ending.
    pub const COMES_HOME: &str = "in calm weather every item comes home";

    /// Possible: sent with nothing going wrong.
    pub const SENT: &str = "can be sent";
    /// Possible: sent although both crashes and both duplicates were spent.
    pub const SENT_THROUGH_FAULTS: &str = "can be sent through all crashes and duplicates";
    /// Possible: sent after a planned wait.
    pub const SENT_AFTER_WAIT: &str = "can be sent after a planned wait";
    /// Possible: the judge holds the bytes.
    pub const HELD: &str = "can be held by the judge";
    /// Possible: sent in the epoch that a person opened.
    pub const SENT_BY_PERSON: &str = "can be sent in the epoch a person opened";
    /// Possible: the judge is called before the fetcher has recorded what it stored.
    pub const JUDGED_WHILE_FETCHING: &str = "the judge can find the row still fetching";
    /// Possible: other bytes under the same id are noticed and held.
    pub const CONFLICT_HELD: &str = "other bytes under the same id can be held";
    /// Possible: the link died first.
    pub const LOST: &str = "can be lost to a dead link";
    /// Possible, towards agents: a repeat was posted, and still one message is visible.
    pub const REPEATED_UNSEEN: &str = "a repeat towards agents can go unseen";
    /// Possible, towards customers: nobody can tell, and a person is asked.
    pub const UNCONFIRMED: &str = "can end unconfirmed";
}

type Check = fn(&Protocol, &State) -> bool;

const ALWAYS: [(&str, Check); 12] = [
    (name::FENCE_GROWS, |_, s| !s.breaches.fence_fell),
    (name::STAGE_ADVANCES, |_, s| !s.breaches.stage_fell),
    (name::LEASE_RESPECTED, |_, s| !s.breaches.lease_stolen),
    (name::ONE_OBJECT, |_, s| {
        !s.breaches.object_replaced && (s.row.digest.is_none() || s.row.digest == s.bucket)
    }),
    (name::CLEAN_BEFORE_SENT, |_, s| !s.breaches.sent_unjudged),
    (name::VISIBLE_ONCE, |_, s| s.platform.visible <= 1),
    (name::JUDGED_WHEN_QUIET, |_, s| !s.breaches.judged_early),
    (name::LOST_ONLY_IF_ABSENT, |_, s| !s.breaches.lost_unlooked),
    (name::SENT_IS_TRUE, |_, s| {
        s.row.stage != Stage::Sent || s.platform.visible > 0
    }),
    (name::JOB_SURVIVES, |_, s| job_survives(s)),
    (name::DUE_UNTIL_ENDED, |_, s| {
        s.row.stage.is_ending() != s.row.due.is_some()
    }),
    (name::COMES_HOME, |protocol, s| protocol.comes_home(s)),
];

const SOMETIMES: [(&str, Check); 8] = [
    (name::SENT, |_, s| s.row.stage == Stage::Sent),
    (name::SENT_THROUGH_FAULTS, |_, s| {
        s.row.stage == Stage::Sent && s.crashes == 0 && s.duplicates == 0
    }),
    (name::SENT_AFTER_WAIT, |_, s| {
        s.row.stage == Stage::Sent && s.row.sequence > 0
    }),
    (name::HELD, |_, s| s.row.verdict == Verdict::Held),
    (name::SENT_BY_PERSON, |_, s| {
        s.row.stage == Stage::Sent && s.row.epoch > 0 && s.row.verdict == Verdict::Clean
    }),
    (name::JUDGED_WHILE_FETCHING, |_, s| judged_while_fetching(s)),
    (name::CONFLICT_HELD, |_, s| {
        s.row.stage == Stage::Held && s.row.digest.is_none() && s.bucket.is_some()
    }),
    (name::LOST, |_, s| s.row.stage == Stage::Lost),
];

const ALWAYS_TOWARDS_CUSTOMERS: (&str, Check) = (name::POSTED_ONCE, |_, s| s.platform.posts <= 1);

const TOWARDS_AGENTS: [(&str, Check); 1] = [(name::REPEATED_UNSEEN, |_, s| {
    s.row.stage == Stage::Sent && s.platform.posts > 1 && s.platform.visible == 1
})];

const TOWARDS_CUSTOMERS: [(&str, Check); 1] =
    [(name::UNCONFIRMED, |_, s| s.row.stage == Stage::Unconfirmed)];

/// The properties that apply to this direction.
pub(super) fn of(direction: Direction) -> Vec<Property<Protocol>> {
    let always = |&(name, check): &(&'static str, Check)| Property::always(name, check);
    let sometimes = |&(name, check): &(&'static str, Check)| Property::sometimes(name, check);
    let mut properties: Vec<_> = ALWAYS
        .iter()
        .map(always)
        .chain(SOMETIMES.iter().map(sometimes))
        .collect();
    match direction {
        Direction::ToAgent => properties.extend(TOWARDS_AGENTS.iter().map(sometimes)),
        Direction::ToCustomer => {
            properties.push(always(&ALWAYS_TOWARDS_CUSTOMERS));
            properties.extend(TOWARDS_CUSTOMERS.iter().map(sometimes));
        }
    }
    properties
}

/// An upload once enqueued and not ended has a message that the row does not take for an old one: waiting in a queue,
/// or in the hands of a worker whose death would bring it back.
fn job_survives(state: &State) -> bool {
    if !state.entrusted || !matches!(state.row.stage, Stage::Planned | Stage::Sending) {
        return true;
    }
    let accepted =
        |job: Job| matches!(job, Job::Upload(sequence) if sequence >= state.row.sequence);
    Job::ALL
        .into_iter()
        .any(|job| accepted(job) && state.queue.holds(job))
        || state
            .tasks()
            .any(|task| accepted(task.job) && !task.deleted)
}

fn judged_while_fetching(state: &State) -> bool {
    let recording = |task: &Task| {
        matches!(task.next, Step::RecordStored(_)) && task.fence == Some(state.row.fence)
    };
    state.row.stage == Stage::Fetching
        && state.queue.holds(Job::Judge)
        && state.tasks().any(recording)
}
