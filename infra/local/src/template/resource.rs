//! Tables, buckets and queues.

use super::error::TemplateError;
use super::intrinsic::Resources;
use super::model::{
    Bucket, Distribution, Index, KeySchema, Named, PublicKey, Queue, Redrive, Table,
};
use super::names::arn;
use super::properties::Properties;

/// SQS's default visibility timeout, in seconds.
const DEFAULT_VISIBILITY: u64 = 30;
/// SQS's default retention: four days, in seconds.
const DEFAULT_RETENTION: u64 = 4 * 24 * 60 * 60;

/// Reads an `AWS::DynamoDB::Table`.
pub(crate) fn table<R: Resources>(
    named: Named,
    properties: &Properties<'_, R>,
) -> Result<Table, TemplateError> {
    let mut attributes = Vec::new();
    for attribute in properties.list("AttributeDefinitions")? {
        attributes.push((
            attribute.required("AttributeName")?,
            attribute.required("AttributeType")?,
        ));
    }
    let mut indexes = Vec::new();
    for index in properties.list("GlobalSecondaryIndexes")? {
        let projection = index.inner("Projection")?;
        indexes.push(Index {
            name: index.required("IndexName")?,
            key: key(&index)?,
            projection: projection
                .text("ProjectionType")?
                .unwrap_or_else(|| "ALL".to_owned()),
            include: projection.texts("NonKeyAttributes")?,
        });
    }
    let ttl = properties.inner("TimeToLiveSpecification")?;
    let expires_at = match ttl.text("Enabled")?.as_deref() {
        Some("true") => Some(ttl.required("AttributeName")?),
        _ => None,
    };
    Ok(Table {
        logical_id: named.logical_id,
        name: named.name,
        attributes,
        key: key(properties)?,
        indexes,
        expires_at,
    })
}

fn key<R: Resources>(properties: &Properties<'_, R>) -> Result<KeySchema, TemplateError> {
    let mut hash = None;
    let mut range = None;
    for part in properties.list("KeySchema")? {
        let name = part.required("AttributeName")?;
        match part.required("KeyType")?.as_str() {
            "HASH" => hash = Some(name),
            "RANGE" => range = Some(name),
            other => {
                let problem = format!("expected HASH or RANGE, found {other:?}");
                return Err(part.place().at("KeyType").error(problem));
            }
        }
    }
    let missing = || properties.place().at("KeySchema").error("has no HASH key");
    Ok(KeySchema {
        hash: hash.ok_or_else(missing)?,
        range,
    })
}

/// An `AWS::S3::Bucket`; only its name matters locally.
pub(crate) fn bucket(named: Named) -> Bucket {
    Bucket {
        logical_id: named.logical_id,
        name: named.name,
    }
}

/// Reads an `AWS::CloudFront::Distribution`: one name, one bucket.
pub(crate) fn distribution<R: Resources>(
    named: Named,
    properties: &Properties<'_, R>,
) -> Result<Distribution, TemplateError> {
    let config = properties.inner("DistributionConfig")?;
    let alias = config.texts("Aliases")?.into_iter().next();
    let missing = |name: &str| config.place().at(name).error("is missing");
    let origins = config.list("Origins")?;
    let origin = origins.first().ok_or_else(|| missing("Origins"))?;
    let domain = origin.required("DomainName")?;
    let bucket = domain.split_once(".s3.").map(|(bucket, _)| bucket);
    let no_bucket = || {
        let place = origin.place().at("DomainName");
        place.error(format!("{domain} is no bucket's"))
    };
    Ok(Distribution {
        logical_id: named.logical_id,
        alias: alias.ok_or_else(|| missing("Aliases"))?,
        bucket: bucket.ok_or_else(no_bucket)?.to_owned(),
    })
}

/// Reads an `AWS::CloudFront::PublicKey`; locally its id is its name.
pub(crate) fn public_key<R: Resources>(
    named: Named,
    properties: &Properties<'_, R>,
) -> Result<PublicKey, TemplateError> {
    let config = properties.inner("PublicKeyConfig")?;
    Ok(PublicKey {
        id: named.name,
        pem: config.required("EncodedKey")?,
    })
}

/// Reads an `AWS::SQS::Queue`.
pub(crate) fn queue<R: Resources>(
    named: Named,
    url: String,
    properties: &Properties<'_, R>,
) -> Result<Queue, TemplateError> {
    let redrive = match properties.value("RedrivePolicy")? {
        None => None,
        Some(_) => {
            let policy = properties.inner("RedrivePolicy")?;
            let count = policy.number("maxReceiveCount")?;
            let count = count.and_then(|count| u32::try_from(count).ok());
            let missing = || policy.place().at("maxReceiveCount").error("is missing");
            Some(Redrive {
                target_arn: policy.required("deadLetterTargetArn")?,
                max_receive_count: count.ok_or_else(missing)?,
            })
        }
    };
    Ok(Queue {
        arn: arn("sqs", &named.name),
        url,
        visibility: properties.seconds("VisibilityTimeout", DEFAULT_VISIBILITY)?,
        retention: properties.seconds("MessageRetentionPeriod", DEFAULT_RETENTION)?,
        delay: properties.seconds("DelaySeconds", 0)?,
        redrive,
        logical_id: named.logical_id,
        name: named.name,
    })
}
