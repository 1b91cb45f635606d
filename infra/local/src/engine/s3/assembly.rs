//! Putting the parts of a multipart upload together: which parts, under which ETag, with which digest.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html> and `CompleteMultipartUpload`, checked
//! 2026-11-20.

use std::io::{self, Read, Write};

use data_encoding::{BASE64, HEXLOWER};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::CompletedMultipartUpload;
use s3s::{S3Error, S3Result, s3_error};

use super::multipart::{StoredPart, Upload, no_such_upload};
use super::object::{Checksums, checksums_of, hash_with};
use super::store::{Blob, Store, broken};

/// The smallest part, except the last.
const LEAST_PART_BYTES: u64 = 5 * 1024 * 1024;

/// The parts the caller names, if they are what has arrived, in order and large enough.
pub(super) fn chosen_parts(
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
pub(super) fn joined_etag(parts: &[StoredPart]) -> S3Result<String> {
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
pub(super) fn join(
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
    use s3s::dto::CompletedPart;

    use super::super::object::About;
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
