//! **validate**: triggered by S3 `ObjectCreated` under `arrivals/`, by the result of a scan that watches the bucket, and by the
//! `judge` queue for what an event did not reach. Promises: one verdict and one plan per object; verdicts only get worse; nothing leaves without one.

pub mod config;

use attache_domain::scan::guardduty::ObjectScan;
use attache_flow::batch::{Record, Trouble, each, isolated};
use attache_flow::judge::Judge;

/// Handles a batch of the `judge` queue; returns the ids of the records that failed.
pub async fn handle_jobs(records: &[Record], judge: &Judge<'_>) -> Vec<String> {
    each(
        records,
        |record| async move { judge.handle(&record.body).await },
    )
    .await
}

/// Handles the objects of one S3 event, each on its own.
///
/// # Errors
/// The first trouble, after every object was tried: Lambda repeats the event, and parks it in the end. Objects that
/// were judged are recognised then.
pub async fn handle_objects(keys: &[String], judge: &Judge<'_>) -> Result<(), Trouble> {
    let mut outcome = Ok(());
    for key in keys {
        let judged = isolated(|| judge.object_created(key)).await;
        if let Err(trouble) = &judged {
            tracing::error!(object.key = %key, error = %attache_flow::batch::chain(trouble), "not judged; the event is repeated");
        }
        outcome = outcome.and(judged);
    }
    outcome
}

/// Handles the result of the scan of one object of the media bucket, which is called `bucket`.
///
/// # Errors
/// The trouble, or that it is about another bucket: Lambda repeats the event, and parks it in the end.
pub async fn handle_scan(
    scan: &ObjectScan,
    bucket: &str,
    judge: &Judge<'_>,
) -> Result<(), Trouble> {
    if scan.bucket != bucket {
        return Err(Trouble::Dangling(format!(
            "the scan of an object in bucket {:?}, expected one in {bucket:?}",
            scan.bucket
        )));
    }
    let judged = isolated(|| judge.object_scanned(scan)).await;
    if let Err(trouble) = &judged {
        tracing::error!(object.key = %scan.key, error = %attache_flow::batch::chain(trouble), "not taken in; the event is repeated");
    }
    judged
}
