//! Two steps, and probes: bytes that are handed over ahead of the message, and who asks whether a target works again.

use std::collections::{BTreeMap, BTreeSet};

use attache_domain::ids::MediaId;
use attache_domain::pacing::breaker::Breaker;
use attache_domain::time::Timestamp;
use attache_domain::verdict::Verdict;
use attache_flow::memory::State;

use super::hosts::breaker_of;
use super::sends::limiter_key;
use super::{Promise, Reference};
use crate::files::Nature;
use crate::scene::{Message, Scene, Side, UPLOADS};
use crate::schedule::TaskId;

/// What was seen of both.
#[derive(Debug, Default)]
pub(super) struct Handing {
    /// Rows of which the target told that it has their bytes, and was heard.
    told: BTreeSet<MediaId>,
    /// The breaker of each line that is not closed.
    breakers: BTreeMap<String, Breaker>,
    /// Who may probe a line, with which number, and whether that was done.
    probes: BTreeMap<String, Probe>,
    /// Whose probe was answered: a look, say. The same task then goes on with its file, once, without a slot.
    answered: BTreeSet<(String, TaskId)>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    number: u32,
    task: TaskId,
    made: bool,
}

impl Reference {
    /// Bytes reached a place.
    pub fn handed_over(&self, scene: &Scene, (id, file): (&MediaId, &str), bytes: &[u8]) {
        let sent = scene.sent(id).map(|sent| &sent.file);
        let clean = self
            .rows
            .borrow()
            .get(id)
            .is_some_and(|row| row.gate.verdict == Verdict::Clean)
            && sent.is_some_and(|sent| [Nature::Clean, Nature::Foreign].contains(&sent.nature));
        self.demand(clean, Promise::Clean, || format!("{id} is handed over"));
        let its_own = sent.is_some_and(|sent| sent.bytes == bytes);
        self.demand(its_own, Promise::Handed, || {
            format!("{} bytes go to {file}", bytes.len())
        });
        let told = self.handing.borrow().told.contains(id);
        self.demand(!told, Promise::Handed, || {
            format!("{file}: the target has told that it has the bytes")
        });
    }

    /// It was heard that a target has a file, which may have been the one that its row then waited for.
    pub(super) fn told_complete(&self, file: &str, state: &State) {
        let waits = |item: &&attache_domain::journey::Item| {
            item.record.uploaded.as_deref() == Some(file) && !item.gate.stage.is_over()
        };
        if let Some(item) = state.items.values().find(waits) {
            self.handing.borrow_mut().told.insert(item.id.clone());
        }
    }

    /// Whether a link in a message of a customer leads to its file: ours, or the one that the target gave for it.
    pub(super) fn is_its_link(
        &self,
        scene: &Scene,
        (message, id): (&Message, &MediaId),
        link: &str,
    ) -> bool {
        let in_two_steps = scene.web && message.number == 1 && message.side == Side::Customer;
        match in_two_steps {
            true => link.starts_with(&format!("https://{UPLOADS}/f-{id}-")),
            false => link.contains(&id.arrival_key()),
        }
    }

    /// Looks at what is shared of lines.
    pub(super) fn observe_lines(&self, scene: &Scene, state: &State) {
        let task = scene.agenda.running();
        let mut handing = self.handing.borrow_mut();
        for (key, text) in &state.learnt {
            if !(key.starts_with("media/") || key.starts_with("text/")) {
                continue;
            }
            let Some(breaker) = breaker_of(text) else {
                let detail = format!("{key} holds {text}");
                return self.break_promise(Promise::Probed, detail);
            };
            let before = handing.breakers.insert(key.clone(), breaker);
            if before == Some(breaker) {
                continue;
            }
            scene.note(format_args!("  {key}: {breaker:?}"));
            let Breaker::HalfOpen { probe, .. } = breaker else {
                if let Some(probe) = handing.probes.remove(key) {
                    handing.answered.insert((key.clone(), probe.task));
                }
                continue;
            };
            if handing.probes.get(key).is_none_or(|it| it.number != probe) {
                let probe = Probe {
                    number: probe,
                    task,
                    made: false,
                };
                handing.probes.insert(key.clone(), probe);
            }
        }
    }

    /// Whether a task may call as the probe of a line.
    pub(super) fn is_probe(&self, key: &str, task: TaskId) -> bool {
        let mut handing = self.handing.borrow_mut();
        let probing = handing.probes.get(key).is_some_and(|it| it.task == task);
        probing || handing.answered.remove(&(key.to_owned(), task))
    }

    /// A call is made for a row.
    pub fn calls(&self, scene: &Scene, id: &MediaId) {
        let task = scene.agenda.running();
        let key = limiter_key(scene, id, self.goes_in_words(id));
        let mut handing = self.handing.borrow_mut();
        let probe = handing.probes.get_mut(&key);
        if let Some(probe) = probe.filter(|it| it.task == task) {
            probe.made = true;
        }
    }

    /// A task is over: a probe that it did not make may be made by the next who asks. What befell it is no fault of its own.
    pub fn judge_probe(&self, scene: &Scene, task: TaskId) {
        if self.struck.borrow().contains(&task) {
            return;
        }
        let now = scene.agenda.now();
        let handing = self.handing.borrow();
        for (key, probe) in &handing.probes {
            let kept = |until: Timestamp| until > now;
            let out = matches!(handing.breakers.get(key), Some(Breaker::HalfOpen { until, .. }) if kept(*until));
            let wasted = probe.task == task && !probe.made && out;
            self.demand(!wasted, Promise::Probed, || {
                format!("task {task} was to ask whether {key} works, and did not: {probe:?}")
            });
        }
    }
}
