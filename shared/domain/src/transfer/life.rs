//! Until when a link can be used, as far as the link itself tells.
//!
//! | parameter | says | used by |
//! |---|---|---|
//! | `X-Amz-Date` + `X-Amz-Expires`, `X-Goog-…` | when it was signed, and for how many seconds | S3, Google Cloud Storage |
//! | `Expires`, `exp` | seconds since 1970 | CloudFront, S3's first signature |
//! | `ext` | the same | WhatsApp (`lookaside.fbsbx.com`) |
//! | `oe` | the same, hexadecimal | Meta's CDNs |
//! | `se` | RFC 3339 | Azure |
//!
//! Parameters are only read, never changed: a signed link is used as it came.

use std::time::Duration;

use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use url::Url;

use crate::time::Timestamp;

const SIGNED_AT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// Nothing lives longer than a signature of AWS can: seven days.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Until when `link`, received at `now`, can be used; `None`: it does not tell, or nothing that can be believed.
#[must_use]
pub fn dies_at(link: &Url, now: Timestamp) -> Option<Timestamp> {
    let get = |wanted: &str| {
        link.query_pairs()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.into_owned())
    };
    let signed = |vendor: &str| {
        let since = signed_at(&get(&format!("X-{vendor}-Date"))?)?;
        let seconds = get(&format!("X-{vendor}-Expires"))?.parse().ok()?;
        Some(since + Duration::from_secs(seconds))
    };
    let seconds = |name: &str| get(name)?.parse().ok().map(Timestamp::from_seconds);
    let hexadecimal = || {
        let seconds = u64::from_str_radix(&get("oe")?, 16).ok()?;
        Some(Timestamp::from_seconds(seconds))
    };
    signed("Amz")
        .or_else(|| signed("Goog"))
        .or_else(|| seconds("Expires"))
        .or_else(|| seconds("ext"))
        .or_else(hexadecimal)
        .or_else(|| Timestamp::parse_rfc3339(&get("se")?))
        .or_else(|| seconds("exp"))
        // What lies far off is another parameter of that name.
        .filter(|at| *at <= now + LONGEST && *at + LONGEST >= now)
}

fn signed_at(text: &str) -> Option<Timestamp> {
    let at = PrimitiveDateTime::parse(text, SIGNED_AT).ok()?.assume_utc();
    u64::try_from(at.unix_timestamp())
        .ok()
        .map(Timestamp::from_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-06-01T12:00:00Z.
    const NOW: u64 = 1_780_315_200;

    fn life(query: &str) -> Option<i64> {
        let link = Url::parse(&format!("https://x.example/a?{query}")).unwrap();
        let at = dies_at(&link, Timestamp::from_seconds(NOW))?;
        Some(at.as_seconds() as i64 - NOW as i64)
    }

    #[test]
    fn links_tell_in_many_ways() {
        for (query, expected) in [
            (
                "X-Amz-Date=20260601T120000Z&X-Amz-Expires=300&X-Amz-Signature=s",
                Some(300),
            ),
            ("x-amz-expires=60&x-amz-date=20260601T115900Z", Some(0)),
            ("X-Goog-Date=20260601T120000Z&X-Goog-Expires=900", Some(900)),
            ("Expires=1780315500&Signature=s&Key-Pair-Id=K", Some(300)),
            ("mid=1&ext=1780315440&hash=x", Some(240)),
            ("oh=1&oe=6A1D74A4", Some(100)),
            ("sv=2&se=2026-06-01T12%3A10%3A00Z&sig=x", Some(600)),
            ("exp=1780315201", Some(1)),
            ("Expires=1780315100", Some(-100)),
            ("", None),
            ("ext=jpg", None),
            ("ext=7", None),
            ("oe=utf8", None),
            ("Expires=99999999999", None),
            ("X-Amz-Expires=300", None),
            ("X-Amz-Date=yesterday&X-Amz-Expires=300", None),
            (
                "X-Amz-Date=20260601T120000Z&X-Amz-Expires=18446744073709551615",
                None,
            ),
        ] {
            assert_eq!(life(query), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_link_panics_or_lives_too_long(query in "[ -~]{0,80}", seconds in 0_u64..4_000_000_000) {
            let link = Url::parse(&format!("https://x.example/?Expires={seconds}&{query}")).unwrap();
            let now = Timestamp::from_seconds(NOW);
            if let Some(at) = dies_at(&link, now) {
                prop_assert!(at <= now + LONGEST);
            }
        }
    }
}
