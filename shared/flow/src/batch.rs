//! A batch of queue records: each handled on its own, failures named one by one. A record that panics fails alone.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

/// One message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The queue's id for it; named in the partial batch response if it fails.
    pub id: String,
    /// Its body.
    pub body: String,
}

/// Why a record failed. The queue delivers it again, and parks it in the dead-letter queue in the end.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The world failed.
    #[error(transparent)]
    Outage(#[from] crate::ports::Outage),
    /// The message is no job of this queue.
    #[error(transparent)]
    Malformed(#[from] attache_domain::job::Malformed),
    /// The job names something that does not exist.
    #[error("{0}")]
    Dangling(String),
    /// Our code panicked.
    #[error("panicked: {0}")]
    Panicked(String),
}

/// How many records of a batch are worked on at once.
const AT_ONCE: usize = 10;

/// Handles every record and returns the ids of those that failed, in the batch's order.
pub async fn each<F, Fut>(records: &[Record], handle: F) -> Vec<String>
where
    F: Fn(Record) -> Fut,
    Fut: Future<Output = Result<(), Trouble>>,
{
    let outcomes = stream::iter(records.iter().cloned())
        .map(|record| {
            let id = record.id.clone();
            let handling = isolated(|| handle(record));
            async move {
                let outcome = handling.await;
                if let Err(trouble) = &outcome {
                    tracing::error!(record.id = %id, error = %chain(trouble), "record failed; the queue delivers it again");
                }
                outcome.err().map(|_| id)
            }
        })
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    outcomes.await.into_iter().flatten().collect()
}

/// Runs one record's handler so that a panic, also one before its first await, becomes its failure.
pub async fn isolated<Fut>(begin: impl FnOnce() -> Fut) -> Result<(), Trouble>
where
    Fut: Future<Output = Result<(), Trouble>>,
{
    let handling = async move { begin().await };
    AssertUnwindSafe(handling)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Trouble::Panicked(
                text.unwrap_or_else(|| "without a message".to_owned()),
            ))
        })
}

/// An error with its causes, once each.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let next = cause.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn poison_fails_alone() {
        let record = |id: &str, body: &str| Record {
            id: id.to_owned(),
            body: body.to_owned(),
        };
        let batch = [
            record("1", "fine"),
            record("2", "panic"),
            record("3", "refuse"),
            record("4", "fine"),
        ];
        let failed = each(&batch, |record| async move {
            match record.body.as_str() {
                "panic" => panic!("poison"),
                "refuse" => Err(Trouble::Dangling("nothing there".to_owned())),
                _ => Ok(()),
            }
        });
        assert_eq!(failed.now_or_never().unwrap(), ["2", "3"]);
    }
}
