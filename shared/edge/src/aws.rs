//! The SDKs' shared configuration and the clients made from it.
//!
//! The behaviour version is explicit, so that an update of the SDK changes nothing unseen. Retries are few and short:
//! one more attempt, for a connection that broke. Longer waits are the queues' business, and the SDK's attempts must
//! not multiply with ours; a repeated call is harmless, because every adapter recognises its own write.
//! `AWS_ENDPOINT_URL_…` is honoured by the SDKs themselves.
//!
//! All clients share one HTTP client: left alone, each would read root certificates and keep connections of its own, and a
//! cold start would pay for each.

use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder as HttpClientBuilder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use attache_domain::settings::{ConfigError, Settings};

use crate::roots;

/// The region where neither the environment nor a profile names one (the local run).
const DEFAULT_REGION: &str = "us-east-1";

/// Attempts in all.
const ATTEMPTS: u32 = 2;

/// The longest pause before the second attempt.
const PAUSE: Duration = Duration::from_millis(50);

/// Time to connect; to one answer; to the end of both attempts. The single calls of the tables and queues answer in
/// milliseconds, and the functions' own time limits allow for one such stall.
const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
const OPERATION: Duration = Duration::from_secs(9);

/// The clients, each made when asked for.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    path_style: bool,
}

impl Aws {
    /// Loads the shared configuration. Credentials are looked up with the first call, not here.
    ///
    /// # Errors
    /// [`ConfigError`] if `AWS_CA_BUNDLE` names no file of certificates.
    pub async fn load(settings: &dyn Settings) -> Result<Self, ConfigError> {
        let trusted = roots::trusted(settings)?;
        let named = settings
            .get("AWS_REGION")
            .or_else(|| settings.get("AWS_DEFAULT_REGION"));
        // Without the chain's last link the SDK would ask the instance metadata service, and wait for it in vain.
        let region = RegionProviderChain::first_try(named.map(Region::new))
            .or_else(aws_config::profile::ProfileFileRegionProvider::new())
            .or_else(DEFAULT_REGION);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION);
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(PAUSE)
            .with_max_backoff(PAUSE);
        let s3 = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
        // Other implementations of S3 want bucket names in the path.
        let elsewhere = s3.iter().any(|key| settings.get(key).is_some());
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(shared_http(trusted, !elsewhere))
            .region(region)
            .timeout_config(timeouts.build())
            .retry_config(retries)
            .load()
            .await;
        Ok(Self::new(config, elsewhere))
    }

    /// Over a configuration made elsewhere. `path_style` puts bucket names into the path rather than the host name.
    #[must_use]
    pub fn new(config: SdkConfig, path_style: bool) -> Self {
        Self { config, path_style }
    }

    /// The shared configuration, to be changed for clients at other addresses.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// A client of DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// A client of S3.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config);
        aws_sdk_s3::Client::from_conf(config.force_path_style(self.path_style).build())
    }

    /// A client of SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }

    /// A client of KMS.
    #[must_use]
    pub fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.config)
    }

    /// A client of Secrets Manager.
    #[must_use]
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config)
    }
}

/// One HTTP client for all services. The environment's proxy is used on the way to AWS alone: what is somewhere else is
/// most likely on this machine.
fn shared_http(trusted: TrustStore, proxied: bool) -> SharedHttpClient {
    HttpClientBuilder::new().build_with_connector_fn(move |settings, components| {
        let rustls = Provider::Rustls(CryptoMode::AwsLc);
        let mut connector = ConnectorBuilder::default().tls_provider(rustls);
        let context = TlsContext::builder().with_trust_store(trusted.clone());
        // It has no way to fail; and the machine's roots, its default, would be no less safe.
        connector.set_tls_context(context.build().unwrap_or_default());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        let proxy = if proxied {
            ProxyConfig::from_env()
        } else {
            ProxyConfig::disabled()
        };
        connector.set_proxy_config(Some(proxy));
        connector.build()
    })
}
