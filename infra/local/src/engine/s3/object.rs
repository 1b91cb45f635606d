//! What is kept about an object.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3s::checksum::ChecksumHasher;
use s3s::dto::{ChecksumAlgorithm, ChecksumType, ETag, Timestamp, TimestampFormat};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// One object. Its bytes are in the file `blob`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) blob: String,
    pub(super) size: u64,
    /// Without quotes.
    pub(super) etag: String,
    /// Milliseconds since 1970.
    pub(super) modified_at: u64,
    pub(super) checksums: Checksums,
    pub(super) about: About,
}

/// What the writer says about an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) cache_control: Option<String>,
    /// As an HTTP date.
    pub(super) expires: Option<String>,
    pub(super) metadata: HashMap<String, String>,
    pub(super) tags: Vec<(String, String)>,
}

/// The digests of an object or a part, in base64; of a composite one with the number of parts at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksums {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
}

/// Builds an answer with the digests of a `Checksums` in its fields.
macro_rules! with_checksums {
    ($checksums:expr => $answer:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let checksums: Checksums = $checksums;
        $answer {
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            $($field: $value,)*
            ..Default::default()
        }
    }};
}

/// Reads the digests a request carries.
macro_rules! checksums_of {
    ($input:expr) => {
        Checksums {
            crc32: $input.checksum_crc32.clone(),
            crc32c: $input.checksum_crc32c.clone(),
            crc64nvme: $input.checksum_crc64nvme.clone(),
            sha1: $input.checksum_sha1.clone(),
            sha256: $input.checksum_sha256.clone(),
        }
    };
}

/// Reads what a request says about the object it writes.
macro_rules! about_of {
    ($input:expr) => {
        About {
            content_type: $input.content_type.clone(),
            content_encoding: $input.content_encoding.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_language: $input.content_language.clone(),
            cache_control: $input.cache_control.clone(),
            expires: $input
                .expires
                .as_ref()
                .and_then($crate::engine::s3::object::http_date),
            metadata: $input.metadata.clone().unwrap_or_default(),
            tags: $crate::engine::s3::object::parse_tags($input.tagging.as_deref())?,
        }
    };
}

/// Builds an answer with an object's head: everything `GetObject` and `HeadObject` share.
macro_rules! with_head {
    ($object:expr, $checksums:expr => $answer:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let object: &Object = $object;
        let about = &object.about;
        with_checksums!($checksums => $answer {
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(object.etag()),
            last_modified: Some(object.last_modified()),
            content_type: about.content_type.clone().or_else(|| Some("binary/octet-stream".to_owned())),
            content_encoding: about.content_encoding.clone(),
            content_disposition: about.content_disposition.clone(),
            content_language: about.content_language.clone(),
            cache_control: about.cache_control.clone(),
            expires: about.expires(),
            metadata: (!about.metadata.is_empty()).then(|| about.metadata.clone()),
            $($field: $value,)*
        })
    }};
}

pub(super) use {about_of, checksums_of, with_checksums, with_head};

impl Object {
    pub(super) fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    pub(super) fn last_modified(&self) -> Timestamp {
        timestamp(self.modified_at)
    }
}

impl About {
    pub(super) fn expires(&self) -> Option<Timestamp> {
        self.expires
            .as_deref()
            .and_then(|text| Timestamp::parse(TimestampFormat::HttpDate, text).ok())
    }
}

impl Checksums {
    /// `COMPOSITE` if the digest is one over the digests of parts.
    pub(super) fn kind(&self) -> Option<ChecksumType> {
        let any = self.named().into_iter().find_map(|(_, value)| value)?;
        let kind = if any.contains('-') {
            ChecksumType::COMPOSITE
        } else {
            ChecksumType::FULL_OBJECT
        };
        Some(ChecksumType::from_static(kind))
    }

    pub(super) fn named(&self) -> [(&'static str, Option<&String>); 5] {
        [
            (ChecksumAlgorithm::CRC32, self.crc32.as_ref()),
            (ChecksumAlgorithm::CRC32C, self.crc32c.as_ref()),
            (ChecksumAlgorithm::CRC64NVME, self.crc64nvme.as_ref()),
            (ChecksumAlgorithm::SHA1, self.sha1.as_ref()),
            (ChecksumAlgorithm::SHA256, self.sha256.as_ref()),
        ]
    }

    pub(super) fn set(&mut self, algorithm: &str, value: Option<String>) {
        match algorithm {
            ChecksumAlgorithm::CRC32 => self.crc32 = value,
            ChecksumAlgorithm::CRC32C => self.crc32c = value,
            ChecksumAlgorithm::CRC64NVME => self.crc64nvme = value,
            ChecksumAlgorithm::SHA1 => self.sha1 = value,
            _ => self.sha256 = value,
        }
    }

    pub(super) fn finish(hasher: ChecksumHasher) -> Self {
        let digests = hasher.finalize();
        checksums_of!(digests)
    }

    /// Refuses a declared digest that is not the computed one.
    pub(super) fn verify(&self, declared: &Self) -> S3Result<()> {
        for ((name, computed), (_, declared)) in self.named().into_iter().zip(declared.named()) {
            if declared.is_some() && declared != computed {
                return Err(s3_error!(
                    BadDigest,
                    "The {name} you specified did not match the calculated checksum."
                ));
            }
        }
        Ok(())
    }
}

/// Switches one algorithm on.
pub(super) fn hash_with(hasher: &mut ChecksumHasher, algorithm: &str) -> S3Result<()> {
    match algorithm {
        ChecksumAlgorithm::CRC32 => hasher.crc32 = Some(Default::default()),
        ChecksumAlgorithm::CRC32C => hasher.crc32c = Some(Default::default()),
        ChecksumAlgorithm::CRC64NVME => hasher.crc64nvme = Some(Default::default()),
        ChecksumAlgorithm::SHA1 => hasher.sha1 = Some(Default::default()),
        ChecksumAlgorithm::SHA256 => hasher.sha256 = Some(Default::default()),
        _ => {
            return Err(s3_error!(
                InvalidRequest,
                "Checksum algorithm provided is unsupported."
            ));
        }
    }
    Ok(())
}

/// Milliseconds since 1970, now.
pub(super) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time of the wire.
pub(super) fn timestamp(milliseconds: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(milliseconds))
}

/// A time as an HTTP date.
pub(super) fn http_date(time: &Timestamp) -> Option<String> {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// Reads the tags of an `x-amz-tagging` header.
pub(super) fn parse_tags(header: Option<&str>) -> S3Result<Vec<(String, String)>> {
    let tags: Vec<_> = url::form_urlencoded::parse(header.unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    if tags.len() > 10 {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than 10"
        ));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_form_encoded_and_at_most_ten() {
        assert_eq!(
            parse_tags(Some("a=1&b=x%20y")).unwrap(),
            [
                ("a".to_owned(), "1".to_owned()),
                ("b".to_owned(), "x y".to_owned())
            ]
        );
        assert!(parse_tags(None).unwrap().is_empty());
        let eleven = (0..11)
            .map(|n| format!("k{n}=v"))
            .collect::<Vec<_>>()
            .join("&");
        assert!(parse_tags(Some(&eleven)).is_err());
    }
}
