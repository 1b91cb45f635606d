//! AWS SDK clients for the endpoints of a run.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

use super::signing::Signing;
use crate::engine::Endpoints;
use crate::template::REGION;

/// One client for each service, all acting as the same principal.
#[derive(Clone, Debug)]
pub struct Clients {
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3, addressed by path.
    pub s3: aws_sdk_s3::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// Secrets Manager.
    pub secrets_manager: aws_sdk_secretsmanager::Client,
    /// KMS.
    pub kms: aws_sdk_kms::Client,
}

macro_rules! config {
    ($sdk:ident, $endpoint:expr, $credentials:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider($credentials.clone())
            .endpoint_url($endpoint)
    };
}

impl Clients {
    /// Clients that act as `principal` on the embedded engines.
    #[must_use]
    pub fn new(endpoints: &Endpoints, principal: &str) -> Self {
        Self::signed(endpoints, &Signing::ByName.credentials(principal))
    }

    /// Clients that sign with these keys.
    #[must_use]
    pub fn signed(endpoints: &Endpoints, credentials: &Credentials) -> Self {
        let dynamodb = config!(aws_sdk_dynamodb, &endpoints.dynamodb, credentials).build();
        let s3 = config!(aws_sdk_s3, &endpoints.s3, credentials)
            .force_path_style(true)
            .build();
        let secrets = config!(
            aws_sdk_secretsmanager,
            &endpoints.secrets_manager,
            credentials
        )
        .build();
        let kms = config!(aws_sdk_kms, &endpoints.kms, credentials).build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sqs: sqs(endpoints, credentials),
            secrets_manager: aws_sdk_secretsmanager::Client::from_conf(secrets),
            kms: aws_sdk_kms::Client::from_conf(kms),
        }
    }
}

/// Only the SQS client, for event sources.
pub(crate) fn sqs(endpoints: &Endpoints, credentials: &Credentials) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::from_conf(config!(aws_sdk_sqs, &endpoints.sqs, credentials).build())
}
