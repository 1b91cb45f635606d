//! Wires `intake` to AWS, API Gateway and the platforms: settings, adapters, the Lambda runtime.

use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::{
    CachedDirectories, ClaimsTable, ConnectionsTable, ConversationsTable, ItemsTable, LimitsTable,
    TokensTable,
};
use attache_edge::http::Platforms;
use attache_edge::kms::KmsVault;
use attache_edge::s3::Buckets;
use attache_edge::secrets::SecretsManager;
use attache_edge::sqs::Queues;
use attache_edge::{lambda, telemetry};
use attache_flow::bearer::{Cache, Desk};
use attache_flow::fetch::{Fetch, Room};
use attache_flow::guard::{Guard, Known};
use attache_flow::intake::{Intake, LastHeard};
use attache_intake::config::Config;
use attache_intake::doorway::{Keeper, open};
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
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
    let secrets = SecretsManager::new(aws.secrets_manager());
    let jobs = Queues::from_settings(aws.sqs(), &Environment);
    let objects = Buckets::new(aws.s3(), config.media_bucket, None);
    let vault = KmsVault::new(aws.kms(), config.data_key);
    let (clock, http, cache) = (SystemClock::new(), Platforms::new(), Cache::default());
    let (heard, known, room) = (LastHeard::default(), Known::default(), Room::default());
    let keeper = Keeper::new(config.connections_max_age);
    let fetch = Fetch {
        items: &items,
        objects: &objects,
        jobs: &jobs,
        http: &http,
        clock: &clock,
        directories: &directories,
        desk: Desk {
            tokens: &tokens,
            vault: &vault,
            jobs: &jobs,
            clock: &clock,
            cache: &cache,
        },
        lease: config.lease,
        in_parts: None,
        guard: Guard {
            limits: &limits,
            clock: &clock,
            known: &known,
        },
        room: &room,
    };
    let intake = Intake {
        items: &items,
        claims: &claims,
        conversations: &conversations,
        jobs: &jobs,
        vault: &vault,
        fetch,
        clock: &clock,
        due_in: config.lease,
        heard: &heard,
    };
    let doorway = keeper.current(&directories, &secrets, &clock).await?;
    tracing::info!(endpoints = ?open(&doorway), "ready");

    lambda_runtime::run(service_fn(
        async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
            let doorway = keeper.current(&directories, &secrets, &clock).await?;
            let reply =
                attache_intake::handle(&lambda::request(event.payload), &doorway, &intake).await;
            Ok::<_, Error>(lambda::response(reply))
        },
    ))
    .await
}
