//! Wires `validate` to AWS and S3: settings, adapters, the Lambda runtime.

use attache_domain::scan::guardduty;
use attache_edge::aws::Aws;
use attache_edge::clamd::{self, Clamd};
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::{CachedDirectories, ConnectionsTable, ItemsTable, LimitsTable};
use attache_edge::lambda::{self, Trigger};
use attache_edge::s3::Buckets;
use attache_edge::sqs::Queues;
use attache_edge::telemetry;
use attache_flow::judge::{Judge, Scanning, Scans};
use attache_flow::taken::{Ledger, Recalled};
use attache_inspect::Policy;
use attache_validate::config::{Config, Scanner};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&Environment)?;
    let config = Config::read(&Environment)?;
    let aws = Aws::load(&Environment).await?;
    let items = ItemsTable::new(aws.dynamodb(), config.media_table);
    let limits = LimitsTable::new(aws.dynamodb(), config.limits_table);
    let connections = ConnectionsTable::new(aws.dynamodb(), config.connections_table);
    let directories =
        CachedDirectories::new(connections, config.connections_max_age, config.allow_local);
    let objects = Buckets::new(
        aws.s3(),
        config.media_bucket.clone(),
        Some(config.quarantine_bucket),
    );
    let jobs = Queues::from_settings(aws.sqs(), &Environment);
    let (clock, standard) = (SystemClock::new(), Policy::default());
    let clamd = match &config.scanner {
        Some(Scanner::Clamd { address }) => Some(Clamd::new(address, clamd::PATIENCE)),
        Some(Scanner::GuardDuty) | None => None,
    };
    let by = match (&config.scanner, &clamd) {
        (_, Some(clamd)) => Some(Scans::Asked(clamd)),
        (Some(_), None) => Some(Scans::Told(guardduty::NAME)),
        (None, None) => None,
    };
    let patience = config.scan_patience;
    let recalled = Recalled::default();
    let judge = Judge {
        items: &items,
        objects: &objects,
        jobs: &jobs,
        clock: &clock,
        directories: &directories,
        standard: &standard,
        scanning: by.map(|by| Scanning { by, patience }),
        ledger: Ledger {
            limits: &limits,
            clock: &clock,
            recalled: &recalled,
        },
    };

    lambda_runtime::run(service_fn(
        async |event: LambdaEvent<Value>| match Trigger::read(event.payload)? {
            Trigger::Batch(records) => {
                let failed = attache_validate::handle_jobs(&records, &judge).await;
                Ok::<_, Error>(serde_json::to_value(lambda::partial(failed))?)
            }
            Trigger::Objects(keys) => {
                attache_validate::handle_objects(&keys, &judge).await?;
                Ok(Value::Null)
            }
            Trigger::Scanned(scan) => {
                attache_validate::handle_scan(&scan, &config.media_bucket, &judge).await?;
                Ok(Value::Null)
            }
            Trigger::Tick => Err("neither a batch nor an object event".into()),
        },
    ))
    .await
}
