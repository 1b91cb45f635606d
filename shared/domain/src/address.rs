//! What a message is addressed by beside the customer, under the names that its platform gives it (`conversationId`). Each
//! profile says which it needs ([`crate::connection::Profile::addressed_by`]); they come from whoever sends by hand, or from what
//! the conversation's row knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnosis::Failure;
use crate::diagnosis::rules::ours;

/// Between the fields of an address as a conversation's row keeps it: part of no platform's id.
const BETWEEN: char = '/';

/// Fields and values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(BTreeMap<String, String>);

impl Address {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What it says of a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// What it says of a field that the message cannot go without.
    ///
    /// # Errors
    /// A failure of domain `ours` that names the field.
    pub fn need(&self, field: &str) -> Result<&str, Failure> {
        self.get(field).ok_or_else(|| {
            ours::NO_ADDRESS.failure(format!("nobody said what {field} the message belongs to"))
        })
    }

    /// Whether it says all of these.
    #[must_use]
    pub fn has(&self, fields: &[&str]) -> bool {
        fields.iter().all(|field| self.0.contains_key(*field))
    }

    /// As a conversation's row keeps it; `None` if it lacks all of these fields, or a value could not be told from two.
    #[must_use]
    pub fn kept(&self, fields: &[&str]) -> Option<String> {
        let values = fields
            .iter()
            .map(|field| self.get(field).unwrap_or_default());
        let values: Vec<&str> = values.collect();
        let says = values.iter().any(|value| !value.is_empty());
        let is_clear = !values.iter().any(|value| value.contains(BETWEEN));
        (says && is_clear).then(|| values.join(&BETWEEN.to_string()))
    }

    /// This, and for what it does not say what a conversation's row kept of these fields.
    #[must_use]
    pub fn or_kept(mut self, fields: &[&str], kept: Option<&str>) -> Self {
        let values = kept.into_iter().flat_map(|kept| kept.split(BETWEEN));
        for (field, value) in fields.iter().zip(values).filter(|(_, it)| !it.is_empty()) {
            let known = self.0.entry((*field).to_owned());
            known.or_insert_with(|| value.to_owned());
        }
        self
    }
}

impl FromIterator<(String, String)> for Address {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[&str] = &["conversationId", "communicationId"];

    fn address(fields: &[(&str, &str)]) -> Address {
        let owned = |(field, value): &(&str, &str)| ((*field).to_owned(), (*value).to_owned());
        fields.iter().map(owned).collect()
    }

    #[test]
    fn what_a_row_kept_fills_the_gaps() {
        let given = address(&[("communicationId", "m2")]);
        for (kept, expected) in [
            (
                Some("c1/m1"),
                &[("conversationId", "c1"), ("communicationId", "m2")][..],
            ),
            (
                Some("c1"),
                &[("conversationId", "c1"), ("communicationId", "m2")],
            ),
            (None, &[("communicationId", "m2")]),
        ] {
            let whole = given.clone().or_kept(FIELDS, kept);
            assert_eq!(whole, address(expected), "{kept:?}");
            assert_eq!(whole.has(FIELDS), kept.is_some());
        }
        let whole = address(&[("conversationId", "c1"), ("communicationId", "m1")]);
        assert_eq!(whole.kept(FIELDS).as_deref(), Some("c1/m1"));
        assert_eq!(given.kept(FIELDS).as_deref(), Some("/m2"));
        let half = Address::default().or_kept(FIELDS, Some("/m2"));
        assert_eq!((half, whole.kept(&[])), (given, None));
        let odd = address(&[("conversationId", "c/1"), ("communicationId", "m1")]);
        assert_eq!(odd.kept(FIELDS), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let failure = Address::default().need("conversationId").unwrap_err();
        assert_eq!(failure.diagnosis.code, "ours.address-missing");
        assert!(failure.diagnosis.evidence.contains("conversationId"));
    }
}
