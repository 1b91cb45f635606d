//! What must be so at the end, when the weather has long been calm: every row has come to a stated end, for cause.

use std::time::Duration;

use attache_domain::connection::{Connection, Lane};
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::job::DeadLetter;
use attache_domain::journey::{Item, Stage};
use attache_domain::transfer::LARGEST_BYTES;
use attache_domain::verdict::Verdict;
use attache_flow::memory::State;

use super::sends::{Sends, is_for_customer};
use super::{Promise, Reference};
use crate::files::Nature;
use crate::scene::{API, GRAPH, LOOKASIDE, Role, Scene, Sent, Side};

/// For so long at the most nobody asks a target that does not work, and the calls around it.
const LONGEST_COOLDOWN: Duration = Duration::from_secs(20 * 60);

const HOUR: Duration = Duration::from_secs(3600);

/// What is left when a run is over.
pub struct Remains<'a> {
    /// Tables and buckets.
    pub state: &'a State,
    /// What was given up, with why.
    pub letters: &'a [DeadLetter],
}

/// What is to be said of one row.
pub(super) struct Case<'a> {
    pub(super) scene: &'a Scene,
    pub(super) item: &'a Item,
    pub(super) sends: Sends,
}

impl Reference {
    /// Judges the end of a run.
    pub fn judge_end(&self, scene: &Scene, remains: &Remains<'_>) {
        self.judge_tries();
        let counts = self.counts();
        for item in remains.state.items.values() {
            let sends = counts.get(&item.id).cloned().unwrap_or_default();
            let case = Case { scene, item, sends };
            self.judge_row(&case, remains);
        }
        for number in 0..scene.messages.len() {
            self.judge_message(scene, number, remains.state);
        }
        self.judge_rate(scene);
        self.judge_calm(scene, remains.state);
        for ((id, _), upload) in &remains.state.uploads {
            self.demand(upload.parts.is_empty(), Promise::Ends, || {
                format!("{id} left {} parts behind", upload.parts.len())
            });
        }
    }

    fn judge_row(&self, case: &Case<'_>, remains: &Remains<'_>) {
        let (item, gate) = (case.item, &case.item.gate);
        let rests = gate.lease.is_none() && gate.intent_until.is_none() && gate.due_at.is_none();
        self.demand(rests, Promise::Ends, || {
            format!("{} does not rest: {gate:?}", item.id)
        });
        let fine = match case.scene.row(&item.id) {
            _ if self.is_erased(case, remains.state) => true,
            Some((message, _, _)) if !message.routed() => self.ends_in_archive(case),
            Some((_, part, Role::Part)) => match part.sent() {
                Some(sent) => self.file_ends_well(case, sent),
                None => self.words_end_well(case),
            },
            Some(_) => self.words_end_well(case),
            None => false,
        };
        self.demand(fine, Promise::Ends, || {
            let why = item.record.diagnosis.as_ref().map(|d| &d.code);
            format!(
                "{} ({}) ended as {:?} {:?} for {why:?} after {:?}",
                item.id, item.origin.attachment, gate.stage, gate.verdict, case.sends
            )
        });
        if matches!(gate.stage, Stage::Lost | Stage::Failed) {
            let told = remains.letters.iter().any(|letter| letter.media == item.id);
            self.demand(told, Promise::Ends, || {
                format!("{} was given up without a dead letter", item.id)
            });
        }
        let sends = &case.sends;
        let sweeps = self.rows.borrow().get(&item.id).map_or(0, |row| row.sweeps);
        // Planned anew, it has its attempts anew.
        let anew = 4 * sends.unfit.min(1);
        let most = 4 + anew + sends.unauthorised.min(2) + 2 * sweeps;
        self.demand(sends.posts <= most, Promise::Attempts, || {
            format!("{}: {sends:?}, {sweeps} sweeps", item.id)
        });
        let erased = gate.stage == Stage::Erased;
        if item.origin.file().is_some() && !erased && !self.is_referenced(case, remains.state) {
            self.judge_place(&item.id, gate.verdict, remains.state);
        }
    }

    fn ends_in_archive(&self, case: &Case<'_>) -> bool {
        let gate = &case.item.gate;
        match case.scene.sent(&case.item.id) {
            Some(sent) => match (gate.stage, gate.verdict, sent.file.nature) {
                (Stage::Kept, Verdict::Clean, Nature::Clean) => true,
                _ => self.is_kept_back(case, sent),
            },
            None => (gate.stage, gate.verdict) == (Stage::Kept, Verdict::Clean),
        }
    }

    /// Held, in quarantine, lost: the ends that come before anything could be sent.
    fn is_kept_back(&self, case: &Case<'_>, sent: &Sent) -> bool {
        let gate = &case.item.gate;
        match (gate.stage, gate.verdict, sent.file.nature) {
            (Stage::Planned, Verdict::Held, Nature::Torn) => true,
            (Stage::Rejected, Verdict::Quarantined, Nature::Executable | Nature::Infected) => true,
            (Stage::Lost, Verdict::Unjudged, _) => self.was_lost(case, sent),
            _ => false,
        }
    }

