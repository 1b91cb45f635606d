//! Wires `convert` to AWS: settings, adapters, the Lambda runtime.

use attache_convert::Library;
use attache_convert::config::Config;
use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::ItemsTable;
use attache_edge::s3::Buckets;
use attache_edge::sqs::Queues;
use attache_edge::{lambda, telemetry};
use attache_flow::convert::Convert;
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&Environment)?;
    let config = Config::read(&Environment)?;
    let aws = Aws::load(&Environment).await?;
    let items = ItemsTable::new(aws.dynamodb(), config.media_table);
    let originals = Buckets::new(aws.s3(), &*config.media_bucket, None);
    let renditions = Buckets::renditions(aws.s3(), &*config.media_bucket);
    let jobs = Queues::from_settings(aws.sqs(), &Environment);
    let clock = SystemClock::new();
    let convert = Convert {
        items: &items,
        originals: &originals,
        renditions: &renditions,
        jobs: &jobs,
        clock: &clock,
        renderer: &Library,
    };

    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let failed = attache_convert::handle(&lambda::records(event.payload), &convert).await;
        Ok::<_, Error>(lambda::partial(failed))
    }))
    .await
}
