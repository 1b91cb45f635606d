//! Wires `text` to AWS and the platforms: settings, adapters, the Lambda runtime.

use attache_domain::connection::Lane;
use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::{
    CachedDirectories, ClaimsTable, ConnectionsTable, ConversationsTable, ItemsTable, LimitsTable,
    TokensTable,
};
use attache_edge::http::Platforms;
use attache_edge::kms::KmsVault;
use attache_edge::s3::{Buckets, Links};
use attache_edge::sqs::Queues;
use attache_edge::{lambda, telemetry};
use attache_flow::bearer::{Cache, Desk};
use attache_flow::deliver::{Deliver, Learnt};
use attache_text::config::Config;
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&Environment)?;
    let config = Config::read(&Environment)?;
    let aws = Aws::load(&Environment).await?;
    let items = ItemsTable::new(aws.dynamodb(), config.media_table);
    let claims = ClaimsTable::new(aws.dynamodb(), config.claims_table);
    let conversations = ConversationsTable::new(aws.dynamodb(), config.conversations_table);
    let tokens = TokensTable::new(aws.dynamodb(), config.tokens_table);
    let limits = LimitsTable::new(aws.dynamodb(), config.limits_table);
    let connections = ConnectionsTable::new(aws.dynamodb(), config.connections_table);
    let directories =
        CachedDirectories::new(connections, config.connections_max_age, config.allow_local);
    let links = Links::new(config.content, config.link_life, &aws);
    let objects = Buckets::new(aws.s3(), &*config.media_bucket, None).linking(links);
    let vault = KmsVault::new(aws.kms(), config.data_key);
    let jobs = Queues::from_settings(aws.sqs(), &Environment);
    let (clock, http, cache) = (SystemClock::new(), Platforms::new(), Cache::default());
    let learnt = Learnt::default();
    let desk = Desk {
        tokens: &tokens,
        vault: &vault,
        jobs: &jobs,
        clock: &clock,
        cache: &cache,
    };
    let deliver = Deliver {
        lane: Lane::Text,
        items: &items,
        claims: &claims,
        conversations: &conversations,
        objects: Some(&objects),
        renditions: None,
        jobs: &jobs,
        limits: &limits,
        http: &http,
        clock: &clock,
        directories: &directories,
        desk,
        patience: config.patience,
        learnt: &learnt,
    };

    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let failed = attache_text::handle(&lambda::records(event.payload), &deliver).await;
        Ok::<_, Error>(lambda::partial(failed))
    }))
    .await
}
