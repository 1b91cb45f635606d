//! Creates what a template declares, through the AWS protocols; what is already there is left as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types as dynamodb;
use aws_sdk_s3::types as s3;
use aws_sdk_sqs::types::QueueAttributeName;

use super::clients::Clients;
use crate::template::{Index, KeySchema, Named, Queue, Table, Template, arn};

/// How long a new table may take to become usable.
const TABLE_BOUND: Duration = Duration::from_secs(30);
/// Between two looks at a new table.
const TABLE_PAUSE: Duration = Duration::from_millis(50);

/// Creates the keys first, because queue and function settings need their ids. Returns the ids by logical id.
pub(crate) async fn keys(
    clients: &Clients,
    template: &Template,
) -> Result<BTreeMap<String, String>> {
    let mut ids = BTreeMap::new();
    for key in &template.keys {
        let id = key_id(&clients.kms, key)
            .await
            .with_context(|| format!("cannot create the key {}", key.logical_id))?;
        ids.insert(key.logical_id.clone(), id);
    }
    Ok(ids)
}

/// Creates everything else.
pub(crate) async fn resources(clients: &Clients, template: &Template) -> Result<()> {
    // Dead-letter queues have no redrive policy of their own, and must exist before those that name them.
    let (targets, sources): (Vec<&Queue>, Vec<&Queue>) = template
        .queues
        .iter()
        .partition(|queue| queue.redrive.is_none());
    for queue in targets.into_iter().chain(sources) {
        create_queue(&clients.sqs, queue)
            .await
            .with_context(|| format!("cannot create the queue {}", queue.logical_id))?;
    }
    for table in &template.tables {
        create_table(&clients.dynamodb, table)
            .await
            .with_context(|| format!("cannot create the table {}", table.logical_id))?;
    }
    for bucket in &template.buckets {
        create_bucket(&clients.s3, &bucket.name)
            .await
            .with_context(|| format!("cannot create the bucket {}", bucket.logical_id))?;
    }
    for secret in &template.secrets {
        create_secret(&clients.secrets_manager, secret)
            .await
            .with_context(|| format!("cannot create the secret {}", secret.logical_id))?;
    }
    Ok(())
}

/// Has another engine tell us about new objects: through a queue of ours. Returns the queue's URL.
pub(crate) async fn forward_objects(clients: &Clients, template: &Template) -> Result<String> {
    let name = format!("attache-{}-object-events", template.stage);
    let queue = clients.sqs.create_queue().queue_name(&name);
    // Short, because handing a notification on takes no time: what a run that was killed had taken comes back soon.
    let queue = queue.attributes(QueueAttributeName::VisibilityTimeout, "5");
    // Without it S3 refuses to be told where to send.
    let queue = queue.attributes(QueueAttributeName::Policy, s3_may_send(template, &name));
    let queue = queue.send().await?;
    let url = queue.queue_url.context("the new queue has no URL")?;
    let target = s3::QueueConfiguration::builder()
        .queue_arn(arn("sqs", &name))
        .events(s3::Event::from("s3:ObjectCreated:*"))
        .build()?;
    let notifications = s3::NotificationConfiguration::builder()
        .queue_configurations(target)
        .build();
    for bucket in &template.buckets {
        clients
            .s3
            .put_bucket_notification_configuration()
            .bucket(&bucket.name)
            .notification_configuration(notifications.clone())
            .send()
            .await
            .with_context(|| format!("cannot watch the bucket {}", bucket.logical_id))?;
    }
    Ok(url)
}

/// The queue's policy: the buckets may send to it.
/// As <https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html> wants it
/// (checked 2026-11-25).
fn s3_may_send(template: &Template, queue: &str) -> String {
    let buckets = template.buckets.iter();
    let buckets: Vec<_> = buckets.map(|bucket| arn("s3", &bucket.name)).collect();
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "s3.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": arn("sqs", queue),
            "Condition": { "ArnLike": { "aws:SourceArn": buckets } },
        }],
    })
    .to_string()
}

async fn key_id(kms: &aws_sdk_kms::Client, key: &Named) -> Result<String> {
    let alias = format!("alias/{}", key.name);
    match kms.describe_key().key_id(&alias).send().await {
        Ok(found) => {
            let found = found.key_metadata.context("the key has no description")?;
            return Ok(found.key_id);
        }
        Err(error) => {
            let error = error.into_service_error();
            if !error.is_not_found_exception() {
                return Err(error.into());
            }
        }
    }
    let made = kms.create_key().description(&key.name).send().await?;
    let made = made
        .key_metadata
        .context("the new key has no description")?;
    let named = kms
        .create_alias()
        .alias_name(alias)
        .target_key_id(&made.key_id);
    named.send().await?;
    Ok(made.key_id)
}

