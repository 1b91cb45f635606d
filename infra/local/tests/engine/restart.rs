//! With a data directory everything is found again.

use std::path::Path;

use attache_local::engine::{EngineOptions, Engines};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::dynamodb::create_media_table;
use crate::{dynamodb, kms, s3, secrets, sqs};

async fn start(directory: &Path) -> Engines {
    let data_dir = Some(directory.join("a data dir"));
    Engines::start(EngineOptions {
        data_dir,
        ..EngineOptions::default()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn everything_is_found_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let engines = start(directory.path()).await;
    let endpoints = engines.endpoints();
    let objects = s3(endpoints, "operator").await;
    objects
        .create_bucket()
        .bucket("media")
        .send()
        .await
        .unwrap();
    let put = objects
        .put_object()
        .bucket("media")
        .key("arrivals/k")
        .content_type("image/png")
        .metadata("a", "b");
    put.body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .unwrap();
    let upload = objects
        .create_multipart_upload()
        .bucket("media")
        .key("big")
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let part = objects
        .upload_part()
        .bucket("media")
        .key("big")
        .upload_id(&upload)
        .part_number(1);
    let part = part
        .body(ByteStream::from_static(b"part"))
        .send()
        .await
        .unwrap();
    let id = aws_sdk_dynamodb::types::AttributeValue::S("m".to_owned());
    let tables = dynamodb(endpoints, "operator").await;
    create_media_table(&tables).await;
    tables
        .put_item()
        .table_name("media")
        .item("id", id.clone())
        .send()
        .await
        .unwrap();
    let queues = sqs(endpoints, "operator").await;
    let url = queues
        .create_queue()
        .queue_name("media")
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap();
    let sent = queues
        .send_message()
        .queue_url(&url)
        .message_body("later")
        .send()
        .await
        .unwrap();
    secrets(endpoints, "operator")
        .await
        .create_secret()
        .name("s")
        .secret_string("v")
        .send()
        .await
        .unwrap();
    let keys = kms(endpoints, "operator").await;
    let key = keys
        .create_key()
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap()
        .key_id;
    keys.create_alias()
        .alias_name("alias/data")
        .target_key_id(&key)
        .send()
        .await
        .unwrap();
    let sealed = keys
        .encrypt()
        .key_id("alias/data")
        .plaintext(Blob::new("x"))
        .send()
        .await
        .unwrap()
        .ciphertext_blob
        .unwrap();
    engines.stop().await.unwrap();

    let engines = start(directory.path()).await;
    let endpoints = engines.endpoints();
    let objects = s3(endpoints, "operator").await;
    let got = objects
        .get_object()
        .bucket("media")
        .key("arrivals/k")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (got.content_type(), got.metadata().unwrap()["a"].as_str()),
        (Some("image/png"), "b")
    );
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"hello");
    let done = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .build();
    let done = CompletedMultipartUpload::builder().parts(done).build();
    objects
        .complete_multipart_upload()
        .bucket("media")
        .key("big")
        .upload_id(&upload)
        .multipart_upload(done)
        .send()
        .await
        .unwrap();
    let found = dynamodb(endpoints, "operator")
        .await
        .get_item()
        .table_name("media")
        .key("id", id)
        .send()
        .await
        .unwrap();
    assert!(found.item().is_some());
    let queues = sqs(endpoints, "operator").await;
    // The old URL still means the queue, although the port has changed.
    let url = url.replace(
        url.split('/').nth(2).unwrap(),
        endpoints.sqs.trim_start_matches("http://"),
    );
    let message = queues
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap()
        .messages
        .unwrap()
        .remove(0);
    assert_eq!(
        (message.body(), message.message_id()),
        (Some("later"), sent.message_id())
    );
    let secret = secrets(endpoints, "operator")
        .await
        .get_secret_value()
        .secret_id("s")
        .send()
        .await
        .unwrap();
    assert_eq!(secret.secret_string(), Some("v"));
    let opened = kms(endpoints, "operator")
        .await
        .decrypt()
        .ciphertext_blob(sealed)
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), b"x");
    engines.stop().await.unwrap();
}
