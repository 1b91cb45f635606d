//! Work that goes on by itself while a stand-in runs, and the news that something has changed.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet};

use crate::wait::{self, TimedOut};

/// The tasks of one stand-in. They hold what they work on, this included: whoever owns the stand-in stops them to let it go.
#[derive(Debug)]
pub(crate) struct Background {
    tasks: Mutex<JoinSet<()>>,
    changes: watch::Sender<u64>,
}

impl Default for Background {
    fn default() -> Self {
        Self {
            tasks: Mutex::new(JoinSet::new()),
            changes: watch::Sender::new(0),
        }
    }
}

impl Background {
    /// Tells whoever waits that something has changed.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Runs a task until it ends or the stand-in does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends every task.
    pub(crate) fn stop(&self) {
        lock(&self.tasks).abort_all();
    }

    /// Waits until `found` finds something, asking again whenever something has changed.
    ///
    /// # Errors
    /// If it does not `within` this real time.
    pub(crate) async fn until<T>(
        &self,
        within: Duration,
        found: impl Fn() -> Option<T>,
    ) -> Result<T, TimedOut> {
        wait::until(&mut self.changes.subscribe(), within, found).await
    }
}

/// Locks; a panic elsewhere does not make the data wrong here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
