//! Hosts in trouble, and numbers whose questions are answered with errors: who knows of it leaves them alone.
//!
//! What a process knows is what it met itself, unless it died or was disturbed, and what the shared row says from then on until
//! that is calm again. Only processes that fetch from the queue are held to it: an `intake` that runs out of its sender's
//! patience drops its download, and learns nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::pacing::breaker::Breaker;
use attache_domain::time::Timestamp;
use attache_flow::memory::State;
use serde_json::Value;

use super::{Promise, Reference};
use crate::scene::{BEGINNING, Scene, Sent};
use crate::schedule::TaskId;

/// The longest way from the permission to a call to its arrival: two seconds of waiting for its slot, and what the ports take.
const FLIGHT: Duration = Duration::from_secs(5);

/// So many failures in a row, each within a minute of the last, shut a host.
const FAILURES: usize = 5;
const IN_A_ROW: Duration = Duration::from_secs(50);

/// What was opened so long ago has ended, well or not.
const LONGEST_BODY: Duration = Duration::from_secs(600);

/// The pause after a refusal that named none.
const PAUSE: Duration = Duration::from_secs(10);

/// So many errors in an hour at the most; one counts from when it was asked for, shortly before.
const MOST_ERRORS: usize = 15;
const HOUR: Duration = Duration::from_secs(3600 - 20);

/// How a call to a host ended, as its headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The host works; whether it answered with an error.
    Answered {
        /// It did.
        erred: bool,
    },
    /// It does not.
    Failed,
    /// It asked for less, and said for how long, or did not.
    Throttled(Option<Duration>),
}

/// What a process met.
#[derive(Clone, Copy, Debug)]
struct Met {
    task: TaskId,
    at: Timestamp,
    /// Until when the host asked to be left alone, if it did.
    pause_until: Option<Timestamp>,
}

/// The shared row of a host.
#[derive(Debug)]
struct Shared {
    text: String,
    breaker: Breaker,
    since: Timestamp,
    /// When it was calm last.
    calm_at: Timestamp,
}

/// What is known of hosts and numbers, by the limiter's key.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    processes: BTreeMap<TaskId, u64>,
    shared: BTreeMap<String, Shared>,
    met: BTreeMap<String, Vec<Met>>,
    /// Failures since the last answer.
    row: BTreeMap<String, Vec<Met>>,
    answered: BTreeMap<String, Timestamp>,
    /// Calls while each probe was out, by the end of its right.
    probes: BTreeMap<(String, Timestamp), u32>,
    errors: BTreeMap<String, Vec<Met>>,
}

impl Reference {
    /// A task belongs to the process that fetches from the queue, of this generation.
    pub fn fetches_in(&self, task: TaskId, process: u64) {
        self.hosts.borrow_mut().processes.insert(task, process);
    }

    /// Looks at what is shared of hosts.
    pub(super) fn observe_hosts(&self, scene: &Scene, state: &State) {
        let now = scene.agenda.now();
        let mut hosts = self.hosts.borrow_mut();
        for (key, text) in &state.learnt {
            let before = hosts.shared.get(key);
            if !key.starts_with("host/") || before.is_some_and(|before| before.text == *text) {
                continue;
            }
            scene.note(format_args!("  {key}: {text}"));
            let Some(breaker) = breaker_of(text) else {
                let detail = format!("{key} holds {text}");
                return self.break_promise(Promise::Spared, detail);
            };
            let other = before.map(|it| it.breaker).filter(|it| *it != breaker);
            let out = matches!(other, Some(Breaker::HalfOpen { until, .. }) if now < until);
            let two = out && matches!(breaker, Breaker::HalfOpen { .. });
            self.demand(!two, Promise::Spared, || {
                format!("a second probe for {key} while the first is out")
            });
            let goes_on = |before: &&Shared| {
                let open = matches!(before.breaker, Breaker::Open { until, .. } if until > now);
                open && matches!(breaker, Breaker::Open { .. })
            };
            let since = before.filter(goes_on).map_or(now, |before| before.since);
            let calm_at = match before {
                _ if breaker == Breaker::default() => now,
                Some(before) => before.calm_at,
                None => Timestamp::default(),
            };
            let text = text.clone();
            let shared = Shared {
                text,
                breaker,
                since,
                calm_at,
            };
            hosts.shared.insert(key.clone(), shared);
        }
    }

    /// A call arrives at a host, on behalf of the limiter's `key`.
    pub fn arrives(&self, scene: &Scene, key: &str) {
        let (now, task) = (scene.agenda.now(), scene.agenda.running());
        let mut hosts = self.hosts.borrow_mut();
        let struck = self.struck.borrow();
        if struck.contains(&task) || !hosts.knows(key, task, now, |it| struck.contains(&it)) {
            return;
        }
        let pause = hosts.met.get(key).into_iter().flatten().any(|met| {
            let counts = !struck.contains(&met.task) && met.at + FLIGHT <= now;
            counts && met.pause_until.is_some_and(|until| now < until)
        });
        self.demand(!pause, Promise::Spared, || {
            format!("task {task} calls {key}, which asked to be left alone")
        });
        let in_a_row = hosts.in_a_row(key, now, |it| struck.contains(&it));
        match hosts.shared.get(key).map(|it| (it.breaker, it.since)) {
            None | Some((Breaker::Closed { .. }, _)) => {
                self.demand(in_a_row < FAILURES, Promise::Spared, || {
                    format!("task {task} calls {key} after {in_a_row} failures in a row")
                });
            }
            Some((Breaker::Open { until, .. }, since)) => {
                let may = until <= now || now < since + FLIGHT;
                self.demand(may, Promise::Spared, || {
                    format!("task {task} calls {key}, which is shut until {until}")
                });
            }
            Some((Breaker::HalfOpen { until, .. }, _)) => {
                let probe = (key.to_owned(), until);
                let calls = hosts.probes.entry(probe).or_default();
                *calls += 1;
                self.demand(*calls == 1, Promise::Spared, || {
                    format!("task {task} calls {key} beside its probe")
                });
            }
        }
    }

