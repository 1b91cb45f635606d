//! `[connection.limits]`, read into bounds that leave something to deliver.

use attache_domain::channels::{Bounds, Direction, Matrix, TypePattern};
use attache_domain::connection::Profile;

use super::file::LimitsEntry;

const EXPECTED_TYPES: &str = "expected types such as \"image/png\", \"image/*\"";

/// The bounds, and what is wrong with them: each the key, what was found, what was expected.
pub(super) fn read(profile: Profile, given: &LimitsEntry) -> (Bounds, Vec<String>) {
    let mut problems = Vec::new();
    if given.max_bytes == Some(0) {
        problems.push("`limits.max_bytes` is 0; expected the most bytes of a file".to_owned());
    }
    let types = given
        .types
        .as_deref()
        .map(|given| types(profile, given, &mut problems));
    let bounds = Bounds {
        max_bytes: given.max_bytes,
        types,
    };
    (bounds, problems)
}

fn types(profile: Profile, given: &[String], problems: &mut Vec<String>) -> Vec<TypePattern> {
    let mut types = Vec::new();
    for text in given {
        match TypePattern::parse(text) {
            Ok(pattern) => types.push(pattern),
            Err(error) => problems.push(format!("`limits.types`: {error}; {EXPECTED_TYPES}")),
        }
    }
    if given.is_empty() {
        problems.push(format!(
            "`limits.types` is empty, so that nothing could be delivered; {EXPECTED_TYPES}, or no key"
        ));
    } else if types.len() == given.len() && takes_none(profile, &types) {
        problems.push(format!(
            "`limits.types`: {profile} takes none of these; expected some that it takes"
        ));
    }
    types
}

/// Whether nothing of these types can be delivered over `profile`. What a platform's configuration may add counts as taken.
fn takes_none(profile: Profile, own: &[TypePattern]) -> bool {
    let delivers = match profile.direction() {
        Direction::ToAgent => Direction::ToCustomer,
        Direction::ToCustomer => Direction::ToAgent,
    };
    let bounds = Bounds {
        max_bytes: None,
        types: Some(own.to_vec()),
    };
    let limits = Matrix::shipped().limits(profile.as_str(), delivers);
    limits.is_some_and(|limits| limits.within(&bounds).types().next().is_none())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use attache_domain::connection::Row;

    use super::super::{ConfigError, Loaded};

    /// A number whose limits, on lines 14 and 15, are these.
    fn parse(limits: &str) -> Result<Loaded, ConfigError> {
        let text = format!(
            "[[endpoint]]\nid = \"in\"\nprofile = \"whatsapp\"\nsecrets = [{{ env = \"A\" }}]\n\n[[connection]]\nid = \"number\"\nprofile = \"whatsapp\"\nendpoint = \"in\"\nphone_number_id = \"1\"\ngraph_version = \"v23.0\"\ntoken = {{ env = \"T\" }}\n\n[connection.limits]\n{limits}\n"
        );
        Loaded::parse(Path::new("connections.toml"), &text, "local")
    }

    #[test]
    fn limits_become_part_of_their_connection() {
        let loaded = parse("max_bytes = 1000\ntypes = [\"image/*\", \"application/pdf\"]").unwrap();
        let limits = loaded.rows.iter().find_map(|row| match row {
            Row::Connection(connection) => Some(&connection.limits),
            Row::Endpoint(_) | Row::Route(_) | Row::Policy(_) => None,
        });
        let written = serde_json::to_value(limits.unwrap()).unwrap();
        let expected = serde_json::json!({
            "max_bytes": 1000,
            "types": ["image/*", "application/pdf"],
        });
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_key_and_expectation() {
        let row = "connections.toml:14: connection/number: key `limits";
        for (limits, expected) in [
            (
                "max_bytes = 0",
                format!("{row}.max_bytes` is 0; expected the most bytes of a file"),
            ),
            (
                "types = [\"pdf\", \"image/png\"]",
                format!("{row}.types`: \"pdf\" is not a MIME type; expected types such as"),
            ),
            ("types = []", format!("{row}.types` is empty")),
            (
                "types = [\"image/heic\"]",
                format!("{row}.types`: whatsapp takes none of these"),
            ),
            (
                "max_mb = 5",
                "line 15, column 1\n   |\n15 | max_mb = 5".to_owned(),
            ),
            ("max_mb = 5", "expected `max_bytes` or `types`".to_owned()),
            ("max_bytes = -1", "line 15, column 13".to_owned()),
        ] {
            let told = parse(limits).unwrap_err().to_string();
            assert!(
                told.contains(&expected),
                "expected {expected:?} in:\n{told}"
            );
        }
    }
}
