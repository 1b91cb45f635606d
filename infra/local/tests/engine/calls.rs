//! The observer: what it is told, and what its word does.

use attache_local::engine::{After, AwsCall, Before};
use aws_sdk_s3::primitives::ByteStream;

use crate::dynamodb::create_media_table;
use crate::{Scripted, dynamodb, kms, refused, s3, secrets, sqs, watched};

fn call(principal: &str, action: &str, operation: &str, resource: &str) -> AwsCall {
    AwsCall {
        principal: principal.to_owned(),
        action: action.to_owned(),
        operation: operation.to_owned(),
        resource: resource.to_owned(),
    }
}

#[tokio::test]
async fn every_call_is_told_by_caller_action_and_resource() {
    let observer = Scripted::new("", Before::Forward, After::Answer);
    let engines = watched(observer.clone()).await;
    let endpoints = engines.endpoints();
    s3(endpoints, "operator")
        .await
        .create_bucket()
        .bucket("media")
        .send()
        .await
        .unwrap();
    let object = s3(endpoints, "IntakeFunction").await;
    object
        .put_object()
        .bucket("media")
        .key("arrivals/a b")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    let url = sqs(endpoints, "operator")
        .await
        .create_queue()
        .queue_name("fetch")
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap();
    sqs(endpoints, "SweepFunction")
        .await
        .send_message()
        .queue_url(url)
        .message_body("x")
        .send()
        .await
        .unwrap();
    create_media_table(&dynamodb(endpoints, "operator").await).await;
    let secret = secrets(endpoints, "RefreshFunction")
        .await
        .get_secret_value()
        .secret_id("attache/local/clients/x")
        .send()
        .await;
    assert!(secret.is_err());

    let seen: Vec<_> = observer.seen();
    let told: Vec<_> = seen.iter().map(|(call, status)| (call, *status)).collect();
    let arn =
        |service: &str, rest: &str| format!("arn:aws:{service}:us-east-1:000000000000:{rest}");
    for (expected, status) in [
        (
            call(
                "operator",
                "s3:CreateBucket",
                "CreateBucket",
                "arn:aws:s3:::media",
            ),
            200,
        ),
        (
            call(
                "IntakeFunction",
                "s3:PutObject",
                "PutObject",
                "arn:aws:s3:::media/arrivals/a b",
            ),
            200,
        ),
        (
            call(
                "SweepFunction",
                "sqs:SendMessage",
                "SendMessage",
                &arn("sqs", "fetch"),
            ),
            200,
        ),
        (
            call(
                "operator",
                "dynamodb:CreateTable",
                "CreateTable",
                &arn("dynamodb", "table/media"),
            ),
            200,
        ),
    ] {
        assert!(
            told.contains(&(&expected, status)),
            "{expected:?} is not in {told:#?}"
        );
    }
    let (last, status) = told.last().unwrap();
    assert_eq!(
        (last.action.as_str(), *status),
        ("secretsmanager:GetSecretValue", 400)
    );
    assert!(
        last.resource
            .starts_with(&arn("secretsmanager", "secret:attache/local/clients/x-")),
        "{}",
        last.resource
    );
}

