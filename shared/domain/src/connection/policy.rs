//! What the owner decides about files as such: verdicts by flag, hashes that never pass, what becomes of what is quarantined.
//!
//! Plain data: which flags there are is for the inspection to know, and whoever lays these verdicts over the standard policy
//! refuses what it does not know.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::verdict::Verdict;

/// The most hashes a list may have: 4000 take about 270 KB of a row of 400 KB at the most, and every function reads the row
/// with the rest of the configuration. Lists of millions are a scanner's.
pub const MOST_BLOCKED: usize = 4000;

/// The verdict of each flag that is not as in the standard policy, by section and flag.
pub type Verdicts = BTreeMap<String, BTreeMap<String, Verdict>>;

/// The owner's policy. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePolicy {
    /// What is not as in the standard policy.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verdicts: Verdicts,
    /// Hashes of files that are quarantined whatever else they are.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub blocked: BTreeSet<Sha256Digest>,
    /// Whether what is quarantined is deleted at once, and no copy kept.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub delete_now: bool,
}

impl FilePolicy {
    /// Whether these bytes never pass.
    #[must_use]
    pub fn blocks(&self, digest: &Sha256Digest) -> bool {
        self.blocked.contains(digest)
    }

    /// What is wrong with it, as far as it can be told without knowing the flags.
    pub(super) fn problem(&self) -> Option<String> {
        let blocked = self.blocked.len();
        (blocked > MOST_BLOCKED).then(|| {
            format!("{blocked} hashes in `blocked`, expected {MOST_BLOCKED} at the most: longer lists are a scanner's")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Directory, Row};

    fn digest(n: usize) -> Sha256Digest {
        Sha256Digest::of(&n.to_be_bytes())
    }

    #[test]
    fn a_row_is_read_as_it_was_written_and_nothing_in_it_is_overlooked() {
        let policy = FilePolicy {
            verdicts: [(
                "hazards".to_owned(),
                [("macro".to_owned(), Verdict::Held)].into(),
            )]
            .into(),
            blocked: [digest(1)].into(),
            delete_now: true,
        };
        for (policy, text) in [
            (FilePolicy::default(), r#"{"row":"policy"}"#.to_owned()),
            (
                policy,
                format!(
                    r#"{{"row":"policy","verdicts":{{"hazards":{{"macro":"held"}}}},"blocked":["{}"],"delete_now":true}}"#,
                    digest(1)
                ),
            ),
        ] {
            let row = Row::Policy(policy.clone());
            assert_eq!(serde_json::to_string(&row).unwrap(), text);
            assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row);
            assert_eq!(*Directory::new([row]).policy(), policy);
        }
        let newer = r#"{"row":"policy","allowed":["x"]}"#;
        assert!(serde_json::from_str::<Row>(newer).is_err());
    }

    #[test]
    fn a_list_has_an_end() {
        for (hashes, fits) in [(MOST_BLOCKED, true), (MOST_BLOCKED + 1, false)] {
            let policy = FilePolicy {
                blocked: (0..hashes).map(digest).collect(),
                ..FilePolicy::default()
            };
            assert!(policy.blocks(&digest(7)) && !policy.blocks(&digest(hashes)));
            let row = Row::Policy(policy);
            // An item has 400 KB at the most.
            assert!(serde_json::to_string(&row).unwrap().len() < 300_000);
            let problems = Directory::new([row]).problems();
            let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(told.is_empty(), fits, "{told:?}");
            assert!(told.iter().all(|it| it.starts_with("policy: 4001 hashes")));
        }
    }
}
