//! A transfer while somebody waits for the answer: as far as it comes in time, then handed over.

use std::time::Duration;

use attache_domain::journey::{Item, Stage};
use attache_domain::time::Timestamp;
use futures_util::future::{Either, select};

use super::{Brought, Fetch};
use crate::batch::Trouble;
use crate::ports::{Answer, Queue, Saved};
use crate::retry;

/// How often the row is looked at while somebody else is at work.
const LOOK: Duration = Duration::from_millis(250);

impl Fetch<'_> {
    /// Brings the item's bytes in, if that can be done until `deadline`; hands over what cannot: the lease is freed, then a
    /// job for the queue sent. Work that is under way elsewhere is waited for as long.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed. Nothing is lost then: the row is in the sweep index.
    pub async fn within(&self, item: &Item, deadline: Timestamp) -> Result<Brought, Trouble> {
        let holder = self.clock.draw();
        let job = item.job(&item.origin.connection);
        let patience = deadline.saturating_since(self.clock.now());
        let brought = {
            let work = std::pin::pin!(self.bring(&job, holder, Some(deadline)));
            let alarm = self.clock.wait(patience);
            match select(work, alarm).await {
                Either::Left((brought, _)) => Some(brought?),
                Either::Right(((), _)) => None,
            }
        };
        match brought {
            Some(Brought::Busy) => Ok(self.wait_for_other(item, deadline).await?),
            Some(brought) => Ok(brought),
            None => Ok(self.hand_over(item, holder).await?),
        }
    }

    /// The transfer was dropped in the middle: nothing is stored of it. Frees the lease, then sends the job, so that whoever
    /// takes it finds the item free.
    async fn hand_over(&self, item: &Item, holder: u64) -> Answer<Brought> {
        let Some(mut known) = self.items.load(&item.id).await? else {
            return Ok(Brought::Later);
        };
        if is_in(&known) {
            return Ok(Brought::Stored);
        }
        let ours = known
            .gate
            .lease
            .as_ref()
            .is_some_and(|lease| lease.holder == holder);
        if ours {
            known.rest();
            if self.items.save(&mut known).await? == Saved::Overtaken {
                return Ok(Brought::Later);
            }
        }
        let job = known.job(&known.origin.connection);
        retry::send(self.jobs, Queue::Fetch, &job, Duration::ZERO).await?;
        tracing::info!(media.id = %item.id, "too slow for the sender's patience; handed over");
        Ok(Brought::Later)
    }

    async fn wait_for_other(&self, item: &Item, deadline: Timestamp) -> Answer<Brought> {
        loop {
            let known = self.items.load(&item.id).await?;
            if known.as_ref().is_none_or(is_in) {
                return Ok(Brought::Stored);
            }
            if self.clock.now() + LOOK >= deadline {
                return Ok(Brought::Later);
            }
            self.clock.wait(LOOK).await;
        }
    }
}

/// Whether the bytes are in, or nobody looks for them any more.
fn is_in(item: &Item) -> bool {
    item.gate.stage >= Stage::Stored
}
