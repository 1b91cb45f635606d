//! **forward**: triggered by the queue `forward`. Passes verified webhooks on to another system, byte for byte, under their
//! own signature. Promises: tried again for about an hour, then a dead letter with its diagnosis; another system that is
//! slow or down holds up nothing else; it holds no credential and sends none; a record that fails fails alone.

pub mod config;

use attache_flow::batch::{Record, each};
use attache_flow::forward::Forward;

/// Handles a batch; returns the ids of the records that failed.
pub async fn handle(records: &[Record], forward: &Forward<'_>) -> Vec<String> {
    each(records, |record| async move {
        forward.handle(&record.body).await
    })
    .await
}
