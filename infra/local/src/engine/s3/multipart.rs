//! Multipart uploads: parts that survive whoever sent them, listed in order, put together once.
//!
//! Limits and rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html> and `CompleteMultipartUpload`,
//! checked 2026-11-20. An upload belongs to nobody in particular: any caller with the permission may continue it.

use std::collections::BTreeMap;

use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::Objects;
use super::assembly::{chosen_parts, join, joined_etag};
use super::ingest::{Declared, ingest};
use super::object::{
    About, Checksums, Object, about_of, checksums_of, now, timestamp, with_checksums,
};
use super::precondition::Precondition;

/// A running upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) initiated_at: u64,
    pub(super) about: About,
    pub(super) algorithm: Option<String>,
    /// The digest is one of the whole object, not one over the digests of parts.
    pub(super) full_object: bool,
    pub(super) parts: BTreeMap<i32, StoredPart>,
}

/// A part that has arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredPart {
    pub(super) blob: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) checksums: Checksums,
    pub(super) modified_at: u64,
}

/// The failure for an upload that never was, or is over.
pub(super) fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}

impl Objects {
    pub(super) fn create_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|algorithm| algorithm.as_str().to_owned());
        let full_object = match input.checksum_type.as_ref().map(ChecksumType::as_str) {
            Some(kind) => kind == ChecksumType::FULL_OBJECT,
            None => algorithm.as_deref() == Some(ChecksumAlgorithm::CRC64NVME),
        };
        let upload = Upload {
            id: format!("{:032x}", rand::random::<u128>()),
            about: about_of!(input),
            bucket: input.bucket,
            key: input.key,
            initiated_at: now(),
            algorithm,
            full_object,
            parts: BTreeMap::new(),
        };
        let mut state = self.store.state();
        state.bucket(&upload.bucket)?;
        self.store.keep_upload(&upload)?;
        let output = CreateMultipartUploadOutput {
            bucket: Some(upload.bucket.clone()),
            key: Some(upload.key.clone()),
            upload_id: Some(upload.id.clone()),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            ..Default::default()
        };
        state.uploads.insert(upload.id.clone(), upload);
        Ok(S3Response::new(output))
    }

    pub(super) async fn add_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let body = request.input.body.take();
        let input = &request.input;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let mut declared = Declared::new(
            &request,
            checksums_of!(input),
            input.checksum_algorithm.as_ref(),
        );
        declared.length = input.content_length;
        declared.md5.clone_from(&input.content_md5);
        let arrived = ingest(&self.store, body, declared).await?;
        let etag = arrived.etag();
        let checksums = arrived.checksums.clone();
        let part = StoredPart {
            blob: arrived.blob.name.clone(),
            size: arrived.size,
            etag: etag.clone(),
            checksums: checksums.clone(),
            modified_at: now(),
        };
        let mut state = self.store.state();
        // The upload may have been completed or aborted while the part was on its way.
        let upload = state
            .uploads
            .get_mut(&input.upload_id)
            .ok_or_else(no_such_upload)?;
        let replaced = upload.parts.insert(input.part_number, part);
        self.store.keep_upload(upload)?;
        arrived.blob.keep();
        drop(state);
        if let Some(replaced) = replaced {
            self.store.discard(&replaced.blob);
        }
        Ok(S3Response::new(
            with_checksums!(checksums => UploadPartOutput { e_tag: Some(ETag::Strong(etag)) }),
        ))
    }

    pub(super) fn parts(&self, input: ListPartsInput) -> S3Result<S3Response<ListPartsOutput>> {
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let after = input.part_number_marker.unwrap_or(0);
        let max = page_size(input.max_parts);
        let mut rest = upload.parts.range(after + 1..);
        let parts: Vec<Part> = rest
            .by_ref()
            .take(max)
            .map(|(number, part)| listed(*number, part))
            .collect();
        let is_truncated = rest.next().is_some();
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            max_parts: i32::try_from(max).ok(),
            part_number_marker: Some(after),
            next_part_number_marker: is_truncated
                .then(|| parts.last().and_then(|part| part.part_number))
                .flatten(),
            is_truncated: Some(is_truncated),
            parts: Some(parts),
            ..Default::default()
        }))
    }

    pub(super) fn uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let state = self.store.state();
        state.bucket(&input.bucket)?;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let after = (
            input.key_marker.clone().unwrap_or_default(),
            input.upload_id_marker.clone().unwrap_or_default(),
        );
        let is_after = |upload: &&Upload| match input.upload_id_marker {
            Some(_) => (&upload.key, &upload.id) > (&after.0, &after.1),
            None => after.0.is_empty() || upload.key > after.0,
        };
        let mut found: Vec<&Upload> = state
            .uploads
            .values()
            .filter(|upload| upload.bucket == input.bucket && upload.key.starts_with(prefix))
            .filter(is_after)
            .collect();
        found.sort_by(|left, right| {
            (&left.key, left.initiated_at, &left.id).cmp(&(
                &right.key,
                right.initiated_at,
                &right.id,
            ))
        });
        let max = page_size(input.max_uploads);
        let is_truncated = found.len() > max;
        found.truncate(max);
        let last = found.last().filter(|_| is_truncated);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            next_key_marker: last.map(|upload| upload.key.clone()),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            uploads: Some(found.into_iter().map(running).collect()),
            bucket: Some(input.bucket),
            prefix: input.prefix,
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            max_uploads: i32::try_from(max).ok(),
            is_truncated: Some(is_truncated),
            ..Default::default()
        }))
    }

    pub(super) fn abort_upload(
        &self,
        input: &AbortMultipartUploadInput,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let removed = self.store.state().uploads.remove(&input.upload_id);
        if let Some(upload) = removed {
            self.store.forget_upload(&upload);
        }
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) async fn complete_upload(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let condition = Precondition {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
        };
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        condition.check_write(
            self.store
                .state()
                .bucket(&input.bucket)?
                .get(&input.key)
                .map(AsRef::as_ref),
        )?;
        let chosen = chosen_parts(&upload, input.multipart_upload.as_ref())?;
        let size = chosen.iter().map(|part| part.size).sum();
        if input
            .mpu_object_size
            .is_some_and(|declared| u64::try_from(declared) != Ok(size))
        {
            return Err(s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header does not match the size of the parts"
            ));
        }
        let etag = joined_etag(&chosen)?;
        let (algorithm, full_object) = (upload.algorithm.clone(), upload.full_object);
        let store = std::sync::Arc::clone(&self.store);
        let joined = tokio::task::spawn_blocking(move || {
            join(&store, &chosen, algorithm.as_deref(), full_object)
        })
        .await;
        let (blob, checksums) = joined.map_err(S3Error::internal_error)??;
        checksums.verify(&checksums_of!(input))?;
        let object = Object {
            key: upload.key.clone(),
            blob: blob.name.clone(),
            size,
            etag,
            modified_at: now(),
            checksums,
            about: upload.about.clone(),
        };
        let object = self.store.commit(
            &input.bucket,
            object,
            blob,
            &condition,
            "ObjectCreated:CompleteMultipartUpload",
        )?;
        let finished = self.store.state().uploads.remove(&upload.id);
        self.store.forget_upload(&finished.unwrap_or(upload));
        Ok(S3Response::new(
            with_checksums!(object.checksums.clone() => CompleteMultipartUploadOutput {
                location: Some(format!("/{}/{}", input.bucket, input.key)),
                checksum_type: object.checksums.kind(),
                e_tag: Some(object.etag()),
                bucket: Some(input.bucket),
                key: Some(input.key),
            }),
        ))
    }

    fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<Upload> {
        let state = self.store.state();
        state.bucket(bucket)?;
        let found = state
            .uploads
            .get(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key);
        found.cloned().ok_or_else(no_such_upload)
    }
}

fn page_size(asked_for: Option<i32>) -> usize {
    asked_for
        .and_then(|max| usize::try_from(max).ok())
        .unwrap_or(1000)
        .min(1000)
}

fn listed(number: i32, part: &StoredPart) -> Part {
    let checksums = part.checksums.clone();
    Part {
        part_number: Some(number),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        size: i64::try_from(part.size).ok(),
        last_modified: Some(timestamp(part.modified_at)),
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
    }
}

fn running(upload: &Upload) -> MultipartUpload {
    MultipartUpload {
        key: Some(upload.key.clone()),
        upload_id: Some(upload.id.clone()),
        initiated: Some(timestamp(upload.initiated_at)),
        checksum_algorithm: upload.algorithm.clone().map(ChecksumAlgorithm::from),
        ..Default::default()
    }
}
