//! What applying a file would do to a system: a pure comparison of what is there with what the file says.
//!
//! Rows are compared as JSON documents, key by key, so that keys which this module has never heard of are compared as well.
//! Secrets are compared in memory; nothing here shows one.

mod rows;
mod secrets;

use serde::Serialize;

pub(super) use rows::{RowChange, RowPlan, rows};
pub(super) use secrets::{Presence, SecretChange, SecretPlan, secrets};

/// Everything that would be done.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    /// The rows of the file in its order, then those that only the table has.
    pub(super) rows: Vec<RowPlan>,
    /// The secrets in the order of the file, each once.
    pub(super) secrets: Vec<SecretPlan>,
}

impl Plan {
    /// Nothing would be written or removed.
    pub(super) fn is_nothing(&self) -> bool {
        let mut rows = self.rows.iter();
        let mut secrets = self.secrets.iter();
        rows.all(|row| matches!(row.change, RowChange::Unchanged | RowChange::Kept))
            && secrets
                .all(|secret| matches!(secret.change, SecretChange::Unchanged | SecretChange::Kept))
    }

    /// Something that is there would be overwritten or removed.
    pub(super) fn touches_what_is_there(&self) -> bool {
        let mut rows = self.rows.iter();
        let mut secrets = self.secrets.iter();
        rows.any(|row| matches!(row.change, RowChange::Changed | RowChange::Removed))
            || secrets.any(|secret| secret.change == SecretChange::Updated)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::secrets::Given;
    use super::rows::tests::{loaded, table};
    use super::secrets::tests::{secret, used};
    use super::*;

    #[test]
    fn a_plan_knows_whether_it_does_anything_and_whether_it_may_be_regretted() {
        let plan = |number: &str, prune: bool, value: Option<&str>| {
            let mut present = table(&loaded("1"));
            present.insert("route/gone".to_owned(), "{}".to_owned());
            let there = BTreeMap::from([("s".to_owned(), Presence::Value(secret("old")))]);
            let given = value.map(|value| (used("s"), Given::Value(secret(value))));
            Plan {
                rows: rows(&present, &loaded(number), prune).unwrap(),
                secrets: secrets(given.into_iter().collect(), &there).unwrap(),
            }
        };
        for (plan, expected) in [
            (plan("1", false, None), (true, false)),
            (plan("1", false, Some("old")), (true, false)),
            (plan("1", false, Some("new")), (false, true)),
            (plan("2", false, None), (false, true)),
            (plan("1", true, None), (false, true)),
        ] {
            let got = (plan.is_nothing(), plan.touches_what_is_there());
            assert_eq!(got, expected, "{plan:#?}");
        }
        let first = Plan {
            rows: rows(&BTreeMap::new(), &loaded("1"), true).unwrap(),
            secrets: Vec::new(),
        };
        assert_eq!(
            (first.is_nothing(), first.touches_what_is_there()),
            (false, false)
        );
    }

    #[test]
    fn a_plan_shows_no_secret() {
        let wanted = vec![(used("s"), Given::Value(secret("tops3cret")))];
        let plan = Plan {
            rows: Vec::new(),
            secrets: secrets(wanted, &BTreeMap::new()).unwrap(),
        };
        let shown = format!("{plan:?} {}", serde_json::to_string(&plan).unwrap());
        assert!(!shown.contains("tops3cret"), "{shown}");
    }
}
