//! Wires `sweep` to AWS and the queues: settings, adapters, the Lambda runtime.

use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::ItemsTable;
use attache_edge::sqs::Queues;
use attache_edge::telemetry;
use attache_flow::sweep::Sweep;
use attache_sweep::config::Config;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&Environment)?;
    let config = Config::read(&Environment)?;
    let aws = Aws::load(&Environment).await?;
    let items = ItemsTable::new(aws.dynamodb(), config.media_table);
    let jobs = Queues::from_settings(aws.sqs(), &Environment);
    let clock = SystemClock::new();
    let sweep = Sweep {
        items: &items,
        jobs: &jobs,
        clock: &clock,
        grace: config.grace,
    };

    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| {
        let swept = attache_sweep::handle(&sweep).await?;
        Ok::<_, Error>(
            json!({ "seen": swept.seen, "requeued": swept.requeued, "failed": swept.failed }),
        )
    }))
    .await
}
