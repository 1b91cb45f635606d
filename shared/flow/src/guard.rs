//! Care for what is in trouble: hosts that fail or ask for less, and numbers whose questions are answered with errors. Shared by
//! all processes in the `limits` table.
//!
//! A process trusts a host that it has seen no trouble of, without asking anybody, and a number once it has read that it had
//! none: the way of a file that meets no trouble costs no call.
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

use crate::fetch::{Place, Room};
use crate::learning::change;
use crate::ports::{Answer, Clock, Limits, Reserved};

/// What this process knows of: of hosts only what is in trouble, of numbers what was read when it first asked for them.
#[derive(Default)]
pub struct Known {
    hosts: RefCell<HashMap<String, Host>>,
    budgets: RefCell<HashMap<String, ErrorBudget>>,
    free: RefCell<HashMap<String, Room>>,
}

/// So many questions for one number may be out at once in a process that has seen none of its errors: if all its ids are dead,
/// or its token is, so many learn it the hard way.
const MOST_FREE: usize = 2;

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

/// The right to one question; goes back with its answer.
#[must_use]
pub struct Question {
    charge: Charge,
    /// Among those that are out before anything is known to be wrong.
    _place: Option<Place>,
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
    ) -> Answer<Result<Question, Timestamp>> {
        let key = errors_of(connection);
        if !self.known.budgets.borrow().contains_key(&key) {
            // Others may have used up the hour before this process began.
            let (budget, ()) = self.change(&key, |_: &mut ErrorBudget| ()).await?;
            self.known.budgets.borrow_mut().insert(key.clone(), budget);
        }
        if self.is_calm(&key) {
            let place = self.known.turns(&key).take(1, self.clock.now()).await;
            // Whoever was out before may have met trouble.
            if self.is_calm(&key) {
                return Ok(Ok(Question {
                    charge: Charge::FREE,
                    _place: Some(place),
                }));
            }
        }
        let now = self.clock.now();
        let (budget, asked) = self
            .change(&key, |budget: &mut ErrorBudget| budget.ask(again, now))
            .await?;
        self.known.budgets.borrow_mut().insert(key, budget);
        Ok(asked.map(|charge| Question {
            charge,
            _place: None,
        }))
    }

    fn is_calm(&self, key: &str) -> bool {
        let now = self.clock.now();
        let budgets = self.known.budgets.borrow();
        budgets.get(key).is_none_or(|known| known.is_calm(now))
    }

    /// Takes in how the question was answered.
    pub async fn answered(
        &self,
        connection: &ConnectionId,
        question: Question,
        erred: bool,
    ) -> Answer<()> {
        let charge = question.charge;
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

impl Known {
    fn turns(&self, key: &str) -> Room {
        let mut free = self.free.borrow_mut();
        let turns = free
            .entry(key.to_owned())
            .or_insert_with(|| Room::of(MOST_FREE));
        turns.clone()
    }
}

fn errors_of(connection: &ConnectionId) -> String {
    format!("errors/{connection}")
}