    /// A call to a host ended.
    pub fn leaves(&self, scene: &Scene, key: &str, outcome: Outcome) {
        let (now, task) = (scene.agenda.now(), scene.agenda.running());
        let mut hosts = self.hosts.borrow_mut();
        let pause = match outcome {
            Outcome::Answered { .. } => {
                hosts.answered.insert(key.to_owned(), now);
                hosts.row.remove(key);
                return;
            }
            Outcome::Failed => None,
            Outcome::Throttled(hint) => Some(hint.unwrap_or(PAUSE)),
        };
        if !hosts.processes.contains_key(&task) {
            return;
        }
        let met = Met {
            task,
            at: now,
            pause_until: pause.map(|pause| now + pause),
        };
        hosts.met.entry(key.to_owned()).or_default().push(met);
        if outcome == Outcome::Failed {
            hosts.row.entry(key.to_owned()).or_default().push(met);
        }
    }

    /// A question of a number arrives.
    pub fn is_asked(&self, scene: &Scene, number: &str) {
        let (now, task) = (scene.agenda.now(), scene.agenda.running());
        let (hosts, struck) = (self.hosts.borrow(), self.struck.borrow());
        let errors = hosts.errors.get(number).map(Vec::as_slice);
        let recent = errors.unwrap_or_default().iter().filter(|error| {
            !struck.contains(&error.task) && error.at + FLIGHT <= now && now < error.at + HOUR
        });
        let process = hosts.processes.get(&task);
        let mut same = recent.clone().map(|error| hosts.processes.get(&error.task));
        let knows = !struck.contains(&task) && same.any(|it| it.is_some() && it == process);
        let count = recent.count();
        self.demand(!knows || count < MOST_ERRORS, Promise::Spared, || {
            format!("task {task} asks for {number} after {count} errors within the hour")
        });
    }

    /// A question of a number was answered with an error.
    pub fn errs(&self, scene: &Scene, number: &str) {
        let met = Met {
            task: scene.agenda.running(),
            at: scene.agenda.now(),
            pause_until: None,
        };
        let mut hosts = self.hosts.borrow_mut();
        hosts.errors.entry(number.to_owned()).or_default().push(met);
    }

    /// Where nothing goes wrong nobody is asked whether something does. A file that is withheld, unknown or long in coming is trouble.
    pub(super) fn judge_calm(&self, scene: &Scene, state: &State) {
        let mut parts = scene.messages.iter().flat_map(|message| &message.parts);
        let trouble = |sent: &Sent| sent.withheld || sent.dead || sent.tardy;
        let troubled = parts.any(|part| part.sent().is_some_and(trouble));
        // What connections take is read in calm as well, a line by who waited long for a place in it, and a number's errors by each
        // process before its first question.
        let read_in_calm = |key: &str| key.starts_with("taken/") || key.starts_with("errors/");
        let is_line = |key: &str| key.starts_with("media/") || key.starts_with("text/");
        let about_hosts = state
            .asked
            .iter()
            .filter(|(key, _)| !read_in_calm(key) && !is_line(key));
        let asked: usize = about_hosts.map(|(_, times)| times).sum();
        let calm = scene.faults.is_calm() && !troubled;
        let lines: Vec<_> = state.learnt.keys().filter(|key| is_line(key)).collect();
        self.demand(!calm || lines.is_empty(), Promise::Spared, || {
            format!("{lines:?} are known although nothing was wrong")
        });
        self.demand(!calm || asked == 0, Promise::Spared, || {
            format!("{asked} questions about hosts although nothing was wrong")
        });
    }
}

impl Hosts {
    /// Whether the process of `task` must know that the host is in trouble.
    fn knows(
        &self,
        key: &str,
        task: TaskId,
        now: Timestamp,
        is_struck: impl Fn(TaskId) -> bool,
    ) -> bool {
        let Some(process) = self.processes.get(&task) else {
            return false;
        };
        let calm_at = self.shared.get(key).map_or(BEGINNING, |it| it.calm_at);
        self.met.get(key).into_iter().flatten().any(|met| {
            let same = self.processes.get(&met.task) == Some(process);
            same && !is_struck(met.task) && met.at > calm_at && met.at + FLIGHT <= now
        })
    }

    /// How many calls failed in a row until shortly before `now`, as everybody must see it.
    fn in_a_row(&self, key: &str, now: Timestamp, is_struck: impl Fn(TaskId) -> bool) -> usize {
        let row = self.row.get(key).map(Vec::as_slice).unwrap_or_default();
        let row = row.iter();
        let row = row.filter(|met| met.at + FLIGHT <= now && !is_struck(met.task));
        let answered = self.answered.get(key).copied();
        let (mut count, mut last) = (0, None);
        for met in row.rev() {
            let apart = last.is_some_and(|next: Timestamp| next > met.at + IN_A_ROW);
            if apart || answered.is_some_and(|at| at + LONGEST_BODY > met.at) {
                break;
            }
            (count, last) = (count + 1, Some(met.at));
        }
        count
    }
}

pub(super) fn breaker_of(text: &str) -> Option<Breaker> {
    let row: Value = serde_json::from_str(text).ok()?;
    serde_json::from_value(row.get("breaker")?.clone()).ok()
}
