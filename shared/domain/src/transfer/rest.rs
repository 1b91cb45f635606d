//! Asking for the rest of a file (RFC 9110 §13–15: `Range`, `If-Range`, `Content-Range`).

use crate::diagnosis::rules::ours;
use crate::diagnosis::{Failure, excerpt};
use crate::wire::Headers;

/// The part of a file that is still missing, of the very state that the beginning is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The first byte that is missing; never 0.
    pub from_byte: u64,
    /// What names that state: the value of `If-Range`. A host that has another state sends all of it.
    pub validator: String,
}

impl Rest {
    /// The value of `Range`.
    #[must_use]
    pub fn range(&self) -> String {
        format!("bytes={}-", self.from_byte)
    }

    /// Where the body of a 206 begins and how long the whole file is. A 416 says the same where nothing is missing any more.
    pub(super) fn read(
        &self,
        status: u16,
        headers: &Headers,
    ) -> Result<(u64, Option<u64>), Failure> {
        let text = headers.get("content-range").unwrap_or_default();
        let spoken = text.trim().strip_prefix("bytes ").map(str::trim);
        let found = spoken.and_then(|spoken| spoken.split_once('/'));
        let whole = found.and_then(|(_, whole)| whole.parse::<u64>().ok());
        let first = found
            .and_then(|(range, _)| range.split_once('-'))
            .and_then(|(first, _)| first.parse::<u64>().ok());
        match (status, first, whole) {
            (206, Some(first), whole) if first == self.from_byte => Ok((first, whole)),
            (416, _, Some(whole)) if whole == self.from_byte => Ok((whole, Some(whole))),
            _ => Err(ours::RANGE_REFUSED.failure(format!(
                "asked for {}, got status {status} with Content-Range {:?}",
                self.range(),
                excerpt(text, 60)
            ))),
        }
    }
}

/// A strong entity tag, or else the date of the last change: what `If-Range` may carry.
pub(super) fn validator(headers: &Headers) -> Option<String> {
    let strong = headers.get("etag").filter(|etag| etag.starts_with('"'));
    strong
        .or_else(|| headers.get("last-modified"))
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_what_was_asked_for_or_a_failure() {
        let rest = Rest {
            from_byte: 500,
            validator: "\"a\"".to_owned(),
        };
        assert_eq!(rest.range(), "bytes=500-");
        for (status, range, expected) in [
            (206, "bytes 500-999/1000", Some((500, Some(1000)))),
            (206, "bytes 500-999/*", Some((500, None))),
            (206, "bytes 0-999/1000", None),
            (206, "bytes 501-999/1000", None),
            (206, "", None),
            (206, "500-999/1000", None),
            (416, "bytes */500", Some((500, Some(500)))),
            (416, "bytes */400", None),
            (416, "", None),
        ] {
            let headers = Headers::new([("Content-Range".to_owned(), range.to_owned())]);
            assert_eq!(
                rest.read(status, &headers).ok(),
                expected,
                "{status} {range}"
            );
        }
    }

    #[test]
    fn only_what_names_one_state_is_a_validator() {
        for (pairs, expected) in [
            (
                &[("etag", "\"a\""), ("last-modified", "Tue")][..],
                Some("\"a\""),
            ),
            (
                &[("etag", "W/\"a\""), ("last-modified", "Tue")],
                Some("Tue"),
            ),
            (&[("etag", "W/\"a\"")], None),
            (&[], None),
        ] {
            let owned = pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            assert_eq!(validator(&Headers::new(owned)).as_deref(), expected);
        }
    }
}
