//! S3: conditions, what is said about objects, ranges, copies, listings, events.

use attache_local::engine::Engines;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, Tag, Tagging};

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
async fn what_is_said_about_an_object_comes_back() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let name = "attachment; filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf";
    let put = objects
        .put_object()
        .bucket("media")
        .key("k")
        .body(hello())
        .content_type("application/pdf")
        .content_disposition(name);
    put.metadata("media-id", "m1")
        .tagging("stage=kept&owner=a%20b")
        .send()
        .await
        .unwrap();
    let head = objects
        .head_object()
        .bucket("media")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            head.content_type(),
            head.content_disposition(),
            head.content_length()
        ),
        (Some("application/pdf"), Some(name), Some(5))
    );
    assert_eq!(head.metadata().unwrap()["media-id"], "m1");
    let tags = objects
        .get_object_tagging()
        .bucket("media")
        .key("k")
        .send()
        .await
        .unwrap();
    let tags: Vec<_> = tags
        .tag_set()
        .iter()
        .map(|tag| (tag.key(), tag.value()))
        .collect();
    assert_eq!(tags, [("stage", "kept"), ("owner", "a b")]);
    let tag = Tag::builder().key("stage").value("gone").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag).build().unwrap();
    objects
        .put_object_tagging()
        .bucket("media")
        .key("k")
        .tagging(tagging)
        .send()
        .await
        .unwrap();
    let tags = objects
        .get_object_tagging()
        .bucket("media")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(tags.tag_set()[0].value(), "gone");
}

#[tokio::test]
async fn ranges_are_cut_and_impossible_ones_refused() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    objects
        .put_object()
        .bucket("media")
        .key("k")
        .body(hello())
        .send()
        .await
        .unwrap();
    let get = |range: &str| {
        objects
            .get_object()
            .bucket("media")
            .key("k")
            .range(range)
            .send()
    };
    for (range, expected, content_range) in [
        ("bytes=1-3", "ell", "bytes 1-3/5"),
        ("bytes=3-", "lo", "bytes 3-4/5"),
        ("bytes=-2", "lo", "bytes 3-4/5"),
    ] {
        let got = get(range).await.unwrap();
        assert_eq!(got.content_range(), Some(content_range));
        assert_eq!(
            got.body.collect().await.unwrap().to_vec(),
            expected.as_bytes(),
            "{range}"
        );
    }
    assert_eq!(
        refused!(get("bytes=9-").await),
        ("InvalidRange".to_owned(), 416)
    );
}

#[tokio::test]
async fn a_copy_keeps_or_replaces_what_is_said_and_can_be_guarded() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let put = objects
        .put_object()
        .bucket("media")
        .key("a/ä b")
        .content_type("image/png")
        .metadata("x", "1")
        .body(hello());
    let etag = put.send().await.unwrap().e_tag.unwrap();
    let copy = |key: &str| {
        objects
            .copy_object()
            .bucket("media")
            .key(key)
            .copy_source("media/a/%C3%A4%20b")
    };
    copy("kept")
        .copy_source_if_match(&etag)
        .send()
        .await
        .unwrap();
    copy("replaced")
        .metadata_directive(MetadataDirective::Replace)
        .content_type("text/plain")
        .send()
        .await
        .unwrap();
    let head = |key: &'static str| objects.head_object().bucket("media").key(key).send();
    let kept = head("kept").await.unwrap();
    assert_eq!(
        (
            kept.content_type(),
            kept.metadata().unwrap()["x"].as_str(),
            kept.e_tag()
        ),
        (Some("image/png"), "1", Some(etag.as_str()))
    );
    let replaced = head("replaced").await.unwrap();
    assert_eq!(
        (
            replaced.content_type(),
            replaced
                .metadata()
                .is_none_or(|metadata| metadata.is_empty())
        ),
        (Some("text/plain"), true)
    );
    let guarded = copy("guarded")
        .copy_source_if_match("\"0123\"")
        .send()
        .await;
    assert_eq!(refused!(guarded), ("PreconditionFailed".to_owned(), 412));
    assert_eq!(body(&objects, "kept").await, b"hello");
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
