//! What was taken back, and what is kept by reference only: gone from everywhere, never to come back, and not too early.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::connection::Retention;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Stage};
use attache_domain::time::Timestamp;
use attache_domain::verdict::Verdict;
use attache_flow::memory::State;

use super::ending::Case;
use super::rows::Row;
use super::{Promise, Reference};
use crate::scene::{CUSTOMERS, Message, Part, Role, Scene, What};

/// Until when the last link to each file lives.
pub(super) type Links = BTreeMap<MediaId, Timestamp>;

impl Reference {
    /// Whether the taking back of a message is on its way or came, where that is honoured.
    pub(super) fn is_taken_back(&self, scene: &Scene, message: &Message) -> bool {
        let tries = self.tries.borrow();
        let mut all = scene.take_backs(message);
        all.any(|number| tries.is_posted(scene, number))
    }

    /// Whether it was acknowledged: from then on nothing of the message comes in any more.
    fn is_gone(&self, scene: &Scene, message: &Message) -> bool {
        let mut all = scene.take_backs(message);
        all.any(|number| self.was_taken(scene, number))
    }

    /// A row came to be.
    pub(super) fn judge_birth(&self, scene: &Scene, item: &Item) {
        let row = scene.row(&item.id);
        let gone = row
            .is_some_and(|(message, _, role)| role == Role::Part && self.is_gone(scene, message));
        self.demand(!gone, Promise::Erased, || {
            format!("{} comes in after it was taken back", item.id)
        });
    }

    /// A row was written.
    pub(super) fn judge_tombstone(&self, scene: &Scene, row: &mut Row, item: &Item) {
        if item.gate.stage != Stage::Erased {
            return;
        }
        if row.gate.stage == Stage::Erased {
            let still = row.gate.fence == item.gate.fence;
            return self.demand(still, Promise::Erased, || {
                format!("{} was claimed although it is a tombstone", item.id)
            });
        }
        row.begun = row.gate.intent_until.map(|until| (row.holder, until));
        let Some((message, part, _)) = scene.row(&item.id) else {
            return;
        };
        let meant = self.is_taken_back(scene, message);
        self.demand(meant, Promise::Erased, || {
            format!("{} is erased although nobody asked for it", item.id)
        });
        let told = rest_of(item, message, part);
        self.demand(told.is_none(), Promise::Erased, || {
            format!("the tombstone of {} says {told:?}", item.id)
        });
    }

    /// A link is made that lives as long as `life`.
    pub(super) fn keep_link(&self, scene: &Scene, id: &MediaId, life: Duration) {
        let dies = scene.agenda.now() + life;
        let mut links = self.links.borrow_mut();
        let known = links.entry(id.clone()).or_insert(dies);
        *known = (*known).max(dies);
    }

    /// An object is gone: because somebody asked for that, for quarantine, or by reference only once no link lives.
    pub(super) fn judge_removal(&self, scene: &Scene, id: &MediaId, state: &State) {
        let Some((item, (message, ..))) = state.items.get(id).zip(scene.row(id)) else {
            return;
        };
        let gate = &item.gate;
        if gate.stage == Stage::Erased || gate.verdict == Verdict::Quarantined {
            return;
        }
        let links = self.links.borrow();
        let alive = links
            .get(id)
            .is_some_and(|until| scene.agenda.now() < *until);
        let fine = by_reference(scene, message) && gate.stage.is_over() && !alive;
        self.demand(fine, Promise::Referenced, || {
            format!("the bytes of {id} are gone in {gate:?}; a link lives: {alive}")
        });
    }

    /// Whether the message of an item was taken back: then nothing is left of it at the end.
    pub(super) fn is_erased(&self, case: &Case<'_>, state: &State) -> bool {
        let (id, gate) = (&case.item.id, &case.item.gate);
        let Some((message, ..)) = case.scene.row(id) else {
            return false;
        };
        let taken_back = self.is_taken_back(case.scene, message);
        let gone = gate.stage == Stage::Erased && !has_bytes(id, state);
        self.demand(gone || !taken_back, Promise::Erased, || {
            format!("{id} of {} was taken back and is {gate:?}", message.id)
        });
        taken_back
    }

    /// Whether only the reference to an item is kept: then no bytes are left at the end.
    pub(super) fn is_referenced(&self, case: &Case<'_>, state: &State) -> bool {
        let (id, gate) = (&case.item.id, &case.item.gate);
        let ended = gate.stage.is_over() && gate.verdict != Verdict::Quarantined;
        let Some((message, ..)) = case.scene.row(id).filter(|_| ended) else {
            return false;
        };
        let referenced = by_reference(case.scene, message);
        let left = has_bytes(id, state);
        self.demand(!referenced || !left, Promise::Referenced, || {
            format!("bytes of {id} are left in {gate:?}")
        });
        referenced
    }
}

fn has_bytes(id: &MediaId, state: &State) -> bool {
    state.objects.contains_key(id) || state.quarantine.contains_key(id)
}

/// Whether only references to what comes in with a message are kept.
fn by_reference(scene: &Scene, message: &Message) -> bool {
    scene.retentions[message.number] == Retention::ReferenceOnly
}

/// Something that a row still says of what was said.
fn rest_of(item: &Item, message: &Message, part: &Part) -> Option<String> {
    let row = format!("{:?} {:?}", item.origin, item.record);
    let said = match &part.what {
        What::Words(words) => vec![words.clone()],
        What::File(sent) => {
            let name = sent.file.name.map(str::to_owned);
            let digest = sent.file.digest.to_string();
            sent.caption
                .iter()
                .cloned()
                .chain(name)
                .chain([digest])
                .collect()
        }
    };
    let who = CUSTOMERS.iter().filter(|it| **it == message.customer);
    let mut all = said.into_iter().chain(who.map(|it| (*it).to_owned()));
    all.find(|text| row.contains(text))
}
