//! Rows: the table's documents beside the file's.

use std::collections::{BTreeMap, BTreeSet};

use attache_domain::connection::Row;
use serde::Serialize;
use serde_json::Value;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RowChange {
    /// It is new.
    Added,
    /// It is there, and says something else.
    Changed,
    /// It is there as it is to be.
    Unchanged,
    /// It is not in the file, and goes.
    Removed,
    /// It is not in the file, and stays.
    Kept,
}

/// One row.
#[derive(Debug, Serialize)]
pub(in super::super) struct RowPlan {
    /// Its key.
    pub(in super::super) id: String,
    /// What becomes of it.
    pub(in super::super) change: RowChange,
    /// The keys that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) differences: Vec<Difference>,
    /// It stays, and is no row of this version's: functions that read it stop.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(in super::super) unreadable: bool,
    /// What is to be written.
    #[serde(skip)]
    pub(in super::super) doc: Option<String>,
}

/// One key of a changed row. Rows hold no secrets, only their names.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in super::super) struct Difference {
    /// The key.
    pub(in super::super) key: String,
    /// The value in the table; null if it has none.
    pub(in super::super) before: Value,
    /// The value in the file; null if it has none.
    pub(in super::super) after: Value,
}

/// Compares the documents of the table with the file's rows. `prune` removes what only the table has.
///
/// # Errors
/// If a row cannot be written as JSON.
pub(in super::super) fn rows(
    present: &BTreeMap<String, String>,
    wanted: &[Row],
    prune: bool,
) -> serde_json::Result<Vec<RowPlan>> {
    let mut plans = Vec::new();
    for row in wanted {
        let after = serde_json::to_value(row)?;
        let doc = serde_json::to_string(row)?;
        let id = row.id();
        let before = present
            .get(&id)
            .map(|doc| serde_json::from_str(doc).unwrap_or(Value::Null));
        let (change, differences) = match before {
            None => (RowChange::Added, Vec::new()),
            Some(before) if before == after => (RowChange::Unchanged, Vec::new()),
            Some(before) => (RowChange::Changed, differences(&before, &after)),
        };
        plans.push(RowPlan {
            id,
            change,
            differences,
            unreadable: false,
            doc: (change != RowChange::Unchanged).then_some(doc),
        });
    }
    let named: BTreeSet<String> = wanted.iter().map(Row::id).collect();
    for (id, doc) in present.iter().filter(|(id, _)| !named.contains(*id)) {
        plans.push(RowPlan {
            id: id.clone(),
            change: if prune {
                RowChange::Removed
            } else {
                RowChange::Kept
            },
            differences: Vec::new(),
            unreadable: !prune && serde_json::from_str::<Row>(doc).is_err(),
            doc: None,
        });
    }
    Ok(plans)
}

fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let keys = |value: &Value| -> BTreeSet<String> {
        let object = value.as_object().into_iter();
        object.flat_map(|object| object.keys().cloned()).collect()
    };
    let of = |value: &Value, key: &str| value.get(key).cloned().unwrap_or(Value::Null);
    let all = &keys(before) | &keys(after);
    all.into_iter()
        .map(|key| Difference {
            before: of(before, &key),
            after: of(after, &key),
            key,
        })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::super::super::Loaded;
    use super::*;

    pub(in super::super) fn loaded(number: &str) -> Vec<Row> {
        let text = format!(
            "[[endpoint]]\nid = \"in\"\nprofile = \"whatsapp\"\nsecrets = [{{ env = \"A\" }}]\n\
             [[connection]]\nid = \"number\"\nprofile = \"whatsapp\"\nendpoint = \"in\"\n\
             phone_number_id = \"{number}\"\ngraph_version = \"v23.0\"\ntoken = {{ env = \"T\" }}\n\
             [[route]]\nfrom = \"number\"\n"
        );
        let loaded = Loaded::parse(Path::new("connections.toml"), &text, "prod");
        loaded.unwrap().rows
    }

    pub(in super::super) fn table(rows: &[Row]) -> BTreeMap<String, String> {
        let entry = |row: &Row| (row.id(), serde_json::to_string_pretty(row).unwrap());
        rows.iter().map(entry).collect()
    }

    #[test]
    fn rows_are_added_changed_left_kept_and_removed() {
        use RowChange::{Added, Changed, Kept, Removed, Unchanged};
        let all = loaded("1");
        let with_stranger = || {
            let mut table = table(&all);
            table.insert(
                "route/gone".to_owned(),
                "{\"row\":\"route\",\"from\":\"gone\"}".to_owned(),
            );
            table
        };
        for (present, wanted, prune, expected) in [
            (
                BTreeMap::new(),
                loaded("1"),
                false,
                [Added, Added, Added].to_vec(),
            ),
            (table(&all), loaded("1"), true, [Unchanged; 3].to_vec()),
            (
                table(&all),
                loaded("2"),
                true,
                [Unchanged, Changed, Unchanged].to_vec(),
            ),
            (
                with_stranger(),
                loaded("1"),
                false,
                [Unchanged, Unchanged, Unchanged, Kept].to_vec(),
            ),
            (
                with_stranger(),
                loaded("1"),
                true,
                [Unchanged, Unchanged, Unchanged, Removed].to_vec(),
            ),
        ] {
            let plans = rows(&present, &wanted, prune).unwrap();
            let got: Vec<_> = plans.iter().map(|plan| plan.change).collect();
            assert_eq!(got, expected, "{plans:#?}");
            let written = plans.iter().filter(|plan| plan.doc.is_some()).count();
            let to_write = |change: &&RowChange| matches!(change, Added | Changed);
            assert_eq!(written, expected.iter().filter(to_write).count());
        }
    }

    #[test]
    fn differences_name_keys_this_code_has_never_heard_of() {
        let mut present = table(&loaded("1"));
        let doc = present.get_mut("connection/number").unwrap();
        *doc = doc.replacen('{', "{\"shadow\": \"other\",", 1);
        let plans = rows(&present, &loaded("2"), false).unwrap();
        let expected = [
            ("phone_number_id", Value::from("1"), Value::from("2")),
            ("shadow", Value::from("other"), Value::Null),
        ]
        .map(|(key, before, after)| Difference {
            key: key.to_owned(),
            before,
            after,
        });
        assert_eq!(plans[1].differences, expected);
    }

    #[test]
    fn what_is_no_row_is_replaced_or_told() {
        let mut present = table(&loaded("1"));
        present.insert("connection/number".to_owned(), "not json".to_owned());
        present.insert("connection/other".to_owned(), "{}".to_owned());
        let plans = rows(&present, &loaded("1"), false).unwrap();
        let told: Vec<_> = plans
            .iter()
            .map(|plan| (plan.change, plan.unreadable))
            .collect();
        assert_eq!(told[1], (RowChange::Changed, false));
        assert_eq!(told[3], (RowChange::Kept, true));
    }
}
