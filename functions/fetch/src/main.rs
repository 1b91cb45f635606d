//! Wires `fetch` to AWS and the platforms: settings, adapters, the Lambda runtime.

use attache_domain::transfer::PART_BYTES;
use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::{
    CachedDirectories, ConnectionsTable, ItemsTable, LimitsTable, TokensTable,
};
use attache_edge::http::Platforms;
use attache_edge::kms::KmsVault;
use attache_edge::s3::Buckets;
use attache_edge::sqs::Queues;
use attache_edge::{lambda, telemetry};
use attache_fetch::config::Config;
use attache_flow::bearer::{Cache, Desk};
use attache_flow::fetch::{Fetch, InParts, Room};
use attache_flow::guard::{Guard, Known};
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&Environment)?;
    let config = Config::read(&Environment)?;
    let aws = Aws::load(&Environment).await?;
    let items = ItemsTable::new(aws.dynamodb(), config.media_table);
    let tokens = TokensTable::new(aws.dynamodb(), config.tokens_table);
    let limits = LimitsTable::new(aws.dynamodb(), config.limits_table);
    let connections = ConnectionsTable::new(aws.dynamodb(), config.connections_table);
    let directories =
        CachedDirectories::new(connections, config.connections_max_age, config.allow_local);
    let objects = Buckets::new(aws.s3(), config.media_bucket, None);
    let vault = KmsVault::new(aws.kms(), config.data_key);
    let jobs = Queues::from_settings(aws.sqs(), &Environment);
    let (clock, http, cache) = (SystemClock::new(), Platforms::new(), Cache::default());
    let (known, room) = (Known::default(), Room::default());
    let desk = Desk {
        tokens: &tokens,
        vault: &vault,
        jobs: &jobs,
        clock: &clock,
        cache: &cache,
    };
    let fetch = Fetch {
        items: &items,
        objects: &objects,
        jobs: &jobs,
        http: &http,
        clock: &clock,
        directories: &directories,
        desk,
        lease: config.lease,
        in_parts: Some(InParts {
            store: &objects,
            part_bytes: PART_BYTES,
        }),
        guard: Guard {
            limits: &limits,
            clock: &clock,
            known: &known,
        },
        room: &room,
    };

    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let failed =
            attache_fetch::handle(&lambda::records(event.payload), &fetch, config.patience).await;
        Ok::<_, Error>(lambda::partial(failed))
    }))
    .await
}
