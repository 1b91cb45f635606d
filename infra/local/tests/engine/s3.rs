//! S3: conditions, listings, events.

use attache_local::engine::Engines;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;

use crate::{engines, refused, s3, soon};

pub(crate) async fn bucket(engines: &Engines) -> Client {
    let objects = s3(engines.endpoints(), "operator").await;
    objects
        .create_bucket()
        .bucket("media")
        .send()
        .await
        .unwrap();
    objects
}

pub(crate) fn hello() -> ByteStream {
    ByteStream::from_static(b"hello")
}

pub(crate) async fn body(objects: &Client, key: &str) -> Vec<u8> {
    let got = objects
        .get_object()
        .bucket("media")
        .key(key)
        .send()
        .await
        .unwrap();
    got.body.collect().await.unwrap().to_vec()
}

#[tokio::test]
async fn an_object_is_written_once() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let put = |text: &'static [u8]| {
        objects
            .put_object()
            .bucket("media")
            .key("k")
            .body(ByteStream::from_static(text))
    };
    put(b"first").if_none_match("*").send().await.unwrap();
    let second = put(b"second").if_none_match("*").send().await;
    assert_eq!(refused!(second), ("PreconditionFailed".to_owned(), 412));
    assert_eq!(body(&objects, "k").await, b"first");
}

#[tokio::test]
async fn of_many_writers_of_one_key_one_wins() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let racers = (0..8).map(|racer: u8| {
        let content = ByteStream::from(vec![racer; 100_000]);
        objects
            .put_object()
            .bucket("media")
            .key("k")
            .if_none_match("*")
            .body(content)
            .send()
    });
    let outcomes = futures_util::future::join_all(racers).await;
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(
        body(&objects, "k").await,
        vec![u8::try_from(winner).unwrap(); 100_000]
    );
}

#[tokio::test]
async fn if_match_guards_reads_and_writes() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let first = objects
        .put_object()
        .bucket("media")
        .key("k")
        .body(hello())
        .send()
        .await
        .unwrap();
    let etag = first.e_tag().unwrap().to_owned();
    let get = |etag: &str| {
        objects
            .get_object()
            .bucket("media")
            .key("k")
            .if_match(etag)
            .send()
    };
    assert_eq!(
        get(&etag)
            .await
            .unwrap()
            .body
            .collect()
            .await
            .unwrap()
            .to_vec(),
        b"hello"
    );
    assert_eq!(
        refused!(get("\"0123\"").await),
        ("PreconditionFailed".to_owned(), 412)
    );
    let unchanged = objects
        .get_object()
        .bucket("media")
        .key("k")
        .if_none_match(&etag)
        .send()
        .await;
    assert_eq!(refused!(unchanged).1, 304);

    let put = |etag: &str| {
        objects
            .put_object()
            .bucket("media")
            .key("k")
            .if_match(etag)
            .body(ByteStream::from_static(b"new"))
            .send()
    };
    assert_eq!(
        refused!(put("\"0123\"").await),
        ("PreconditionFailed".to_owned(), 412)
    );
    put(&etag).await.unwrap();
    assert_eq!(
        refused!(put(&etag).await).1,
        412,
        "the ETag is no longer that of the object"
    );
    let nowhere = objects
        .put_object()
        .bucket("media")
        .key("none")
        .if_match(&etag)
        .body(hello())
        .send()
        .await;
    assert_eq!(refused!(nowhere), ("NoSuchKey".to_owned(), 404));
}

#[tokio::test]
async fn listings_are_sorted_folded_and_paged() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    for key in ["b/2", "b/1", "a", "c", "b"] {
        objects
            .put_object()
            .bucket("media")
            .key(key)
            .body(hello())
            .send()
            .await
            .unwrap();
    }
    let folded = objects
        .list_objects_v2()
        .bucket("media")
        .delimiter("/")
        .send()
        .await
        .unwrap();
    assert_eq!(
        folded
            .contents()
            .iter()
            .filter_map(|object| object.key())
            .collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert_eq!(folded.common_prefixes()[0].prefix(), Some("b/"));
    let mut pages = objects
        .list_objects_v2()
        .bucket("media")
        .max_keys(2)
        .into_paginator()
        .send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        keys.extend(
            page.unwrap()
                .contents()
                .iter()
                .filter_map(|object| object.key().map(str::to_owned)),
        );
    }
    assert_eq!(keys, ["a", "b", "b/1", "b/2", "c"]);
    objects
        .delete_object()
        .bucket("media")
        .key("b")
        .send()
        .await
        .unwrap();
    objects
        .delete_object()
        .bucket("media")
        .key("b")
        .send()
        .await
        .unwrap();
    let left = objects
        .list_objects_v2()
        .bucket("media")
        .prefix("b")
        .send()
        .await
        .unwrap();
    assert_eq!(left.key_count(), Some(2));
}

#[tokio::test]
async fn new_objects_are_announced_in_order_with_their_raw_key() {
    let mut engines = engines().await;
    let mut events = engines.take_object_events().unwrap();
    assert!(engines.take_object_events().is_none());
    let objects = bucket(&engines).await;
    let put = objects
        .put_object()
        .bucket("media")
        .key("arrivals/a b+ü")
        .body(hello())
        .send()
        .await
        .unwrap();
    let refused = objects
        .put_object()
        .bucket("media")
        .key("arrivals/a b+ü")
        .if_none_match("*")
        .body(hello())
        .send()
        .await;
    assert!(refused.is_err());
    objects
        .copy_object()
        .bucket("media")
        .key("copy")
        .copy_source("media/arrivals/a%20b%2B%C3%BC")
        .send()
        .await
        .unwrap();
    let first = soon(events.recv()).await.unwrap();
    assert_eq!(
        (
            first.bucket.as_str(),
            first.key.as_str(),
            first.size,
            first.event_name
        ),
        ("media", "arrivals/a b+ü", 5, "ObjectCreated:Put")
    );
    assert_eq!(format!("\"{}\"", first.etag), put.e_tag.unwrap());
    let second = soon(events.recv()).await.unwrap();
    assert_eq!(
        (second.key.as_str(), second.event_name),
        ("copy", "ObjectCreated:Copy")
    );
    assert!(second.sequencer > first.sequencer);
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let head = objects
        .head_object()
        .bucket("media")
        .key("none")
        .send()
        .await;
    assert!(head.unwrap_err().into_service_error().is_not_found());
    let get = objects
        .get_object()
        .bucket("media")
        .key("none")
        .send()
        .await;
    assert!(get.unwrap_err().into_service_error().is_no_such_key());
    let elsewhere = objects
        .get_object()
        .bucket("elsewhere")
        .key("k")
        .send()
        .await;
    assert_eq!(refused!(elsewhere), ("NoSuchBucket".to_owned(), 404));
}

#[tokio::test]
async fn bucket_settings_are_accepted() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    objects
        .put_bucket_policy()
        .bucket("media")
        .policy("{}")
        .send()
        .await
        .unwrap();
    let block = aws_sdk_s3::types::PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .build();
    objects
        .put_public_access_block()
        .bucket("media")
        .public_access_block_configuration(block)
        .send()
        .await
        .unwrap();
    let nowhere = objects
        .put_bucket_policy()
        .bucket("elsewhere")
        .policy("{}")
        .send()
        .await;
    assert_eq!(refused!(nowhere), ("NoSuchBucket".to_owned(), 404));
    let again = objects.create_bucket().bucket("media").send().await;
    assert_eq!(refused!(again).0, "BucketAlreadyOwnedByYou");
}
