//! `rate` of a connection, read into one that can be paced.

use attache_domain::connection::{Profile, SendRate};

use super::file::RateEntry;

/// The rate, or what is wrong with it: the key, what was found, what was expected.
pub(super) fn read(profile: Profile, given: &RateEntry) -> Result<SendRate, String> {
    if !profile.delivers() {
        return Err(format!(
            "`rate`: nothing is delivered over {profile}; expected no such key"
        ));
    }
    let RateEntry {
        calls,
        seconds,
        burst,
    } = given;
    for (key, value) in [
        ("calls", Some(*calls)),
        ("seconds", Some(*seconds)),
        ("burst", *burst),
    ] {
        if value == Some(0) {
            return Err(format!("`rate.{key}` is 0; expected at least 1"));
        }
    }
    SendRate::new(profile, (*calls, *seconds), *burst)
        .map_err(|error| format!("`rate`: {calls} calls in {seconds} s: {error}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use attache_domain::connection::Row;

    use super::super::{ConfigError, Loaded};

    /// A number whose rate, on line 13, is this.
    fn parse(rate: &str) -> Result<Loaded, ConfigError> {
        let text = format!(
            "[[endpoint]]\nid = \"in\"\nprofile = \"whatsapp\"\nsecrets = [{{ env = \"A\" }}]\n\n[[connection]]\nid = \"number\"\nprofile = \"whatsapp\"\nendpoint = \"in\"\nphone_number_id = \"1\"\ngraph_version = \"v23.0\"\ntoken = {{ env = \"T\" }}\nrate = {rate}\n"
        );
        Loaded::parse(Path::new("connections.toml"), &text, "local")
    }

    #[test]
    fn a_rate_becomes_part_of_its_connection() {
        let loaded = parse("{ calls = 80, seconds = 1, burst = 40 }").unwrap();
        let rate = loaded.rows.iter().find_map(|row| match row {
            Row::Connection(connection) => connection.rate,
            Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => None,
        });
        let written = serde_json::to_value(rate.unwrap()).unwrap();
        let expected = serde_json::json!({"calls": 80, "seconds": 1, "burst": 40});
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_key_and_expectation() {
        let row = "connections.toml:13: connection/number: key `rate";
        for (rate, expected) in [
            (
                "{ calls = 0, seconds = 1 }",
                format!("{row}.calls` is 0; expected at least 1"),
            ),
            (
                "{ calls = 1, seconds = 1, burst = 0 }",
                format!("{row}.burst` is 0"),
            ),
            (
                "{ calls = 400, seconds = 1 }",
                format!("{row}`: 400 calls in 1 s: more than 100 files a second"),
            ),
            (
                "{ calls = 1, seconds = 600 }",
                format!("{row}`: 1 calls in 600 s: less than one call in 120 s"),
            ),
            ("{ calls = 1 }", "missing field `seconds`".to_owned()),
            (
                "{ calls = 1, per = 1 }",
                "expected one of `calls`, `seconds`, `burst`".to_owned(),
            ),
            ("{ calls = -1, seconds = 1 }", "line 13, column".to_owned()),
        ] {
            let told = parse(rate).unwrap_err().to_string();
            assert!(
                told.contains(&expected),
                "expected {expected:?} in:\n{told}"
            );
        }
    }
}
