//! Conditions: `Equals`, `Not`, `And`, `Or`, and the named ones of the section `Conditions`.

use serde_json::Value;

use super::error::{Place, TemplateError};
use super::intrinsic::{Resolver, Resources, intrinsic};

/// Conditions may refer to conditions; deeper than this they refer to themselves.
const CONDITION_DEPTH: usize = 32;

impl<R: Resources> Resolver<'_, R> {
    /// Whether a named condition holds.
    pub(crate) fn condition(&self, place: &Place, name: &str) -> Result<bool, TemplateError> {
        self.named_condition(place, name, 0)
    }

    fn named_condition(
        &self,
        place: &Place,
        name: &str,
        depth: usize,
    ) -> Result<bool, TemplateError> {
        if depth > CONDITION_DEPTH {
            return Err(place.error(format!("the condition {name} refers to itself")));
        }
        let body = self
            .conditions
            .get(name)
            .and_then(Value::as_object)
            .and_then(intrinsic)
            .ok_or_else(|| place.error(format!("{name} is not a condition")))?;
        self.truth(place, body.0, body.1, depth + 1)
    }

    /// The value of a condition function.
    pub(crate) fn truth(
        &self,
        place: &Place,
        name: &str,
        argument: &Value,
        depth: usize,
    ) -> Result<bool, TemplateError> {
        if let ("Condition", Some(name)) = (name, argument.as_str()) {
            return self.named_condition(place, name, depth);
        }
        let items = argument
            .as_array()
            .ok_or_else(|| place.error(format!("{name} expects a list")))?;
        if let ("Fn::Equals", [left, right]) = (name, items.as_slice()) {
            return Ok(self.text(place, left)? == self.text(place, right)?);
        }
        let mut flags = Vec::with_capacity(items.len());
        for item in items {
            let (name, argument) = item
                .as_object()
                .and_then(intrinsic)
                .ok_or_else(|| place.error("expected a condition"))?;
            flags.push(self.truth(place, name, argument, depth)?);
        }
        match (name, flags.as_slice()) {
            ("Fn::Not", [flag]) => Ok(!flag),
            ("Fn::And", flags) => Ok(flags.iter().all(|flag| *flag)),
            ("Fn::Or", flags) => Ok(flags.iter().any(|flag| *flag)),
            _ => Err(place.error(format!("{name} has a shape that is not understood"))),
        }
    }
}
