//! What is kept about an object, and the conditions a request may put on it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3s::checksum::ChecksumHasher;
use s3s::dto::{ChecksumAlgorithm, ChecksumType, ETag, ETagCondition, Timestamp, TimestampFormat};
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

/// Copies the digests of `Checksums` into the fields of an answer, or out of a request.
macro_rules! with_checksums {
    ($checksums:expr => $($rest:tt)*) => {{
        let checksums = $checksums;
        let mut answer = $($rest)*;
        answer.checksum_crc32 = checksums.crc32;
        answer.checksum_crc32c = checksums.crc32c;
        answer.checksum_crc64nvme = checksums.crc64nvme;
        answer.checksum_sha1 = checksums.sha1;
        answer.checksum_sha256 = checksums.sha256;
        answer
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

/// Writes an object's head into an answer: everything `GetObject` and `HeadObject` share.
macro_rules! with_head {
    ($object:expr, $checksums:expr => $($rest:tt)*) => {{
        let object: &Object = $object;
        let mut answer = with_checksums!($checksums => $($rest)*);
        let about = &object.about;
        answer.accept_ranges = Some("bytes".to_owned());
        answer.e_tag = Some(object.etag());
        answer.last_modified = Some(object.last_modified());
        answer.content_type = about.content_type.clone().or_else(|| Some("binary/octet-stream".to_owned()));
        answer.content_encoding = about.content_encoding.clone();
        answer.content_disposition = about.content_disposition.clone();
        answer.content_language = about.content_language.clone();
        answer.cache_control = about.cache_control.clone();
        answer.expires = about.expires();
        answer.metadata = (!about.metadata.is_empty()).then(|| about.metadata.clone());
        answer
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

/// What must be true of the object that is there, or not there, for a request to go through.
#[derive(Debug, Clone, Default)]
pub(super) struct Precondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl Precondition {
    /// For writes: `If-None-Match` takes only `*`; `If-Match` on nothing is 404.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>, checked 2026-11-20.
    pub(super) fn check_write(&self, existing: Option<&Object>) -> S3Result<()> {
        match &self.if_none_match {
            Some(ETagCondition::Any) if existing.is_some() => return Err(failed()),
            Some(ETagCondition::ETag(_)) => {
                return Err(s3_error!(
                    NotImplemented,
                    "A header you provided implies functionality that is not implemented"
                ));
            }
            Some(ETagCondition::Any) | None => {}
        }
        match (&self.if_match, existing) {
            (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(condition), Some(object)) if !is_met(condition, object) => Err(failed()),
            _ => Ok(()),
        }
    }

    /// For reads: `If-Match` that fails is 412, `If-None-Match` that fails is 304. The dates count only without the tags.
    pub(super) fn check_read(
        &self,
        object: &Object,
        unmodified_since: Option<&Timestamp>,
        modified_since: Option<&Timestamp>,
    ) -> S3Result<()> {
        // HTTP dates have no fraction of a second.
        let modified = timestamp(object.modified_at / 1000 * 1000);
        let unchanged = match &self.if_match {
            Some(condition) => is_met(condition, object),
            None => unmodified_since.is_none_or(|since| modified <= *since),
        };
        if !unchanged {
            return Err(failed());
        }
        let is_news = match &self.if_none_match {
            Some(condition) => !is_met(condition, object),
            None => modified_since.is_none_or(|since| modified > *since),
        };
        if is_news {
            Ok(())
        } else {
            Err(s3_error!(NotModified))
        }
    }
}

fn is_met(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    }
}

fn failed() -> s3s::S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
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

    fn object(etag: &str) -> Object {
        Object {
            key: "k".to_owned(),
            blob: String::new(),
            size: 0,
            etag: etag.to_owned(),
            modified_at: 1_700_000_000_500,
            checksums: Checksums::default(),
            about: About::default(),
        }
    }

    fn condition(text: &str) -> Option<ETagCondition> {
        (!text.is_empty()).then(|| ETagCondition::parse_http_header(text.as_bytes()).unwrap())
    }

    #[test]
    fn writes_are_held_to_their_conditions() {
        let there = object("aa");
        for (if_match, if_none_match, existing, expected) in [
            ("", "", None, None),
            ("", "", Some(&there), None),
            ("", "*", None, None),
            ("", "*", Some(&there), Some("PreconditionFailed")),
            ("", "\"aa\"", Some(&there), Some("NotImplemented")),
            ("\"aa\"", "", Some(&there), None),
            ("\"bb\"", "", Some(&there), Some("PreconditionFailed")),
            ("\"aa\"", "", None, Some("NoSuchKey")),
        ] {
            let given = Precondition {
                if_match: condition(if_match),
                if_none_match: condition(if_none_match),
            };
            let refused = given
                .check_write(existing)
                .err()
                .map(|error| error.code().as_str().to_owned());
            assert_eq!(
                refused.as_deref(),
                expected,
                "If-Match {if_match}, If-None-Match {if_none_match}"
            );
        }
    }

    #[test]
    fn reads_are_held_to_their_conditions_and_tags_outrank_dates() {
        let there = object("aa");
        let same_second = timestamp(1_700_000_000_000);
        let before = timestamp(1_600_000_000_000);
        for (name, if_match, if_none_match, unmodified, modified, expected) in [
            ("nothing asked", "", "", None, None, None),
            ("matching", "\"aa\"", "", None, None, None),
            (
                "not matching",
                "\"bb\"",
                "",
                None,
                None,
                Some("PreconditionFailed"),
            ),
            (
                "known to the reader",
                "",
                "\"aa\"",
                None,
                None,
                Some("NotModified"),
            ),
            (
                "modified since",
                "",
                "",
                Some(&before),
                None,
                Some("PreconditionFailed"),
            ),
            (
                "not modified since",
                "",
                "",
                None,
                Some(&same_second),
                Some("NotModified"),
            ),
            (
                "the tag outranks the date",
                "\"aa\"",
                "",
                Some(&before),
                None,
                None,
            ),
        ] {
            let given = Precondition {
                if_match: condition(if_match),
                if_none_match: condition(if_none_match),
            };
            let refused = given
                .check_read(&there, unmodified, modified)
                .err()
                .map(|error| error.code().as_str().to_owned());
            assert_eq!(refused.as_deref(), expected, "{name}");
        }
    }

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
