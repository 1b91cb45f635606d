//! An AWS account of this test's own: CloudFormation, and a table and secrets in embedded engines.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use attache_local::Clients;
use attache_local::engine::{After, AwsCall, Before, EngineOptions, Engines, Observer};
use attache_local::iam::OPERATOR;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use super::cloudformation::{CloudFormation, Stack, Stacks};
use super::command::Home;

/// The physical name of the `connections` table.
pub(super) const TABLE: &str = "attache-prod-ConnectionsTable-1ABCDEFGHIJK";

/// An account with a table and Secrets Manager, some stacks, and a home from which they are reached.
pub(super) struct Account {
    pub(super) home: Home,
    pub(super) clients: Clients,
    pub(super) witness: Arc<Witness>,
    _engines: Engines,
    _cloudformation: CloudFormation,
}

impl Account {
    pub(super) async fn open() -> Result<Self> {
        let witness = Arc::new(Witness::default());
        let options = EngineOptions {
            observer: Arc::clone(&witness) as _,
            ..EngineOptions::default()
        };
        let engines = Engines::start(options).await?;
        let clients = Clients::new(engines.endpoints(), OPERATOR);
        create_table(&clients).await?;
        let cloudformation = CloudFormation::start(stacks()).await?;
        let mut home = Home::new()?;
        for (name, value) in [
            ("AWS_ENDPOINT_URL_CLOUDFORMATION", &cloudformation.url),
            ("AWS_ENDPOINT_URL_DYNAMODB", &engines.endpoints().dynamodb),
            (
                "AWS_ENDPOINT_URL_SECRETS_MANAGER",
                &engines.endpoints().secrets_manager,
            ),
        ] {
            home.set(name, value);
        }
        home.set("AWS_ACCESS_KEY_ID", OPERATOR);
        home.set("AWS_SECRET_ACCESS_KEY", "local");
        home.set("AWS_REGION", "eu-central-1");
        // Without credentials the SDK would look for a machine's own.
        home.set("AWS_EC2_METADATA_DISABLED", "true");
        Ok(Self {
            home,
            clients,
            witness,
            _engines: engines,
            _cloudformation: cloudformation,
        })
    }
}

async fn create_table(clients: &Clients) -> Result<()> {
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let create = clients.dynamodb.create_table().table_name(TABLE);
    create
        .attribute_definitions(id.build()?)
        .key_schema(key.build()?)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await?;
    Ok(())
}

/// An account's stacks, by name.
fn stacks() -> Stacks {
    let pair = |key: &'static str, value: &str| (key, value.to_owned());
    let url = || {
        pair(
            "WebhookUrl",
            "https://abc123.execute-api.eu-central-1.amazonaws.com/webhooks",
        )
    };
    let table = || pair("ConnectionsTableName", TABLE);
    let stage = || pair("Stage", "prod");
    let stack = |parameters, outputs| Stack {
        parameters,
        outputs,
    };
    let age = pair("ConnectionsMaxAgeSeconds", "90");
    let allow = pair("AllowLocal", "true");
    Stacks::from([
        ("attache", stack(vec![stage(), age], vec![url(), table()])),
        ("trying", stack(vec![stage(), allow], vec![url(), table()])),
        ("without-table", stack(vec![stage()], vec![url()])),
        ("without-stage", stack(Vec::new(), vec![url(), table()])),
        ("unborn", stack(vec![stage()], Vec::new())),
    ])
}

/// Sees what is asked of the account, and refuses what it is told to refuse.
#[derive(Default)]
pub(super) struct Witness {
    seen: Mutex<Vec<String>>,
    refused: Mutex<Option<&'static str>>,
}

impl Witness {
    /// Refuses this action from now on.
    pub(super) fn refuse(&self, action: &'static str) {
        *held(&self.refused) = Some(action);
    }

    /// The calls that took effect since this was last asked, as `action …/last part of the resource`.
    pub(super) fn effects(&self) -> Vec<String> {
        std::mem::take(&mut held(&self.seen))
    }
}

impl Observer for Witness {
    fn before(&self, call: &AwsCall) -> Before {
        match *held(&self.refused) == Some(call.action.as_str()) {
            true => Before::Deny,
            false => Before::Forward,
        }
    }

    fn after(&self, call: &AwsCall, status: u16) -> After {
        if status == 200 {
            let resource = call.resource.rsplit('/').next().unwrap_or_default();
            held(&self.seen).push(format!("{} {resource}", call.action));
        }
        After::Answer
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
