//! Typed access to the properties of one resource, with errors that name the place.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::{Place, TemplateError};
use super::intrinsic::{Resolver, Resources, shape};

/// The properties of a resource, or of a map inside one.
pub(crate) struct Properties<'a, R> {
    place: Place,
    values: Option<&'a Map<String, Value>>,
    resolver: &'a Resolver<'a, R>,
}

impl<'a, R: Resources> Properties<'a, R> {
    /// Wraps a value that must be a map; `None` and null are an empty map.
    pub(crate) fn new(
        place: Place,
        value: Option<&'a Value>,
        resolver: &'a Resolver<'a, R>,
    ) -> Result<Self, TemplateError> {
        let values = match value {
            None | Some(Value::Null) => None,
            Some(Value::Object(values)) => Some(values),
            other => return Err(place.error(format!("expected a map, found {}", shape(other)))),
        };
        Ok(Self {
            place,
            values,
            resolver,
        })
    }

    /// Where these properties stand.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The raw value of a property.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a Value> {
        self.values.and_then(|values| values.get(name))
    }

    /// The names and raw values of all properties.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.values.into_iter().flatten()
    }

    /// A map inside; empty when absent.
    pub(crate) fn inner(&self, name: &str) -> Result<Properties<'a, R>, TemplateError> {
        Properties::new(self.place.at(name), self.raw(name), self.resolver)
    }

    /// A list of maps inside; empty when absent.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Properties<'a, R>>, TemplateError> {
        let place = self.place.at(name);
        match self.raw(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| Properties::new(place.at(index), Some(item), self.resolver))
                .collect(),
            other => Err(place.error(format!("expected a list, found {}", shape(other)))),
        }
    }

    /// The resolved value of a property; `None` when absent or `AWS::NoValue`.
    pub(crate) fn value(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        match self.raw(name) {
            None => Ok(None),
            Some(value) => self.resolver.resolve(&self.place.at(name), value),
        }
    }

    /// A property as text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, TemplateError> {
        let place = self.place.at(name);
        match self.value(name)? {
            None => Ok(None),
            Some(value) => self.resolver.text(&place, &value).map(Some),
        }
    }

    /// A property that must be there, as text.
    pub(crate) fn required(&self, name: &str) -> Result<String, TemplateError> {
        self.text(name)?
            .ok_or_else(|| self.place.at(name).error("is missing"))
    }

    /// A property as texts; one text counts as a list of one.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, TemplateError> {
        let place = self.place.at(name);
        match self.value(name)? {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.resolver.text(&place.at(index), item))
                .collect(),
            Some(single) => Ok(vec![self.resolver.text(&place, &single)?]),
        }
    }

    /// A property as a whole number. Parameters are texts, so `"30"` counts.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, TemplateError> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                let problem = format!("expected a whole number, found {text:?}");
                self.place.at(name).error(problem)
            }),
        }
    }

    /// A property in whole seconds, with its default.
    pub(crate) fn seconds(&self, name: &str, default: u64) -> Result<Duration, TemplateError> {
        Ok(Duration::from_secs(self.number(name)?.unwrap_or(default)))
    }
}
