//! When a presigned URL ends.
//!
//! `s3s` judges this by the machine's clock. Here it is judged by the engine's, which a test may move ahead, so that the
//! death of a link can be seen without waiting for it.

use std::time::{Duration, SystemTime};

use http::request::Parts;
use time::PrimitiveDateTime;
use time::macros::format_description;

use super::super::front::query_value;

/// Whether the request carries a presigned query whose time is over. A query that cannot be read is left to `s3s`.
pub(super) fn has_expired(head: &Parts, now: SystemTime) -> bool {
    let Some(seconds) = query_value(head, "X-Amz-Expires").and_then(|value| value.parse().ok())
    else {
        return false;
    };
    let Some(signed_at) = query_value(head, "X-Amz-Date").and_then(|value| parse(&value)) else {
        return false;
    };
    now > signed_at + Duration::from_secs(seconds)
}

fn parse(date: &str) -> Option<SystemTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    Some(
        PrimitiveDateTime::parse(date, format)
            .ok()?
            .assume_utc()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lives_to_its_last_second() {
        let signed_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_132_800);
        for (query, after, expected) in [
            ("X-Amz-Date=20261120T000000Z&X-Amz-Expires=60", 60, false),
            ("X-Amz-Date=20261120T000000Z&X-Amz-Expires=60", 61, true),
            ("X-Amz-Date=nonsense&X-Amz-Expires=60", 61, false),
            ("list-type=2", 61, false),
        ] {
            let head = http::Request::get(format!("/b/k?{query}"))
                .body(())
                .unwrap()
                .into_parts()
                .0;
            assert_eq!(
                has_expired(&head, signed_at + Duration::from_secs(after)),
                expected,
                "{query} after {after} s"
            );
        }
    }
}
