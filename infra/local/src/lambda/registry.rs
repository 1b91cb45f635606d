//! The live instances of all functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::instance::Instance;

/// Live instances by id: from the start of the process until its end has been seen.
#[derive(Clone)]
pub(crate) struct Registry(Arc<watch::Sender<BTreeMap<String, Arc<Instance>>>>);

impl Registry {
    /// Without any instance.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }

    /// Adds an instance that has just been started.
    pub(crate) fn add(&self, instance: &Arc<Instance>) {
        let entry = (instance.id().to_owned(), Arc::clone(instance));
        self.0.send_modify(|live| live.extend([entry]));
    }

    /// Removes an instance that has ended.
    pub(crate) fn remove(&self, id: &str) {
        self.0.send_modify(|live| {
            live.remove(id);
        });
    }

    /// All live instances.
    pub(crate) fn all(&self) -> Vec<Arc<Instance>> {
        self.0.borrow().values().cloned().collect()
    }

    /// Waits until there are none.
    pub(crate) async fn empty(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(BTreeMap::is_empty).await;
    }
}
