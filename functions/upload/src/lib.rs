//! **upload**: triggered by the queues `media` and `media-retry`. Delivers the bytes and the message that carries them:
//! paced, jittered, bounded. Promises: each message once unless its outcome was open, and towards a customer once whatever
//! its outcome; an attempt that failed is a delayed copy; four attempts in all, then a dead letter with its diagnosis; a
//! record that fails fails alone.

pub mod config;

use attache_flow::batch::{Record, chain};
use attache_flow::deliver::Deliver;

/// Handles a batch; returns the ids of the records that failed: all, if the batch could not be begun.
pub async fn handle(records: &[Record], deliver: &Deliver<'_>) -> Vec<String> {
    match deliver.batch(records).await {
        Ok(failed) => failed,
        Err(trouble) => {
            tracing::error!(error = %chain(&trouble), "batch not begun; the queue delivers it again");
            records.iter().map(|record| record.id.clone()).collect()
        }
    }
}
