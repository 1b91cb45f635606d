//! CloudFormation's intrinsic functions: `Ref`, `Sub`, `GetAtt`, `If`, `Join`, `Select`, `Split` and the conditions.
//!
//! Resolution is lazy: only the properties the local run reads are resolved, so that a template may use what this
//! file does not know wherever the local run does not look.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{Place, TemplateError};
use super::names::{ACCOUNT, REGION};

/// What `Ref` and `GetAtt` of a resource mean. Implemented by the reader, which knows the resources.
pub(crate) trait Resources {
    /// The value of `Ref`, or `None` for an unknown logical id.
    fn reference(&self, logical_id: &str) -> Option<String>;
    /// The value of `GetAtt`, or `None` when the resource or the attribute is unknown.
    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<String>;
}

/// Resolves values of one template.
pub(crate) struct Resolver<'a, R> {
    /// Parameter values, overrides applied.
    pub(crate) parameters: &'a BTreeMap<String, String>,
    /// The section `Conditions`.
    pub(crate) conditions: &'a Map<String, Value>,
    /// The resources.
    pub(crate) resources: &'a R,
}

impl<R: Resources> Resolver<'_, R> {
    /// Resolves a value; `None` means it is to be left out (`AWS::NoValue`).
    pub(crate) fn resolve(
        &self,
        place: &Place,
        value: &Value,
    ) -> Result<Option<Value>, TemplateError> {
        match value {
            Value::Object(object) => match intrinsic(object) {
                Some((name, argument)) => self.call(place, name, argument),
                None => self.object(place, object).map(Some),
            },
            Value::Array(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    resolved.extend(self.resolve(&place.at(index), item)?);
                }
                Ok(Some(Value::Array(resolved)))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    /// Resolves a value that must come out as text; numbers and flags are written out.
    pub(crate) fn text(&self, place: &Place, value: &Value) -> Result<String, TemplateError> {
        match self.resolve(place, value)? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(flag)) => Ok(flag.to_string()),
            other => Err(place.error(format!("expected text, found {}", shape(other.as_ref())))),
        }
    }

    fn object(&self, place: &Place, object: &Map<String, Value>) -> Result<Value, TemplateError> {
        let mut resolved = Map::new();
        for (key, value) in object {
            if let Some(value) = self.resolve(&place.at(key), value)? {
                resolved.insert(key.clone(), value);
            }
        }
        Ok(Value::Object(resolved))
    }

    fn call(
        &self,
        place: &Place,
        name: &str,
        argument: &Value,
    ) -> Result<Option<Value>, TemplateError> {
        match name {
            "Ref" => self.reference(place, argument),
            "Fn::GetAtt" => self.get_att(place, argument).map(text),
            "Fn::Sub" => self.sub(place, argument).map(text),
            "Fn::Join" => self.join(place, argument).map(text),
            "Fn::Select" => self.select(place, argument),
            "Fn::Split" => self.split(place, argument),
            "Fn::If" => self.choose(place, argument),
            "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" | "Condition" => self
                .truth(place, name, argument, 0)
                .map(|flag| Some(Value::Bool(flag))),
            other => Err(place.error(format!("the function {other} is not supported locally"))),
        }
    }

    fn reference(&self, place: &Place, argument: &Value) -> Result<Option<Value>, TemplateError> {
        match argument.as_str() {
            Some("AWS::NoValue") => Ok(None),
            Some(name) => self.named(place, name).map(text),
            None => Err(place.error("Ref expects a name")),
        }
    }

    fn named(&self, place: &Place, name: &str) -> Result<String, TemplateError> {
        let pseudo = match name {
            "AWS::AccountId" => ACCOUNT,
            "AWS::Region" => REGION,
            "AWS::Partition" => "aws",
            "AWS::URLSuffix" => "amazonaws.com",
            "AWS::StackName" => "attache",
            _ => "",
        };
        if !pseudo.is_empty() {
            return Ok(pseudo.to_owned());
        }
        self.parameters
            .get(name)
            .cloned()
            .or_else(|| self.resources.reference(name))
            .ok_or_else(|| place.error(format!("{name} is neither a parameter nor a resource")))
    }

    fn get_att(&self, place: &Place, argument: &Value) -> Result<String, TemplateError> {
        let parts: Vec<&str> = match argument {
            Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect(),
            Value::String(path) => path.splitn(2, '.').collect(),
            _ => Vec::new(),
        };
        match parts.as_slice() {
            [resource, attribute] => self.attribute(place, resource, attribute),
            _ => Err(place.error("GetAtt expects a resource and an attribute")),
        }
    }

    fn attribute(&self, place: &Place, id: &str, name: &str) -> Result<String, TemplateError> {
        self.resources
            .attribute(id, name)
            .ok_or_else(|| place.error(format!("{id}.{name} is not known locally")))
    }

    fn sub(&self, place: &Place, argument: &Value) -> Result<String, TemplateError> {
        let (pattern, given) = match argument {
            Value::String(pattern) => (pattern.as_str(), None),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(pattern), Value::Object(given)] => (pattern.as_str(), Some(given)),
                _ => return Err(place.error("Sub expects text and a map")),
            },
            _ => return Err(place.error("Sub expects text")),
        };
        let mut result = String::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some(start) = rest.find("${") {
            let (before, after) = rest.split_at(start);
            result.push_str(before);
            let end = after
                .find('}')
                .ok_or_else(|| place.error("Sub has a ${ without its }"))?;
            let name = &after[2..end];
            result.push_str(&self.sub_name(place, name, given)?);
            rest = &after[end + 1..];
        }
        result.push_str(rest);
        Ok(result)
    }

    fn sub_name(
        &self,
        place: &Place,
        name: &str,
        given: Option<&Map<String, Value>>,
    ) -> Result<String, TemplateError> {
        if let Some(literal) = name.strip_prefix('!') {
            return Ok(format!("${{{literal}}}"));
        }
        if let Some(value) = given.and_then(|map| map.get(name)) {
            return self.text(place, value);
        }
        match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(place, resource, attribute),
            None => self.named(place, name),
        }
    }

    fn join(&self, place: &Place, argument: &Value) -> Result<String, TemplateError> {
        let [Value::String(separator), items] = pair(place, "Join", argument)? else {
            return Err(place.error("Join expects a separator and a list"));
        };
        Ok(self.texts(place, items)?.join(separator))
    }

    fn select(&self, place: &Place, argument: &Value) -> Result<Option<Value>, TemplateError> {
        let [index, items] = pair(place, "Select", argument)?;
        let index: usize = self
            .text(place, index)?
            .parse()
            .map_err(|_| place.error("Select expects an index"))?;
        match self.resolve(place, items)? {
            Some(Value::Array(mut items)) if index < items.len() => {
                Ok(Some(items.swap_remove(index)))
            }
            _ => Err(place.error(format!("Select finds no item {index}"))),
        }
    }

    fn split(&self, place: &Place, argument: &Value) -> Result<Option<Value>, TemplateError> {
        let [separator, whole] = pair(place, "Split", argument)?;
        let separator = self.text(place, separator)?;
        let whole = self.text(place, whole)?;
        let parts = whole.split(separator.as_str()).map(Value::from).collect();
        Ok(Some(Value::Array(parts)))
    }

    fn choose(&self, place: &Place, argument: &Value) -> Result<Option<Value>, TemplateError> {
        match argument.as_array().map(Vec::as_slice) {
            Some([Value::String(condition), yes, no]) => {
                let branch = if self.condition(place, condition)? {
                    yes
                } else {
                    no
                };
                self.resolve(place, branch)
            }
            _ => Err(place.error("If expects a condition and two values")),
        }
    }

    fn texts(&self, place: &Place, items: &Value) -> Result<Vec<String>, TemplateError> {
        match self.resolve(place, items)? {
            Some(Value::Array(items)) => items.iter().map(|item| self.text(place, item)).collect(),
            other => Err(place.error(format!("expected a list, found {}", shape(other.as_ref())))),
        }
    }
}

