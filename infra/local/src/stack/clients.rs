//! AWS SDK clients for the endpoints of a run.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

use crate::engine::Endpoints;
use crate::template::REGION;

/// Every engine accepts this secret; who calls is told by the access key id.
const SECRET: &str = "local";

/// One client for each service, all acting as the same principal. Nothing is read from the environment.
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
    ($sdk:ident, $endpoint:expr, $principal:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new($principal, SECRET, None, None, "local"))
            .endpoint_url($endpoint)
    };
}

impl Clients {
    /// Clients that act as `principal`.
    #[must_use]
    pub fn new(endpoints: &Endpoints, principal: &str) -> Self {
        let dynamodb = config!(aws_sdk_dynamodb, &endpoints.dynamodb, principal).build();
        let s3 = config!(aws_sdk_s3, &endpoints.s3, principal)
            .force_path_style(true)
            .build();
        let secrets = config!(
            aws_sdk_secretsmanager,
            &endpoints.secrets_manager,
            principal
        )
        .build();
        let kms = config!(aws_sdk_kms, &endpoints.kms, principal).build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sqs: sqs(endpoints, principal),
            secrets_manager: aws_sdk_secretsmanager::Client::from_conf(secrets),
            kms: aws_sdk_kms::Client::from_conf(kms),
        }
    }
}

/// Only the SQS client, for event sources.
pub(crate) fn sqs(endpoints: &Endpoints, principal: &str) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::from_conf(config!(aws_sdk_sqs, &endpoints.sqs, principal).build())
}