#[tokio::test]
async fn a_denied_call_is_answered_as_the_service_answers_and_does_nothing() {
    let engines = watched(Scripted::new("PutObject", Before::Deny, After::Answer)).await;
    let objects = s3(engines.endpoints(), "ValidateFunction").await;
    objects
        .create_bucket()
        .bucket("media")
        .send()
        .await
        .unwrap();
    let put = objects
        .put_object()
        .bucket("media")
        .key("k")
        .body(ByteStream::from(vec![7; 3_000_000]))
        .send()
        .await;
    assert_eq!(refused!(put), ("AccessDenied".to_owned(), 403));
    let listing = objects
        .list_objects_v2()
        .bucket("media")
        .send()
        .await
        .unwrap();
    assert_eq!(listing.key_count(), Some(0));

    let engines = watched(Scripted::new("SendMessage", Before::Deny, After::Answer)).await;
    let queues = sqs(engines.endpoints(), "ValidateFunction").await;
    let url = queues
        .create_queue()
        .queue_name("q")
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap();
    assert_eq!(
        refused!(
            queues
                .send_message()
                .queue_url(url)
                .message_body("x")
                .send()
                .await
        ),
        ("AccessDenied".to_owned(), 403)
    );

    let denied = ("AccessDeniedException".to_owned(), 400);
    let engines = watched(Scripted::new("GetItem", Before::Deny, After::Answer)).await;
    let tables = dynamodb(engines.endpoints(), "ValidateFunction").await;
    let id = aws_sdk_dynamodb::types::AttributeValue::S("m".to_owned());
    assert_eq!(
        refused!(
            tables
                .get_item()
                .table_name("media")
                .key("id", id)
                .send()
                .await
        ),
        denied
    );

    let engines = watched(Scripted::new("GetSecretValue", Before::Deny, After::Answer)).await;
    let secrets = secrets(engines.endpoints(), "ValidateFunction").await;
    assert_eq!(
        refused!(secrets.get_secret_value().secret_id("s").send().await),
        denied
    );

    let engines = watched(Scripted::new("CreateKey", Before::Deny, After::Answer)).await;
    assert_eq!(
        refused!(
            kms(engines.endpoints(), "ValidateFunction")
                .await
                .create_key()
                .send()
                .await
        ),
        denied
    );
}

#[tokio::test]
async fn a_call_dropped_before_has_no_effect_and_one_dropped_after_has() {
    for (before, after, exists) in [
        (Before::Drop, After::Answer, false),
        (Before::Forward, After::Drop, true),
    ] {
        let engines = watched(Scripted::new("PutObject", before, after)).await;
        let objects = s3(engines.endpoints(), "IntakeFunction").await;
        objects
            .create_bucket()
            .bucket("media")
            .send()
            .await
            .unwrap();
        let put = objects
            .put_object()
            .bucket("media")
            .key("k")
            .body(ByteStream::from_static(b"x"))
            .send()
            .await;
        assert!(
            put.unwrap_err().raw_response().is_none(),
            "{before:?} {after:?}: there must be no answer"
        );
        let head = objects.head_object().bucket("media").key("k").send().await;
        assert_eq!(head.is_ok(), exists, "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn the_same_holds_for_the_json_services() {
    for (before, after, messages) in [
        (Before::Drop, After::Answer, "0"),
        (Before::Forward, After::Drop, "1"),
    ] {
        let engines = watched(Scripted::new("SendMessage", before, after)).await;
        let queues = sqs(engines.endpoints(), "IntakeFunction").await;
        let url = queues
            .create_queue()
            .queue_name("q")
            .send()
            .await
            .unwrap()
            .queue_url
            .unwrap();
        let sent = queues
            .send_message()
            .queue_url(&url)
            .message_body("x")
            .send()
            .await;
        assert!(
            sent.unwrap_err().raw_response().is_none(),
            "{before:?} {after:?}: there must be no answer"
        );
        let name = aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages;
        let counted = queues
            .get_queue_attributes()
            .queue_url(&url)
            .attribute_names(name.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(
            counted.attributes().unwrap()[&name],
            messages,
            "{before:?} {after:?}"
        );
    }
}

#[tokio::test]
async fn a_copy_also_needs_to_read_its_source() {
    let engines = watched(Scripted::new("GetObject", Before::Deny, After::Answer)).await;
    let objects = s3(engines.endpoints(), "ValidateFunction").await;
    objects
        .create_bucket()
        .bucket("media")
        .send()
        .await
        .unwrap();
    objects
        .put_object()
        .bucket("media")
        .key("a")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
    let copy = objects
        .copy_object()
        .bucket("media")
        .key("b")
        .copy_source("media/a")
        .send()
        .await;
    assert_eq!(refused!(copy), ("AccessDenied".to_owned(), 403));
}
