//! Reserves n slots under a limit with one conditional write, by the generic cell rate algorithm (GCRA).
//!
//! One number per limiter key is kept: `tat`, the *theoretical arrival time* of the next call if all calls came evenly,
//! T apart. Reserving n calls moves it n·T ahead, and from where it then stands follows when each of them may be made:
//!
//! ```text
//! slot i = max(now, tat′ − (n − i + 1)·T − (burst − 1)·T)        i = 1 … n
//! ```
//!
//! Two writes cover every case, and their conditions exclude each other:
//!
//! * [`Branch::Extend`], the key is busy: `tat = tat + n·T` if `tat` lies between now and the ceiling;
//! * [`Branch::Start`], the key rested: `tat = now + n·T` if `tat` is absent or before now.
//!
//! Begin with the branch that held last time. If it fails, the item the store hands back tells [`Request::refused`]
//! which branch holds, or that the key is full; nothing was reserved then. So a reservation takes one write, rarely two,
//! however many callers race: the store puts their writes in some order, and each gets the slots that order gives it.
//!
//! **Promises.** Slots are sorted and none lies before `now`. In any window of time there are at most
//! `burst + ⌊window / T⌋` slots, across all reservations of the key, even if callers' clocks disagree. No granted
//! reservation waits longer than [`HORIZON`] for its first slot.
//! **Leaves out.** Reserved slots that are not used are lost, not given back: a limiter that errs, errs on the slow side.

use std::num::NonZeroU32;
use std::time::Duration;

use super::attempt::{Attempt, Branch, Condition, Write};
use super::rate::Rate;
use crate::time::Timestamp;

/// The longest wait for the first slot that is still worth reserving. Beyond it the answer is "full": a longer line
/// would only hide that the key cannot keep up.
pub const HORIZON: Duration = Duration::from_secs(120);

/// A wish for slots: so many, under this rate, seen from this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    rate: Rate,
    slots: NonZeroU32,
    now: Timestamp,
}

/// What to do after a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make this branch's write.
    Try(Branch),
    /// Nothing was reserved and nothing can be: the line is as long as it may get.
    Full {
        /// When the first slot is within the horizon again, if nobody else comes first.
        retry_at: Timestamp,
    },
}

impl Request {
    /// Asks for `slots` calls under `rate`, as of `now`.
    #[must_use]
    pub const fn new(rate: Rate, slots: NonZeroU32, now: Timestamp) -> Self {
        Self { rate, slots, now }
    }

    /// The conditional write of `branch`.
    #[must_use]
    pub fn attempt(&self, branch: Branch) -> Attempt {
        let span = self.rate.span(self.slots.get());
        let (condition, write) = match branch {
            Branch::Extend => {
                let high = self.now + HORIZON + self.rate.tolerance();
                (
                    Condition::Between {
                        low: self.now,
                        high,
                    },
                    Write::Add(span),
                )
            }
            Branch::Start => (
                Condition::AbsentOrBefore(self.now),
                Write::Set(self.now + span),
            ),
        };
        Attempt {
            branch,
            condition,
            write,
        }
    }

    /// The slots, once a write succeeded and left `tat` in the store.
    #[must_use]
    pub const fn granted(&self, tat: Timestamp) -> Reservation {
        Reservation {
            request: *self,
            tat,
        }
    }

    /// What to do once a write failed, having found `tat` in the store (`None`: no item, or none with a `tat`).
    #[must_use]
    pub fn refused(&self, tat: Option<Timestamp>) -> Next {
        let reach = HORIZON + self.rate.tolerance();
        match tat {
            Some(at) if at > self.now + reach => Next::Full {
                retry_at: before(at, reach),
            },
            Some(at) if at >= self.now => Next::Try(Branch::Extend),
            _ => Next::Try(Branch::Start),
        }
    }
}

/// The moment `span` before `at`, or the epoch.
fn before(at: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_millis(0) + at.saturating_since(Timestamp::from_millis(0) + span)
}

/// Granted slots: the moments at which the calls may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    request: Request,
    tat: Timestamp,
}

