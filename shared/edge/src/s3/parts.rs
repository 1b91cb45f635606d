//! Uploads in parts. Each part is checked by S3 against its SHA-256; the object gets the digest of these digests, for S3 knows
//! none of the whole here (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>).

use async_trait::async_trait;
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::MediaId;
use attache_domain::transfer::Part;
use attache_flow::ports::{Answer, Joined, Outage, Parts};
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::{Buckets, COPY, status, stored_type};
use crate::outage::outage;

/// Whether S3 says that the upload, or a part of it, is not there (any more).
fn is_gone<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    matches!(code, Some("NoSuchUpload" | "InvalidPart"))
}

fn number_of(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn completed((number, part): (u32, &Part)) -> CompletedPart {
    CompletedPart::builder()
        .part_number(number_of(number))
        .e_tag(&part.etag)
        .checksum_sha256(part.digest.to_base64())
        .build()
}

/// A part, or putting parts together, may take longer than other calls.
fn slow() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(2 * COPY)
        .operation_attempt_timeout(COPY);
    Builder::new().timeout_config(timeouts.build())
}

#[async_trait(?Send)]
impl Parts for Buckets {
    async fn begin_parts(
        &self,
        id: &MediaId,
        declared_type: Option<&str>,
        fence: u32,
    ) -> Answer<String> {
        let doing = || format!("beginning an upload of {id}");
        let create = self.client.create_multipart_upload().bucket(&self.media);
        let create = create
            .key(id.arrival_key())
            .content_type(stored_type(declared_type))
            .metadata("fence", fence.to_string())
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let created = create.send().await.map_err(|e| outage(doing(), e))?;
        created
            .upload_id
            .ok_or_else(|| Outage::new(doing(), "it got no id"))
    }

    async fn add_part(
        &self,
        id: &MediaId,
        upload: &str,
        number: u32,
        bytes: Bytes,
    ) -> Answer<Option<Part>> {
        let doing = || format!("storing part {number} of {id}");
        let digest = Sha256Digest::of(&bytes);
        let put = self.client.upload_part().bucket(&self.media);
        let put = put
            .key(id.arrival_key())
            .upload_id(upload)
            .part_number(number_of(number))
            .checksum_sha256(digest.to_base64())
            .body(ByteStream::from(bytes))
            .customize()
            .config_override(slow());
        match put.send().await {
            Ok(put) => {
                let untagged = || Outage::new(doing(), "stored without an entity tag");
                let etag = put.e_tag.ok_or_else(untagged)?;
                Ok(Some(Part { etag, digest }))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(outage(doing(), error)),
        }
    }

    async fn join_parts(&self, id: &MediaId, upload: &str, parts: &[Part]) -> Answer<Joined> {
        let all = CompletedMultipartUpload::builder()
            .set_parts(Some((1..).zip(parts).map(completed).collect()))
            .build();
        let join = self.client.complete_multipart_upload().bucket(&self.media);
        let join = join
            .key(id.arrival_key())
            .upload_id(upload)
            .if_none_match("*")
            .multipart_upload(all)
            .customize()
            .config_override(slow());
        match join.send().await {
            Ok(_) => Ok(Joined::Whole),
            Err(error) if status(&error) == Some(412) => Ok(Joined::Exists),
            Err(error) if is_gone(&error) => Ok(Joined::Gone),
            Err(error) => Err(outage(format!("putting the parts of {id} together"), error)),
        }
    }

    async fn discard_parts(&self, id: &MediaId, upload: &str) -> Answer<()> {
        let abort = self.client.abort_multipart_upload().bucket(&self.media);
        let abort = abort.key(id.arrival_key()).upload_id(upload);
        match abort.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(outage(format!("ending an upload of {id}"), error)),
        }
    }
}
