//! CloudFormation's YAML to plain JSON: every short form (`!Ref X`) becomes its long form (`{"Ref": "X"}`).
//!
//! After this step nothing else needs to know that two spellings exist.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use super::error::TemplateError;

/// Parses the text of a template.
///
/// # Errors
/// When the text is not YAML, or has keys that are not scalars.
pub(crate) fn parse(text: &str) -> Result<Value, TemplateError> {
    let yaml: Yaml = serde_yaml_ng::from_str(text)?;
    to_json(yaml)
}

fn to_json(yaml: Yaml) -> Result<Value, TemplateError> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(signed), _) => json!(signed),
            (None, Some(unsigned)) => json!(unsigned),
            (None, None) => json!(number.as_f64()),
        },
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key_text(key)?, to_json(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let tag = tag.trim_start_matches('!').to_owned();
            long_form(&tag, to_json(tagged.value)?)
        }
    })
}

fn key_text(key: Yaml) -> Result<String, TemplateError> {
    match key {
        Yaml::String(text) => Ok(text),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Bool(flag) => Ok(flag.to_string()),
        other => Err(TemplateError::Property {
            logical_id: "template".to_owned(),
            property: format!("{other:?}"),
            problem: "expected a plain key".to_owned(),
        }),
    }
}

fn long_form(tag: &str, value: Value) -> Value {
    let name = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        other => format!("Fn::{other}"),
    };
    let value = match (tag, value) {
        ("GetAtt", Value::String(path)) => match path.split_once('.') {
            Some((resource, attribute)) => json!([resource, attribute]),
            None => Value::String(path),
        },
        (_, value) => value,
    };
    json!({ name: value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_forms() {
        let rows = [
            ("!Ref Stage", json!({"Ref": "Stage"})),
            ("!Sub 'a-${Stage}'", json!({"Fn::Sub": "a-${Stage}"})),
            ("!GetAtt Q.Arn", json!({"Fn::GetAtt": ["Q", "Arn"]})),
            (
                "!If [C, !Ref A, 2]",
                json!({"Fn::If": ["C", {"Ref": "A"}, 2]}),
            ),
            (
                "!Not [!Equals [!Ref A, '']]",
                json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "A"}, ""]}]}),
            ),
            ("Version: 2012-10-17", json!({"Version": "2012-10-17"})),
            ("!Condition X", json!({"Condition": "X"})),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn broken_yaml_is_an_error() {
        assert!(matches!(parse("a: [1"), Err(TemplateError::Yaml(_))));
    }
}
