//! Waiting for a state, with a bound.

use std::time::Duration;

use tokio::sync::watch;

/// The bound was reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not within {within:?}")]
pub struct TimedOut {
    /// The bound, in real time.
    pub within: Duration,
}

/// Waits until `found` finds something, asking again whenever `changes` changes.
pub(crate) async fn until<T>(
    changes: &mut watch::Receiver<u64>,
    within: Duration,
    found: impl Fn() -> Option<T>,
) -> Result<T, TimedOut> {
    let search = async {
        loop {
            changes.borrow_and_update();
            if let Some(found) = found() {
                return Some(found);
            }
            changes.changed().await.ok()?;
        }
    };
    let ended = tokio::time::timeout(within, search).await;
    ended.ok().flatten().ok_or(TimedOut { within })
}
