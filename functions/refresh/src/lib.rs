//! **refresh**: triggered every minute and by the `refresh` queue. Renews tokens ahead of their end, then reads what
//! platforms tell of their limits, every hour. Promises: one renewal at a time; a failure keeps the old token until its end;
//! nobody else reads client secrets; limits that cannot be read hold nothing up.

pub mod config;

use attache_flow::batch::{Record, each};
use attache_flow::ports::Answer;
use attache_flow::refresh::Refresh;

/// Handles a batch of the `refresh` queue; returns the ids of the records that failed.
pub async fn handle_jobs(records: &[Record], refresh: &Refresh<'_>) -> Vec<String> {
    each(records, |record| async move {
        refresh.handle(&record.body).await
    })
    .await
}

/// Handles the schedule's tick.
///
/// # Errors
/// An outage of the configuration.
pub async fn handle_tick(refresh: &Refresh<'_>) -> Answer<()> {
    refresh.run().await
}
