//! The loop of intake, over the system's own tables and queues, for replay.

use std::time::Duration;

use anyhow::Result;
use attache_domain::connection::Directory;
use attache_edge::clock::SystemClock;
use attache_edge::dynamodb::{
    CachedDirectories, ClaimsTable, ConversationsTable, ItemsTable, LimitsTable, TokensTable,
};
use attache_edge::http::Platforms;
use attache_edge::kms::KmsVault;
use attache_edge::s3::Buckets;
use attache_edge::sqs::Queues;
use attache_flow::bearer::{Cache, Desk};
use attache_flow::fetch::{Fetch, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::intake::{Intake, LastHeard};
use attache_flow::ports::Queue;
use attache_flow::replay::Replay;

use crate::system::System;

/// After this long `sweep` looks at an item that is not done.
const DUE_IN: Duration = Duration::from_secs(30);

/// What intake needs. Of a replay nobody waits for bytes: `fetch`, its buckets and the platforms are never called from here.
pub(super) struct Worker {
    claims: ClaimsTable,
    items: ItemsTable,
    conversations: ConversationsTable,
    tokens: TokensTable,
    limits: LimitsTable,
    directories: CachedDirectories,
    jobs: Queues,
    objects: Buckets,
    vault: KmsVault,
    http: Platforms,
    clock: SystemClock,
    cache: Cache,
    heard: LastHeard,
    known: Known,
    room: Room,
}

impl Worker {
    pub(super) fn new(system: &System, claims: ClaimsTable, clock: SystemClock) -> Result<Self> {
        let clients = &system.clients;
        let dynamodb = || clients.dynamodb.clone();
        let queue = |queue, output| Ok((queue, system.output(output)?.to_owned()));
        let queues: Result<Vec<_>> = [
            queue(Queue::Fetch, "FetchQueueUrl"),
            queue(Queue::Text, "TextQueueUrl"),
        ]
        .into_iter()
        .collect();
        let media_bucket = system.output("MediaBucketName")?;
        Ok(Self {
            claims,
            items: ItemsTable::new(dynamodb(), system.output("MediaTableName")?),
            conversations: ConversationsTable::new(
                dynamodb(),
                system.output("ConversationsTableName")?,
            ),
            tokens: TokensTable::new(dynamodb(), system.output("TokensTableName")?),
            limits: LimitsTable::new(dynamodb(), system.output("LimitsTableName")?),
            directories: system.directories()?,
            jobs: Queues::new(clients.sqs.clone(), queues?),
            objects: Buckets::new(clients.s3.clone(), media_bucket, None),
            vault: KmsVault::new(clients.kms.clone(), system.output("DataKeyId")?),
            http: Platforms::new(),
            clock,
            cache: Cache::default(),
            heard: LastHeard::default(),
            known: Known::default(),
            room: Room::default(),
        })
    }

    pub(super) fn replay<'a>(&'a self, directory: &'a Directory) -> Replay<'a> {
        let desk = Desk {
            tokens: &self.tokens,
            vault: &self.vault,
            jobs: &self.jobs,
            clock: &self.clock,
            cache: &self.cache,
        };
        let fetch = Fetch {
            items: &self.items,
            objects: &self.objects,
            jobs: &self.jobs,
            http: &self.http,
            clock: &self.clock,
            directories: &self.directories,
            desk,
            lease: DUE_IN,
            in_parts: None,
            guard: Guard {
                limits: &self.limits,
                clock: &self.clock,
                known: &self.known,
            },
            room: &self.room,
        };
        let intake = Intake {
            items: &self.items,
            claims: &self.claims,
            conversations: &self.conversations,
            jobs: &self.jobs,
            vault: &self.vault,
            fetch,
            clock: &self.clock,
            due_in: DUE_IN,
            heard: &self.heard,
        };
        Replay { intake, directory }
    }
}
