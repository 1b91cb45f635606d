//! Moments on the command line.

use attache_domain::time::Timestamp;

/// A day, from its midnight in UTC, or RFC 3339.
///
/// # Errors
/// What was expected.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let at = Timestamp::parse_rfc3339(text);
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    at.or_else(day)
        .ok_or_else(|| "expected 2026-01-15 or 2026-01-15T13:41:24Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments() {
        for (text, expected) in [
            ("2026-01-15", Some("2026-01-15T00:00:00.000Z")),
            ("2026-01-15T13:41:24Z", Some("2026-01-15T13:41:24.000Z")),
            (
                "2026-01-15T13:41:24+01:00",
                Some("2026-01-15T12:41:24.000Z"),
            ),
            ("yesterday", None),
            ("2026-13-01", None),
        ] {
            let at = moment(text).ok().map(Timestamp::to_rfc3339);
            assert_eq!(at.as_deref(), expected, "{text}");
        }
    }
}
