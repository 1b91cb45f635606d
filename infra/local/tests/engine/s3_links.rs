//! S3: signatures, and the links that carry them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use attache_local::engine::{EngineOptions, Engines};
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;

use crate::s3::{bucket, hello};
use crate::{engines, refused};

/// Engines whose clock runs ahead by as many seconds as the counter says.
async fn with_clock_ahead() -> (Engines, Arc<AtomicU64>) {
    let ahead = Arc::new(AtomicU64::new(0));
    let reading = Arc::clone(&ahead);
    let clock =
        Arc::new(move || SystemTime::now() + Duration::from_secs(reading.load(Ordering::SeqCst)));
    (
        Engines::start(EngineOptions {
            clock,
            ..EngineOptions::default()
        })
        .await
        .unwrap(),
        ahead,
    )
}

#[tokio::test]
async fn a_presigned_link_dies_and_cannot_be_bent() {
    let (engines, ahead) = with_clock_ahead().await;
    let objects = bucket(&engines).await;
    objects
        .put_object()
        .bucket("media")
        .key("k")
        .body(hello())
        .send()
        .await
        .unwrap();
    let life = PresigningConfig::expires_in(Duration::from_secs(600)).unwrap();
    let link = objects
        .get_object()
        .bucket("media")
        .key("k")
        .presigned(life)
        .await
        .unwrap()
        .uri()
        .to_owned();
    let status = async |link: String| reqwest::get(link).await.unwrap().status().as_u16();
    assert_eq!(
        reqwest::get(&link).await.unwrap().text().await.unwrap(),
        "hello"
    );
    assert_eq!(
        status(link.replace("/media/k?", "/media/other?")).await,
        403
    );
    assert_eq!(
        status(link.replace("X-Amz-Expires=600", "X-Amz-Expires=6000")).await,
        403
    );
    assert_eq!(
        status(link.split('?').next().unwrap().to_owned()).await,
        403,
        "unsigned"
    );
    ahead.store(601, Ordering::SeqCst);
    let dead = reqwest::get(&link).await.unwrap();
    assert_eq!(dead.status().as_u16(), 403);
    assert!(dead.text().await.unwrap().contains("Request has expired"));
}

#[tokio::test]
async fn a_presigned_upload_carries_its_conditions() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let life = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let signed = objects
        .put_object()
        .bucket("media")
        .key("k")
        .if_none_match("*")
        .presigned(life)
        .await
        .unwrap();
    let http = reqwest::Client::new();
    let upload = |with_headers: bool| {
        let headers = signed.headers().filter(|_| with_headers);
        headers
            .fold(
                http.put(signed.uri()).body("hello"),
                |request, (name, value)| request.header(name, value),
            )
            .send()
    };
    assert_eq!(
        upload(false).await.unwrap().status().as_u16(),
        403,
        "a signed header is missing"
    );
    assert_eq!(upload(true).await.unwrap().status().as_u16(), 200);
    assert_eq!(upload(true).await.unwrap().status().as_u16(), 412);
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let engines = engines().await;
    bucket(&engines).await;
    let credentials =
        aws_sdk_s3::config::Credentials::new("operator", "not local", None, None, "test");
    let config = aws_sdk_s3::config::Builder::from(&crate::sdk("operator").await)
        .credentials_provider(credentials)
        .endpoint_url(&engines.endpoints().s3)
        .force_path_style(true)
        .build();
    let listing = Client::from_conf(config)
        .list_objects_v2()
        .bucket("media")
        .send()
        .await;
    assert_eq!(refused!(listing), ("SignatureDoesNotMatch".to_owned(), 403));
}
