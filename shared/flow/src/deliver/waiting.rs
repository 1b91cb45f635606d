//! Waiting for one's turn: whole seconds in the queue, the rest in place, and no attempt is lost by it. For a platform that does
//! not work nobody waits longer than the message can be of use.

use std::time::Duration;

use attache_domain::connection::Directory;
use attache_domain::delivery::Outlasted;
use attache_domain::job::ItemJob;
use attache_domain::journey::Item;
use attache_domain::pacing::line::Pass;
use attache_domain::pacing::wait::Wait;
use attache_domain::time::Timestamp;

use super::turns::Turn;
use super::{Deliver, dangling};
use crate::batch::Trouble;
use crate::ports::Answer;
use crate::retry::{self, Places, Slot};

/// So often in a row a job in hand is given another slot because the line's pace changed while it waited.
const MOST_TURNS: usize = 3;

/// Queues round down to whole seconds; a moment too early a job would only ask once more.
const ROUNDING: Duration = Duration::from_secs(1);

impl Deliver<'_> {
    /// Waits for a job's turn: the right to go out now. `None`: it was put off, and is no longer in hand.
    pub(super) async fn await_turn(
        &self,
        job: &ItemJob,
        mut turn: Option<Turn>,
        directory: &Directory,
    ) -> Result<Option<Pass>, Trouble> {
        for _ in 0..MOST_TURNS {
            let now = self.clock.now();
            let (slot, pass) = match turn {
                None => return Ok(Some(Pass::default())),
                Some(Turn::Slot(slot, pass)) => (slot, pass),
                Some(Turn::ComeBack(at)) => {
                    let wait = at.saturating_since(now) + ROUNDING;
                    self.put_off_unclaimed(job, None, wait).await?;
                    return Ok(None);
                }
                Some(Turn::Down { until, since }) => {
                    self.wait_for_platform(job, (until, since)).await?;
                    return Ok(None);
                }
            };
            match Wait::of(slot, now) {
                Wait::Queue { seconds } => {
                    let slot = Slot {
                        at: slot,
                        pace: pass.generation,
                    };
                    let wait = Duration::from_secs(seconds.into());
                    self.put_off_unclaimed(job, Some(slot), wait).await?;
                    return Ok(None);
                }
                Wait::InPlace(rest) => self.clock.wait(rest).await,
            }
            if self.holds((job, pass), directory, self.clock.now()) {
                return Ok(Some(pass));
            }
            self.give_back(&job.connection, pass).await?;
            turn = self.line_up(&job.connection, 1, directory).await?.pop();
        }
        self.put_off_unclaimed(job, None, ROUNDING).await?;
        Ok(None)
    }

    /// The turn comes later: the copy takes the slot along, if there is one, and the row learns of the copy.
    async fn put_off_unclaimed(
        &self,
        job: &ItemJob,
        slot: Option<Slot>,
        wait: Duration,
    ) -> Result<(), Trouble> {
        match self.unclaimed(job).await? {
            Some(item) => Ok(self.copy(job, item, slot, wait).await?),
            None => Ok(()),
        }
    }

    /// The platform does not work since then, and may be asked again `until`.
    async fn wait_for_platform(
        &self,
        job: &ItemJob,
        (until, since): (Timestamp, Timestamp),
    ) -> Result<(), Trouble> {
        let Some(mut item) = self.unclaimed(job).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        if let Some(outlasted) = Outlasted::by(&item, since, now) {
            let platform = self.directories.knowing(&job.connection).await?;
            let platform = platform.connection(&job.connection);
            let platform = platform.map(|connection| connection.profile().platform());
            let diagnosis = outlasted.diagnosis(&item, platform);
            return Ok(self.give_up(&mut item, diagnosis).await?);
        }
        let wait = until.saturating_since(now) + ROUNDING;
        Ok(self.copy(job, item, None, wait).await?)
    }

    /// The item as it is, if the job is the newest of it and nobody works on it, nor may a call of it still take effect.
    async fn unclaimed(&self, job: &ItemJob) -> Result<Option<Item>, Trouble> {
        let Some(mut item) = self.items.load(&job.media).await? else {
            return Err(dangling(job));
        };
        let gate = &item.gate;
        if gate.stage.is_over()
            || gate.sequence > job.sequence
            || gate.epoch != job.epoch
            || gate.lease.is_some()
            || gate.intent_until.is_some()
        {
            return Ok(None);
        }
        item.gate.sequence = job.sequence;
        Ok(Some(item))
    }

    async fn copy(
        &self,
        job: &ItemJob,
        mut item: Item,
        slot: Option<Slot>,
        wait: Duration,
    ) -> Answer<()> {
        retry::put_off(
            (self.items, self.jobs),
            &mut item,
            (self.queue(), &job.connection),
            (self.clock.now(), wait),
            Places {
                slot,
                contact: job.contact.map(Timestamp::from_millis),
            },
        )
        .await
    }
}
