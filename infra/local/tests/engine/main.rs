//! The embedded engines, spoken to by the real AWS SDKs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set itself up has failed"
)]

mod calls;
mod dynamodb;
mod kms;
mod restart;
mod s3;
mod s3_checksums;
mod s3_copies;
mod s3_links;
mod s3_multipart;
mod secrets;
mod sqs;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_local::engine::{
    After, AwsCall, Before, Endpoints, EngineOptions, Engines, Observer, Unobserved,
};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

/// Engines with nothing kept and nobody watching.
async fn engines() -> Engines {
    Engines::start(EngineOptions::default()).await.unwrap()
}

/// Engines watched by `observer`.
async fn watched(observer: Arc<dyn Observer>) -> Engines {
    Engines::start(EngineOptions {
        observer,
        ..EngineOptions::default()
    })
    .await
    .unwrap()
}

/// How an SDK is set up by a caller of this name. One attempt: a test sees every failure.
async fn sdk(principal: &str) -> SdkConfig {
    let credentials = aws_sdk_s3::config::Credentials::new(principal, "local", None, None, "test");
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .retry_config(RetryConfig::disabled())
        .load()
        .await
}

async fn s3(endpoints: &Endpoints, principal: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&sdk(principal).await)
        .endpoint_url(&endpoints.s3)
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn sqs(endpoints: &Endpoints, principal: &str) -> aws_sdk_sqs::Client {
    let config =
        aws_sdk_sqs::config::Builder::from(&sdk(principal).await).endpoint_url(&endpoints.sqs);
    aws_sdk_sqs::Client::from_conf(config.build())
}

async fn dynamodb(endpoints: &Endpoints, principal: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(&sdk(principal).await)
        .endpoint_url(&endpoints.dynamodb);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

async fn kms(endpoints: &Endpoints, principal: &str) -> aws_sdk_kms::Client {
    let config =
        aws_sdk_kms::config::Builder::from(&sdk(principal).await).endpoint_url(&endpoints.kms);
    aws_sdk_kms::Client::from_conf(config.build())
}

async fn secrets(endpoints: &Endpoints, principal: &str) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::config::Builder::from(&sdk(principal).await)
        .endpoint_url(&endpoints.secrets_manager);
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

/// The code of a service's error, and its HTTP status.
macro_rules! refused {
    ($outcome:expr) => {{
        let error = $outcome.expect_err("this should have been refused");
        let status = error
            .raw_response()
            .map_or(0, |response| response.status().as_u16());
        let code = aws_smithy_types::error::metadata::ProvideErrorMetadata::code(&error)
            .unwrap_or_default()
            .to_owned();
        (code, status)
    }};
}
pub(crate) use refused;

/// Remembers every call, and treats calls of one operation as told.
struct Scripted {
    operation: &'static str,
    before: Before,
    after: After,
    seen: Mutex<VecDeque<(AwsCall, u16)>>,
}

impl Scripted {
    fn new(operation: &'static str, before: Before, after: After) -> Arc<Self> {
        Arc::new(Self {
            operation,
            before,
            after,
            seen: Mutex::default(),
        })
    }

    /// Calls that were answered or whose answer was lost, with the status.
    fn seen(&self) -> Vec<(AwsCall, u16)> {
        self.seen.lock().unwrap().iter().cloned().collect()
    }
}

impl Observer for Scripted {
    fn before(&self, call: &AwsCall) -> Before {
        if call.operation == self.operation {
            self.before
        } else {
            Unobserved.before(call)
        }
    }

    fn after(&self, call: &AwsCall, status: u16) -> After {
        self.seen.lock().unwrap().push_back((call.clone(), status));
        if call.operation == self.operation {
            self.after
        } else {
            After::Answer
        }
    }
}

/// Fails a test that would wait for ever.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .expect("this should have happened long ago")
}
