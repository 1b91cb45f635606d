//! Calls that carry a message: who makes them, when, how often, and with what excuse.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::job::TextJob;
use attache_domain::journey::Stage;
use attache_domain::time::Timestamp;
use attache_domain::verdict::Verdict;
use attache_domain::wire::{CallError, Response};
use attache_flow::memory::State;
use serde_json::Value;

use super::{Promise, Reference};
use crate::files::Nature;
use crate::scene::{self, Message, Role, Scene, Side};
use crate::schedule::TaskId;

/// What became of one row's calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Sends {
    /// Calls begun.
    pub(super) posts: u32,
    /// Attempts refused or throttled, and those that made no call: not connected, too late, not handed over.
    pub(super) refused: u32,
    /// Of these, for the token.
    pub(super) unauthorised: u32,
    /// Of these, for what the file is.
    pub(super) unfit: u32,
    /// Calls that took effect.
    pub(super) landed: u32,
    /// Outcomes that stayed open: answers lost, processes dead, stalled or cut off with the intent open.
    pub(super) open: u32,
    /// Calls of which the caller was not told that they had no effect.
    unresolved: u32,
    /// The platform refused it for good.
    pub(super) turned_away: bool,
    /// What the platform reports of it.
    pub(super) fates: &'static [&'static str],
    /// The ids under which it went out.
    pub(super) wires: BTreeSet<String>,
    /// The last word that a receipt gave.
    pub(super) receipt: Option<String>,
    /// The agent was told that it does not arrive.
    pub(super) written_off: bool,
    /// Until when a call may be under way.
    under_way: Option<Timestamp>,
    /// Until when the platform asked to be left alone.
    not_before: Timestamp,
}

impl Sends {
    /// Whether it reached its recipient, as far as the platform says.
    pub(super) fn is_well(&self) -> bool {
        self.landed > 0 && !self.fates.contains(&"failed")
    }

    /// Whether the platform says that it reached its recipient.
    pub(super) fn is_delivered(&self) -> bool {
        self.fates.contains(&"delivered")
    }

    /// Whether that many attempts came to nothing that no more are due.
    pub(super) fn is_spent(&self) -> bool {
        self.turned_away || self.refused + self.open >= 4 || self.unauthorised >= 2
    }
}

/// The jobs an invocation was given with the slots they have, and the slots it reserved.
#[derive(Debug, Default)]
pub(super) struct Batch {
    jobs: Vec<(MediaId, Option<Timestamp>)>,
    granted: BTreeMap<String, Vec<Timestamp>>,
}

/// Whether a row goes to a customer.
pub(super) fn is_for_customer(scene: &Scene, id: &MediaId) -> bool {
    scene.row(id).is_some_and(|(message, _, role)| {
        message.side == Side::Agent && matches!(role, Role::Part | Role::Caption)
    })
}

/// The limiter's key that a row's calls count against.
pub(super) fn limiter_key(scene: &Scene, id: &MediaId, in_words: bool) -> String {
    let Some((message, part, role)) = scene.row(id) else {
        return String::new();
    };
    let lane = match (role, part.sent()) {
        (Role::Part, Some(_)) if !in_words => "media",
        _ => "text",
    };
    if is_for_customer(scene, id) {
        format!("{lane}/{}", scene::number_id(message.number))
    } else {
        let side = match message.side {
            Side::Customer => scene.agents_side(message.number),
            Side::Agent => scene::genesys_id(message.number),
        };
        format!("{lane}/{side}")
    }
}

