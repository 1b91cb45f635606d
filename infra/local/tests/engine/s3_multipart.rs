//! Multipart uploads: continued by another caller, listed, put together once.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};

use crate::s3::{body, bucket};
use crate::{engines, refused, s3, soon};

const FIVE_MIB: usize = 5 * 1024 * 1024;

async fn begin(objects: &Client, key: &str) -> String {
    objects
        .create_multipart_upload()
        .bucket("media")
        .key(key)
        .content_type("video/mp4")
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap()
}

async fn part(
    objects: &Client,
    key: &str,
    upload: &str,
    number: i32,
    content: Vec<u8>,
) -> CompletedPart {
    let sent = objects
        .upload_part()
        .bucket("media")
        .key(key)
        .upload_id(upload)
        .part_number(number);
    let sent = sent.body(ByteStream::from(content)).send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(sent.e_tag)
        .build()
}

fn parts(parts: Vec<CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts))
        .build()
}

#[tokio::test]
async fn one_caller_begins_another_ends() {
    let mut engines = engines().await;
    let mut events = engines.take_object_events().unwrap();
    let intake = bucket(&engines).await;
    let fetch = s3(engines.endpoints(), "FetchFunction").await;
    let upload = begin(&intake, "k").await;
    let second = part(&fetch, "k", &upload, 2, vec![2; 10]).await;
    let first = part(&intake, "k", &upload, 1, vec![1; FIVE_MIB]).await;

    let listed = fetch
        .list_parts()
        .bucket("media")
        .key("k")
        .upload_id(&upload)
        .send()
        .await
        .unwrap();
    let listed: Vec<_> = listed
        .parts()
        .iter()
        .map(|part| {
            (
                part.part_number(),
                part.size(),
                part.e_tag().map(str::to_owned),
            )
        })
        .collect();
    let five_mib = i64::try_from(FIVE_MIB).unwrap();
    assert_eq!(
        listed,
        [
            (Some(1), Some(five_mib), first.e_tag.clone()),
            (Some(2), Some(10), second.e_tag.clone())
        ]
    );
    let running = fetch
        .list_multipart_uploads()
        .bucket("media")
        .send()
        .await
        .unwrap();
    assert_eq!(running.uploads()[0].upload_id(), Some(upload.as_str()));

    let complete = fetch
        .complete_multipart_upload()
        .bucket("media")
        .key("k")
        .upload_id(&upload)
        .multipart_upload(parts(vec![first, second]));
    let complete = complete.if_none_match("*").send().await.unwrap();
    assert!(
        complete.e_tag().unwrap().ends_with("-2\""),
        "{:?}",
        complete.e_tag()
    );
    let head = fetch
        .head_object()
        .bucket("media")
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.content_type(), head.e_tag()),
        (Some("video/mp4"), complete.e_tag())
    );
    assert_eq!(
        body(&fetch, "k").await,
        [vec![1; FIVE_MIB], vec![2; 10]].concat()
    );
    let event = soon(events.recv()).await.unwrap();
    assert_eq!(
        (event.event_name, event.size),
        (
            "ObjectCreated:CompleteMultipartUpload",
            FIVE_MIB as u64 + 10
        )
    );
    let running = fetch
        .list_multipart_uploads()
        .bucket("media")
        .send()
        .await
        .unwrap();
    assert!(running.uploads().is_empty());
}

#[tokio::test]
async fn completing_onto_an_existing_object_is_refused() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let upload = begin(&objects, "k").await;
    let only = part(&objects, "k", &upload, 1, vec![1; 10]).await;
    objects
        .put_object()
        .bucket("media")
        .key("k")
        .body(ByteStream::from_static(b"first"))
        .send()
        .await
        .unwrap();
    let complete = objects
        .complete_multipart_upload()
        .bucket("media")
        .key("k")
        .upload_id(&upload)
        .multipart_upload(parts(vec![only]));
    assert_eq!(
        refused!(complete.if_none_match("*").send().await),
        ("PreconditionFailed".to_owned(), 412)
    );
    assert_eq!(body(&objects, "k").await, b"first");
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let upload = begin(&objects, "k").await;
    let only = part(&objects, "k", &upload, 1, vec![1; 10]).await;
    objects
        .abort_multipart_upload()
        .bucket("media")
        .key("k")
        .upload_id(&upload)
        .send()
        .await
        .unwrap();
    let gone = ("NoSuchUpload".to_owned(), 404);
    assert_eq!(
        refused!(
            objects
                .list_parts()
                .bucket("media")
                .key("k")
                .upload_id(&upload)
                .send()
                .await
        ),
        gone
    );
    let complete = objects
        .complete_multipart_upload()
        .bucket("media")
        .key("k")
        .upload_id(&upload)
        .multipart_upload(parts(vec![only]));
    assert_eq!(refused!(complete.send().await), gone);
    let late = objects
        .upload_part()
        .bucket("media")
        .key("k")
        .upload_id(&upload)
        .part_number(2)
        .body(ByteStream::from_static(b"x"));
    assert_eq!(refused!(late.send().await), gone);
}

#[tokio::test]
async fn a_part_is_held_to_its_checksum_and_the_whole_has_one_over_the_parts() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let begun = objects
        .create_multipart_upload()
        .bucket("media")
        .key("k")
        .checksum_algorithm(ChecksumAlgorithm::Sha256);
    let upload = begun.send().await.unwrap().upload_id.unwrap();
    let send = || {
        objects
            .upload_part()
            .bucket("media")
            .key("k")
            .upload_id(&upload)
            .part_number(1)
            .body(ByteStream::from_static(b"hello"))
    };
    let wrong = send()
        .checksum_sha256("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        .send()
        .await;
    assert_eq!(refused!(wrong), ("BadDigest".to_owned(), 400));
    let sent = send()
        .checksum_sha256("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        .send()
        .await
        .unwrap();
    let only = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(sent.e_tag)
        .set_checksum_sha256(sent.checksum_sha256)
        .build();
    let complete = objects
        .complete_multipart_upload()
        .bucket("media")
        .key("k")
        .upload_id(&upload)
        .multipart_upload(parts(vec![only]));
    complete.send().await.unwrap();
    let head = objects
        .head_object()
        .bucket("media")
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    // base64(sha256(sha256("hello"))) and the number of parts.
    assert_eq!(
        head.checksum_sha256(),
        Some("lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA=-1")
    );
}
