//! The table of rules: for every failure the sign it goes by, whose fault it is, what follows, how sure that is, and what
//! a person does. Within a group the first row that applies counts, and groups are asked in their order: a vendor's own
//! codes, what the source documents tell of its surfaces, the way to it, and last the bare status.
//!
//! `infra/diagnoses.md` prints the table, and a test compares the two.

mod cxone;
mod documents;
mod genesys;
mod host;
mod http;
mod meta;
mod network;
pub mod ours;

use super::rule::{ANY, Rule, Then, rule};
use super::seen::Platform;
use super::{Confidence, Domain};

/// Rules of some platforms.
#[derive(Debug)]
pub struct Group {
    /// What they are about, for readers.
    pub name: &'static str,
    /// Whose answers they read.
    pub platforms: &'static [Platform],
    /// In the order in which they are asked.
    pub rules: &'static [Rule],
}

const META: &[Platform] = &[Platform::WhatsApp, Platform::Messenger, Platform::Instagram];
const CONTACT_CENTRES: &[Platform] = &[Platform::Genesys, Platform::Cxone];
const SERVICES: &[Platform] = &[
    Platform::WhatsApp,
    Platform::Messenger,
    Platform::Instagram,
    Platform::Genesys,
    Platform::Cxone,
];

/// All groups, in the order in which they are asked.
#[rustfmt::skip]
pub static GROUPS: &[Group] = &[
    Group { name: "Meta's codes", platforms: META, rules: meta::RULES },
    Group { name: "Genesys' codes", platforms: &[Platform::Genesys], rules: genesys::CODES },
    Group { name: "the source documents' surfaces", platforms: CONTACT_CENTRES, rules: documents::RULES },
    Group { name: "Genesys", platforms: &[Platform::Genesys], rules: genesys::RULES },
    Group { name: "CXone", platforms: &[Platform::Cxone], rules: cxone::RULES },
    Group { name: "hosts that give files", platforms: &[Platform::Host], rules: host::RULES },
    Group { name: "the way there", platforms: &Platform::ALL, rules: network::RULES },
    Group { name: "status alone", platforms: SERVICES, rules: http::RULES },
    Group { name: "what Attaché sees itself", platforms: &[], rules: ours::RULES },
];

/// When nothing in the table applies.
pub static UNKNOWN: Rule = rule(
    "unknown",
    "*.refused",
    ANY,
    (Domain::Unknown, Then::Reject, Confidence::Unknown),
    "Nobody can tell from this. Give the evidence to the platform's support.",
    "–",
);

/// Every rule of the table, with the name of its group.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Rule)> {
    let grouped = GROUPS
        .iter()
        .flat_map(|group| group.rules.iter().map(|rule| (group.name, rule)));
    grouped.chain([("nothing applies", &UNKNOWN)])
}

/// The rule of this id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Rule> {
    all().map(|(_, rule)| rule).find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as the runbook prints it.
    fn table() -> String {
        let mut table = String::from(
            "| rule | code | whose | sure | what follows | what to do | source |\n|---|---|---|---|---|---|---|\n",
        );
        let mut heading = "";
        for (group, rule) in all() {
            if group != heading {
                table += &format!("| *{group}* | | | | | | |\n");
                heading = group;
            }
            let (whose, sure) = (rule.domain.as_str(), rule.confidence.as_str());
            table += &format!(
                "| `{}` | `{}` | {whose} | {sure} | {} | {} | {} |\n",
                rule.id,
                rule.code,
                rule.then.as_str(),
                rule.remedy,
                rule.source
            );
        }
        table
    }

    #[test]
    fn the_runbook_says_the_same() {
        let runbook = include_str!("../../../../../infra/diagnoses.md");
        let (_, rest) = runbook.split_once("<!-- rules -->\n").expect("its mark");
        let (printed, _) = rest.split_once("<!-- /rules -->").expect("its end");
        let table = table();
        assert!(printed == table, "the table should be:\n{table}");
    }
}
