//! Wires `forward` to AWS and the way out: settings, adapters, the Lambda runtime.

use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::{CachedDirectories, ConnectionsTable};
use attache_edge::http::Platforms;
use attache_edge::sqs::Queues;
use attache_edge::{lambda, telemetry};
use attache_flow::forward::Forward;
use attache_forward::config::Config;
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&Environment)?;
    let config = Config::read(&Environment)?;
    let aws = Aws::load(&Environment).await?;
    let connections = ConnectionsTable::new(aws.dynamodb(), config.connections_table);
    let directories =
        CachedDirectories::new(connections, config.connections_max_age, config.allow_local);
    let jobs = Queues::from_settings(aws.sqs(), &Environment);
    let (clock, http) = (SystemClock::new(), Platforms::new());
    let forward = Forward {
        jobs: &jobs,
        http: &http,
        clock: &clock,
        directories: &directories,
    };

    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let failed = attache_forward::handle(&lambda::records(event.payload), &forward).await;
        Ok::<_, Error>(lambda::partial(failed))
    }))
    .await
}
