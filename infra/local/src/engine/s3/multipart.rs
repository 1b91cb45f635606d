//! Multipart uploads: parts that survive whoever sent them, listed in order, put together once.
//!
//! Limits and rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html> and `CompleteMultipartUpload`,
//! checked 2026-11-20. An upload belongs to nobody in particular: any caller with the permission may continue it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use data_encoding::{BASE64, HEXLOWER};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::Objects;
use super::ingest::{Declared, ingest};
use super::object::{
    About, Checksums, Object, Precondition, about_of, checksums_of, hash_with, now, timestamp,
    with_checksums,
};
use super::store::{Blob, Store, broken};

/// The smallest part, except the last.
const LEAST_PART_BYTES: u64 = 5 * 1024 * 1024;

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

fn no_such_upload() -> S3Error {
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
            with_checksums!(checksums => UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }),
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
        let mut output =
            with_checksums!(object.checksums.clone() => CompleteMultipartUploadOutput::default());
        output.location = Some(format!("/{}/{}", input.bucket, input.key));
        output.checksum_type = object.checksums.kind();
        output.e_tag = Some(object.etag());
        output.bucket = Some(input.bucket);
        output.key = Some(input.key);
        Ok(S3Response::new(output))
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
    with_checksums!(part.checksums.clone() => Part {
        part_number: Some(number),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        size: i64::try_from(part.size).ok(),
        last_modified: Some(timestamp(part.modified_at)),
        ..Default::default()
    })
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

/// The parts the caller names, if they are what has arrived, in order and large enough.
fn chosen_parts(
    upload: &Upload,
    named: Option<&CompletedMultipartUpload>,
) -> S3Result<Vec<StoredPart>> {
    let named = named
        .and_then(|named| named.parts.as_deref())
        .unwrap_or_default();
    if named.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "You must specify at least one part"
        ));
    }
    let mut chosen: Vec<StoredPart> = Vec::with_capacity(named.len());
    let mut previous = 0;
    for part in named {
        let number = part.part_number.unwrap_or_default();
        if number <= previous {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number."
            ));
        }
        previous = number;
        let arrived = upload.parts.get(&number).filter(|arrived| {
            part.e_tag
                .as_ref()
                .is_none_or(|etag| etag.value() == arrived.etag)
        });
        let invalid = || {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found."
            )
        };
        let arrived = arrived.ok_or_else(invalid)?;
        arrived
            .checksums
            .verify(&checksums_of!(part))
            .map_err(|_| invalid())?;
        chosen.push(arrived.clone());
    }
    let all_but_last = chosen.split_last().map_or(&[][..], |(_, rest)| rest);
    if all_but_last.iter().any(|part| part.size < LEAST_PART_BYTES) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(chosen)
}

/// The digest of the parts' digests, with their number.
fn joined_etag(parts: &[StoredPart]) -> S3Result<String> {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(
            &HEXLOWER
                .decode(part.etag.as_bytes())
                .map_err(S3Error::internal_error)?,
        );
    }
    Ok(format!(
        "{}-{}",
        HEXLOWER.encode(&md5.finalize()),
        parts.len()
    ))
}

/// Writes the parts one after the other into a new file.
fn join(
    store: &Store,
    parts: &[StoredPart],
    algorithm: Option<&str>,
    full_object: bool,
) -> S3Result<(Blob, Checksums)> {
    let mut hasher = ChecksumHasher::default();
    if let (Some(algorithm), true) = (algorithm, full_object) {
        hash_with(&mut hasher, algorithm)?;
    }
    let blob = store.blob();
    let mut whole = std::fs::File::create(&blob.path).map_err(broken)?;
    let mut buffer = vec![0; 256 * 1024];
    for part in parts {
        let mut file = std::fs::File::open(store.blob_path(&part.blob)).map_err(vanished)?;
        loop {
            let read = file.read(&mut buffer).map_err(broken)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            whole.write_all(&buffer[..read]).map_err(broken)?;
        }
    }
    let checksums = match algorithm {
        Some(algorithm) if !full_object => composite(parts, algorithm)?,
        _ => Checksums::finish(hasher),
    };
    Ok((blob, checksums))
}

/// A part is gone: another caller finished or aborted the upload in the meantime.
fn vanished(error: io::Error) -> S3Error {
    if error.kind() == io::ErrorKind::NotFound {
        no_such_upload()
    } else {
        broken(error)
    }
}

fn composite(parts: &[StoredPart], algorithm: &str) -> S3Result<Checksums> {
    let mut hasher = ChecksumHasher::default();
    hash_with(&mut hasher, algorithm)?;
    for part in parts {
        let digest = part
            .checksums
            .named()
            .into_iter()
            .find(|(name, _)| *name == algorithm)
            .and_then(|(_, digest)| digest);
        let digest = digest.ok_or_else(|| s3_error!(InvalidRequest, "The upload was created using the {algorithm} checksum mode. The complete request must include the checksum for each part."))?;
        hasher.update(
            &BASE64
                .decode(digest.as_bytes())
                .map_err(S3Error::internal_error)?,
        );
    }
    let mut checksums = Checksums::default();
    let whole = Checksums::finish(hasher);
    let digest = whole
        .named()
        .into_iter()
        .find_map(|(_, digest)| digest)
        .map(|digest| format!("{digest}-{}", parts.len()));
    checksums.set(algorithm, digest);
    Ok(checksums)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(sizes: &[u64]) -> Upload {
        let part = |size: u64| StoredPart {
            blob: String::new(),
            size,
            etag: HEXLOWER.encode(&Md5::checksum(&size.to_be_bytes())),
            checksums: Checksums::default(),
            modified_at: 0,
        };
        Upload {
            id: "u".to_owned(),
            bucket: "b".to_owned(),
            key: "k".to_owned(),
            initiated_at: 0,
            about: About::default(),
            algorithm: None,
            full_object: false,
            parts: (1..)
                .zip(sizes)
                .map(|(number, size)| (number, part(*size)))
                .collect(),
        }
    }

    #[test]
    fn only_parts_that_arrived_in_order_and_large_enough_are_taken() {
        let five = LEAST_PART_BYTES;
        for (name, sizes, named, expected) in [
            ("both", vec![five, 1], vec![1, 2], None),
            (
                "a gap in the numbers",
                vec![five, five, 1],
                vec![1, 3],
                None,
            ),
            ("one small part alone", vec![1], vec![1], None),
            ("none named", vec![five], vec![], Some("MalformedXML")),
            (
                "wrong order",
                vec![five, five],
                vec![2, 1],
                Some("InvalidPartOrder"),
            ),
            (
                "twice the same",
                vec![five, five],
                vec![1, 1],
                Some("InvalidPartOrder"),
            ),
            (
                "one that never arrived",
                vec![five],
                vec![1, 2],
                Some("InvalidPart"),
            ),
            (
                "too small before the last",
                vec![five - 1, 1],
                vec![1, 2],
                Some("EntityTooSmall"),
            ),
        ] {
            let upload = upload(&sizes);
            let parts = named
                .into_iter()
                .map(|number| CompletedPart {
                    part_number: Some(number),
                    ..Default::default()
                })
                .collect();
            let refused = chosen_parts(
                &upload,
                Some(&CompletedMultipartUpload { parts: Some(parts) }),
            )
            .err();
            assert_eq!(
                refused
                    .map(|error| error.code().as_str().to_owned())
                    .as_deref(),
                expected,
                "{name}"
            );
        }
    }
}
