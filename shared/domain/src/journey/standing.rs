//! What a status from the target's platform makes of an item: accepted is not delivered.
//!
//! Statuses come late, twice, and out of order; `read` may come without `delivered`. One monotonic state takes them all:
//! what is not further than what is known changes nothing.

use super::{Item, Stage};
use crate::audit::Actor;
use crate::event::Fate;
use crate::ids::MessageId;
use crate::time::Timestamp;

/// What was new about a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Nothing.
    Nothing,
    /// The item came further; nobody need be told.
    Further,
    /// It has reached the recipient.
    Delivered,
    /// It will not: the diagnosis says why.
    Undelivered,
}

impl Item {
    /// Takes a status of the item's message, which the platform calls `message`, into account.
    pub fn learn(&mut self, fate: &Fate, message: &MessageId, now: Timestamp) -> Learned {
        let known = self.gate.stage;
        let next = match fate {
            Fate::Sent => Stage::Sent,
            Fate::Delivered => Stage::Delivered,
            Fate::Read => Stage::Read,
            Fate::Failed(_) => Stage::Undelivered,
            Fate::Unknown(_) => return Learned::Nothing,
        };
        let open = matches!(known, Stage::Sending | Stage::Sent | Stage::Unconfirmed);
        let further = match known {
            Stage::Sending | Stage::Sent | Stage::Delivered => next > known,
            // Nobody knew; now the platform has said.
            Stage::Unconfirmed => true,
            _ => false,
        };
        if !further || (next == Stage::Undelivered && !open) {
            return Learned::Nothing;
        }
        if known == Stage::Unconfirmed {
            self.gate.epoch += 1;
        }
        self.enter(next, Actor::Intake, now);
        self.rest();
        if self.record.removed_at.is_none() {
            // Whoever sends it may be overtaken by this write, and then never ends it.
            let until = self.record.bytes_until;
            self.record.bytes_until = until.or_else(|| self.keeps_bytes_until(now));
            self.gate.due_at = self.record.bytes_until;
        }
        self.record
            .delivered_as
            .get_or_insert_with(|| message.to_string());
        self.record.diagnosis = match fate {
            Fate::Failed(failure) => Some((*failure.diagnosis).clone()),
            Fate::Sent | Fate::Delivered | Fate::Read | Fate::Unknown(_) => None,
        };
        match next {
            Stage::Undelivered => Learned::Undelivered,
            Stage::Delivered | Stage::Read if known != Stage::Delivered => Learned::Delivered,
            _ => Learned::Further,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::rules::ours;
    use crate::journey::tests::item;

    fn failed() -> Fate {
        Fate::Failed(Box::new(ours::WINDOW_CLOSED.failure("131047")))
    }

    #[test]
    fn in_any_order_the_furthest_counts() {
        use Learned::{Delivered, Further, Nothing, Undelivered};
        let table: [(&[Fate], Stage, &[Learned]); 7] = [
            (
                &[Fate::Sent, Fate::Delivered, Fate::Read],
                Stage::Read,
                &[Further, Delivered, Further],
            ),
            (
                &[Fate::Read, Fate::Delivered, Fate::Sent],
                Stage::Read,
                &[Delivered, Nothing, Nothing],
            ),
            (
                &[Fate::Delivered, Fate::Delivered],
                Stage::Delivered,
                &[Delivered, Nothing],
            ),
            (
                &[Fate::Sent, failed(), Fate::Delivered],
                Stage::Undelivered,
                &[Further, Undelivered, Nothing],
            ),
            (
                &[Fate::Delivered, failed()],
                Stage::Delivered,
                &[Delivered, Nothing],
            ),
            (
                &[failed(), failed()],
                Stage::Undelivered,
                &[Undelivered, Nothing],
            ),
            (
                &[Fate::Unknown("played".to_owned())],
                Stage::Sending,
                &[Nothing],
            ),
        ];
        for (fates, stage, expected) in table {
            let mut item = item();
            item.gate.stage = Stage::Sending;
            item.gate.intent_until = Some(Timestamp::from_seconds(900));
            let now = Timestamp::from_seconds(200);
            let learned: Vec<_> = fates
                .iter()
                .map(|fate| item.learn(fate, &MessageId::new("wamid.A"), now))
                .collect();
            assert_eq!(
                (item.gate.stage, learned.as_slice()),
                (stage, expected),
                "{fates:?}"
            );
            item.trail.verify(&item.id).unwrap();
        }
    }

    #[test]
    fn a_status_answers_what_nobody_knew_and_wakes_nothing_else() {
        let at = |stage| {
            let mut item = item();
            item.gate.stage = stage;
            item
        };
        let (wamid, now) = (MessageId::new("wamid.A"), Timestamp::from_seconds(200));
        let mut open = at(Stage::Unconfirmed);
        assert_eq!(open.learn(&Fate::Sent, &wamid, now), Learned::Further);
        assert_eq!((open.gate.epoch, open.gate.stage), (1, Stage::Sent));
        assert_eq!(open.record.delivered_as.as_deref(), Some("wamid.A"));
        for over in [Stage::Waiting, Stage::Failed, Stage::Kept, Stage::Erased] {
            let mut item = at(over);
            assert_eq!(
                item.learn(&Fate::Delivered, &wamid, now),
                Learned::Nothing,
                "{over:?}"
            );
        }
    }
}
