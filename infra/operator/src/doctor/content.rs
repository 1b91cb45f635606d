//! Whether platforms that come for files get links that live.

use attache_domain::connection::{Account, Attachments};

use super::notebook::Notebook;
use super::rule::Rule;
use super::subject::Subject;

/// The output that a stack with a content domain has.
const OUTPUT: &str = "ContentTarget";

/// A stack that delivers to somebody who pulls needs a content domain; a local run's store serves its links itself.
pub(super) fn check(subject: &Subject, notes: &mut Notebook) {
    let Some(system) = &subject.system else {
        notes.skip("content-domain", "links", "no system was named");
        return;
    };
    let pulled: Vec<String> = subject
        .connections()
        .filter(|it| match &it.account {
            Account::GenesysOpenMessaging { .. } => true,
            Account::CxoneByoc { attachments, .. } => *attachments == Attachments::Link,
            _ => false,
        })
        .map(|it| it.id.to_string())
        .collect();
    if pulled.is_empty() {
        return;
    }
    if system.output(OUTPUT).is_ok() {
        notes.well("content-domain", "links", "there is one");
    } else if system.is_local() {
        notes.skip(
            "content-domain",
            "links",
            "the local run's store serves them",
        );
    } else {
        let evidence = format!("{} comes for its files", pulled.join(", "));
        notes.find(Rule::NoContentDomain, system, evidence);
    }
}
