//! Rows and objects: looked at after every effect.

use attache_domain::ids::MediaId;
use attache_domain::journey::{Gate, Item, Stage};
use attache_domain::time::Timestamp;
use attache_flow::memory::State;

use super::{Promise, Reference};
use crate::scene::{Scene, Webhook};
use crate::schedule::TaskId;

/// What was last seen of a row.
pub(super) struct Row {
    pub(super) gate: Gate,
    trail: Vec<u8>,
    attempts: u32,
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
    }

    fn observe_row(&self, scene: &Scene, item: &Item) {
        let mut rows = self.rows.borrow_mut();
        let task = scene.agenda.running();
        let Some(row) = rows.get_mut(&item.id) else {
            let row = Row {
                gate: item.gate.clone(),
                trail: item.trail.as_bytes().to_vec(),
                attempts: item.record.attempts,
                holder: task,
            };
            let known = scene.item(&item.id).is_some();
            self.demand(known, Promise::Isolated, || {
                format!("a row of nobody: {}", item.id)
            });
            rows.insert(item.id.clone(), row);
            return;
        };
        if row.gate == item.gate && row.trail.len() == item.trail.as_bytes().len() {
            return;
        }
        scene.note(format_args!(
            "  {} is {} {}, fence {}, sequence {}, due {:?}, by task {task}",
            item.origin.message,
            item.gate.stage.as_str(),
            item.gate.verdict.as_str(),
            item.gate.fence,
            item.gate.sequence,
            item.gate.due_at.map(Timestamp::as_seconds),
        ));
        self.compare(row, item);
        if item.record.attempts > row.attempts && is_too_late(item) {
            self.too_late(&item.id);
        }
        row.attempts = item.record.attempts;
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
        let stages: Vec<Stage> = entries.iter().map(|entry| entry.stage).collect();
        let fine = !entries.is_empty()
            && stages.is_sorted()
            && stages.last() <= Some(&new.stage)
            && item.trail.as_bytes().starts_with(&row.trail);
        self.demand(fine, Promise::Trail, || {
            format!("{}: {stages:?} at {:?}", item.id, new.stage)
        });
    }

    fn observe_objects(&self, scene: &Scene, state: &State) {
        let mut stored = self.stored.borrow_mut();
        stored.retain(|id| state.objects.contains_key(id));
        for (id, object) in &state.objects {
            if stored.insert(id.clone()) {
                let whole = scene
                    .item(id)
                    .is_some_and(|item| item.file.bytes == object.bytes);
                self.demand(whole, Promise::Bytes, || {
                    format!("{} bytes lie under {id}", object.bytes.len())
                });
            }
        }
    }

    /// A webhook was acknowledged, perhaps for the `first` time.
    pub fn acknowledge(&self, webhook: &Webhook, first: bool, state: &State) {
        let before = self.acknowledged.get();
        self.acknowledged.set(before + usize::from(first));
        let missing: Vec<&MediaId> = webhook
            .items
            .iter()
            .filter(|id| !state.items.contains_key(id))
            .collect();
        let unkept: Vec<&String> = webhook
            .kept
            .iter()
            .filter(|key| !state.kept.contains_key(*key))
            .collect();
        self.demand(
            missing.is_empty() && unkept.is_empty(),
            Promise::Durable,
            || format!("acknowledged without {missing:?} {unkept:?}"),
        );
    }
}

/// An attempt that stalled until its deadline had passed, and ended without a call.
fn is_too_late(item: &Item) -> bool {
    let diagnosis = item.record.diagnosis.as_ref();
    diagnosis.is_some_and(|diagnosis| diagnosis.code == "ours.deadline-passed")
}
