//! Calls that carry a message: who makes them, when, how often, and with what excuse.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::ids::MediaId;
use attache_domain::job::ItemJob;
use attache_domain::time::Timestamp;
use attache_domain::verdict::Verdict;
use attache_domain::wire::{CallError, Response};
use attache_flow::memory::State;

use super::{Promise, Reference};
use crate::files::Nature;
use crate::platforms::genesys::Landing;
use crate::scene::Scene;
use crate::schedule::TaskId;

/// What became of one item's calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Sends {
    /// Calls begun.
    pub(super) posts: u32,
    /// Attempts refused or throttled, and those that made no call: not connected, too late.
    pub(super) refused: u32,
    /// Of these, for the token.
    pub(super) unauthorised: u32,
    /// Calls that took effect.
    pub(super) landed: u32,
    /// Outcomes that stayed open: answers lost, processes dead, stalled or cut off with the intent open.
    pub(super) open: u32,
    /// Until when a call may be under way.
    under_way: Option<Timestamp>,
    /// Until when Genesys asked to be left alone.
    not_before: Timestamp,
}

/// The jobs an invocation was given, with the slots they have.
#[derive(Debug, Default)]
pub(super) struct Batch {
    jobs: Vec<(MediaId, Option<Timestamp>)>,
}

impl Reference {
    /// An invocation was given these jobs.
    pub fn begin_batch<'a>(&self, task: TaskId, bodies: impl Iterator<Item = &'a str>) {
        let jobs = bodies.filter_map(|body| ItemJob::parse(body).ok());
        let jobs = jobs.map(|job| (job.media, job.slot.map(Timestamp::from_millis)));
        let batch = Batch {
            jobs: jobs.collect(),
        };
        self.batches.borrow_mut().insert(task, batch);
    }

    /// The limiter granted slots to a task, for its jobs that had none.
    pub fn granted(&self, task: TaskId, slots: &[Timestamp]) {
        self.slots.borrow_mut().extend(slots);
        let mut batches = self.batches.borrow_mut();
        let jobs = batches.entry(task).or_default().jobs.iter_mut();
        let wanting = jobs.filter(|(_, slot)| slot.is_none());
        for ((_, slot), granted) in wanting.zip(slots) {
            *slot = Some(*granted);
        }
    }

    /// Other traffic took these slots.
    pub fn rush(&self, slots: &[Timestamp]) {
        self.slots.borrow_mut().extend(slots);
    }

    /// A link is made for a platform.
    pub fn linked(&self, scene: &Scene, id: &MediaId, state: &State) {
        let verdict = state.items.get(id).map(|item| item.gate.verdict);
        let nature = scene.item(id).map(|item| item.file.nature);
        let fine = verdict == Some(Verdict::Clean) && nature == Some(Nature::Clean);
        self.demand(fine, Promise::Clean, || {
            format!("a link to {id}: {nature:?}, judged {verdict:?}")
        });
    }

    /// A call begins; it is over after `patience` at the latest.
    pub fn post(&self, scene: &Scene, id: &MediaId, patience: Duration) {
        let (now, task) = (scene.agenda.now(), scene.agenda.running());
        let mut all = self.sends.borrow_mut();
        let sends = all.entry(id.clone()).or_default();
        sends.posts += 1;
        let busy = sends.under_way.replace(now + patience);
        self.demand(
            busy.is_none_or(|until| until <= now),
            Promise::Alone,
            || format!("{id}: a call begins while another is under way"),
        );
        // A process that died may not have written down how long to wait.
        let waited = now >= sends.not_before || sends.open > 0;
        self.demand(waited, Promise::Paced, || {
            format!(
                "{id}: sent before {} although told to wait",
                sends.not_before
            )
        });
        let rows = self.rows.borrow();
        let row = rows.get(id);
        let holds = row.is_some_and(|row| {
            row.holder == task && row.gate.intent_until.is_some_and(|until| until > now)
        });
        self.demand(holds, Promise::Alone, || {
            format!("{id}: task {task} sends without the intent")
        });
        let clean = row.is_some_and(|row| row.gate.verdict == Verdict::Clean)
            && scene
                .item(id)
                .is_some_and(|item| item.routed && item.file.nature == Nature::Clean);
        self.demand(clean, Promise::Clean, || format!("{id} is sent"));
        self.demand(self.has_slot(task, id, now), Promise::Paced, || {
            format!("{id}: task {task} sends without a slot whose time has come")
        });
    }

    fn has_slot(&self, task: TaskId, id: &MediaId, now: Timestamp) -> bool {
        let (batches, granted) = (self.batches.borrow(), self.slots.borrow());
        let jobs = batches.get(&task).map(|batch| batch.jobs.as_slice());
        jobs.unwrap_or_default().iter().any(|(media, slot)| {
            media == id && slot.is_some_and(|slot| slot <= now && granted.contains(&slot))
        })
    }

    /// An attempt ended without a call.
    pub(super) fn too_late(&self, id: &MediaId) {
        self.sends
            .borrow_mut()
            .entry(id.clone())
            .or_default()
            .refused += 1;
    }

    /// A call could not be made.
    pub fn not_connected(&self, id: &MediaId) {
        self.sends
            .borrow_mut()
            .entry(id.clone())
            .or_default()
            .refused += 1;
    }

    /// A call ended for its caller.
    pub fn answered(&self, scene: &Scene, id: &MediaId, outcome: &Result<Response, CallError>) {
        let mut all = self.sends.borrow_mut();
        let sends = all.entry(id.clone()).or_default();
        sends.under_way = None;
        match outcome {
            Ok(response) if response.status == 200 => {}
            Ok(response) if [500, 504].contains(&response.status) => sends.open += 1,
            Ok(response) => {
                sends.refused += 1;
                sends.unauthorised += u32::from(response.status == 401);
                let wait = response.headers.get("retry-after").unwrap_or_default();
                let wait = Duration::from_secs(wait.parse().unwrap_or(0));
                sends.not_before = scene.agenda.now() + wait;
            }
            Err(_) => sends.open += 1,
        }
    }

    /// A message reached the agents' side.
    pub fn land(&self, scene: &Scene, landing: &Landing) {
        let id = &landing.media;
        scene.note(format_args!("  {} is visible", landing.message));
        let mut all = self.sends.borrow_mut();
        let sends = all.entry(id.clone()).or_default();
        sends.landed += 1;
        self.demand(sends.landed <= 1 + sends.open, Promise::Once, || {
            format!("{id}: {sends:?}")
        });
        let item = scene.item(id);
        let faithful = item.is_some_and(|item| {
            landing.message == item.message
                && landing.digest == item.file.digest.to_string()
                && landing.link.contains(&id.arrival_key())
        });
        self.demand(faithful, Promise::Once, || {
            format!("{id} goes out as {landing:?}")
        });
    }

    /// Something befell a task: the outcome of every call whose intent it holds is open.
    pub fn excuse(&self, task: TaskId) {
        let rows = self.rows.borrow();
        let held = rows
            .iter()
            .filter(|(_, row)| row.holder == task && row.gate.intent_until.is_some());
        let mut sends = self.sends.borrow_mut();
        for (id, _) in held {
            sends.entry(id.clone()).or_default().open += 1;
        }
    }

    /// What was counted, by item.
    pub(super) fn counts(&self) -> BTreeMap<MediaId, Sends> {
        self.sends.borrow().clone()
    }
}
