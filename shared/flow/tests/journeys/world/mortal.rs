//! Processes that die on the way, and calls that fail.

use std::cell::Cell;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use attache_flow::memory::Weather;
use attache_flow::ports::{Answer, Outage};
use futures_util::future::poll_fn;

/// A process that dies at the `at`-th call, before or after its effect: from then on nothing it does has any.
#[derive(Default)]
pub(crate) struct Mortal {
    /// Calls so far.
    pub(crate) calls: Cell<usize>,
    /// At which call it dies, and whether behind its effect.
    pub(crate) dies: Cell<Option<(usize, bool)>>,
    /// Whether it did.
    pub(crate) dead: Cell<bool>,
    /// The call of this name fails that comes after so many others of it; once.
    pub(crate) fails: Cell<Option<(&'static str, usize)>>,
    /// Whether everything that it works on at once goes on call by call, side by side.
    pub(crate) side_by_side: Cell<bool>,
}

impl Mortal {
    fn step(&self, behind: bool) -> Answer<()> {
        let dies = self.dies.get() == Some((self.calls.get(), behind));
        if dies || self.dead.get() {
            self.dead.set(true);
            return Err(Outage::new("going on", "killed"));
        }
        Ok(())
    }

    fn fail(&self, call: &'static str) -> Answer<()> {
        match self.fails.get() {
            Some((name, 0)) if name == call => {
                self.fails.set(None);
                Err(Outage::new(call, "bad weather"))
            }
            Some((name, after)) if name == call => {
                self.fails.set(Some((name, after - 1)));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait(?Send)]
impl Weather for Mortal {
    async fn before(&self, call: &'static str) -> Answer<()> {
        if self.side_by_side.get() {
            let mut waited = false;
            let once = poll_fn(|context| {
                context.waker().wake_by_ref();
                match std::mem::replace(&mut waited, true) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            });
            once.await;
        }
        self.calls.set(self.calls.get() + 1);
        self.fail(call)?;
        self.step(false)
    }

    async fn after(&self, _call: &'static str) -> Answer<()> {
        self.step(true)
    }

    async fn wait(&self, _duration: Duration) {}
}
