//! OpenAPI 3.0 schemas to JSON Schema 2020-12: the few places where the two differ.
//!
//! Converted: `nullable`, boolean `exclusiveMinimum`/`exclusiveMaximum`, keywords beside a `$ref` (OpenAPI 3.0 ignores
//! them), and `discriminator` with a mapping, which becomes a choice by the property's value so that an error names the branch that was
//! meant. Everything else is the same in both or is ignored by validators (`example`, unknown formats, `x-…`).

use serde_json::{Map, Value, json};

/// Converts a schema and everything inside it.
pub(super) fn convert(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(reference) = object.get("$ref").cloned() {
        object.clear();
        object.insert("$ref".into(), reference);
        return;
    }
    each_child(object, &mut convert);
    bounds(object, "exclusiveMinimum", "minimum");
    bounds(object, "exclusiveMaximum", "maximum");
    discriminate(object);
    if object.remove("nullable") == Some(Value::Bool(true)) {
        allow_null(schema);
    }
}

/// Forbids properties that the schema does not name, wherever it names some and says nothing about others.
pub(super) fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    each_child(object, &mut close);
    if object.contains_key("properties") && !object.contains_key("additionalProperties") {
        object.insert("additionalProperties".into(), Value::Bool(false));
    }
}

/// Calls `visit` for each schema directly inside this one.
pub(super) fn each_child(object: &mut Map<String, Value>, visit: &mut impl FnMut(&mut Value)) {
    for keyword in ["items", "not", "additionalProperties"] {
        if let Some(child) = object.get_mut(keyword) {
            visit(child);
        }
    }
    for keyword in ["allOf", "oneOf", "anyOf"] {
        let children = object.get_mut(keyword).and_then(Value::as_array_mut);
        children.into_iter().flatten().for_each(&mut *visit);
    }
    let properties = object.get_mut("properties").and_then(Value::as_object_mut);
    for child in properties.into_iter().flat_map(Map::values_mut) {
        visit(child);
    }
}

fn bounds(object: &mut Map<String, Value>, exclusive: &str, inclusive: &str) {
    match object.get(exclusive) {
        Some(Value::Bool(true)) => {
            if let Some(bound) = object.remove(inclusive) {
                object.insert(exclusive.into(), bound);
            }
        }
        Some(Value::Bool(false)) => {
            object.remove(exclusive);
        }
        _ => {}
    }
}

fn discriminate(object: &mut Map<String, Value>) {
    let Some(discriminator) = object.remove("discriminator") else {
        return;
    };
    let Some(property) = discriminator["propertyName"].as_str() else {
        return;
    };
    let Some(mapping) = discriminator["mapping"].as_object() else {
        return;
    };
    let known: Vec<&String> = mapping.keys().collect();
    let branches: Vec<Value> = mapping
        .iter()
        .map(|(value, target)| {
            json!({ "if": { "properties": { property: { "const": value } } }, "then": { "$ref": target } })
        })
        .collect();
    object.remove("oneOf");
    object.insert("required".into(), json!([property]));
    object.insert("properties".into(), json!({ property: { "enum": known } }));
    object.insert("allOf".into(), Value::Array(branches));
}

fn allow_null(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let Some(kind) = object.get("type").cloned() else {
        *schema = json!({ "anyOf": [schema.take(), { "type": "null" }] });
        return;
    };
    object.insert("type".into(), json!([kind, "null"]));
    if let Some(values) = object.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openapi_differences_are_translated() {
        let rows = [
            (
                json!({"type":"string","nullable":true}),
                json!({"type":["string","null"]}),
            ),
            (
                json!({"type":"string","nullable":false}),
                json!({"type":"string"}),
            ),
            (
                json!({"type":"string","enum":["a"],"nullable":true}),
                json!({"type":["string","null"],"enum":["a",null]}),
            ),
            (
                json!({"allOf":[{"$ref":"#/x"}],"nullable":true}),
                json!({"anyOf":[{"allOf":[{"$ref":"#/x"}]},{"type":"null"}]}),
            ),
            (
                json!({"$ref":"#/x","description":"ignored"}),
                json!({"$ref":"#/x"}),
            ),
            (
                json!({"type":"integer","minimum":1,"exclusiveMinimum":true}),
                json!({"type":"integer","exclusiveMinimum":1}),
            ),
            (
                json!({"properties":{"nullable":{"type":"string","nullable":true}}}),
                json!({"properties":{"nullable":{"type":["string","null"]}}}),
            ),
        ];
        for (mut schema, expected) in rows {
            convert(&mut schema);
            assert_eq!(schema, expected);
        }
    }

    #[test]
    fn a_discriminator_becomes_a_choice_by_value() {
        let mut schema = json!({
            "oneOf": [{"$ref":"#/a"},{"$ref":"#/b"}],
            "discriminator": {"propertyName":"type","mapping":{"a":"#/defs/a"}}
        });
        convert(&mut schema);
        assert_eq!(schema["properties"]["type"]["enum"], json!(["a"]));
        assert_eq!(schema["allOf"][0]["then"], json!({"$ref":"#/defs/a"}));
        assert!(schema.get("oneOf").is_none());
    }

    #[test]
    fn closing_forbids_unnamed_properties_only_where_some_are_named() {
        let mut schema = json!({"properties":{"free":{"type":"object"}}});
        close(&mut schema);
        let expected =
            json!({"properties":{"free":{"type":"object"}},"additionalProperties":false});
        assert_eq!(schema, expected);
    }
}