async fn create_queue(sqs: &aws_sdk_sqs::Client, queue: &Queue) -> Result<()> {
    let mut attributes = BTreeMap::from([
        (
            QueueAttributeName::VisibilityTimeout,
            queue.visibility.as_secs().to_string(),
        ),
        (
            QueueAttributeName::MessageRetentionPeriod,
            queue.retention.as_secs().to_string(),
        ),
        (
            QueueAttributeName::DelaySeconds,
            queue.delay.as_secs().to_string(),
        ),
    ]);
    if let Some(redrive) = &queue.redrive {
        let policy = serde_json::json!({
            "deadLetterTargetArn": redrive.target_arn,
            "maxReceiveCount": redrive.max_receive_count,
        });
        attributes.insert(QueueAttributeName::RedrivePolicy, policy.to_string());
    }
    let attributes: std::collections::HashMap<_, _> = attributes.into_iter().collect();
    let created = sqs
        .create_queue()
        .queue_name(&queue.name)
        .set_attributes(Some(attributes.clone()))
        .send()
        .await;
    match created.map_err(aws_sdk_sqs::error::SdkError::into_service_error) {
        Ok(_) => Ok(()),
        // Kept from an earlier run with other settings: the template's count.
        Err(error) if error.is_queue_name_exists() => {
            let settings = sqs.set_queue_attributes().queue_url(&queue.url);
            settings.set_attributes(Some(attributes)).send().await?;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn create_table(client: &aws_sdk_dynamodb::Client, table: &Table) -> Result<()> {
    let attributes: Vec<dynamodb::AttributeDefinition> = table
        .attributes
        .iter()
        .map(|(name, kind)| {
            dynamodb::AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(dynamodb::ScalarAttributeType::from(kind.as_str()))
                .build()
        })
        .collect::<Result<_, _>>()?;
    let indexes: Vec<dynamodb::GlobalSecondaryIndex> =
        table.indexes.iter().map(index).collect::<Result<_>>()?;
    let created = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(dynamodb::BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes))
        .set_key_schema(Some(key_schema(&table.key)?))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .send()
        .await;
    if let Err(error) = created {
        let error = error.into_service_error();
        if !error.is_resource_in_use_exception() {
            return Err(error.into());
        }
    }
    wait_active(client, &table.name).await?;
    match &table.expires_at {
        Some(attribute) => expire(client, &table.name, attribute).await,
        None => Ok(()),
    }
}

async fn wait_active(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<()> {
    let active = async {
        loop {
            let described = client.describe_table().table_name(name).send().await?;
            let status = described.table.and_then(|table| table.table_status);
            if status == Some(dynamodb::TableStatus::Active) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(TABLE_PAUSE).await;
        }
    };
    match tokio::time::timeout(TABLE_BOUND, active).await {
        Ok(active) => active,
        Err(_) => bail!("the table was not ready within {TABLE_BOUND:?}"),
    }
}

/// Turns expiry on, unless it is: DynamoDB refuses to turn it on twice.
async fn expire(client: &aws_sdk_dynamodb::Client, name: &str, attribute: &str) -> Result<()> {
    let described = client
        .describe_time_to_live()
        .table_name(name)
        .send()
        .await?;
    let current = described.time_to_live_description;
    if current.is_some_and(|ttl| ttl.attribute_name.as_deref() == Some(attribute)) {
        return Ok(());
    }
    let expiry = dynamodb::TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true)
        .build()?;
    let update = client.update_time_to_live().table_name(name);
    update.time_to_live_specification(expiry).send().await?;
    Ok(())
}

fn index(index: &Index) -> Result<dynamodb::GlobalSecondaryIndex> {
    let projection = dynamodb::Projection::builder()
        .projection_type(dynamodb::ProjectionType::from(index.projection.as_str()))
        .set_non_key_attributes((!index.include.is_empty()).then(|| index.include.clone()))
        .build();
    Ok(dynamodb::GlobalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(key_schema(&index.key)?))
        .projection(projection)
        .build()?)
}

fn key_schema(key: &KeySchema) -> Result<Vec<dynamodb::KeySchemaElement>> {
    let hash = Some((&key.hash, dynamodb::KeyType::Hash));
    let range = key
        .range
        .as_ref()
        .map(|name| (name, dynamodb::KeyType::Range));
    hash.into_iter()
        .chain(range)
        .map(|(name, kind)| {
            let element = dynamodb::KeySchemaElement::builder();
            Ok(element.attribute_name(name).key_type(kind).build()?)
        })
        .collect()
}

async fn create_bucket(client: &aws_sdk_s3::Client, name: &str) -> Result<()> {
    match client.create_bucket().bucket(name).send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = error.into_service_error();
            let exists = error.is_bucket_already_owned_by_you() || error.is_bucket_already_exists();
            if exists { Ok(()) } else { Err(error.into()) }
        }
    }
}

async fn create_secret(client: &aws_sdk_secretsmanager::Client, secret: &Named) -> Result<()> {
    let created = client
        .create_secret()
        .name(&secret.name)
        .secret_string("{}")
        .send()
        .await;
    match created.map_err(aws_sdk_secretsmanager::error::SdkError::into_service_error) {
        Ok(_) => Ok(()),
        Err(error) if error.is_resource_exists_exception() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