impl Reference {
    /// An invocation was given these jobs.
    pub fn begin_batch<'a>(&self, task: TaskId, bodies: impl Iterator<Item = &'a str>) {
        let jobs = bodies.filter_map(|body| match TextJob::parse(body) {
            Ok(TextJob::Item(job)) => Some((job.media, job.slot.map(Timestamp::from_millis))),
            Ok(TextJob::Typing(_)) | Err(_) => None,
        });
        let batch = Batch {
            jobs: jobs.collect(),
            granted: BTreeMap::new(),
        };
        self.batches.borrow_mut().insert(task, batch);
    }

    /// The limiter granted slots under `key` to a task; `known`: beside what was known of it then.
    pub fn granted(&self, task: TaskId, (key, known): (&str, Option<&str>), slots: &[Timestamp]) {
        self.rush((key, known), slots);
        let mut batches = self.batches.borrow_mut();
        let granted = &mut batches.entry(task).or_default().granted;
        granted.entry(key.to_owned()).or_default().extend(slots);
    }

    /// Other traffic took these slots.
    pub fn rush(&self, (key, known): (&str, Option<&str>), slots: &[Timestamp]) {
        let known: Value = known
            .and_then(|known| serde_json::from_str(known).ok())
            .unwrap_or_default();
        let pace = known["generation"].as_u64().unwrap_or(0);
        let mut all = self.slots.borrow_mut();
        all.entry((key.to_owned(), pace)).or_default().extend(slots);
    }

    /// A link is made for a platform.
    pub fn linked(&self, scene: &Scene, (id, life): (&MediaId, Duration), state: &State) {
        self.keep_link(scene, id, life);
        let verdict = state.items.get(id).map(|item| item.gate.verdict);
        let nature = scene.sent(id).map(|sent| sent.file.nature);
        let harmless = [Some(Nature::Clean), Some(Nature::Foreign)].contains(&nature);
        let fine = verdict == Some(Verdict::Clean) && harmless;
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
        if is_for_customer(scene, id) {
            self.demand(sends.unresolved == 0, Promise::Once, || {
                format!("{id} is sent to a customer again: {sends:?}")
            });
            if let Some((message, ..)) = scene.row(id) {
                self.judge_window(message, (task, now));
            }
        }
        sends.unresolved += 1;
        // A process that died may not have written down how long to wait.
        let waited = now >= sends.not_before || sends.open > 0;
        self.demand(waited, Promise::Paced, || {
            format!(
                "{id}: sent before {} although told to wait",
                sends.not_before
            )
        });
        self.judge_right(scene, id);
        self.calls(scene, id);
        self.demand(self.has_slot(scene, id), Promise::Paced, || {
            format!("{id}: task {task} sends without a slot whose time has come")
        });
    }

    /// Whether whoever sends may: it holds the intent, and nothing but clean files goes out.
    fn judge_right(&self, scene: &Scene, id: &MediaId) {
        let (now, task) = (scene.agenda.now(), scene.agenda.running());
        let rows = self.rows.borrow();
        let row = rows.get(id);
        let erased = row.is_some_and(|row| row.gate.stage == Stage::Erased);
        let right = row.and_then(|row| match row.gate.intent_until {
            // What was begun before it became a tombstone is not called back.
            None => row.begun,
            Some(until) => Some((row.holder, until)),
        });
        let holds = right.is_some_and(|(holder, until)| holder == task && until > now);
        let promise = if erased {
            Promise::Erased
        } else {
            Promise::Alone
        };
        self.demand(holds, promise, || {
            format!("{id}: task {task} sends without the intent")
        });
        let nature = scene.sent(id).map(|sent| sent.file.nature);
        let clean = row.is_some_and(|row| row.gate.verdict == Verdict::Clean)
            && nature.is_none_or(|nature| {
                let in_words = row.is_some_and(|row| row.in_words);
                nature == Nature::Clean || nature == Nature::Foreign && in_words
            })
            && scene.row(id).is_some_and(|(message, ..)| message.routed());
        self.demand(clean, Promise::Clean, || format!("{id} is sent"));
    }

    fn has_slot(&self, scene: &Scene, id: &MediaId) -> bool {
        let (now, task) = (scene.agenda.now(), scene.agenda.running());
        let in_words = self.goes_in_words(id);
        let key = limiter_key(scene, id, in_words);
        let mut batches = self.batches.borrow_mut();
        let Some(batch) = batches.get_mut(&task) else {
            return false;
        };
        let has = batch.jobs.iter().any(|(media, slot)| {
            media == id && slot.is_some_and(|slot| slot <= now && self.was_reserved(&key, slot))
        });
        if self.is_probe(&key, task) {
            return true;
        }
        let granted = batch.granted.entry(key).or_default();
        let next = granted.iter().position(|slot| *slot <= now);
        has || next.map(|next| granted.swap_remove(next)).is_some()
    }

    /// Whether a slot was reserved, though it may be void by now: who did not learn of that may use it.
    fn was_reserved(&self, key: &str, slot: Timestamp) -> bool {
        let slots = self.slots.borrow();
        let mut of_key = slots.iter().filter(|((of, _), _)| of == key);
        of_key.any(|(_, slots)| slots.contains(&slot))
    }

    /// The bytes of a file were handed over by a task.
    pub fn uploaded(&self, scene: &Scene, task: TaskId, bytes: &[u8]) {
        let clean = file_of(scene, bytes).is_some_and(|(id, nature)| {
            let rows = self.rows.borrow();
            let row = rows.get(&id);
            let known = row.is_some_and(|row| row.gate.verdict == Verdict::Clean);
            known && nature == Nature::Clean && is_for_customer(scene, &id)
        });
        self.demand(clean, Promise::Clean, || {
            format!("task {task} hands over {} bytes", bytes.len())
        });
    }

    /// A file was not taken, perhaps for the token.
    pub fn upload_failed(&self, scene: &Scene, bytes: &[u8], unauthorised: bool) {
        if let Some((id, _)) = file_of(scene, bytes) {
            let mut all = self.sends.borrow_mut();
            let sends = all.entry(id).or_default();
            sends.refused += 1;
            sends.unauthorised += u32::from(unauthorised);
        }
    }

    /// A file that should fit is refused as too large.
    pub fn upload_drifts(&self, scene: &Scene, bytes: &[u8]) {
        if let Some((id, _)) = file_of(scene, bytes) {
            self.drifts(scene, &id);
        }
    }

    /// The same, of the message that carries it.
    pub fn drifts(&self, scene: &Scene, id: &MediaId) {
        if let Some((message, ..)) = scene.row(id) {
            self.sends.borrow_mut().entry(id.clone()).or_default().unfit += 1;
            self.drifted.borrow_mut().insert(target(scene, message));
        }
    }

    /// Whether something of a message's number was refused in its direction that should have been taken.
    pub(super) fn has_drifted(&self, scene: &Scene, message: &Message) -> bool {
        self.drifted.borrow().contains(&target(scene, message))
    }

    /// Whether words go in the place of a row's file.
    pub(super) fn goes_in_words(&self, id: &MediaId) -> bool {
        self.rows.borrow().get(id).is_some_and(|row| row.in_words)
    }

    /// A step of handing over came to nothing, perhaps for the token.
    pub fn not_handed_over(&self, id: &MediaId, unauthorised: bool) {
        let mut all = self.sends.borrow_mut();
        let sends = all.entry(id.clone()).or_default();
        sends.refused += 1;
        sends.unauthorised += u32::from(unauthorised);
    }

    /// The invitation that a task sent in the place of what it holds came to nothing, perhaps for the token.
    pub fn invitation_failed(&self, task: TaskId, unauthorised: bool) {
        let rows = self.rows.borrow();
        let held = rows.iter().filter(|(_, row)| row.holder == task);
        for (id, _) in held {
            self.not_handed_over(id, unauthorised);
        }
    }

    /// A task could not hand its file over.
    pub fn upload_not_connected(&self, task: TaskId) {
        let rows = self.rows.borrow();
        let held = rows
            .iter()
            .filter(|(_, row)| row.holder == task && row.gate.stage == Stage::Uploading);
        for (id, _) in held {
            self.not_connected(id);
        }
    }

    /// An attempt ended without a call.
    pub(super) fn too_late(&self, id: &MediaId) {
        self.not_connected(id);
    }

    /// A call could not be made.
    pub fn not_connected(&self, id: &MediaId) {
        self.sends
            .borrow_mut()
            .entry(id.clone())
            .or_default()
            .refused += 1;
    }

    /// The platform refuses it for good.
    pub fn turn_away(&self, id: &MediaId) {
        let mut all = self.sends.borrow_mut();
        all.entry(id.clone()).or_default().turned_away = true;
    }

    /// What the platform is going to report of it.
    pub fn fated(&self, id: &MediaId, fates: &'static [&'static str]) {
        self.sends.borrow_mut().entry(id.clone()).or_default().fates = fates;
    }

    /// A call ended for its caller; `open`: without telling whether it had an effect.
    pub fn answered(
        &self,
        scene: &Scene,
        id: &MediaId,
        outcome: &Result<Response, CallError>,
        open: bool,
    ) {
        let mut all = self.sends.borrow_mut();
        let sends = all.entry(id.clone()).or_default();
        sends.under_way = None;
        match outcome {
            _ if open => sends.open += 1,
            Ok(response) if response.status == 200 => {}
            Ok(response) => {
                sends.refused += 1;
                sends.unresolved -= 1;
                sends.unauthorised += u32::from(response.status == 401);
                let wait = response.headers.get("retry-after").unwrap_or_default();
                let wait = Duration::from_secs(wait.parse().unwrap_or(0));
                sends.not_before = scene.agenda.now() + wait;
            }
            Err(_) => {}
        }
    }

    /// Something befell a task: the outcome of every call whose intent it holds is open.
    pub fn excuse(&self, task: TaskId) {
        self.struck.borrow_mut().insert(task);
        let rows = self.rows.borrow();
        let held = rows
            .iter()
            .filter(|(_, row)| row.holder == task && row.gate.intent_until.is_some());
        let mut sends = self.sends.borrow_mut();
        for (id, _) in held {
            sends.entry(id.clone()).or_default().open += 1;
        }
    }

    /// What was counted, by row.
    pub(super) fn counts(&self) -> BTreeMap<MediaId, Sends> {
        self.sends.borrow().clone()
    }
}

/// Where a message goes.
fn target(scene: &Scene, message: &Message) -> ConnectionId {
    match message.side {
        Side::Customer => scene.agents_side(message.number),
        Side::Agent => scene::number_id(message.number),
    }
}

/// Whose bytes these are.
fn file_of(scene: &Scene, bytes: &[u8]) -> Option<(MediaId, Nature)> {
    let mut parts = scene.messages.iter().flat_map(|message| &message.parts);
    parts.find_map(|part| {
        let file = &part.sent()?.file;
        (file.bytes == bytes).then(|| (part.id.clone(), file.nature))
    })
}
