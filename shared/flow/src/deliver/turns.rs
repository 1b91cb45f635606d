//! When each job of a batch may go out: after the item before it, and in its slot of the connection's rate, which is slower
//! while the platform tells that a limit is nearly used up, or asked for less; and not at all while it does not work.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use attache_domain::bundle::{self, LOOK_AGAIN};
use attache_domain::connection::{Connection, Directory};
use attache_domain::event::FollowUp;
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::job::{ItemJob, TextJob};
use attache_domain::journey::Item;
use attache_domain::pacing::breaker::Permit;
use attache_domain::pacing::gcra;
use attache_domain::pacing::line::{Line, Pass};
use attache_domain::pacing::rate::Rate;
use attache_domain::pacing::usage::Usage;
use attache_domain::time::Timestamp;
use futures_util::future::try_join_all;

use super::Deliver;
use crate::batch::Record;
use crate::ports::{Answer, Reservation, Reserved};
use crate::retry::Slot;

/// So often a line is asked for slots again that others met trouble in meanwhile.
const MOST_LOOKS: usize = 3;

/// When an item of the batch may go out.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    /// Its slot: it has been reserved, and this is the right to use it.
    Slot(Timestamp, Pass),
    /// Not yet, and nothing was reserved: it comes back then, and asks again.
    ComeBack(Timestamp),
    /// The platform does not work: it comes back then.
    Down {
        /// When.
        until: Timestamp,
        /// Since when it does not.
        since: Timestamp,
    },
}

/// The turns of a batch, by record.
pub(super) type Turns = BTreeMap<String, Turn>;

