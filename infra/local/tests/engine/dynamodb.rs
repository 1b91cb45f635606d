//! DynamoDB: what the system relies on.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, PointInTimeRecoverySpecification, Projection, ProjectionType, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, SseSpecification, SseType,
    TimeToLiveSpecification,
};

use crate::{dynamodb, engines, refused};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(kind)
        .build()
        .unwrap()
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .unwrap()
}

/// A table as the template declares the media table: on demand, encrypted, with the sparse index by due time.
pub(crate) async fn create_media_table(tables: &Client) {
    let index = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("due_shard", KeyType::Hash))
        .key_schema(key("due_at", KeyType::Range))
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        )
        .build()
        .unwrap();
    let encryption = SseSpecification::builder()
        .enabled(true)
        .sse_type(SseType::Kms)
        .build();
    tables
        .create_table()
        .table_name("media")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("id", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_shard", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
        .key_schema(key("id", KeyType::Hash))
        .global_secondary_indexes(index)
        .sse_specification(encryption)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_table_can_be_created_as_the_template_declares_it() {
    let engines = engines().await;
    let tables = dynamodb(engines.endpoints(), "operator").await;
    create_media_table(&tables).await;
    let expiry = TimeToLiveSpecification::builder()
        .attribute_name("expires_at")
        .enabled(true)
        .build()
        .unwrap();
    tables
        .update_time_to_live()
        .table_name("media")
        .time_to_live_specification(expiry)
        .send()
        .await
        .unwrap();
    let recovery = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(true)
        .build()
        .unwrap();
    tables
        .update_continuous_backups()
        .table_name("media")
        .point_in_time_recovery_specification(recovery)
        .send()
        .await
        .unwrap();
    let described = tables
        .describe_table()
        .table_name("media")
        .send()
        .await
        .unwrap();
    assert_eq!(
        described.table().unwrap().table_arn(),
        Some("arn:aws:dynamodb:us-east-1:000000000000:table/media")
    );
    let again = tables.describe_table().table_name("elsewhere").send().await;
    assert_eq!(
        refused!(again),
        ("ResourceNotFoundException".to_owned(), 400)
    );
}

#[tokio::test]
async fn a_failed_condition_returns_the_item_that_is_there() {
    let engines = engines().await;
    let tables = dynamodb(engines.endpoints(), "operator").await;
    create_media_table(&tables).await;
    let claim = |holder: &str| {
        tables
            .put_item()
            .table_name("media")
            .item("id", text("m"))
            .item("holder", text(holder))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    claim("first").send().await.unwrap();
    let error = claim("second")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(
        failed,
    ) = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        failed.item().and_then(|item| item.get("holder")),
        Some(&text("first"))
    );
}

#[tokio::test]
async fn of_many_writers_under_one_condition_one_wins() {
    let engines = engines().await;
    let tables = dynamodb(engines.endpoints(), "operator").await;
    create_media_table(&tables).await;
    let racers = (0..8).map(|racer| {
        let put = tables
            .put_item()
            .table_name("media")
            .item("id", text("m"))
            .item("by", number(racer));
        put.condition_expression("attribute_not_exists(id)").send()
    });
    let outcomes = futures_util::future::join_all(racers).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn the_sparse_index_holds_only_what_is_due() {
    let engines = engines().await;
    let tables = dynamodb(engines.endpoints(), "operator").await;
    create_media_table(&tables).await;
    for (id, due_at) in [
        ("a", Some(30)),
        ("b", Some(10)),
        ("c", None),
        ("d", Some(99)),
    ] {
        let put = tables.put_item().table_name("media").item("id", text(id));
        let put = match due_at {
            Some(at) => put.item("due_shard", text("0")).item("due_at", number(at)),
            None => put,
        };
        put.send().await.unwrap();
    }
    let due = tables
        .query()
        .table_name("media")
        .index_name("due")
        .key_condition_expression("due_shard = :shard AND due_at <= :now")
        .expression_attribute_values(":shard", text("0"))
        .expression_attribute_values(":now", number(50))
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = due
        .items()
        .iter()
        .map(|item| item["id"].as_s().unwrap().as_str())
        .collect();
    assert_eq!(ids, ["b", "a"]);
}

#[tokio::test]
async fn consumed_capacity_counts_the_table_and_its_index() {
    let engines = engines().await;
    let tables = dynamodb(engines.endpoints(), "operator").await;
    create_media_table(&tables).await;
    let put = |id: &str| {
        tables
            .put_item()
            .table_name("media")
            .item("id", text(id))
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
    };
    let plain = put("a").send().await.unwrap().consumed_capacity.unwrap();
    let due = put("b")
        .item("due_shard", text("0"))
        .item("due_at", number(1))
        .send()
        .await
        .unwrap()
        .consumed_capacity
        .unwrap();
    assert_eq!(
        (plain.capacity_units(), due.capacity_units()),
        (Some(1.0), Some(2.0))
    );
    let index = due.global_secondary_indexes().unwrap().get("due").unwrap();
    assert_eq!(index.capacity_units(), Some(1.0));
}
