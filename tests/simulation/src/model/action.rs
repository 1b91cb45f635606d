//! What the world may do next: deliveries, steps, deaths, losses, people and time.

use super::fetch::possible_downloads;
use super::{Bytes, Job, State, Step, Task, Verdict};

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

/// Lists what may happen in this state. Some of it may turn out to change nothing; the model skips that.
pub(super) fn possible(state: &State, actions: &mut Vec<Action>) {
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
        if matches!(job, Job::Upload(_)) && state.row.intent.is_some() && state.platform.visible > 0
        {
            courses.push(Course::Found);
        }
        for course in courses {
            actions.push(Action::Deliver {
                job,
                again: false,
                course,
            });
            if state.duplicates > 0 {
                actions.push(Action::Deliver {
                    job,
                    again: true,
                    course,
                });
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
        _ => actions.push(Action::Step {
            worker,
            dies: false,
        }),
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
