//! What must be so at the end, when the weather has long been calm.

use attache_domain::connection::Connection;
use attache_domain::ids::MediaId;
use attache_domain::job::DeadLetter;
use attache_domain::journey::{Item, Stage};
use attache_domain::transfer::ID_LIFE;
use attache_domain::verdict::Verdict;
use attache_flow::memory::State;

use super::sends::Sends;
use super::{Promise, Reference};
use crate::files::Nature;
use crate::scene::{self, BEGINNING, LOOKASIDE, Scene};

/// What is left when a run is over.
pub struct Remains<'a> {
    /// Tables and buckets.
    pub state: &'a State,
    /// What was given up, with why.
    pub letters: &'a [DeadLetter],
}

impl Reference {
    /// Judges the end of a run.
    pub fn judge_end(&self, scene: &Scene, remains: &Remains<'_>) {
        let acknowledged = self.acknowledged.get() >= scene.webhooks.len();
        self.demand(acknowledged, Promise::Ends, || {
            "a webhook was never acknowledged".to_owned()
        });
        let counts = self.counts();
        for sent in &scene.items {
            match remains.state.items.get(&sent.id) {
                None => self.break_promise(Promise::Durable, format!("{} has no row", sent.id)),
                Some(item) => {
                    let sends = counts.get(&sent.id).cloned().unwrap_or_default();
                    self.judge_item(scene, sent, item, &sends, remains);
                }
            }
        }
        self.judge_rate();
    }

    fn judge_item(
        &self,
        scene: &Scene,
        sent: &scene::Item,
        item: &Item,
        sends: &Sends,
        remains: &Remains<'_>,
    ) {
        let gate = &item.gate;
        let rests = gate.lease.is_none() && gate.intent_until.is_none() && gate.due_at.is_none();
        self.demand(rests, Promise::Ends, || {
            format!("{} does not rest: {gate:?}", item.id)
        });
        let fine = match (gate.stage, gate.verdict, sent.file.nature) {
            (Stage::Sent, Verdict::Clean, Nature::Clean) => sent.routed && sends.landed > 0,
            (Stage::Kept, Verdict::Clean, Nature::Clean) => !sent.routed,
            (Stage::Planned, Verdict::Held, Nature::Torn) => true,
            (Stage::Rejected, Verdict::Quarantined, Nature::Executable) => true,
            (Stage::Lost, Verdict::Unjudged, _) => self.was_lost(scene, sent),
            (Stage::Failed, Verdict::Clean, Nature::Clean) => {
                sends.refused + sends.open >= 4 || sends.unauthorised >= 2
            }
            _ => false,
        };
        self.demand(fine, Promise::Ends, || {
            let why = item.record.diagnosis.as_ref().map(|d| &d.code);
            format!(
                "{} ({:?}) ended as {:?} {:?} for {why:?} after {sends:?}",
                item.id, sent.file.nature, gate.stage, gate.verdict
            )
        });
        if matches!(gate.stage, Stage::Lost | Stage::Failed) {
            let told = remains.letters.iter().any(|letter| letter.media == item.id);
            self.demand(told, Promise::Ends, || {
                format!("{} was given up without a dead letter", item.id)
            });
        }
        let most = 4 + sends.unauthorised.min(1) + 2 * item.record.sweeps;
        self.demand(sends.posts <= most, Promise::Attempts, || {
            format!("{}: {sends:?}, {} sweeps", item.id, item.record.sweeps)
        });
        self.judge_place(&item.id, gate.verdict, remains.state);
    }

    /// A file may be lost if the platform withheld it for as long as ids live, or sent us to a stranger for it.
    fn was_lost(&self, scene: &Scene, sent: &scene::Item) -> bool {
        let withheld = sent.withheld && scene.agenda.now() >= BEGINNING + ID_LIFE;
        withheld || self.foreign.borrow().contains(&sent.id)
    }

    fn judge_place(&self, id: &MediaId, verdict: Verdict, state: &State) {
        let (media, quarantine) = (
            state.objects.contains_key(id),
            state.quarantine.contains_key(id),
        );
        let fine = match verdict {
            Verdict::Quarantined => quarantine && !media,
            Verdict::Clean | Verdict::Held => media && !quarantine,
            Verdict::Unjudged => !quarantine,
        };
        self.demand(fine, Promise::Quarantine, || {
            format!(
                "{id} is {verdict:?}; in the media bucket: {media}, in quarantine: {quarantine}"
            )
        });
    }

    /// In any window, at most a burst and one slot for each interval.
    fn judge_rate(&self) {
        let directory = scene::directory(&[LOOKASIDE]);
        let connection = directory.connection(&scene::genesys_id());
        let Some(rate) = connection.and_then(Connection::send_rate) else {
            return;
        };
        let mut slots = self.slots.borrow().clone();
        slots.sort_unstable();
        for (first, from) in slots.iter().enumerate() {
            for (last, to) in slots.iter().enumerate().skip(first + rate.burst() as usize) {
                let window = to.saturating_since(*from).as_millis();
                let most = u128::from(rate.burst()) + window / rate.interval().as_millis();
                let here = (last - first + 1) as u128;
                self.demand(here <= most, Promise::Paced, || {
                    format!("{here} slots within {window} ms, at most {most}")
                });
            }
        }
    }
}
