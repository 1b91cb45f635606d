//! What AWS holds of a system, compared with what this version's template says it should.

mod buckets;
mod queues;
mod stack;

use super::notebook::Notebook;
use super::subject::Subject;

/// Queues and buckets as the outputs name them; of a deployed stack its resources and what its functions may do.
pub(super) async fn check(subject: &Subject, notes: &mut Notebook) {
    let Some(system) = &subject.system else {
        notes.skip("aws", "the account", "no system was named");
        return;
    };
    queues::check(system, notes).await;
    if system.is_local() {
        let why = "the local run's engine keeps no such settings";
        notes.skip("buckets", system, why);
        notes.skip("stack", system, "it is this version's template");
        return;
    }
    buckets::check(system, notes).await;
    stack::check(system, notes).await;
}

/// Whether the caller may not, by the code of an error.
fn is_denied(code: &str) -> bool {
    code.contains("AccessDenied") || code.contains("Forbidden")
}
