//! Removing what an item holds: because somebody took it back or asks for it, or because its owner keeps references only.
//!
//! The row is written first and the bytes go afterwards: from then on nobody delivers them, and `sweep` sees to it that they
//! do go. They are looked for once more when no late store can follow. A tombstone says that there was something, when, and
//! what became of it, and holds nothing that anybody said.

use std::time::Duration;

use super::{Item, Record, Stage};
use crate::audit::Actor;
use crate::delivery::LINK_LIFE;
use crate::event::Content;
use crate::time::Timestamp;
use crate::verdict::{Reason, Verdict};

/// How long after its lease's end a stalled fetcher may still store: no function runs longer on Lambda.
pub const LATEST_STORE: Duration = Duration::from_secs(900);

impl Item {
    /// Makes it a tombstone. Its bytes are still to be removed.
    pub fn erase(&mut self, why: Reason, actor: Actor, now: Timestamp) {
        self.end(Stage::Erased, actor, now);
        self.gate.due_at = Some(now);
        self.record = Record {
            reasons: vec![why],
            // The parts that came are still to be dropped.
            transfer: self.record.transfer.take(),
            delivered_as: self.record.delivered_as.take(),
            ..Record::default()
        };
        let origin = &mut self.origin;
        origin.customer.clear();
        origin.customer_name = None;
        origin.quote = None;
        match &mut origin.content {
            Content::File(file) => {
                file.file_name = None;
                file.caption = None;
                file.digest = None;
            }
            Content::Words(words) => words.text.clear(),
            Content::Receipt(receipt) => receipt.reason = None,
        }
    }

    /// Whether its bytes are to be removed, or were, so that none may come back.
    #[must_use]
    pub fn is_without_bytes(&self, now: Timestamp) -> bool {
        let record = &self.record;
        self.gate.stage == Stage::Erased
            || record.removed_at.is_some()
            || record.bytes_until.is_some_and(|until| until <= now)
    }

    /// Its bytes were removed just now; whether there is something to write down.
    pub fn bytes_removed(&mut self, now: Timestamp) -> bool {
        if self.record.removed_at.is_none() {
            self.record.removed_at = Some(now);
            self.record.bytes_until = None;
            self.record.transfer = None;
            self.record.wait_until = Some(now + LATEST_STORE);
            self.gate.due_at = self.record.wait_until;
            return true;
        }
        // `sweep` sent it back for the last look.
        let last = self.gate.due_at.is_some() && self.record.wait_until.is_none();
        if last {
            self.gate.due_at = None;
        }
        last
    }

    /// Until when the bytes of an item stay that ends now; `None`: as long as the bucket keeps them. A platform that was given
    /// a link may follow it for as long as it lives.
    pub(super) fn keeps_bytes_until(&self, now: Timestamp) -> Option<Timestamp> {
        // Of a file that was given up a fetcher that stalled may still store something.
        let may_have_bytes = self.record.object.is_some() || self.gate.stage == Stage::Lost;
        let has_bytes = may_have_bytes && self.record.removed_at.is_none();
        // Quarantine has a life of its own.
        let is_safe = self.gate.verdict != Verdict::Quarantined;
        (self.origin.reference_only && has_bytes && is_safe).then(|| now + LINK_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;
    use crate::journey::StoredObject;
    use crate::journey::overdue::{Overdue, overdue};
    use crate::journey::tests::item;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn why() -> Reason {
        Reason {
            code: "unsent".to_owned(),
            evidence: "the customer took it back".to_owned(),
        }
    }

    fn stored() -> Item {
        let mut item = item();
        item.record.object = Some(StoredObject {
            etag: "\"e\"".to_owned(),
            size_bytes: 5,
            digest: Sha256Digest::of(b"bytes"),
        });
        item
    }

    /// What `sweep` does at `now`, done.
    fn swept(item: &mut Item, now: Timestamp) -> Overdue {
        let step = overdue(item, now, Duration::from_secs(30));
        if step != Overdue::Leave {
            item.swept(step, now);
        }
        step
    }

    #[test]
    fn a_tombstone_holds_nothing_that_anybody_said() {
        let mut item = stored();
        let said = [item.origin.customer.clone(), "me.jpg".to_owned()];
        if let Content::File(file) = &mut item.origin.content {
            file.file_name = Some("me.jpg".to_owned());
        }
        item.record.link = Some("sealed".to_owned());
        item.erase(why(), Actor::Intake, NOW);
        assert_eq!(item.gate.stage, Stage::Erased);
        let row = format!("{:?} {:?}", item.origin, item.record);
        for text in said {
            assert!(!row.contains(&text), "{text} in {row}");
        }
        assert_eq!((&item.record.object, &item.record.link), (&None, &None));
        assert!(item.trail.verify(&item.id).is_ok());
    }

    #[test]
    fn its_bytes_are_looked_for_twice() {
        let mut item = stored();
        item.erase(why(), Actor::Intake, NOW);
        assert_eq!(swept(&mut item, NOW), Overdue::Judge);
        assert!(item.bytes_removed(NOW));
        assert_eq!(swept(&mut item, NOW + LATEST_STORE), Overdue::Leave);
        assert!(!item.bytes_removed(NOW), "a repeat writes nothing");
        let later = NOW + LATEST_STORE * 2;
        assert_eq!(swept(&mut item, later), Overdue::Judge);
        assert!(item.bytes_removed(later));
        assert_eq!(item.gate.due_at, None);
        assert!(item.is_without_bytes(later), "and never again");
    }

    #[test]
    fn references_alone_stay_where_the_owner_wants_it() {
        for (reference_only, until) in [(false, None), (true, Some(NOW + LINK_LIFE))] {
            let mut item = stored();
            item.origin.reference_only = reference_only;
            item.end(Stage::Sent, Actor::Upload, NOW);
            assert_eq!((item.record.bytes_until, item.gate.due_at), (until, until));
            assert!(!item.is_without_bytes(NOW));
            let later = NOW + LINK_LIFE * 2;
            let step = if reference_only {
                Overdue::Judge
            } else {
                Overdue::Leave
            };
            assert_eq!(swept(&mut item, later), step);
            assert_eq!(item.is_without_bytes(later), reference_only);
            assert_eq!(item.gate.stage, Stage::Sent, "what became of it stays");
        }
    }
}
