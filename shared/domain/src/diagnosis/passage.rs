//! The way an answer took: which edge node gave it, whether out of a cache, and under which request id (`S0-76`, `S0-80`).
//!
//! An edge that keeps an error answers everybody with it. It shows in its own headers, or in that two questions get answers
//! of one request id.

use std::fmt;

use super::excerpt;
use crate::wire::Headers;

/// So many characters of a request id tell requests apart: beyond the seconds that some ids begin with.
const TELLING: usize = 13;

/// No header is repeated longer than this.
const LONGEST: usize = 60;

/// What the headers of an answer tell of its way. The default: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// `X-Cache` or `CF-Cache-Status`.
    pub cache: Option<String>,
    /// The edge node: `X-CDN-Edge-Node` (`S0-25`), `X-Amz-Cf-Pop`, the place in `CF-Ray`, `X-Served-By`.
    pub node: Option<String>,
    /// `Age`, in seconds: how long the answer lay in a cache.
    pub age_s: Option<u64>,
    /// `X-Request-ID`.
    pub request_id: Option<String>,
}

impl Passage {
    /// Reads the headers of an answer.
    #[must_use]
    pub fn read(headers: &Headers) -> Self {
        let get = |name: &str| {
            headers
                .get(name)
                .map(|value| excerpt(value.trim(), LONGEST))
        };
        let ray = || {
            let ray = headers.get("cf-ray")?;
            ray.rsplit_once('-')
                .map(|(_, place)| excerpt(place, LONGEST))
        };
        Self {
            cache: get("x-cache").or_else(|| get("cf-cache-status")),
            node: get("x-cdn-edge-node")
                .or_else(|| get("x-amz-cf-pop"))
                .or_else(ray)
                .or_else(|| get("x-served-by")),
            age_s: headers.get("age").and_then(|age| age.trim().parse().ok()),
            request_id: get("x-request-id"),
        }
    }

    /// Whether it says itself that it comes out of a cache.
    #[must_use]
    pub fn is_from_cache(&self) -> bool {
        let hit = self
            .cache
            .as_ref()
            .is_some_and(|cache| cache.to_ascii_lowercase().contains("hit"));
        hit || self.age_s.is_some_and(|age| age > 0)
    }

    /// The part of the request id that two requests never share; `None`: there is none, or it is too short to tell.
    #[must_use]
    pub fn telling_id(&self) -> Option<String> {
        let id = self.request_id.as_ref()?;
        let telling: String = id.chars().take(TELLING).collect();
        (telling.chars().count() == TELLING).then_some(telling)
    }
}

impl fmt::Display for Passage {
    /// As evidence: only what is known, nothing if that is nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = self.age_s.map(|age| age.to_string());
        let known = [
            ("X-Cache", &self.cache),
            ("edge node", &self.node),
            ("Age", &age),
            ("X-Request-ID", &self.request_id),
        ];
        let known = known
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        for (index, (name, value)) in known.enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{name} {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(headers: &[(&str, &str)]) -> Passage {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Passage::read(&Headers::new(headers.iter().map(owned)))
    }

    #[test]
    fn a_cache_betrays_itself() {
        for (headers, cached, shown) in [
            (&[][..], false, ""),
            (
                &[
                    ("X-Cache", "Miss from cloudfront"),
                    ("X-Amz-Cf-Pop", "FRA60-P1"),
                ],
                false,
                "X-Cache Miss from cloudfront, edge node FRA60-P1",
            ),
            (
                &[("X-Cache", "Error from cloudfront"), ("Age", "0")],
                false,
                "X-Cache Error from cloudfront, Age 0",
            ),
            (
                &[("X-Cache", "Error from cloudfront"), ("Age", "12")],
                true,
                "X-Cache Error from cloudfront, Age 12",
            ),
            (
                &[("X-Cache", "Hit from cloudfront")],
                true,
                "X-Cache Hit from cloudfront",
            ),
            (&[("X-Cache", "TCP_HIT")], true, "X-Cache TCP_HIT"),
            (
                &[("CF-Cache-Status", "HIT"), ("CF-Ray", "8d1f-FRA")],
                true,
                "X-Cache HIT, edge node FRA",
            ),
            (&[("Age", "never")], false, ""),
        ] {
            let passage = passage(headers);
            assert_eq!(
                (passage.is_from_cache(), passage.to_string().as_str()),
                (cached, shown),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_request_id_tells_if_it_is_long_enough() {
        for (id, telling) in [
            (
                "8f14e45f-ceea-467f-9a3d-1f2e3d4c5b6a",
                Some("8f14e45f-ceea"),
            ),
            ("8f14e45f", None),
            ("", None),
        ] {
            assert_eq!(
                passage(&[("X-Request-ID", id)]).telling_id().as_deref(),
                telling
            );
        }
    }
}
