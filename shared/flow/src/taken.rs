//! What each connection takes, as far as is known: read from the `limits` table, shared by all processes.
//!
//! Whoever plans reads it at most once a minute and connection, and the way of a file costs no write for it. Nothing is held up
//! for want of it: what cannot be read is unknown, and the matrix stands.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::channels::{Refused, Taken};
use attache_domain::ids::ConnectionId;
use attache_domain::time::Timestamp;

use crate::batch::chain;
use crate::learning::change;
use crate::ports::{Answer, Clock, Limits};

/// How old the copy in memory may be.
const MAX_AGE: Duration = Duration::from_secs(60);

/// What this process read before.
#[derive(Default)]
pub struct Recalled(RefCell<HashMap<ConnectionId, (Timestamp, Rc<Taken>)>>);

/// Tells what connections take.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    /// What is shared.
    pub limits: &'a dyn Limits,
    /// Time.
    pub clock: &'a dyn Clock,
    /// What this process knows.
    pub recalled: &'a Recalled,
}

impl Ledger<'_> {
    /// What is known of a connection; nothing, if it cannot be read. `anew`: something was learnt a moment ago.
    pub async fn of(&self, connection: &ConnectionId, anew: bool) -> Rc<Taken> {
        let now = self.clock.now();
        let recalled = self.recalled.0.borrow().get(connection).cloned();
        let is_young = |read_at: Timestamp| !anew && now.saturating_since(read_at) < MAX_AGE;
        if let Some((_, taken)) = recalled.filter(|(read_at, _)| is_young(*read_at)) {
            return taken;
        }
        let taken = Rc::new(self.read(connection).await);
        if let Some(since) = taken.stale_since(now) {
            tracing::warn!(connection.id = %connection, limits.told_at = %since, "what the platform told of its limits is too old; the published ones hold");
        }
        let entry = (now, Rc::clone(&taken));
        self.recalled
            .0
            .borrow_mut()
            .insert(connection.clone(), entry);
        taken
    }

    async fn read(&self, connection: &ConnectionId) -> Taken {
        let key = Taken::key(connection);
        let unread = |error: &dyn std::error::Error| {
            tracing::warn!(connection.id = %connection, error = %chain(error), "what is known of its limits cannot be read; the published ones hold");
            Taken::default()
        };
        match self.limits.known(&key).await {
            Ok(None) => Taken::default(),
            Ok(Some(text)) => serde_json::from_str(&text).unwrap_or_else(|error| unread(&error)),
            Err(outage) => unread(&outage),
        }
    }
}

/// Writes down what a connection refused, for whoever plans next.
pub(crate) async fn refused_by(
    connection: &ConnectionId,
    refused: &Refused,
    (limits, clock): (&dyn Limits, &dyn Clock),
) -> Answer<()> {
    let now = clock.now();
    let learn = |taken: &mut Taken| taken.refused(refused, now);
    let key = Taken::key(connection);
    change((limits, clock), &key, learn).await.map(drop)
}
