//! How measured times are spread.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// Times in milliseconds, by rank: `p95_ms` is the smallest time that at least 95 % of all do not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
}

impl Spread {
    /// The spread of these times; `None` if there are none.
    pub(crate) fn of(times: &[Duration]) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let rank = |percent: usize| {
            let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
            sorted.get(at).map(milliseconds)
        };
        Some(Self {
            p50_ms: rank(50)?,
            p95_ms: rank(95)?,
            max_ms: rank(100)?,
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            p50_ms,
            p95_ms,
            max_ms,
        } = self;
        write!(
            f,
            "p50 {p50_ms:.0} ms, p95 {p95_ms:.0} ms, max {max_ms:.0} ms"
        )
    }
}

/// A time in milliseconds, to a tenth.
pub(crate) fn milliseconds(time: &Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_times_that_were_measured() {
        let times = |ms: &[u64]| {
            ms.iter()
                .copied()
                .map(Duration::from_millis)
                .collect::<Vec<_>>()
        };
        let hundred: Vec<u64> = (1..=100).rev().collect();
        for (name, ms, expected) in [
            ("one", vec![7], [7.0, 7.0, 7.0]),
            ("two", vec![9, 3], [3.0, 9.0, 9.0]),
            ("a hundred", hundred, [50.0, 95.0, 100.0]),
        ] {
            let spread = Spread::of(&times(&ms)).map(|s| [s.p50_ms, s.p95_ms, s.max_ms]);
            assert_eq!(spread, Some(expected), "{name}");
        }
        assert_eq!(Spread::of(&[]), None);
    }
}
