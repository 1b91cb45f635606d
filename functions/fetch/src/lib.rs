//! **fetch**: triggered by the `fetch` queue. Carries a transfer on until the object is complete or the platform no
//! longer has the file. Promises: one object per item, whole or not at all; a record that fails fails alone.

pub mod config;

use std::time::Duration;

use attache_flow::batch::{Record, each};
use attache_flow::fetch::Fetch;

/// Handles a batch, each record for `patience` at the most; returns the ids of the records that failed.
pub async fn handle(records: &[Record], fetch: &Fetch<'_>, patience: Duration) -> Vec<String> {
    each(records, |record| async move {
        fetch.handle(&record.body, patience).await
    })
    .await
}
