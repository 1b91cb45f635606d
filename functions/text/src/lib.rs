//! **text**: triggered by the queue `text`. Delivers what has no bytes: words, notices, receipts, that somebody is writing, and
//! the words that go in the place of a file, a link to it among them. Promises: files never hold it up; words in the order of their message; each message once unless its outcome was
//! open, and towards a customer once whatever its outcome; a record that fails fails alone.

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
