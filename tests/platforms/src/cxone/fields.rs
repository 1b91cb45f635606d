//! A body beside the published example of its kind: no field that the example has not, and none of another type.

use serde_json::Value;

/// What differs, by its place.
pub(super) fn differences(ours: &Value, published: &Value, place: &str) -> Vec<String> {
    match (ours, published) {
        (Value::Object(ours), Value::Object(published)) => ours
            .iter()
            .flat_map(|(key, value)| {
                let place = format!("{place}/{key}");
                match published.get(key) {
                    Some(known) => differences(value, known, &place),
                    None => vec![format!("{place} is in no published example")],
                }
            })
            .collect(),
        (Value::Array(ours), Value::Array(published)) => {
            let known = published.first().unwrap_or(&Value::Null);
            let each = ours.iter().enumerate();
            each.flat_map(|(n, value)| differences(value, known, &format!("{place}/{n}")))
                .collect()
        }
        (_, Value::Null) => Vec::new(),
        (ours, published) if kind(ours) == kind(published) => Vec::new(),
        (ours, published) => {
            vec![format!(
                "{place} is a {}, not a {}",
                kind(ours),
                kind(published)
            )]
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn foreign_fields_and_types_are_named() {
        let published = json!({"a": {"b": "text"}, "c": [{"d": 1}], "e": null});
        for (ours, expected) in [
            (
                json!({"a": {"b": "x"}, "c": [{"d": 2}, {}], "e": 7}),
                vec![],
            ),
            (
                json!({"a": {"x": 1}}),
                vec!["/a/x is in no published example"],
            ),
            (
                json!({"c": [{"d": "2"}]}),
                vec!["/c/0/d is a string, not a number"],
            ),
        ] {
            assert_eq!(differences(&ours, &published, ""), expected, "{ours}");
        }
    }
}
