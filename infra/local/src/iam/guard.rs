//! The observer of the engines.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::calls::{CallCount, Calls};
use super::kill::{Act, Armed, KillPoint, KillPoints, When};
use super::permissions::Permissions;
use crate::engine::{After, AwsCall, Before, Observer};
use crate::lambda::Fleet;

/// The principal of people and tools: may do everything.
pub const OPERATOR: &str = "operator";

/// Judges, counts and, where armed, kills or freezes. Until it knows the permissions only the operator passes.
#[derive(Default)]
pub struct Guard {
    permissions: OnceLock<Permissions>,
    fleet: OnceLock<Weak<Fleet>>,
    calls: Mutex<Calls>,
    kill_points: Mutex<KillPoints>,
}

impl Guard {
    /// Tells it what functions may do. Only the first call counts.
    pub fn enforce(&self, permissions: Permissions) {
        // A second set of permissions would belong to another run.
        let _ = self.permissions.set(permissions);
    }

    /// Tells it where the functions' processes are. Only the first call counts.
    pub fn watch(&self, fleet: &Arc<Fleet>) {
        let _ = self.fleet.set(Arc::downgrade(fleet));
    }

    /// Arms a kill point.
    pub fn arm(&self, point: KillPoint) -> Armed {
        lock(&self.kill_points).arm(point)
    }

    /// Every call so far, counted by principal, action and resource.
    #[must_use]
    pub fn calls(&self) -> Vec<CallCount> {
        lock(&self.calls).list()
    }

    fn allows(&self, call: &AwsCall) -> bool {
        call.principal == OPERATOR
            || self.permissions.get().is_some_and(|permissions| {
                permissions.allow(&call.principal, &call.action, &call.resource)
            })
    }

    /// Kills if a point is reached, or has the process stand still: so it does when this returns, and gets its answer.
    fn kills(&self, call: &AwsCall, when: When) -> bool {
        let function = &call.principal;
        let reached = lock(&self.kill_points).reached(function, &call.operation, when);
        if let Some((act, fleet)) = reached.zip(self.fleet.get().and_then(Weak::upgrade)) {
            match act {
                Act::Kill => fleet.kill(function),
                Act::Freeze => fleet.freeze(function),
            };
        }
        reached == Some(Act::Kill)
    }
}

impl Observer for Guard {
    fn before(&self, call: &AwsCall) -> Before {
        let allowed = self.allows(call);
        lock(&self.calls).count(call, allowed);
        if !allowed {
            let AwsCall {
                principal,
                action,
                resource,
                ..
            } = call;
            tracing::warn!(%principal, %action, %resource, "refused: the template does not grant this call");
            return Before::Deny;
        }
        match self.kills(call, When::Before) {
            true => Before::Drop,
            false => Before::Forward,
        }
    }

    fn after(&self, call: &AwsCall, _: u16) -> After {
        match self.kills(call, When::After) {
            true => After::Drop,
            false => After::Answer,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
