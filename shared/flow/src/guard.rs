//! Care for what is in trouble: hosts that fail or ask for less, and numbers whose questions are answered with errors. Shared by
//! all processes in the `limits` table.
//!
//! A process trusts what it has seen no trouble of, without asking anybody: the way of a file that meets none costs no call.
//! Who meets trouble writes it down and learns what others met; from then on it asks before each call until all is calm.

use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use attache_domain::ids::ConnectionId;
use attache_domain::pacing::breaker::{Outcome, Permit};
use attache_domain::pacing::budget::{Charge, ErrorBudget};
use attache_domain::pacing::gcra;
use attache_domain::pacing::host::Host;
use attache_domain::pacing::rate::Rate;
use attache_domain::pacing::wait::Wait;
use attache_domain::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::learning::change;
use crate::ports::{Answer, Clock, Limits, Reserved};

/// What this process knows of: only what is in trouble.
#[derive(Default)]
pub struct Known {
    hosts: RefCell<HashMap<String, Host>>,
    budgets: RefCell<HashMap<String, ErrorBudget>>,
}

/// Lets calls pass, or not.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    /// What is shared.
    pub limits: &'a dyn Limits,
    /// Time.
    pub clock: &'a dyn Clock,
    /// What this process knows.
    pub known: &'a Known,
}

/// The right to one call to a host.
#[must_use]
pub struct Pass {
    key: String,
    permit: Permit,
}

/// How a call to a host ended.
pub enum Left {
    /// The host works.
    Answered,
    /// It does not. With the request id of its answer, if it gave one.
    Failed(Option<String>),
    /// It asked for less.
    Throttled {
        /// For how long it is to be left alone, if it said.
        retry_after: Option<Duration>,
        /// The request id of its answer.
        request_id: Option<String>,
    },
}

impl Guard<'_> {
    /// The right to call `host` for `connection`, or when to come back.
    pub async fn enter(
        &self,
        connection: &ConnectionId,
        host: &str,
    ) -> Answer<Result<Pass, Timestamp>> {
        let key = format!("host/{connection}/{host}");
        let now = self.clock.now();
        let known = self.known.hosts.borrow().get(&key).cloned();
        let Some(known) = known.filter(|known| !known.is_calm(now)) else {
            let permit = Permit::Pass;
            return Ok(Ok(Pass { key, permit }));
        };
        if let Some(until) = known.shut_until(now) {
            return Ok(Err(until));
        }
        let change = |host: &mut Host| (host.admit(now), host.pace(now));
        let (host, (permit, pace)) = self.change(&key, change).await?;
        self.remember(&key, host, now);
        if let Permit::Refused { until } = permit {
            return Ok(Err(until));
        }
        if let (Permit::Pass, Some(rate)) = (permit, pace)
            && let Some(later) = self.pace(&key, rate).await?
        {
            return Ok(Err(later));
        }
        Ok(Ok(Pass { key, permit }))
    }

    /// Takes in how the call ended; whether its answer was one that was given before, to another question.
    pub async fn left(&self, pass: &Pass, left: Left) -> Answer<bool> {
        let now = self.clock.now();
        let trusted = !self.known.hosts.borrow().contains_key(&pass.key);
        if trusted && matches!(left, Left::Answered) {
            return Ok(false);
        }
        let change = |host: &mut Host| match &left {
            Left::Answered => {
                host.report(pass.permit, Outcome::Answered, now);
                false
            }
            Left::Failed(id) => {
                host.report(pass.permit, Outcome::Failed, now);
                host.repeats(id.clone())
            }
            Left::Throttled {
                retry_after,
                request_id,
            } => {
                host.throttled(*retry_after, now);
                host.repeats(request_id.clone())
            }
        };
        let (host, repeated) = self.change(&pass.key, change).await?;
        self.remember(&pass.key, host, now);
        Ok(repeated)
    }

    /// The right to ask a question on behalf of `connection`, or when to come back. `again`: it was answered with an error before.
    pub async fn question(
        &self,
        connection: &ConnectionId,
        again: bool,
    ) -> Answer<Result<Charge, Timestamp>> {
        let (key, now) = (errors_of(connection), self.clock.now());
        let known = self.known.budgets.borrow().get(&key).cloned();
        if known.is_none_or(|known| known.is_calm(now)) {
            return Ok(Ok(Charge::FREE));
        }
        let (budget, asked) = self
            .change(&key, |budget: &mut ErrorBudget| budget.ask(again, now))
            .await?;
        self.known.budgets.borrow_mut().insert(key, budget);
        Ok(asked)
    }

    /// Takes in how the question was answered.
    pub async fn answered(
        &self,
        connection: &ConnectionId,
        charge: Charge,
        erred: bool,
    ) -> Answer<()> {
        if charge == Charge::FREE && !erred {
            return Ok(());
        }
        let (key, now) = (errors_of(connection), self.clock.now());
        let settle = |budget: &mut ErrorBudget| budget.settle(charge, erred, now);
        let (budget, ()) = self.change(&key, settle).await?;
        self.known.budgets.borrow_mut().insert(key, budget);
        Ok(())
    }

    /// Waits for the next slot; when to come back, if that is not soon.
    async fn pace(&self, key: &str, rate: Rate) -> Answer<Option<Timestamp>> {
        let now = self.clock.now();
        let request = gcra::Request::new(rate, NonZeroU32::MIN, now);
        let slot = match self.limits.reserve(key, &request).await?.reserved {
            Reserved::Slots(slots) => slots.first().copied().unwrap_or(now),
            Reserved::Full { retry_at } => return Ok(Some(retry_at)),
        };
        match Wait::of(slot, now) {
            // Its slot is lost: the limiter errs on the slow side.
            Wait::Queue { .. } => Ok(Some(slot)),
            Wait::InPlace(rest) => {
                self.clock.wait(rest).await;
                Ok(None)
            }
        }
    }

    fn remember(&self, key: &str, host: Host, now: Timestamp) {
        let mut hosts = self.known.hosts.borrow_mut();
        if host.is_calm(now) {
            hosts.remove(key);
        } else {
            hosts.insert(key.to_owned(), host);
        }
    }

    async fn change<S, T>(&self, key: &str, how: impl Fn(&mut S) -> T) -> Answer<(S, T)>
    where
        S: Clone + Default + PartialEq + Serialize + DeserializeOwned,
    {
        change((self.limits, self.clock), key, how).await
    }
}

fn errors_of(connection: &ConnectionId) -> String {
    format!("errors/{connection}")
}
