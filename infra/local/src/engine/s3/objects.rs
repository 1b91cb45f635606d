//! Writing, reading, copying and deleting single objects.

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::Objects;
use super::ingest::{Declared, ingest};
use super::object::{
    About, Checksums, Object, about_of, checksums_of, now, with_checksums, with_head,
};
use super::precondition::Precondition;
use super::store::broken;

const READ_BYTES: usize = 128 * 1024;

impl Objects {
    pub(super) async fn put(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let body = request.input.body.take();
        let input = &request.input;
        let condition = Precondition {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
        };
        // Checked here to spare the transfer, and again when it counts.
        condition.check_write(
            self.store
                .state()
                .bucket(&input.bucket)?
                .get(&input.key)
                .map(AsRef::as_ref),
        )?;
        let about = about_of!(input);
        let mut declared = Declared::new(
            &request,
            checksums_of!(input),
            input.checksum_algorithm.as_ref(),
        );
        declared.length = input.content_length;
        declared.md5.clone_from(&input.content_md5);
        let arrived = ingest(&self.store, body, declared).await?;
        let object = Object {
            key: input.key.clone(),
            blob: arrived.blob.name.clone(),
            size: arrived.size,
            etag: arrived.etag(),
            modified_at: now(),
            checksums: arrived.checksums,
            about,
        };
        let object = self.store.commit(
            &input.bucket,
            object,
            arrived.blob,
            &condition,
            "ObjectCreated:Put",
        )?;
        Ok(S3Response::new(
            with_checksums!(object.checksums.clone() => PutObjectOutput {
                e_tag: Some(object.etag()),
                checksum_type: object.checksums.kind(),
            }),
        ))
    }

    pub(super) async fn get(&self, input: GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        let condition = Precondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        let check = |object: &Object| {
            condition.check_read(
                object,
                input.if_unmodified_since.as_ref(),
                input.if_modified_since.as_ref(),
            )
        };
        let (object, file) = self.store.open_object(&input.bucket, &input.key, check)?;
        let range = input
            .range
            .map(|range| range.check(object.size))
            .transpose()?;
        let (start, end) = range
            .as_ref()
            .map_or((0, object.size), |range| (range.start, range.end));
        let whole = end - start == object.size;
        let asked_for = input
            .checksum_mode
            .is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
            && whole;
        let checksums = if asked_for {
            object.checksums.clone()
        } else {
            Checksums::default()
        };
        let tags = i32::try_from(object.about.tags.len())
            .ok()
            .filter(|count| *count > 0);
        let content_range =
            range.map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, object.size));
        let body = read(file, start, end - start).await?;
        Ok(S3Response::new(
            with_head!(&object, checksums => GetObjectOutput {
                checksum_type: asked_for.then(|| object.checksums.kind()).flatten(),
                tag_count: tags,
                content_length: i64::try_from(end - start).ok(),
                content_range: content_range,
                body: Some(body),
            }),
        ))
    }

    pub(super) fn head(&self, input: &HeadObjectInput) -> S3Result<S3Response<HeadObjectOutput>> {
        let condition = Precondition {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
        };
        let state = self.store.state();
        let object = state.object(&input.bucket, &input.key)?;
        condition.check_read(
            object,
            input.if_unmodified_since.as_ref(),
            input.if_modified_since.as_ref(),
        )?;
        let asked_for = input
            .checksum_mode
            .as_ref()
            .is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
        let checksums = if asked_for {
            object.checksums.clone()
        } else {
            Checksums::default()
        };
        Ok(S3Response::new(
            with_head!(object, checksums => HeadObjectOutput {
                checksum_type: asked_for.then(|| object.checksums.kind()).flatten(),
                content_length: i64::try_from(object.size).ok(),
            }),
        ))
    }

    pub(super) fn delete(
        &self,
        input: DeleteObjectInput,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let condition = Precondition {
            if_match: input.if_match,
            if_none_match: None,
        };
        self.store.delete(&input.bucket, &input.key, &condition)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    pub(super) fn delete_all(
        &self,
        input: DeleteObjectsInput,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.store.state().bucket(&input.bucket)?;
        let mut output = DeleteObjectsOutput::default();
        for object in input.delete.objects {
            let condition = Precondition {
                if_match: object.e_tag.map(ETagCondition::ETag),
                if_none_match: None,
            };
            match self.store.delete(&input.bucket, &object.key, &condition) {
                Ok(()) => {
                    let deleted = DeletedObject {
                        key: Some(object.key),
                        ..Default::default()
                    };
                    output.deleted.get_or_insert_default().push(deleted);
                }
                Err(error) => {
                    let message = error.message().map(str::to_owned);
                    let failed = Error {
                        key: Some(object.key),
                        code: Some(error.code().as_str().to_owned()),
                        message,
                        ..Default::default()
                    };
                    output.errors.get_or_insert_default().push(failed);
                }
            }
        }
        if input.delete.quiet == Some(true) {
            output.deleted = None;
        }
        Ok(S3Response::new(output))
    }

    pub(super) fn tags(&self, bucket: &str, key: &str) -> S3Result<TagSet> {
        let state = self.store.state();
        let tags = &state.object(bucket, key)?.about.tags;
        Ok(tags
            .iter()
            .map(|(key, value)| Tag {
                key: Some(key.clone()),
                value: Some(value.clone()),
            })
            .collect())
    }

    pub(super) fn set_tags(&self, bucket: &str, key: &str, tags: TagSet) -> S3Result<()> {
        if tags.len() > 10 {
            return Err(s3_error!(
                InvalidTag,
                "Object tags cannot be greater than 10"
            ));
        }
        let tags = tags
            .into_iter()
            .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
            .collect();
        self.store
            .amend(bucket, key, |object| object.about.tags = tags)
    }
}

/// A part of a file as a stream.
async fn read(file: std::fs::File, start: u64, length: u64) -> S3Result<StreamingBlob> {
    let mut file = tokio::fs::File::from_std(file);
    file.seek(std::io::SeekFrom::Start(start))
        .await
        .map_err(broken)?;
    Ok(StreamingBlob::wrap(stream::try_unfold(
        (file, length),
        |(mut file, left)| async move {
            if left == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            let mut buffer = BytesMut::with_capacity(
                usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES),
            );
            let read = file.read_buf(&mut buffer).await? as u64;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            buffer.truncate(usize::try_from(left.min(read)).unwrap_or(READ_BYTES));
            let chunk: Bytes = buffer.freeze();
            let left = left - chunk.len() as u64;
            Ok(Some((chunk, (file, left))))
        },
    )))
}