impl Reservation {
    /// All slots in order, as many as were asked for.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Timestamp> + use<> {
        let Self {
            request: Request { rate, slots, now },
            tat,
        } = *self;
        let tolerance = rate.tolerance();
        (0..slots.get()).map(move |index| {
            let ahead = rate.span(slots.get() - index) + tolerance;
            now.max(before(tat, ahead))
        })
    }

    /// The first slot; the only one, if one was asked for.
    #[must_use]
    pub fn first(&self) -> Timestamp {
        self.slots().next().unwrap_or(self.request.now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(calls: u32, per_ms: u64, burst: u32) -> Rate {
        Rate::new(calls, Duration::from_millis(per_ms), burst).unwrap()
    }

    fn request(rate: Rate, slots: u32, now_ms: u64) -> Request {
        Request::new(rate, NonZeroU32::new(slots).unwrap(), at(now_ms))
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Reserves alone against `tat`, beginning with `branch`; the slots in milliseconds and the writes it took.
    fn reserve(
        request: Request,
        mut branch: Branch,
        tat: &mut Option<Timestamp>,
    ) -> (Option<Vec<u64>>, u32) {
        for writes in 1..=2 {
            match request.attempt(branch).apply(*tat) {
                Ok(new) => {
                    *tat = Some(new);
                    return (
                        Some(
                            request
                                .granted(new)
                                .slots()
                                .map(Timestamp::as_millis)
                                .collect(),
                        ),
                        writes,
                    );
                }
                Err(found) => match request.refused(found) {
                    Next::Try(other) => branch = other,
                    Next::Full { .. } => return (None, writes),
                },
            }
        }
        panic!("a lone caller needs at most two writes");
    }

    #[test]
    fn slots_follow_from_where_the_write_left_tat() {
        let even = rate(100, 1000, 1);
        let bursty = rate(100, 1000, 3);
        for (name, rate, slots, tat, expected, tat_after) in [
            ("new key", even, 1, None, vec![1000], 1010),
            (
                "rested key",
                even,
                3,
                Some(400),
                vec![1000, 1010, 1020],
                1030,
            ),
            (
                "tat is now: still free",
                even,
                1,
                Some(1000),
                vec![1000],
                1010,
            ),
            ("busy key", even, 2, Some(1050), vec![1050, 1060], 1070),
            (
                "burst of a new key",
                bursty,
                5,
                None,
                vec![1000, 1000, 1000, 1010, 1020],
                1050,
            ),
            (
                "burst partly used",
                bursty,
                3,
                Some(1010),
                vec![1000, 1000, 1010],
                1040,
            ),
            (
                "the last place in the line",
                even,
                1,
                Some(121_000),
                vec![121_000],
                121_010,
            ),
        ] {
            for start in [Branch::Start, Branch::Extend] {
                let mut stored = tat.map(at);
                let (got, _) = reserve(request(rate, slots, 1000), start, &mut stored);
                assert_eq!(got, Some(expected.clone()), "{name}, {start:?} first");
                assert_eq!(stored, Some(at(tat_after)), "{name}, {start:?} first");
            }
        }
    }

    #[test]
    fn a_full_key_reserves_nothing_and_says_when_to_come_back() {
        for (burst, tat_ms) in [(1, 121_001), (11, 121_101)] {
            let rate = rate(100, 1000, burst);
            let mut stored = Some(at(tat_ms));
            assert_eq!(
                reserve(request(rate, 1, 1000), Branch::Extend, &mut stored),
                (None, 1)
            );
            assert_eq!(stored, Some(at(tat_ms)), "unchanged");
            assert_eq!(
                request(rate, 1, 1000).refused(stored),
                Next::Full { retry_at: at(1001) }
            );
            assert!(
                reserve(request(rate, 1, 1001), Branch::Extend, &mut stored)
                    .0
                    .is_some()
            );
        }
    }

    #[test]
    fn a_thousand_at_once_finish_close_to_the_ideal() {
        let mut tat = None;
        let (mut last, mut writes, mut branch) = (0, 0, Branch::Start);
        for _ in 0..100 {
            let (slots, took) = reserve(request(rate(100, 1000, 1), 10, 5_000), branch, &mut tat);
            last = *slots.unwrap().last().unwrap();
            writes += took;
            branch = Branch::Extend;
        }
        assert!(
            f64::from(u32::try_from(last - 5_000).unwrap()) <= 10_000.0 * 1.04,
            "finished at {last}"
        );
        assert_eq!(writes, 100, "the branch last seen holds every time");
    }

    /// One caller: its clock's lead in ms and the sizes of the reservations it makes one after the other.
    fn callers() -> impl Strategy<Value = Vec<(u64, Vec<u32>)>> {
        prop::collection::vec((0_u64..40, prop::collection::vec(1_u32..6, 1..6)), 1..5)
    }

    proptest! {
        /// Callers race: each step of `schedule` lets one of them make one write, time passing in between.
        #[test]
        fn racing_callers_get_what_some_serial_order_gives_and_never_exceed_the_rate(
            interval_ms in 1_u64..50, burst in 1_u32..5, callers in callers(),
            schedule in prop::collection::vec((0_usize..5, 0_u64..30), 1..80),
        ) {
            let rate = rate(1, interval_ms, burst);
            let mut waiting: Vec<_> = callers.iter().map(|(_, sizes)| sizes.clone()).collect();
            let mut open: Vec<Option<(Request, Branch)>> = vec![None; callers.len()];
            let (mut clock, mut tat, mut order) = (1_000_000, None, Vec::new());
            for (pick, passed_ms) in schedule {
                clock += passed_ms;
                let who = pick % callers.len();
                let turn = open[who].take().or_else(|| {
                    Some((request(rate, waiting[who].pop()?, clock + callers[who].0), Branch::Start))
                });
                let Some((request, branch)) = turn else { continue };
                match request.attempt(branch).apply(tat) {
                    Ok(new) => {
                        tat = Some(new);
                        order.push((request, request.granted(new).slots().map(Timestamp::as_millis).collect::<Vec<_>>()));
                    }
                    Err(found) => if let Next::Try(other) = request.refused(found) {
                        open[who] = Some((request, other));
                    },
                }
            }
            let mut serial = None;
            for (request, slots) in &order {
                prop_assert!(slots.is_sorted() && slots[0] >= request.now.as_millis());
                let (alone, _) = reserve(*request, Branch::Start, &mut serial);
                prop_assert_eq!(alone.as_ref(), Some(slots));
            }
            let mut all: Vec<u64> = order.into_iter().flat_map(|(_, slots)| slots).collect();
            all.sort_unstable();
            for (i, from) in all.iter().enumerate() {
                for (j, to) in all.iter().enumerate().skip(i) {
                    prop_assert!((j - i + 1) as u64 <= u64::from(burst) + (to - from) / interval_ms);
                }
            }
        }

        #[test]
        fn the_first_slot_is_never_beyond_the_horizon(
            interval_ms in 1_u64..=120_000, burst in 1_u32..100, slots in 1_u32..50, ahead_ms in 0_u64..20_000_000,
        ) {
            let request = request(rate(1, interval_ms, burst), slots, 1_000);
            if let Ok(tat) = request.attempt(Branch::Extend).apply(Some(at(1_000 + ahead_ms))) {
                prop_assert!(request.granted(tat).first() <= at(1_000) + HORIZON);
            }
        }

        #[test]
        fn extremes_do_not_overflow(slots in 1_u32..=u32::MAX, burst in 1_u32..=u32::MAX, tat in any::<u64>(), now in any::<u64>()) {
            let request = request(rate(1, 120_000, burst), slots, now);
            for branch in [Branch::Start, Branch::Extend] {
                if let Ok(tat) = request.attempt(branch).apply(Some(at(tat))) {
                    prop_assert!(request.granted(tat).first() >= at(now));
                }
            }
            let _ = request.refused(Some(at(tat)));
        }
    }
}