impl Deliver<'_> {
    /// One reservation for each limiter key in the batch. Jobs that have their slot already keep it while it holds; those of which
    /// another goes first reserve nothing.
    pub(super) async fn turns(&self, records: &[Record], directory: &Directory) -> Answer<Turns> {
        let mut by_key: BTreeMap<ConnectionId, Vec<&str>> = BTreeMap::new();
        let mut turns = Turns::new();
        for record in records {
            // A malformed record is named by its own handler; typing waits for nothing.
            let Ok(TextJob::Item(job)) = TextJob::parse(&record.body) else {
                continue;
            };
            if let Some(turn) = self.brought_along(&job, directory).await? {
                turns.insert(record.id.clone(), turn);
            } else if job.bundled && self.is_behind(&job).await? {
                let later = Turn::ComeBack(self.clock.now() + LOOK_AGAIN);
                turns.insert(record.id.clone(), later);
            } else {
                by_key.entry(job.connection).or_default().push(&record.id);
            }
        }
        // At once: nobody waits for another tenant's line.
        let lines = by_key.into_iter().map(|(connection, ids)| async move {
            let granted = self.line_up(&connection, ids.len(), directory).await?;
            Ok(ids.into_iter().map(str::to_owned).zip(granted))
        });
        turns.extend(try_join_all(lines).await?.into_iter().flatten());
        Ok(turns)
    }

    /// The slot that a job brought along, if it still holds.
    async fn brought_along(&self, job: &ItemJob, directory: &Directory) -> Answer<Option<Turn>> {
        let Some(slot) = Slot::of(job) else {
            return Ok(None);
        };
        self.look(&self.key(&job.connection)).await?;
        let pass = Pass {
            generation: slot.pace,
            ..Pass::default()
        };
        let when = slot.at.max(self.clock.now());
        let holds = self.holds((job, pass), directory, when);
        Ok(holds.then_some(Turn::Slot(slot.at, pass)))
    }

    /// Whether a job that has this right may still go out then: its line moves as it did, and the platform has not told since that a
    /// limit is used up.
    pub(super) fn holds(
        &self,
        (job, pass): (&ItemJob, Pass),
        directory: &Directory,
        when: Timestamp,
    ) -> bool {
        let line = self.learnt.line(&self.key(&job.connection));
        let connection = directory.connection(&job.connection);
        let usage = connection.map(|connection| self.usage(connection));
        let used_up = usage.is_some_and(|usage| usage.shut_until(when).is_some());
        line.honours(pass) && (pass.is_probe() || !used_up)
    }

    fn usage(&self, connection: &Connection) -> Usage {
        let known = self.learnt.usage.borrow();
        known.get(&connection.quota()).copied().unwrap_or_default()
    }

    /// Places for `count` jobs in a connection's line; none if the connection is unknown.
    pub(super) async fn line_up(
        &self,
        connection: &ConnectionId,
        count: usize,
        directory: &Directory,
    ) -> Answer<Vec<Turn>> {
        let target = directory.connection(connection);
        let rate = target.and_then(|target| target.send_rate(self.lane));
        let Some((target, full)) = target.zip(rate) else {
            return Ok(Vec::new());
        };
        let wanted = u32::try_from(count).ok().and_then(NonZeroU32::new);
        let Some(wanted) = wanted else {
            return Ok(Vec::new());
        };
        let key = self.key(connection);
        let mut line = self.learnt.line(&key);
        for _ in 0..MOST_LOOKS {
            let now = self.clock.now();
            if !line.is_open() {
                let permit;
                (line, permit) = self.ask(&key, line).await?;
                match permit {
                    Permit::Pass => {}
                    Permit::Refused { until } => return Ok(vec![down(&line, until); count]),
                    // One asks whether the platform works again, at once: nobody has called it for a while, and the slots that
                    // were reserved before are void. The others see what comes of it.
                    Permit::Probe(_) => {
                        let generation = line.generation();
                        let pass = Pass { permit, generation };
                        return Ok(places(Reserved::Slots(vec![now]), pass, (count, now)));
                    }
                }
            }
            let rate = match self.rate(target, (full, &line), now) {
                Ok(rate) => rate,
                Err(until) => return Ok(vec![Turn::ComeBack(until); count]),
            };
            let request = gcra::Request::new(rate, wanted, line.opens_at(now));
            let Reservation { reserved, known } = self.limits.reserve(&key, &request).await?;
            let shared = self.learnt.read(&key, known.as_deref(), now)?;
            if shared.moves_like(&line) {
                let pass = Pass {
                    permit: Permit::Pass,
                    generation: line.generation(),
                };
                return Ok(places(reserved, pass, (count, now)));
            }
            // Others met trouble that this process did not know of: what it reserved is void.
            line = shared;
        }
        Ok(vec![Turn::ComeBack(self.clock.now() + LOOK_AGAIN); count])
    }

    /// May a call be made in a line whose breaker is not closed? What is known certainly needs no question.
    async fn ask(&self, key: &str, line: Line) -> Answer<(Line, Permit)> {
        let now = self.clock.now();
        if let Some(until) = line.shut_until(now) {
            return Ok((line, Permit::Refused { until }));
        }
        let (line, permit) = self.change_line(key, |line| line.admit(now)).await?;
        self.learnt.remember(key, &line);
        Ok((line, permit))
    }

    /// The rate at which calls may be made now, or until when none may be.
    fn rate(
        &self,
        connection: &Connection,
        (full, line): (Rate, &Line),
        now: Timestamp,
    ) -> Result<Rate, Timestamp> {
        let usage = self.usage(connection);
        usage.rate(line.rate(full, now), line.opens_at(now))
    }

    /// Whether another item of the same message is still to go out before this one.
    async fn is_behind(&self, job: &ItemJob) -> Answer<bool> {
        let Some(item) = self.items.load(&job.media).await? else {
            return Ok(false);
        };
        let now = self.clock.now();
        for id in item.origin.before().iter().rev() {
            let before = self.items.load(id).await?;
            let notice = match &before {
                Some(before) => self.items.load(&notice_of(before)).await?,
                None => None,
            };
            if bundle::turn(&item, before.as_ref(), notice.as_ref(), now) == bundle::Turn::Later {
                return Ok(true);
            }
            if before.as_ref().is_some_and(bundle::had_its_turn) {
                return Ok(false);
            }
        }
        Ok(false)
    }
}

/// The notice that may stand in an item's place.
fn notice_of(item: &Item) -> MediaId {
    let origin = &item.origin;
    let part = FollowUp::Notice(item.gate.epoch).part(&origin.attachment);
    MediaId::derive(&origin.connection, &origin.message, &part)
}

/// The places that were reserved, for `count` jobs; who has none looks again soon.
fn places(reserved: Reserved, pass: Pass, (count, now): (usize, Timestamp)) -> Vec<Turn> {
    match reserved {
        Reserved::Slots(slots) => {
            let slots = slots.into_iter().map(|at| Turn::Slot(at, pass));
            let later = std::iter::repeat(Turn::ComeBack(now + LOOK_AGAIN));
            slots.chain(later).take(count).collect()
        }
        Reserved::Full { retry_at } => vec![Turn::ComeBack(retry_at); count],
    }
}

fn down(line: &Line, until: Timestamp) -> Turn {
    match line.down_since() {
        Some(since) => Turn::Down { until, since },
        None => Turn::ComeBack(until),
    }
}
