//! Everything that is one tenant's.

use std::collections::BTreeMap;

use attache_domain::conversation::{Conversation, ConversationId};
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::journey::Item;
use attache_domain::time::Timestamp;
use attache_domain::token::TokenRow;
use attache_flow::memory::{Object, Queued};
use attache_flow::ports::{KeptEvent, Queue};

use crate::site::{Site, connections_of};

/// What lies in the tables, buckets and queues and belongs to a tenant.
#[derive(Debug, PartialEq)]
pub(crate) struct Property {
    pub(crate) items: BTreeMap<MediaId, Item>,
    conversations: BTreeMap<ConversationId, Conversation>,
    objects: BTreeMap<MediaId, Object>,
    kept: BTreeMap<String, KeptEvent>,
    tries: BTreeMap<String, u32>,
    pub(crate) names: BTreeMap<String, MediaId>,
    tokens: BTreeMap<String, TokenRow>,
    limits: BTreeMap<String, Timestamp>,
    waiting: Vec<(Queue, Queued)>,
}

/// Whether an item came in over a connection of the tenant, or goes out over one.
pub(crate) fn is_of(item: &Item, tenant: &str) -> bool {
    let own = connections_of(tenant);
    let is_own = |id: &ConnectionId| own.contains(id);
    is_own(&item.origin.connection) || item.origin.target.as_ref().is_some_and(is_own)
}

/// The entries whose key passes.
fn only<K: Ord + Clone, V: Clone>(
    all: &BTreeMap<K, V>,
    passes: impl Fn(&K) -> bool,
) -> BTreeMap<K, V> {
    all.iter()
        .filter(|(key, _)| passes(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

impl Property {
    pub(crate) fn of(site: &Site, tenant: &str) -> Self {
        let state = site.world.state.borrow();
        let own = connections_of(tenant);
        // Keys are made of a connection's name and what follows, or goes before.
        let begins = |key: &str, before: &str| {
            own.iter()
                .any(|id| key.starts_with(&format!("{before}{id}/")))
        };
        let ends = |key: &str| own.iter().any(|id| key.ends_with(&format!("/{id}")));
        let items: BTreeMap<_, _> = state
            .items
            .iter()
            .filter(|(_, item)| is_of(item, tenant))
            .map(|(id, item)| (id.clone(), item.clone()))
            .collect();
        let is_named = |body: &str| items.keys().any(|id| body.contains(id.as_str()));
        let waiting = state
            .queues
            .iter()
            .flat_map(|(queue, all)| all.iter().map(|message| (*queue, message.clone())))
            .filter(|(_, m)| own.iter().any(|id| id.as_str() == m.group) || is_named(&m.body))
            .collect();
        Self {
            conversations: only(&state.conversations, |id| begins(id.as_str(), "")),
            objects: only(&state.objects, |id| items.contains_key(id)),
            // An endpoint bears the name of its connection.
            kept: only(&state.kept, |id| begins(id, "")),
            tries: only(&state.tries, |key| is_named(key)),
            names: only(&state.names, |key| begins(key, "name/")),
            tokens: only(&state.tokens, |id| begins(id, "")),
            limits: only(&state.limits, |key| ends(key)),
            waiting,
            items,
        }
    }

    /// Whether there is something of everything that could be lost.
    pub(crate) fn is_rich(&self) -> bool {
        self.items.len() >= 5
            && !self.conversations.is_empty()
            && self.objects.len() >= 2
            && self.names.len() >= 2
            && self.tokens.len() >= 4
            && self.limits.len() >= 3
            && self.kept.len() == 1
            && self.waiting.is_empty()
    }
}
