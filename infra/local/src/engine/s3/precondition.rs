//! The conditions a request may put on the object it writes or reads.

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

use super::object::{Object, timestamp};

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

#[cfg(test)]
mod tests {
    use super::super::object::{About, Checksums};
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
}
