//! Copying an object inside the store.
//!
//! A copy is a new object with its own bytes, written in one piece: its ETag is their MD5, also where the source was a
//! multipart upload.

use std::io::{Read, Write};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3Response, S3Result, s3_error};

use super::Objects;
use super::object::{About, Checksums, Object, about_of, hash_with, now, with_checksums};
use super::precondition::Precondition;
use super::store::{Blob, Store, broken};

const BUFFER_BYTES: usize = 256 * 1024;

impl Objects {
    pub(super) async fn copy(
        &self,
        input: CopyObjectInput,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(
                NotImplemented,
                "Only objects of a bucket can be copied"
            ));
        };
        let condition = Precondition {
            if_match: input.copy_source_if_match.clone(),
            if_none_match: input.copy_source_if_none_match.clone(),
        };
        let check = |object: &Object| {
            let (unmodified, modified) = (
                input.copy_source_if_unmodified_since.as_ref(),
                input.copy_source_if_modified_since.as_ref(),
            );
            // Where a reader would be told 304, a copier is told 412.
            condition
                .check_read(object, unmodified, modified)
                .map_err(|_| {
                    s3_error!(
                        PreconditionFailed,
                        "At least one of the pre-conditions you specified did not hold"
                    )
                })
        };
        let (source, file) = self.store.open_object(bucket, key, check)?;
        self.store.state().bucket(&input.bucket)?;
        let about = copied_about(&input, &source)?;
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|algorithm| algorithm.as_str().to_owned());
        let algorithms: Vec<String> = match algorithm {
            Some(algorithm) => vec![algorithm],
            None => source
                .checksums
                .named()
                .into_iter()
                .filter(|(_, value)| value.is_some())
                .map(|(name, _)| name.to_owned())
                .collect(),
        };
        let store = Arc::clone(&self.store);
        let copied =
            tokio::task::spawn_blocking(move || duplicate(&store, file, &algorithms)).await;
        let (blob, etag, checksums) = copied.map_err(S3Error::internal_error)??;
        let object = Object {
            key: input.key,
            blob: blob.name.clone(),
            size: source.size,
            etag,
            modified_at: now(),
            checksums,
            about,
        };
        let object = self.store.commit(
            &input.bucket,
            object,
            blob,
            &Precondition::default(),
            "ObjectCreated:Copy",
        )?;
        let result = with_checksums!(object.checksums.clone() => CopyObjectResult {
            e_tag: Some(object.etag()),
            last_modified: Some(object.last_modified()),
        });
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..Default::default()
        }))
    }
}

/// What is said about a copy: the source's words, or new ones where the caller asks to replace them.
fn copied_about(input: &CopyObjectInput, source: &Object) -> S3Result<About> {
    let given = about_of!(input);
    let replaces = input
        .metadata_directive
        .as_ref()
        .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    let replaces_tags = input
        .tagging_directive
        .as_ref()
        .is_some_and(|directive| directive.as_str() == TaggingDirective::REPLACE);
    let tags = if replaces_tags {
        given.tags.clone()
    } else {
        source.about.tags.clone()
    };
    let rest = if replaces {
        given
    } else {
        source.about.clone()
    };
    Ok(About { tags, ..rest })
}

/// Writes the same bytes into a new file, with the ETag of an object written in one piece.
fn duplicate(
    store: &Store,
    mut source: std::fs::File,
    algorithms: &[String],
) -> S3Result<(Blob, String, Checksums)> {
    let mut hasher = ChecksumHasher::default();
    for algorithm in algorithms {
        hash_with(&mut hasher, algorithm)?;
    }
    let mut md5 = Md5::new();
    let blob = store.blob();
    let mut target = std::fs::File::create(&blob.path).map_err(broken)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = source.read(&mut buffer).map_err(broken)?;
        if read == 0 {
            return Ok((
                blob,
                HEXLOWER.encode(&md5.finalize()),
                Checksums::finish(hasher),
            ));
        }
        md5.update(&buffer[..read]);
        hasher.update(&buffer[..read]);
        target.write_all(&buffer[..read]).map_err(broken)?;
    }
}
