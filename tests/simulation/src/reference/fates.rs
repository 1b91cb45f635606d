//! What a whole message came to: all of it taken in, what did not arrive told, its sender's platform given the last word.

use attache_domain::event::{FollowUp, ReceiptStatus};
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::Verdict;
use attache_flow::memory::State;

use super::sends::Sends;
use super::{Promise, Reference};
use crate::scene::{Message, Part, Scene, Side};

impl Reference {
    pub(super) fn judge_message(&self, scene: &Scene, number: usize, state: &State) {
        let message = &scene.messages[number];
        if self.was_taken(scene, number) && !self.is_taken_back(scene, message) {
            for part in &message.parts {
                self.demand(state.items.contains_key(&part.id), Promise::Durable, || {
                    format!("{} of {} has no row", part.id, message.id)
                });
            }
        }
        if !message.routed() {
            return;
        }
        for part in &message.parts {
            self.judge_part(message, part, state);
        }
        if message.side == Side::Agent {
            self.judge_last_word(message, state);
        }
    }

    /// What does not arrive is told to the agent; what arrives takes its words along.
    fn judge_part(&self, message: &Message, part: &Part, state: &State) {
        let Some(item) = state.items.get(&part.id) else {
            return;
        };
        let words = message.side == Side::Customer && part.sent().is_none();
        if is_missing(item) && !words {
            self.demand_notice(message, (&part.attachment, item.gate.epoch), state);
        }
        let id = message.follow_up(FollowUp::InPlace, &part.attachment);
        let came_true = self.goes_in_words(&part.id) || item.gate.stage == Stage::Erased;
        self.demand(self.of(&id).landed == 0 || came_true, Promise::Told, || {
            format!("{} was said to go as a link, and does not", part.id)
        });
        if message.side == Side::Agent && self.goes_in_words(&part.id) {
            self.demand_told(&id, state, || {
                format!("nobody was told that {} went as a link", part.id)
            });
        }
        let caption = part.sent().and_then(|sent| sent.caption.as_deref());
        let long = caption.is_some_and(|caption| caption.chars().count() > 1024);
        if message.side == Side::Agent && long && item.gate.stage >= Stage::Waiting {
            let of = FollowUp::Caption.part(&item.origin.attachment);
            let apart = message.follow_up(FollowUp::Caption, &part.attachment);
            let row = state.items.get(&apart);
            let went = item.gate.stage != Stage::Rejected;
            if went && item.gate.stage != Stage::Lost {
                self.demand(row.is_some(), Promise::Told, || {
                    format!("the caption of {} is nowhere", part.id)
                });
            }
            if let Some(row) = row.filter(|row| is_missing(row)) {
                self.demand_notice(message, (of.as_str(), row.gate.epoch), state);
            }
        }
    }

    fn demand_notice(&self, message: &Message, (of, epoch): (&str, u16), state: &State) {
        let id = message.follow_up(FollowUp::Notice(epoch), of);
        self.demand_told(&id, state, || {
            format!("nobody was told what became of {of} of {}", message.id)
        });
    }

    fn demand_told(&self, id: &MediaId, state: &State, detail: impl FnOnce() -> String) {
        let notice = state.items.get(id);
        let given_up = notice.is_some_and(|it| it.gate.stage == Stage::Failed);
        let landed = self.of(id).landed > 0;
        self.demand(landed || given_up, Promise::Told, detail);
    }

    /// One final receipt, if it is known what became of the message.
    fn judge_last_word(&self, message: &Message, state: &State) {
        let items: Vec<Option<&Item>> = message
            .parts
            .iter()
            .map(|part| state.items.get(&part.id))
            .collect();
        let caption = |part: &Part| message.follow_up(FollowUp::Caption, &part.attachment);
        let captions = message
            .parts
            .iter()
            .filter_map(|part| state.items.get(&caption(part)));
        let failed = items
            .into_iter()
            .flatten()
            .chain(captions.clone())
            .any(has_failed);
        let delivered = message
            .parts
            .iter()
            .all(|part| self.of(&part.id).is_delivered())
            && captions
                .into_iter()
                .all(|item| self.of(&item.id).is_delivered());
        let status = match failed {
            true => ReceiptStatus::Failed,
            false => ReceiptStatus::Delivered,
        };
        let id = message.follow_up(FollowUp::Receipt(status), "");
        let sends = self.of(&id);
        let given_up = state
            .items
            .get(&id)
            .is_some_and(|it| it.gate.stage == Stage::Failed);
        if (failed || delivered) && !given_up {
            self.demand(sends.receipt.is_some(), Promise::Receipts, || {
                format!("{} got no last word (failed: {failed})", message.id)
            });
        }
    }

    fn of(&self, id: &MediaId) -> Sends {
        self.sends.borrow().get(id).cloned().unwrap_or_default()
    }
}

/// Whether it did not arrive, as far as anybody knows.
fn is_missing(item: &Item) -> bool {
    let held = (item.gate.stage, item.gate.verdict) == (Stage::Planned, Verdict::Held);
    held || has_failed(item) || item.gate.stage == Stage::Unconfirmed
}

fn has_failed(item: &Item) -> bool {
    matches!(
        item.gate.stage,
        Stage::Failed | Stage::Rejected | Stage::Lost | Stage::Undelivered
    )
}
