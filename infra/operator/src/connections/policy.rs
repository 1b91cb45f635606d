//! `[policy]`, read into what the functions lay over the standard policy.

use std::collections::BTreeSet;
use std::path::Path;

use attache_domain::connection::{FilePolicy, Verdicts};
use attache_domain::digest::Sha256Digest;
use attache_domain::verdict;
use attache_inspect::{Policy, Verdict};

use super::file::{Flags, PolicyEntry, Quarantine};

const EXPECTED_HASH: &str = "expected SHA-256 digests of 64 hex digits, as `sha256sum` prints them";

/// What is wrong: where in the file, what was found, what was expected.
pub(super) type Problem = (usize, String);

/// The policy, and what is wrong with it. `folder` is where the file lies.
pub(super) fn read(folder: &Path, given: &PolicyEntry) -> (FilePolicy, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut blocked = BTreeSet::new();
    for text in &given.blocked {
        match Sha256Digest::from_hex(text.get_ref()) {
            Ok(digest) => drop(blocked.insert(digest)),
            Err(_) => problems.push((
                text.span().start,
                format!("key `blocked`: {:?}; {EXPECTED_HASH}", text.get_ref()),
            )),
        }
    }
    if let Some(file) = &given.blocked_file {
        match listed(&folder.join(file.get_ref())) {
            Ok(digests) => blocked.extend(digests),
            Err(problem) => {
                problems.push((file.span().start, format!("key `blocked_file`: {problem}")));
            }
        }
    }
    let policy = FilePolicy {
        verdicts: verdicts(given, &mut problems),
        blocked,
        delete_now: given.quarantine == Quarantine::DeleteNow,
    };
    (policy, problems)
}

/// The hashes of a list, one a line, as `sha256sum` writes them; what follows a hash is a name, `#` begins a comment.
fn listed(path: &Path) -> Result<Vec<Sha256Digest>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read ({error})", path.display()))?;
    let lines = (1..).zip(text.lines());
    let entries = lines.filter_map(|(number, line)| {
        let entry = line.split('#').next()?.split_whitespace().next()?;
        Some((number, entry))
    });
    entries
        .map(|(number, entry)| {
            let wrong = |_| format!("{}:{number}: {entry:?}; {EXPECTED_HASH}", path.display());
            Sha256Digest::from_hex(entry).map_err(wrong)
        })
        .collect()
}

fn verdicts(given: &PolicyEntry, problems: &mut Vec<Problem>) -> Verdicts {
    let sections: [(&str, &Flags); 5] = [
        ("hazards", &given.hazards),
        ("integrity", &given.integrity),
        ("unknown", &given.unknown),
        ("differs", &given.differs),
        ("disguised", &given.disguised),
    ];
    let (mut policy, mut verdicts) = (Policy::default(), Verdicts::new());
    for (section, flags) in sections {
        for (flag, verdict) in flags {
            if let Err(error) = policy.set(section, flag.get_ref(), *verdict) {
                problems.push((flag.span().start, format!("key: {error}")));
                continue;
            }
            let of_section = verdicts.entry(section.to_owned()).or_default();
            of_section.insert(flag.get_ref().clone(), ours(*verdict));
        }
    }
    verdicts
}

fn ours(verdict: Verdict) -> verdict::Verdict {
    match verdict {
        Verdict::Clean => verdict::Verdict::Clean,
        Verdict::Held => verdict::Verdict::Held,
        Verdict::Quarantined => verdict::Verdict::Quarantined,
    }
}

#[cfg(test)]
mod tests {
    use attache_domain::connection::Row;

    use super::super::{ConfigError, Loaded};
    use super::*;

    /// A file of nothing but a policy, whose keys begin on line 2.
    fn parse(folder: &Path, policy: &str) -> Result<Loaded, ConfigError> {
        let text = format!("[policy]\n{policy}\n");
        Loaded::parse(&folder.join("connections.toml"), &text, "local")
    }

    fn policy(loaded: &Loaded) -> FilePolicy {
        match loaded.rows.as_slice() {
            [Row::Policy(policy)] => policy.clone(),
            rows => panic!("{rows:?}"),
        }
    }

    const HASH: &str = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f";

    #[test]
    fn a_policy_becomes_a_row() {
        let folder = tempfile::tempdir().unwrap();
        let list = format!("# known\n{HASH}  invoice.exe\n\n{}\n", "0".repeat(64));
        std::fs::write(folder.path().join("blocked.txt"), list).unwrap();
        let text = format!(
            "quarantine = \"delete-now\"\nblocked = [\"{}\"]\nblocked_file = \"blocked.txt\"\n\
             [policy.hazards]\nmacro = \"held\"\nnot-scanned = \"quarantined\"\n[policy.integrity]\ntruncated = \"clean\"",
            HASH.to_uppercase()
        );
        let policy = policy(&parse(folder.path(), &text).unwrap());
        assert!(policy.delete_now);
        assert_eq!(policy.blocked.len(), 2);
        assert!(policy.blocks(&Sha256Digest::from_hex(HASH).unwrap()));
        assert_eq!(
            policy.verdicts,
            Verdicts::from([
                (
                    "hazards".to_owned(),
                    [
                        ("macro".to_owned(), verdict::Verdict::Held),
                        ("not-scanned".to_owned(), verdict::Verdict::Quarantined),
                    ]
                    .into()
                ),
                (
                    "integrity".to_owned(),
                    [("truncated".to_owned(), verdict::Verdict::Clean)].into()
                ),
            ])
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_key_and_expectation() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bad.txt"), format!("{HASH}\nnonsense\n")).unwrap();
        let flags = |flag: &str| format!("[policy.hazards]\nmacro = \"held\"\n{flag}");
        for (text, expected) in [
            (
                flags("marco = \"held\""),
                "connections.toml:4: policy: key: there is no flag `hazards.marco`, expected one of `executable`",
            ),
            (
                flags("malware = \"clean\""),
                "connections.toml:4: policy: key: `hazards.malware` is \"clean\", expected \"held\" or",
            ),
            (
                flags("script = \"fine\""),
                "unknown variant `fine`, expected one of `clean`, `held`, `quarantined`",
            ),
            (flags("script = \"fine\""), "line 4, column 10"),
            (
                "[policy.danger]\nmacro = \"held\"".to_owned(),
                "unknown field `danger`, expected one of `quarantine`, `blocked`, `blocked_file`, `hazards`",
            ),
            (
                "quarantine = \"burn\"".to_owned(),
                "unknown variant `burn`, expected `keep` or `delete-now`",
            ),
            (
                "\nblocked = [\n\"00\"]".to_owned(),
                "connections.toml:4: policy: key `blocked`: \"00\"; expected SHA-256 digests of 64 hex digits",
            ),
            (
                "blocked_file = \"none.txt\"".to_owned(),
                "none.txt cannot be read",
            ),
            (
                "blocked_file = \"bad.txt\"".to_owned(),
                "bad.txt:2: \"nonsense\"; expected SHA-256",
            ),
        ] {
            let told = parse(folder.path(), &text).unwrap_err().to_string();
            assert!(told.contains(expected), "expected {expected:?} in:\n{told}");
        }
    }
}