/// The function call an object stands for, and its argument, if it does.
pub(crate) fn intrinsic(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((name, argument)), None)
            if name == "Ref"
                || name.starts_with("Fn::")
                || (name == "Condition" && argument.is_string()) =>
        {
            Some((name, argument))
        }
        _ => None,
    }
}

fn pair<'v>(
    place: &Place,
    name: &str,
    argument: &'v Value,
) -> Result<&'v [Value; 2], TemplateError> {
    argument
        .as_array()
        .and_then(|items| items.as_slice().try_into().ok())
        .ok_or_else(|| place.error(format!("{name} expects two arguments")))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "keeps the table in `call` readable"
)]
fn text(value: String) -> Option<Value> {
    Some(Value::String(value))
}

/// The kind of a value, for messages.
pub(crate) fn shape(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Null) => "nothing",
        Some(Value::Bool(_)) => "a flag",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::yaml;
    use serde_json::json;

    struct Fixed;

    impl Resources for Fixed {
        fn reference(&self, id: &str) -> Option<String> {
            (id == "Queue").then(|| "http://sqs/q".to_owned())
        }
        fn attribute(&self, id: &str, attribute: &str) -> Option<String> {
            (id == "Queue" && attribute == "Arn").then(|| "arn:q".to_owned())
        }
    }

    fn resolve(text: &str) -> Result<Option<Value>, TemplateError> {
        let parameters = BTreeMap::from([
            ("Stage".to_owned(), "test".to_owned()),
            ("Empty".to_owned(), String::new()),
        ]);
        let conditions = yaml::parse(
            "{IsTest: !Equals [!Ref Stage, test], Alarmed: !Not [!Equals [!Ref Empty, '']], \
             Both: !And [!Condition IsTest, !Not [!Condition Alarmed]], Loop: !Not [!Condition Loop]}",
        )
        .unwrap();
        Resolver {
            parameters: &parameters,
            conditions: conditions.as_object().unwrap(),
            resources: &Fixed,
        }
        .resolve(&Place::resource("X").at("P"), &yaml::parse(text).unwrap())
    }

    #[test]
    fn values_resolve() {
        let rows = [
            ("!Ref Stage", Some(json!("test"))),
            ("!Ref Queue", Some(json!("http://sqs/q"))),
            ("!Ref AWS::NoValue", None),
            ("!GetAtt Queue.Arn", Some(json!("arn:q"))),
            ("Fn::GetAtt: [Queue, Arn]", Some(json!("arn:q"))),
            ("!Sub '${Queue.Arn}/*'", Some(json!("arn:q/*"))),
            (
                "!Sub ['${A}-${Stage}-${!B}', {A: !Ref AWS::Region}]",
                Some(json!("us-east-1-test-${B}")),
            ),
            ("!If [IsTest, 1, 2]", Some(json!(1))),
            ("!If [Alarmed, 1, !Ref AWS::NoValue]", None),
            ("!If [Both, yes, no]", Some(json!("yes"))),
            ("!Join ['-', [a, !Ref Stage, 3]]", Some(json!("a-test-3"))),
            ("!Select [1, [a, b]]", Some(json!("b"))),
            ("!Select [0, !Split ['-', 'x-y']]", Some(json!("x"))),
            (
                "[a, !Ref AWS::NoValue, {k: !Ref AWS::NoValue}]",
                Some(json!(["a", {}])),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(resolve(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        let rows = [
            ("!Ref Nowhere", "X: P: Nowhere is neither"),
            ("{a: [!GetAtt Queue.Colour]}", "X: P.a.0: Queue.Colour is"),
            ("!If [Loop, 1, 2]", "X: P: the condition Loop refers"),
            ("!Cidr [a, b]", "X: P: the function Fn::Cidr is not"),
            ("!Sub '${Stage'", "X: P: Sub has a ${ without"),
            ("!Select [5, [a]]", "X: P: Select finds no item 5"),
        ];
        for (text, expected) in rows {
            let message = resolve(text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{text}: {message}");
        }
    }
}
