//! Secrets: what Secrets Manager has beside what the file gives.

use std::collections::BTreeMap;

use attache_domain::connection::SecretName;
use attache_domain::signature::Secret;
use serde::Serialize;

use super::super::secrets::{Given, SecretUse};

/// What becomes of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum SecretChange {
    /// It is new.
    Created,
    /// It is there with another value.
    Updated,
    /// It is there with this value.
    Unchanged,
    /// It is there, and what it holds was not compared: it is ours, or the owner's, or no value was given.
    Kept,
}

/// One secret.
#[derive(Debug, Serialize)]
pub(in super::super) struct SecretPlan {
    /// Its name.
    pub(in super::super) name: SecretName,
    /// What becomes of it.
    pub(in super::super) change: SecretChange,
    /// Why, where that is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) note: Option<String>,
    /// The value to write; `None` for a new one: it is drawn.
    #[serde(skip)]
    pub(in super::super) value: Option<Secret>,
}

/// Compares what the file gives with what is there: `present` holds the value of each secret that has one.
///
/// # Errors
/// One line for each secret that is nowhere: file, line, key and what was expected.
pub(in super::super) fn secrets(
    wanted: Vec<(SecretUse, Given)>,
    present: &BTreeMap<String, Presence>,
) -> Result<Vec<SecretPlan>, Vec<String>> {
    let mut plans: Vec<SecretPlan> = Vec::new();
    let mut problems = Vec::new();
    // A secret that is given somewhere is not asked for where it is only named.
    let (named, given): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .partition(|(_, given)| matches!(given, Given::Named));
    for (secret, given) in given.into_iter().chain(named) {
        if plans.iter().any(|plan| plan.name == secret.name) {
            continue;
        }
        let there = present.get(&secret.name.0).unwrap_or(&Presence::Absent);
        match compared(&secret, given, there) {
            Ok((change, note, value)) => plans.push(SecretPlan {
                name: secret.name,
                change,
                note,
                value,
            }),
            Err(problem) => problems.push(format!("{}: {problem}", secret.place)),
        }
    }
    if problems.is_empty() {
        Ok(plans)
    } else {
        Err(problems)
    }
}

/// What Secrets Manager has under a name.
#[derive(Debug)]
pub(in super::super) enum Presence {
    /// Nothing.
    Absent,
    /// Something; its value was not asked for.
    There,
    /// This value.
    Value(Secret),
}

type Compared = (SecretChange, Option<String>, Option<Secret>);

fn compared(secret: &SecretUse, given: Given, there: &Presence) -> Result<Compared, String> {
    let is_there = !matches!(there, Presence::Absent);
    match (given, there) {
        (Given::Value(value), Presence::Value(old)) if old.matches(value.expose()) => {
            Ok((SecretChange::Unchanged, None, None))
        }
        (Given::Value(value), _) if is_there => Ok((SecretChange::Updated, None, Some(value))),
        (Given::Value(value), _) => Ok((SecretChange::Created, None, Some(value))),
        (Given::Missing(why), _) if is_there => Ok((SecretChange::Kept, Some(why), None)),
        (Given::Missing(why), _) => Err(format!("{why}; expected the secret there")),
        (Given::Generated, _) if is_there => {
            let note = "there already".to_owned();
            Ok((SecretChange::Kept, Some(note), None))
        }
        (Given::Generated, _) => {
            let note = "drawn at random".to_owned();
            Ok((SecretChange::Created, Some(note), None))
        }
        (Given::Named, _) if is_there => Ok((SecretChange::Kept, None, None)),
        (Given::Named, _) => Err(format!(
            "there is no secret {:?}; expected it to be in Secrets Manager already, or {{ env = … }} or {{ file = … }}",
            secret.name.0
        )),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::SecretReference;
    use super::*;

    pub(in super::super) fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    pub(in super::super) fn used(name: &str) -> SecretUse {
        SecretUse {
            name: SecretName(name.to_owned()),
            reference: SecretReference::Generate,
            place: "c.toml:1: endpoint/in: key `secrets`".to_owned(),
            shortest: 1,
        }
    }

    #[test]
    fn secrets_are_created_updated_left_and_kept() {
        use SecretChange::{Created, Kept, Unchanged, Updated};
        let missing = || Given::Missing("A is not set".to_owned());
        let value = || Given::Value(secret("new"));
        for (given, there, expected, is_value_written) in [
            (value(), Presence::Absent, Ok(Created), true),
            (value(), Presence::Value(secret("old")), Ok(Updated), true),
            (
                value(),
                Presence::Value(secret("new")),
                Ok(Unchanged),
                false,
            ),
            (missing(), Presence::There, Ok(Kept), false),
            (
                missing(),
                Presence::Absent,
                Err("A is not set; expected the secret there"),
                false,
            ),
            (Given::Generated, Presence::Absent, Ok(Created), false),
            (Given::Generated, Presence::There, Ok(Kept), false),
            (Given::Named, Presence::There, Ok(Kept), false),
            (
                Given::Named,
                Presence::Absent,
                Err("there is no secret \"s\""),
                false,
            ),
        ] {
            let present = BTreeMap::from([("s".to_owned(), there)]);
            match (secrets(vec![(used("s"), given)], &present), expected) {
                (Ok(plans), Ok(expected)) => {
                    assert_eq!(plans[0].change, expected);
                    assert_eq!(plans[0].value.is_some(), is_value_written, "{expected:?}");
                }
                (Err(told), Err(expected)) => {
                    assert!(
                        told[0].starts_with("c.toml:1: endpoint/in: key `secrets`: "),
                        "{told:?}"
                    );
                    assert!(told[0].contains(expected), "{told:?}");
                }
                (got, expected) => panic!("{got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn a_secret_given_once_may_be_named_elsewhere() {
        let wanted = vec![
            (used("s"), Given::Named),
            (used("s"), Given::Value(secret("v"))),
        ];
        let plans = secrets(wanted, &BTreeMap::new()).unwrap();
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].change, SecretChange::Created);
    }
}
