//! Rows and objects: looked at after every effect.

use std::time::Duration;

use attache_domain::ids::MediaId;
use attache_domain::journey::{Gate, Item, Stage};
use attache_domain::time::Timestamp;
use attache_domain::verdict::{Plan, Verdict};
use attache_flow::memory::State;

use super::sends::is_for_customer;
use super::{Promise, Reference};
use crate::scene::Scene;
use crate::schedule::TaskId;

/// The longest a file may take while nothing goes wrong.
const TRANSFER: Duration = Duration::from_secs(60);

/// What was last seen of a row.
pub(super) struct Row {
    pub(super) gate: Gate,
    trail: Vec<u8>,
    attempts: u32,
    /// The most sweeps it had: a tombstone forgets them.
    pub(super) sweeps: u32,
    /// When it came into its stage.
    pub(super) since: Timestamp,
    /// Who had begun to send it when it became a tombstone, and for how long that may take.
    pub(super) begun: Option<(TaskId, Timestamp)>,
    /// Whether words go in the place of its file.
    pub(super) in_words: bool,
    /// When it was first seen.
    pub(super) born: Timestamp,
    /// Whose claim it was that raised the fence last.
    pub(super) holder: TaskId,
}

impl Reference {
    /// Looks at everything there is, after an effect of the running task.
    pub fn observe(&self, scene: &Scene, state: &State) {
        for item in state.items.values() {
            self.observe_row(scene, item);
        }
        let rows = self.rows.borrow();
        self.demand(rows.len() == state.items.len(), Promise::Durable, || {
            "a row vanished".to_owned()
        });
        drop(rows);
        self.observe_objects(scene, state);
        self.observe_hosts(scene, state);
        self.observe_lines(scene, state);
    }

    fn observe_row(&self, scene: &Scene, item: &Item) {
        let mut rows = self.rows.borrow_mut();
        let task = scene.agenda.running();
        let Some(row) = rows.get_mut(&item.id) else {
            let row = Row {
                gate: item.gate.clone(),
                trail: item.trail.as_bytes().to_vec(),
                attempts: item.record.attempts,
                sweeps: 0,
                since: scene.agenda.now(),
                begun: None,
                in_words: false,
                born: scene.agenda.now(),
                holder: task,
            };
            let known = scene.entry(&item.id).is_some();
            self.demand(known, Promise::Isolated, || {
                format!("a row of nobody: {}", item.id)
            });
            rows.insert(item.id.clone(), row);
            return self.judge_birth(scene, item);
        };
        if row.gate == item.gate && row.trail.len() == item.trail.as_bytes().len() {
            return;
        }
        scene.note(format_args!(
            "  {} {} is {} {}, fence {}, sequence {}, due {:?}, by task {task}",
            item.origin.message,
            item.origin.attachment,
            item.gate.stage.as_str(),
            item.gate.verdict.as_str(),
            item.gate.fence,
            item.gate.sequence,
            item.gate.due_at.map(Timestamp::as_seconds),
        ));
        self.compare(row, item);
        if item.record.attempts > row.attempts && (is_too_late(item) || is_waited_out(item)) {
            self.too_late(&item.id);
        }
        row.attempts = item.record.attempts;
        let plan = item
            .record
            .plan
            .as_ref()
            .filter(|_| item.gate.verdict == Verdict::Clean);
        row.in_words |= plan.is_some_and(Plan::is_in_words);
        row.sweeps = row.sweeps.max(item.record.sweeps);
        self.judge_closed(scene, row, item);
        self.judge_tombstone(scene, row, item);
        if item.gate.stage != row.gate.stage {
            row.since = scene.agenda.now();
        }
        if item.gate.fence > row.gate.fence {
            row.holder = task;
        }
        row.gate = item.gate.clone();
        row.trail = item.trail.as_bytes().to_vec();
    }

    fn compare(&self, row: &Row, item: &Item) {
        let (old, new) = (&row.gate, &item.gate);
        let grows = (new.epoch, new.stage) >= (old.epoch, old.stage)
            && new.revision > old.revision
            && new.fence >= old.fence
            && new.sequence >= old.sequence
            && new.verdict >= old.verdict;
        self.demand(grows, Promise::Monotonic, || {
            format!("{}: {old:?} became {new:?}", item.id)
        });
        let entries = item.trail.verify(&item.id).unwrap_or_default();
        let stages: Vec<(u16, Stage)> = entries.iter().map(|it| (it.epoch, it.stage)).collect();
        let fine = !entries.is_empty()
            && stages.is_sorted()
            && stages.last() <= Some(&(new.epoch, new.stage))
            && item.trail.as_bytes().starts_with(&row.trail);
        self.demand(fine, Promise::Trail, || {
            format!("{}: {stages:?} at {:?}", item.id, new.stage)
        });
    }

    fn observe_objects(&self, scene: &Scene, state: &State) {
        let mut stored = self.stored.borrow_mut();
        let gone = stored.extract_if(.., |id| !state.objects.contains_key(id));
        for id in gone {
            self.judge_removal(scene, &id, state);
        }
        for (id, object) in &state.objects {
            if stored.insert(id.clone()) {
                let whole = scene
                    .sent(id)
                    .is_some_and(|sent| sent.file.bytes == object.bytes);
                self.demand(whole, Promise::Bytes, || {
                    format!("{} bytes lie under {id}", object.bytes.len())
                });
                self.judge_transfer(scene, id);
            }
        }
    }

    /// While nothing goes wrong a transfer carries on at once when its sender's patience is at its end.
    fn judge_transfer(&self, scene: &Scene, id: &MediaId) {
        let born = self.rows.borrow().get(id).map(|row| row.born);
        let took = scene
            .agenda
            .now()
            .saturating_since(born.unwrap_or_default());
        let due = born.is_none() || took <= TRANSFER || !scene.faults.is_calm();
        self.demand(due, Promise::Patience, || {
            format!("{id} is in only after {took:?}")
        });
    }

    /// A message is refused for its closed window only if nobody could know that it is open.
    fn judge_closed(&self, scene: &Scene, row: &Row, item: &Item) {
        let ends = item.gate.stage == Stage::Failed && row.gate.stage != Stage::Failed;
        let diagnosis = item.record.diagnosis.as_ref();
        let closed = diagnosis.is_some_and(|it| it.code == "whatsapp.window-closed");
        let Some((message, ..)) = scene.row(&item.id).filter(|_| ends && closed) else {
            return;
        };
        let sends = self
            .sends
            .borrow()
            .get(&item.id)
            .cloned()
            .unwrap_or_default();
        let known = self.was_open(message, row.born, scene.agenda.now());
        let fine = is_for_customer(scene, &item.id) && (sends.turned_away || !known);
        self.demand(fine, Promise::Window, || {
            format!("{} was refused although the window is open", item.id)
        });
        self.turn_away(&item.id);
    }
}

/// An attempt that stalled until its deadline had passed, and ended without a call.
fn is_too_late(item: &Item) -> bool {
    let diagnosis = item.record.diagnosis.as_ref();
    diagnosis.is_some_and(|diagnosis| diagnosis.code == "ours.deadline-passed")
}

/// An upload that was waited for long enough.
fn is_waited_out(item: &Item) -> bool {
    let codes = ["pipeline.completion-timeout", "pipeline.queued-too-long"];
    let diagnosis = item.record.diagnosis.as_ref();
    diagnosis.is_some_and(|diagnosis| codes.contains(&diagnosis.code.as_str()))
}
