//! A platform that told that it could not fetch a file by the link it was given: it gets a fresh one, under the same message id, in a
//! new epoch, although no person asked for it. What it shows to its agents may stand there twice; that it lacks the file would
//! be worse.

use super::{Item, Stage};
use crate::audit::Actor;
use crate::channels::Direction;
use crate::diagnosis::{Diagnosis, Failure};
use crate::ids::MessageId;
use crate::pull::{MOST_FRESH, Pull};
use crate::time::Timestamp;

/// What follows on such a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfetched {
    /// Nothing: it is about a message before, or the item went on since.
    Old,
    /// The item is on its way again.
    Again,
    /// There is no fresh link: why the platform has no file.
    GivenUp(Box<Diagnosis>),
}

impl Item {
    /// Takes into account that the platform told at `now` that it could not fetch the file of the message it calls
    /// `message`. `None`: no file of ours went there by a link.
    pub fn unfetched(
        &mut self,
        message: &MessageId,
        failure: &Failure,
        now: Timestamp,
    ) -> Option<Unfetched> {
        let pull = self.record.pull?;
        // To a customer nothing is ever sent twice; there a link stands in words, and no platform follows it.
        if self.origin.direction != Direction::ToAgent || self.outgoing().is_none() {
            return None;
        }
        let called = self.record.delivered_as.as_deref();
        let is_last =
            called == Some(message.as_str()) || self.origin.wire_message() == message.as_str();
        if self.gate.stage != Stage::Sent || !is_last {
            return Some(Unfetched::Old);
        }
        let why = pull.diagnosis(now, failure);
        if pull.fresh >= MOST_FRESH || self.record.removed_at.is_some() {
            return Some(Unfetched::GivenUp(Box::new(why)));
        }
        self.goes_again(
            Pull {
                fresh: pull.fresh + 1,
                ..pull
            },
            why,
            now,
        );
        Some(Unfetched::Again)
    }

    fn goes_again(&mut self, pull: Pull, why: Diagnosis, now: Timestamp) {
        self.begin_epoch(now);
        let record = &mut self.record;
        record.pull = Some(pull);
        record.diagnosis = Some(why);
        record.repeats += 1;
        self.enter(Stage::Waiting, Actor::Intake, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::rules::ours;
    use crate::digest::Sha256Digest;
    use crate::journey::StoredObject;
    use crate::journey::reopening::DUE_IN;
    use crate::journey::tests::item;
    use crate::pull::Through;
    use crate::verdict::{Delivery, Plan};

    const GIVEN: Timestamp = Timestamp::from_seconds(1_000);
    const DIES: Timestamp = Timestamp::from_seconds(2_000);
    const LATER: Timestamp = Timestamp::from_seconds(3_000);

    fn sent() -> Item {
        let mut item = item();
        item.record.object = Some(StoredObject {
            etag: "\"e\"".to_owned(),
            size_bytes: 5,
            digest: Sha256Digest::of(b"bytes"),
        });
        item.record.plan = Some(Plan::AsIs(Delivery {
            mime: "image/jpeg".to_owned(),
            name: "a.jpg".to_owned(),
            kind: None,
            caption_apart: false,
        }));
        item.record.pull = Some(Pull {
            given_at: GIVEN,
            until: DIES,
            through: Through::ContentDomain,
            fresh: 0,
        });
        arrive(&mut item, "first");
        item
    }

    fn arrive(item: &mut Item, called: &str) {
        item.record.delivered_as = Some(called.to_owned());
        item.end(Stage::Sent, Actor::Upload, GIVEN);
    }

    fn told(item: &mut Item, message: &str) -> Option<Unfetched> {
        let failure = ours::INTERRUPTED.failure("unable to download");
        item.unfetched(&MessageId::new(message), &failure, LATER)
    }

    #[test]
    fn a_fresh_link_twice_at_most() {
        let mut item = sent();
        assert_eq!(told(&mut item, "first"), Some(Unfetched::Again));
        assert_eq!((item.gate.stage, item.gate.epoch), (Stage::Waiting, 1));
        assert_eq!(
            (item.record.repeats, item.gate.due_at),
            (1, Some(LATER + DUE_IN))
        );
        assert_eq!(told(&mut item, "first"), Some(Unfetched::Old), "told twice");
        arrive(&mut item, "second");
        assert_eq!(told(&mut item, "first"), Some(Unfetched::Old), "told late");
        assert_eq!(told(&mut item, "second"), Some(Unfetched::Again));
        arrive(&mut item, "third");
        let Some(Unfetched::GivenUp(why)) = told(&mut item, "third") else {
            panic!("given up")
        };
        assert_eq!(why.rule, ours::PULLED_LATE.id);
        assert_eq!((item.gate.stage, item.gate.epoch), (Stage::Sent, 2));
        item.trail.verify(&item.id).unwrap();
    }

    #[test]
    fn only_what_went_to_an_agent_by_a_link_and_is_still_there() {
        let mut without = sent();
        without.record.pull = None;
        assert_eq!(told(&mut without, "first"), None);
        let mut to_customer = sent();
        to_customer.origin.direction = Direction::ToCustomer;
        assert_eq!(told(&mut to_customer, "first"), None);
        let mut removed = sent();
        removed.record.removed_at = Some(LATER);
        assert!(matches!(
            told(&mut removed, "first"),
            Some(Unfetched::GivenUp(_))
        ));
    }
}
