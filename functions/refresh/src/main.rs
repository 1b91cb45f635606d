//! Wires `refresh` to AWS and the token endpoints: settings, adapters, the Lambda runtime.

use attache_edge::aws::Aws;
use attache_edge::clock::SystemClock;
use attache_edge::config::Environment;
use attache_edge::dynamodb::{CachedDirectories, ConnectionsTable, LimitsTable, TokensTable};
use attache_edge::http::Platforms;
use attache_edge::kms::KmsVault;
use attache_edge::lambda::{self, Trigger};
use attache_edge::secrets::SecretsManager;
use attache_edge::telemetry;
use attache_flow::refresh::Refresh;
use attache_refresh::config::Config;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&Environment)?;
    let config = Config::read(&Environment)?;
    let aws = Aws::load(&Environment).await?;
    let tokens = TokensTable::new(aws.dynamodb(), config.tokens_table);
    let limits = LimitsTable::new(aws.dynamodb(), config.limits_table);
    let connections = ConnectionsTable::new(aws.dynamodb(), config.connections_table);
    let directories =
        CachedDirectories::new(connections, config.connections_max_age, config.allow_local);
    let vault = KmsVault::new(aws.kms(), config.data_key);
    let secrets = SecretsManager::new(aws.secrets_manager());
    let (clock, http) = (SystemClock::new(), Platforms::new());
    let refresh = Refresh {
        tokens: &tokens,
        vault: &vault,
        secrets: &secrets,
        limits: &limits,
        http: &http,
        clock: &clock,
        directories: &directories,
    };

    lambda_runtime::run(service_fn(
        async |event: LambdaEvent<Value>| match Trigger::read(event.payload)? {
            Trigger::Batch(records) => {
                let failed = attache_refresh::handle_jobs(&records, &refresh).await;
                Ok::<_, Error>(serde_json::to_value(lambda::partial(failed))?)
            }
            Trigger::Tick => {
                attache_refresh::handle_tick(&refresh).await?;
                Ok(Value::Null)
            }
            Trigger::Objects(_) | Trigger::Scanned(_) => Err("neither a batch nor a tick".into()),
        },
    ))
    .await
}
