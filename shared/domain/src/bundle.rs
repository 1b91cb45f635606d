//! Several items of one message keep their order: each goes out once those before it have arrived, have ended, or have
//! kept the others waiting for long enough.
//!
//! The order needs no row of its own: each item knows the ids of all (they are derived, not drawn), and looks back from
//! the one before it to the nearest that had its turn. Nobody must be alive to pass the turn on.

use std::time::Duration;

use crate::event::FollowUp;
use crate::ids::AttachmentId;
use crate::journey::{Item, Stage};
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// After this long from the message's time nobody waits for the item before any more.
pub const WAITED_OUT: Duration = Duration::from_secs(15 * 60);

/// How soon an item looks again whether it is its turn.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Whether an item may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now.
    Now,
    /// One before it is still on its way.
    Later,
}

/// Whether `item` may go out at `now`, given the row of an item before it (`None`: there is none yet) and, where one was
/// made, of the notice that stands in that one's place.
#[must_use]
pub fn turn(item: &Item, before: Option<&Item>, notice: Option<&Item>, now: Timestamp) -> Turn {
    let waited_out = now >= item.origin.sent_at + WAITED_OUT;
    let settled = before.is_some_and(is_settled) && notice.is_none_or(is_settled);
    if waited_out || settled {
        Turn::Now
    } else {
        Turn::Later
    }
}

/// Whether the item had its turn, so that none before it is waited for any more. One that ended before that, held back,
/// refused or lost, says nothing of those before it.
#[must_use]
pub fn had_its_turn(item: &Item) -> bool {
    matches!(
        item.gate.stage,
        Stage::Sent
            | Stage::Delivered
            | Stage::Read
            | Stage::Failed
            | Stage::Unconfirmed
            | Stage::Undelivered
    )
}

/// Whether the item holds words that belong to the file before it: they do not go out without it (`U4`).
#[must_use]
pub fn is_caption(item: &Item) -> bool {
    item.origin
        .attachment
        .as_str()
        .starts_with(FollowUp::Caption.part(&AttachmentId::new("")).as_str())
}

/// Whether nothing more happens to the item by itself.
fn is_settled(item: &Item) -> bool {
    item.gate.stage.is_over()
        || (item.gate.stage == Stage::Planned && item.gate.verdict == Verdict::Held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::tests::item;

    #[test]
    fn one_after_the_other_but_not_for_ever() {
        let at = |stage, verdict| {
            let mut item = item();
            (item.gate.stage, item.gate.verdict) = (stage, verdict);
            item
        };
        let waiting = at(Stage::Waiting, Verdict::Clean);
        let now = waiting.origin.sent_at + Duration::from_secs(5);
        let late = waiting.origin.sent_at + WAITED_OUT;
        let sent = at(Stage::Sent, Verdict::Clean);
        let held = at(Stage::Planned, Verdict::Held);
        for (before, notice, now, expected) in [
            (None, None, now, Turn::Later),
            (None, None, late, Turn::Now),
            (Some(&waiting), None, now, Turn::Later),
            (Some(&waiting), None, late, Turn::Now),
            (Some(&sent), None, now, Turn::Now),
            (Some(&held), None, now, Turn::Now),
            (Some(&held), Some(&waiting), now, Turn::Later),
            (Some(&held), Some(&sent), now, Turn::Now),
        ] {
            assert_eq!(turn(&waiting, before, notice, now), expected);
        }
    }

    #[test]
    fn who_never_had_a_turn_passes_none_on() {
        for (stage, expected) in [
            (Stage::Sent, true),
            (Stage::Failed, true),
            (Stage::Waiting, false),
            (Stage::Planned, false),
            (Stage::Rejected, false),
            (Stage::Lost, false),
        ] {
            let mut item = item();
            item.gate.stage = stage;
            assert_eq!(had_its_turn(&item), expected, "{stage:?}");
        }
    }
}
