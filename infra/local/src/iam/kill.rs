//! Points at which a function's process is killed, or stands still.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Before or after a side effect takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The effect does not take place.
    Before,
    /// The effect takes place, and the function never hears of it.
    After,
}

/// What befalls a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It dies.
    Kill,
    /// It stands still until it is thawed, as one whose machine does: it keeps its connections, and what it was about to do.
    Freeze,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill-9",
            Self::Freeze => "stalled-holder-sends-late",
        })
    }
}

/// Befalls a function at one of its side effects.
///
/// A side effect is a call that changes something in an engine (an item, an object, a message); calls that fail their
/// condition count as well, so that the number means the same before and after. Effects on platforms, which do not pass
/// here, do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KillPoint {
    /// The logical id of the function. All its live processes are killed; or those that work stand still.
    pub function: String,
    /// What befalls them.
    pub act: Act,
    /// Which side effect from now on, counted from 1 over all processes of the function.
    pub nth_effect: u64,
    /// On which side of the effect.
    pub when: When,
}

/// Tells whether a kill point has been reached. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Armed(Arc<AtomicBool>);

impl Armed {
    /// Whether the function has been killed, or stands still.
    #[must_use]
    pub fn fired(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The kill points that have not been reached yet.
#[derive(Debug, Default)]
pub(crate) struct KillPoints(Vec<Pending>);

#[derive(Debug)]
struct Pending {
    point: KillPoint,
    left: u64,
    fired: Arc<AtomicBool>,
}

impl KillPoints {
    /// Adds a point.
    pub(crate) fn arm(&mut self, point: KillPoint) -> Armed {
        let fired = Arc::new(AtomicBool::new(false));
        self.0.push(Pending {
            left: point.nth_effect.max(1),
            point,
            fired: Arc::clone(&fired),
        });
        Armed(fired)
    }

    /// Counts one call on one side of its effect; what happens when a point is reached, which is then used up.
    pub(crate) fn reached(&mut self, function: &str, operation: &str, when: When) -> Option<Act> {
        if self.0.is_empty() || !is_effect(operation) {
            return None;
        }
        let mut reached = None;
        self.0.retain_mut(|pending| {
            if pending.point.function != function || pending.point.when != when {
                return true;
            }
            pending.left -= 1;
            if pending.left == 0 {
                pending.fired.store(true, Ordering::Release);
                reached = Some(pending.point.act);
            }
            pending.left > 0
        });
        reached
    }
}

/// Whether an API operation changes anything.
fn is_effect(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem"
            | "UpdateItem"
            | "DeleteItem"
            | "BatchWriteItem"
            | "TransactWriteItems"
            | "PutObject"
            | "CopyObject"
            | "DeleteObject"
            | "DeleteObjects"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "UploadPartCopy"
            | "CompleteMultipartUpload"
            | "AbortMultipartUpload"
            | "PutObjectTagging"
            | "SendMessage"
            | "SendMessageBatch"
            | "DeleteMessage"
            | "DeleteMessageBatch"
            | "ChangeMessageVisibility"
            | "ChangeMessageVisibilityBatch"
            | "CreateSecret"
            | "PutSecretValue"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_reached_by_count_and_side() {
        let mut points = KillPoints::default();
        let point = |nth_effect, when| KillPoint {
            function: "F".to_owned(),
            act: if nth_effect == 1 {
                Act::Freeze
            } else {
                Act::Kill
            },
            nth_effect,
            when,
        };
        let before = points.arm(point(2, When::Before));
        let after = points.arm(point(1, When::After));
        for (function, operation, when, expected) in [
            ("F", "GetItem", When::Before, None),
            ("G", "PutItem", When::Before, None),
            ("F", "PutItem", When::Before, None),
            ("F", "PutItem", When::After, Some(Act::Freeze)),
            ("F", "PutItem", When::After, None),
            ("F", "SendMessageBatch", When::Before, Some(Act::Kill)),
            ("F", "SendMessageBatch", When::Before, None),
        ] {
            let reached = points.reached(function, operation, when);
            assert_eq!(reached, expected, "{function} {operation} {when:?}");
        }
        assert!(before.fired() && after.fired());
    }
}
