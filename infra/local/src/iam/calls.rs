//! How often each principal did what to which resource.

use std::collections::BTreeMap;

use crate::engine::AwsCall;

/// One line of the count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// Who called.
    pub principal: String,
    /// The IAM action.
    pub action: String,
    /// The ARN.
    pub resource: String,
    /// Calls let through.
    pub allowed: u64,
    /// Calls refused for want of a permission.
    pub denied: u64,
}

/// Counts by principal, action and resource.
#[derive(Debug, Default)]
pub(crate) struct Calls(BTreeMap<(String, String, String), (u64, u64)>);

impl Calls {
    /// Counts one call.
    pub(crate) fn count(&mut self, call: &AwsCall, allowed: bool) {
        let key = (
            call.principal.clone(),
            call.action.clone(),
            call.resource.clone(),
        );
        let (let_through, refused) = self.0.entry(key).or_default();
        match allowed {
            true => *let_through += 1,
            false => *refused += 1,
        }
    }

    /// The counts so far, ordered.
    pub(crate) fn list(&self) -> Vec<CallCount> {
        let lines = self.0.iter();
        lines
            .map(
                |((principal, action, resource), (allowed, denied))| CallCount {
                    principal: principal.clone(),
                    action: action.clone(),
                    resource: resource.clone(),
                    allowed: *allowed,
                    denied: *denied,
                },
            )
            .collect()
    }
}
