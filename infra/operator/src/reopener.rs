//! The loop that sets items going again, over the system's own tables, queues and bucket.

use anyhow::Result;
use attache_edge::clock::SystemClock;
use attache_edge::dynamodb::{CachedDirectories, ItemsTable};
use attache_edge::s3::Buckets;
use attache_edge::sqs::Queues;
use attache_flow::ports::Queue;
use attache_flow::reopening::Reopening;

use crate::system::System;

/// What reopening needs.
pub(crate) struct Reopener {
    items: ItemsTable,
    objects: Buckets,
    jobs: Queues,
    directories: CachedDirectories,
    clock: SystemClock,
}

impl Reopener {
    /// Of this system.
    ///
    /// # Errors
    /// Names the output that the system lacks.
    pub(crate) fn new(system: &System) -> Result<Self> {
        let clients = &system.clients;
        let queue = |queue, output| Ok((queue, system.output(output)?.to_owned()));
        let queues: Result<Vec<_>> = [
            queue(Queue::Fetch, "FetchQueueUrl"),
            queue(Queue::Judge, "JudgeQueueUrl"),
            queue(Queue::Convert, "ConvertQueueUrl"),
            queue(Queue::Media, "MediaQueueUrl"),
            queue(Queue::Text, "TextQueueUrl"),
        ]
        .into_iter()
        .collect();
        let bucket = system.output("MediaBucketName")?;
        Ok(Self {
            items: ItemsTable::new(clients.dynamodb.clone(), system.output("MediaTableName")?),
            objects: Buckets::new(clients.s3.clone(), bucket, None),
            jobs: Queues::new(clients.sqs.clone(), queues?),
            directories: system.directories()?,
            clock: SystemClock::new(),
        })
    }

    pub(crate) fn reopening(&self) -> Reopening<'_> {
        Reopening {
            items: &self.items,
            objects: &self.objects,
            jobs: &self.jobs,
            clock: &self.clock,
            directories: &self.directories,
        }
    }
}
