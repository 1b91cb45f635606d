//! S3: bytes are held to every digest that is declared for them, wherever it is declared.

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::s3::{bucket, hello};
use crate::{engines, refused};

/// The SHA-256 of `hello`, in base64.
const HELLO_SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
const OTHER_SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// The same as a stream: the SDK then sends chunks, and the checksum after them.
fn hello_streamed() -> ByteStream {
    ByteStream::from_body_1_x(http_body_util::Full::new(bytes::Bytes::from_static(
        b"hello",
    )))
}

#[tokio::test]
async fn a_wrong_checksum_in_the_header_leaves_no_object() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let put = |sum: &str| {
        objects
            .put_object()
            .bucket("media")
            .key("k")
            .checksum_sha256(sum)
            .body(hello())
            .send()
    };
    assert_eq!(
        refused!(put(OTHER_SHA256).await),
        ("BadDigest".to_owned(), 400)
    );
    assert_eq!(
        refused!(objects.get_object().bucket("media").key("k").send().await),
        ("NoSuchKey".to_owned(), 404)
    );
    assert_eq!(
        put(HELLO_SHA256).await.unwrap().checksum_sha256(),
        Some(HELLO_SHA256)
    );
    let head = objects
        .head_object()
        .bucket("media")
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(head.checksum_sha256(), Some(HELLO_SHA256));
    let got = objects
        .get_object()
        .bucket("media")
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(got.checksum_sha256(), Some(HELLO_SHA256));
}

#[tokio::test]
async fn a_checksum_in_the_trailer_is_computed_by_the_sender_and_kept() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let put = objects
        .put_object()
        .bucket("media")
        .key("k")
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(hello_streamed());
    assert_eq!(
        put.send().await.unwrap().checksum_sha256(),
        Some(HELLO_SHA256)
    );
    let head = objects
        .head_object()
        .bucket("media")
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(head.checksum_sha256(), Some(HELLO_SHA256));
}

/// Replaces a signed body by another of the same length.
#[derive(Debug)]
struct OtherBody;

impl Intercept for OtherBody {
    fn name(&self) -> &'static str {
        "OtherBody"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *context.request_mut().body_mut() = SdkBody::from("hellO");
        Ok(())
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_signed_one_leaves_no_object() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let put = objects.put_object().bucket("media").key("k").body(hello());
    let put = put.customize().interceptor(OtherBody).send().await;
    assert_eq!(refused!(put), ("XAmzContentSHA256Mismatch".to_owned(), 400));
    assert_eq!(
        refused!(objects.head_object().bucket("media").key("k").send().await).1,
        404
    );
}

#[tokio::test]
async fn a_wrong_content_md5_leaves_no_object() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let wrong = objects
        .put_object()
        .bucket("media")
        .key("k")
        .content_md5("1B2M2Y8AsgTpgAmY7PhCfg==")
        .body(hello())
        .send()
        .await;
    assert_eq!(refused!(wrong), ("BadDigest".to_owned(), 400));
    assert_eq!(
        refused!(objects.head_object().bucket("media").key("k").send().await).1,
        404
    );
}

const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED_AT: &[time::format_description::BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Uploads `hello` with this trailer, as the SDKs do over TLS: chunks unsigned, the digest last. Over plain HTTP the SDK signs
/// each chunk, and cannot be made to send a wrong digest, so this request is signed here.
async fn upload_with_trailer(endpoint: &str, digest: &str) -> reqwest::Response {
    let host = endpoint.trim_start_matches("http://");
    let at = time::OffsetDateTime::now_utc().format(SIGNED_AT).unwrap();
    let scope = format!("{}/us-east-1/s3/aws4_request", &at[..8]);
    let headers = [
        ("host", host),
        ("x-amz-content-sha256", UNSIGNED_TRAILER),
        ("x-amz-date", &at),
        ("x-amz-decoded-content-length", "5"),
        ("x-amz-trailer", "x-amz-checksum-sha256"),
    ];
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let names = headers.map(|(name, _)| name).join(";");
    let canonical = format!("PUT\n/media/k\n\n{lines}\n{names}\n{UNSIGNED_TRAILER}");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{at}\n{scope}\n{}",
        HEXLOWER.encode(&Sha256::digest(canonical))
    );
    let key = scope
        .split('/')
        .fold(b"AWS4local".to_vec(), |key, part| hmac(&key, part));
    let signature = HEXLOWER.encode(&hmac(&key, &to_sign));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=operator/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    let request = reqwest::Client::new()
        .put(format!("{endpoint}/media/k"))
        .header("authorization", authorization);
    headers
        .iter()
        .skip(1)
        .fold(request, |request, (name, value)| {
            request.header(*name, *value)
        })
        .body(format!(
            "5\r\nhello\r\n0\r\nx-amz-checksum-sha256:{digest}\r\n\r\n"
        ))
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_wrong_checksum_in_the_trailer_leaves_no_object() {
    let engines = engines().await;
    let objects = bucket(&engines).await;
    let wrong = upload_with_trailer(&engines.endpoints().s3, OTHER_SHA256).await;
    assert_eq!(wrong.status().as_u16(), 400);
    assert!(
        wrong
            .text()
            .await
            .unwrap()
            .contains("<Code>BadDigest</Code>")
    );
    assert_eq!(
        refused!(objects.head_object().bucket("media").key("k").send().await).1,
        404
    );

    let right = upload_with_trailer(&engines.endpoints().s3, HELLO_SHA256).await;
    assert_eq!(right.status().as_u16(), 200);
    let head = objects
        .head_object()
        .bucket("media")
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.checksum_sha256(), head.content_length()),
        (Some(HELLO_SHA256), Some(5))
    );
}
