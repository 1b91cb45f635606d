//! What can be told of a configuration without asking anybody but its secrets' keeper.

use attache_domain::connection::{Account, Connection, Profile};
use attache_domain::time::Timestamp;
use attache_edge::clock::SystemClock;
use attache_flow::ports::Clock;

use super::notebook::Notebook;
use super::rule::Rule;
use super::subject::{Kept, Subject};

/// When each version of the Graph API came out, as year and month (general knowledge, not read from a page of Meta's; a version
/// lives for about two years, meta.md §1.1). What is not listed is newer.
const GRAPH_VERSIONS: [(u32, (u32, u32)); 8] = [
    (18, (2023, 9)),
    (19, (2024, 1)),
    (20, (2024, 5)),
    (21, (2024, 10)),
    (22, (2025, 1)),
    (23, (2025, 5)),
    (24, (2025, 10)),
    (25, (2026, 2)),
];

/// From this age in months on a version is told of: three months before its two years are over.
const OLD_MONTHS: u32 = 21;

/// References, secrets, routes and versions.
pub(super) async fn check(subject: &Subject, notes: &mut Notebook) {
    let problems = subject.directory.problems();
    for problem in &problems {
        notes.find(Rule::ConfigWrong, &problem.row, &*problem.problem);
    }
    secrets(subject, notes).await;
    let now = SystemClock::new().now();
    for connection in subject.connections() {
        // What becomes of uploads comes to an endpoint too, and goes nowhere.
        let takes_in = connection.endpoint().is_some()
            && !matches!(
                connection.profile(),
                Profile::GenesysWebMessaging | Profile::GenesysMediaUpload
            );
        if takes_in && subject.directory.route(&connection.id).is_none() {
            let evidence = "what comes over it has no route";
            notes.find(Rule::NoRoute, &connection.id, evidence);
        }
        if let Some(version) = graph_version(connection) {
            match old(version, now) {
                Some(evidence) => notes.find(Rule::GraphVersionOld, &connection.id, evidence),
                None => notes.well("graph-version", &connection.id, version),
            }
        }
    }
    if problems.is_empty() {
        let rows = subject.connections().count();
        let text = format!("{rows} connections; every reference leads somewhere");
        notes.well("configuration", "rows", text);
    }
}

/// Whether every endpoint's secrets are there: one that lacks one stays closed.
async fn secrets(subject: &Subject, notes: &mut Notebook) {
    for (name, secret) in subject.secret_names() {
        match subject.secret(&secret).await {
            Ok(Kept::Value(_)) => notes.well("secret", name, "it is there"),
            Ok(Kept::Missing(why)) => notes.find(Rule::SecretMissing, name, why),
            Ok(Kept::NotYet) => notes.skip("secret", name, "drawn when the file is applied"),
            Err(error) => notes.skip("secret", name, format!("{error:#}")),
        }
    }
}

fn graph_version(connection: &Connection) -> Option<&str> {
    match &connection.account {
        Account::WhatsApp { graph_version, .. } => Some(graph_version),
        _ => connection.page().map(|page| page.graph_version.as_str()),
    }
}

/// Why a version is worth a word; `None` if it is not.
fn old(version: &str, now: Timestamp) -> Option<String> {
    let major: u32 = version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()?;
    let known = GRAPH_VERSIONS.iter().find(|(known, _)| *known == major);
    let Some((_, (year, month))) = known else {
        let first = GRAPH_VERSIONS[0].0;
        return (major < first).then(|| format!("{version} is older than v{first}.0: it is over"));
    };
    let today = now.to_rfc3339();
    let part = |range: std::ops::Range<usize>| today.get(range)?.parse::<u32>().ok();
    let months = (part(0..4)? * 12 + part(5..7)?).checked_sub(year * 12 + month)?;
    (months >= OLD_MONTHS).then(|| {
        format!(
            "{version} came out in {year}-{month:02}, {months} months ago; it ends after about 24"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_of_before_it_ends() {
        let now = Timestamp::parse_rfc3339("2026-11-27T12:00:00Z").unwrap();
        for (version, expected) in [
            ("v12.0", Some("older than v18.0")),
            ("v18.0", Some("came out in 2023-09")),
            ("v22.0", Some("came out in 2025-01, 22 months ago")),
            ("v23.0", None),
            ("v25.0", None),
            ("v99.0", None),
        ] {
            let told = old(version, now);
            match expected {
                Some(part) => assert!(told.as_deref().unwrap_or("").contains(part), "{told:?}"),
                None => assert_eq!(told, None, "{version}"),
            }
        }
    }
}
