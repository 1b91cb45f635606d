//! Several items of one message keep their order: each goes out once the one before it has arrived, has ended, or has
//! kept the others waiting for long enough.
//!
//! The order needs no row of its own: each item knows the ids of all (they are derived, not drawn), and looks at the
//! row of the one before it. Nobody must be alive to pass the turn on.

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
    /// The one before it is still on its way.
    Later,
}

/// Whether `item` may go out at `now`, given the row of the item before it and, where one was made, of the notice that
/// stands in that one's place.
#[must_use]
pub fn turn(item: &Item, before: Option<&Item>, notice: Option<&Item>, now: Timestamp) -> Turn {
    let waited_out = now >= item.origin.sent_at + WAITED_OUT;
    let on_its_way = |other: Option<&Item>| other.is_some_and(|other| !is_settled(other));
    if waited_out || !(on_its_way(before) || on_its_way(notice)) {
        Turn::Now
    } else {
        Turn::Later
    }
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
            (None, None, now, Turn::Now),
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
}
