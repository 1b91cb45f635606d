//! **sweep**: triggered every minute. Promise: nothing stays stuck; what a crash left lying goes back on its way
//! within a minute of its lease's end.

pub mod config;

use attache_flow::ports::Answer;
use attache_flow::sweep::{Sweep, Swept};

/// Handles the schedule's tick.
///
/// # Errors
/// An outage of the index.
pub async fn handle(sweep: &Sweep<'_>) -> Answer<Swept> {
    let swept = sweep.run().await?;
    if swept != Swept::default() {
        tracing::info!(
            sweep.seen = swept.seen,
            sweep.requeued = swept.requeued,
            sweep.failed = swept.failed,
            "swept"
        );
    }
    Ok(swept)
}