    fn file_ends_well(&self, case: &Case<'_>, sent: &Sent) -> bool {
        let gate = &case.item.gate;
        let to_customer = is_for_customer(case.scene, &case.item.id);
        match (gate.verdict, sent.file.nature) {
            (Verdict::Clean, Nature::Clean) if gate.stage == Stage::Rejected => {
                let row = case.scene.row(&case.item.id);
                let drifted =
                    row.is_some_and(|(message, ..)| self.has_drifted(case.scene, message));
                drifted && !case.scene.links
            }
            (Verdict::Clean, Nature::Clean) => self.words_end_well(case),
            (Verdict::Clean, Nature::Foreign) if case.scene.links => self.words_end_well(case),
            (Verdict::Clean, Nature::Foreign) => to_customer && gate.stage == Stage::Rejected,
            _ => self.is_kept_back(case, sent),
        }
    }

    /// The ends of what was to be sent.
    fn words_end_well(&self, case: &Case<'_>) -> bool {
        let (sends, gate) = (&case.sends, &case.item.gate);
        let to_customer = is_for_customer(case.scene, &case.item.id);
        let fates = sends.fates;
        let is_clean = gate.verdict == Verdict::Clean;
        is_clean
            && match gate.stage {
                Stage::Sent => sends.landed > 0 && fates.iter().all(|fate| *fate == "sent"),
                Stage::Delivered => fates.contains(&"delivered") && !fates.contains(&"read"),
                Stage::Read => fates.contains(&"read"),
                Stage::Undelivered => fates.contains(&"failed"),
                // Nobody knows, and no status told.
                Stage::Unconfirmed => to_customer && sends.open > 0 && fates.is_empty(),
                Stage::Failed => {
                    let caption_alone = matches!(
                        case.scene.row(&case.item.id),
                        Some((_, part, Role::Caption)) if !self.file_went_out(&part.id)
                    );
                    let nowhere = !to_customer || sends.landed == 0;
                    let spent = sends.is_spent() || caption_alone;
                    nowhere && (spent || self.outlasted(case, to_customer))
                }
                _ => false,
            }
    }

    /// Whether its target was down for longer than it is worth waiting for.
    fn outlasted(&self, case: &Case<'_>, to_customer: bool) -> bool {
        let diagnosis = case.item.record.diagnosis.as_ref();
        let said = diagnosis.is_some_and(|it| it.code == "delivery.platform-down");
        let (host, long) = match to_customer {
            true => (GRAPH, HOUR),
            false => (API, 24 * HOUR),
        };
        // What is down in the end is found to work by the next probe only.
        let down = case.scene.down;
        said && down.is_some_and(|down| down.lasts(host, long.saturating_sub(LONGEST_COOLDOWN)))
    }

    fn file_went_out(&self, id: &MediaId) -> bool {
        let sends = self.sends.borrow().get(id).cloned().unwrap_or_default();
        sends.is_well()
    }

    /// A file may be lost if the platform withheld it for as long as it gives files out (an agent's: at once), did not know
    /// of it, or sent us to a stranger for it.
    fn was_lost(&self, case: &Case<'_>, sent: &Sent) -> bool {
        let Some((message, ..)) = case.scene.row(&case.item.id) else {
            return false;
        };
        let directory = case.scene.directory(&[LOOKASIDE]);
        let connection = directory.connection(&message.connection());
        let Some(life) = connection.map(|it| it.profile().file_life()) else {
            return false;
        };
        let rows = self.rows.borrow();
        let outlived = rows
            .get(&case.item.id)
            .is_some_and(|row| row.since >= message.sent_at() + life);
        let gone = match message.side {
            Side::Customer => sent.dead || sent.withheld && outlived,
            Side::Agent => sent.withheld || outlived,
        };
        let foreign = self.foreign.borrow().contains(&case.item.id);
        (gone || foreign) && sent.file.bytes.len() as u64 <= LARGEST_BYTES
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

    /// In any window, at most a burst and one slot for each interval; for each lane of each connection, from one restart of its
    /// line to the next.
    fn judge_rate(&self, scene: &Scene) {
        let directory = scene.directory(&[LOOKASIDE]);
        for ((key, _), slots) in self.slots.borrow().iter() {
            let rate = key.split_once('/').and_then(|(lane, id)| {
                let lane = [Lane::Media, Lane::Text]
                    .into_iter()
                    .find(|it| it.as_str() == lane)?;
                let connection: Option<&Connection> = directory.connection(&ConnectionId::new(id));
                connection?.send_rate(lane)
            });
            let Some(rate) = rate else {
                let detail = format!("slots under {key:?}");
                return self.break_promise(Promise::Paced, detail);
            };
            let mut slots = slots.clone();
            slots.sort_unstable();
            for (first, from) in slots.iter().enumerate() {
                for (last, to) in slots.iter().enumerate().skip(first + rate.burst() as usize) {
                    let window = to.saturating_since(*from).as_millis();
                    let most = u128::from(rate.burst()) + window / rate.interval().as_millis();
                    let here = (last - first + 1) as u128;
                    self.demand(here <= most, Promise::Paced, || {
                        format!("{here} slots of {key} within {window} ms, at most {most}")
                    });
                }
            }
        }
    }
}
