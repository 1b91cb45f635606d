//! S3: what is said about objects, parts of them, and copies.

use aws_sdk_s3::types::{MetadataDirective, Tag, Tagging};

use crate::s3::{body, bucket, hello};
use crate::{engines, refused};

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
