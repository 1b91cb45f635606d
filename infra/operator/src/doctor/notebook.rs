//! What an examination wrote down: findings, what was found in order, and what could not be looked at.

use std::collections::BTreeSet;

use attache_domain::ids::ConnectionId;
use serde::Serialize;

use super::rule::{Rule, Severity};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule of the table.
    pub id: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a host, a connection, an endpoint, a queue.
    pub about: String,
    /// What was seen.
    pub evidence: String,
    /// What to do.
    pub remedy: &'static str,
    /// The asks of the checklist.
    pub asks: &'static [&'static str],
}

/// Something that was looked at and is in order, or could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Which check.
    pub check: &'static str,
    /// What it is about.
    pub about: String,
    /// What was seen, or why it was not looked at.
    pub text: String,
}

/// Everything written down.
#[derive(Debug, Default, Serialize)]
pub struct Notebook {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is in order.
    pub in_order: Vec<Remark>,
    /// What was not looked at, and why.
    pub not_checked: Vec<Remark>,
    /// Connections one of whose hosts cannot be trusted with anything.
    #[serde(skip)]
    pub(super) cut_off: BTreeSet<ConnectionId>,
}

impl Notebook {
    /// Writes a finding down.
    pub(super) fn find(&mut self, id: Rule, about: impl ToString, evidence: impl Into<String>) {
        self.findings.push(Finding {
            id,
            severity: id.severity(),
            about: about.to_string(),
            evidence: evidence.into(),
            remedy: id.remedy(),
            asks: id.asks(),
        });
    }

    /// Writes down that something is in order.
    pub(super) fn well(
        &mut self,
        check: &'static str,
        about: impl ToString,
        text: impl Into<String>,
    ) {
        self.in_order.push(Remark {
            check,
            about: about.to_string(),
            text: text.into(),
        });
    }

    /// Writes down what was not looked at.
    pub(super) fn skip(
        &mut self,
        check: &'static str,
        about: impl ToString,
        why: impl Into<String>,
    ) {
        self.not_checked.push(Remark {
            check,
            about: about.to_string(),
            text: why.into(),
        });
    }

    /// Whether something is wrong that counts.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let counts = |finding: &Finding| finding.severity != Severity::Note;
        !self.findings.iter().any(counts)
    }
}
