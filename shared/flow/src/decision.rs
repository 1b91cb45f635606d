//! Decision: a person releases or rejects a file that is held. Done again, it finds that it is done, and sees to it that what
//! follows is on its way.

use attache_domain::audit::Actor;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Stage};
use attache_domain::notice;
use attache_domain::verdict::Verdict;

use crate::judge::caption_apart;
use crate::ports::{Answer, Clock, Items, Jobs, Outage, Saved};
use crate::retry;
use crate::telling::Telling;

/// What deciding needs.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The item is in this stage now.
    Now(Stage),
    /// It was decided so before; it is in this stage.
    Before(Stage),
    /// It is not held, but in this stage, with this verdict: there is nothing to decide.
    NotHeld(Stage, Verdict),
    /// There is no such item.
    Unknown,
}

impl Decision<'_> {
    /// The file is clean, because a person says so.
    pub async fn release(&self, id: &MediaId, reason: &str) -> Answer<Decided> {
        let Some(mut item) = self.items.load(id).await? else {
            return Ok(Decided::Unknown);
        };
        let before = item.was_released();
        if !before {
            if !item.is_held() {
                return Ok(Decided::NotHeld(item.gate.stage, item.gate.verdict));
            }
            item.release(reason, self.clock.now());
            self.save(&mut item).await?;
        }
        if matches!(item.gate.stage, Stage::Waiting | Stage::Converting) {
            self.send_on(&item).await?;
        }
        let stage = item.gate.stage;
        Ok(if before {
            Decided::Before(stage)
        } else {
            Decided::Now(stage)
        })
    }

    /// The file stays where it is.
    pub async fn reject(&self, id: &MediaId, reason: &str) -> Answer<Decided> {
        let Some(mut item) = self.items.load(id).await? else {
            return Ok(Decided::Unknown);
        };
        match (item.is_held(), item.gate.stage, item.gate.verdict) {
            (true, ..) => {}
            (false, Stage::Rejected, Verdict::Held) => return Ok(Decided::Before(Stage::Rejected)),
            (false, stage, verdict) => return Ok(Decided::NotHeld(stage, verdict)),
        }
        item.reject(reason, self.clock.now());
        self.save(&mut item).await?;
        Ok(Decided::Now(Stage::Rejected))
    }

    async fn save(&self, item: &mut Item) -> Answer<()> {
        match self.items.save(item).await? {
            Saved::Done => Ok(()),
            Saved::Overtaken => Err(Outage::new(
                format!("deciding about {}", item.id),
                "its row changed meanwhile; look at it again",
            )),
        }
    }

    /// What stands in its place is told, and the caption goes behind the file, only once the row says that the file goes out: before that it would be given up.
    async fn send_on(&self, item: &Item) -> Answer<()> {
        let telling = Telling {
            items: self.items,
            jobs: self.jobs,
            clock: self.clock,
        };
        if let Some(plan) = &item.record.plan {
            if let Some(ending) = notice::of_plan(plan) {
                telling.of(item, &ending, Actor::Operator).await?;
            }
            if let Some(caption) = caption_apart(item, plan) {
                telling.announce(caption, Actor::Operator).await?;
            }
        }
        retry::hand_on(self.jobs, item).await
    }
}
