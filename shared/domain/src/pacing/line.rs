//! The line of calls under one limiter key of a platform that takes messages: whether it moves at all
//! ([`breaker`](super::breaker)), and how fast after the platform asked for less.
//!
//! A platform is trusted until it fails or refuses, and whoever never saw it do either keeps nothing of it.
//!
//! * **It refuses** ([`Heard::Throttled`]): the line is shut for the pause it named, for everybody, and then moves at half its pace,
//!   evenly, without bursts; refused again soon, at half of that; from there it creeps back. Slots from before the refusal are void:
//!   they were reserved for a pace that does not hold any more. Refusals of calls made under such slots say nothing new.
//! * **It fails** ([`Heard::Failed`]): five failures in a row open the breaker; one probe at a time asks whether it works again; once
//!   it does, the line begins at a fifth of its pace.
//! * **It fails and says for how long** ([`Heard::Down`]): both. A failure, and a pause for everybody.
//!
//! Being throttled is no failure: the breaker does not count it. But a platform that does nothing else for ten minutes is degraded
//! all the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::breaker::{Breaker, Outcome, Permit, Policy};
use super::rate::Rate;
use crate::time::Timestamp;

/// 30 s after five failures, doubling to two minutes: what waits is late by no more than that once the platform is back.
pub const PATIENCE: Policy = Policy {
    failures: 5,
    cooldown: Duration::from_secs(30),
    longest_cooldown: Duration::from_secs(120),
    probe_patience: Duration::from_secs(60),
};

/// After so long without an answer a platform counts as degraded (`S3-54`, ruling `C28`).
pub const DEGRADED_AFTER: Duration = Duration::from_secs(10 * 60);

/// How soon those who are not the probe look again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Failures further apart than this are not in a row: what worked in between was not written down.
const IN_A_ROW: Duration = Duration::from_secs(60);

/// The shortest pause: processes that have not learnt of the refusal go on to use the slots they wait for in place, two seconds ahead
/// at the most ([`super::wait::LONGEST_IN_PLACE`]), and are through by then. Also the pause after a refusal that named none; doubled
/// each time it was too short, up to [`LONGEST_OWN_PAUSE`].
const PAUSE: Duration = Duration::from_secs(3);
const LONGEST_OWN_PAUSE: Duration = Duration::from_secs(60);

/// The longest pause that is believed: what a queue delays in one go.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A pause that ends by no more than this after the known one is the same.
const NEAR: Duration = Duration::from_secs(5);

/// Refused again within this time, the pace was still far too high; later, it had crept a little too high.
const SOON: Duration = Duration::from_secs(30);

/// The lowest pace, in percent of the full one.
const SLOWEST: u32 = 5;

/// The pace after the pause that a failing platform asked for: without bursts, should it still fail.
const AFTER_PAUSE: u32 = 50;

/// The pace at which a line begins that was shut because the platform failed.
const RESTART: u32 = 20;

/// The pace grows by one percent of the full one in this time: from half to full in 100 s.
const CREEP: Duration = Duration::from_secs(2);

/// How a call ended, as far as the line cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The platform works: it did what was asked, or refused that for what it is.
    Answered,
    /// It does not: no connection, a server error, no answer.
    Failed,
    /// It does not, and asked to be left alone for this long, or did not say for how long (503 with `Retry-After`).
    Down(Option<Duration>),
    /// It asked for less, and said for how long, or did not.
    Throttled(Option<Duration>),
}

/// The right to one call, and under which pace it was given. The default: of a line that nothing is known of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// What the breaker said.
    pub permit: Permit,
    /// Which pace of the line ([`Line::generation`]).
    pub generation: u32,
}

impl Pass {
    /// Whether it allows the one call that asks whether the platform works again.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        matches!(self.permit, Permit::Probe(_))
    }
}

impl Default for Pass {
    fn default() -> Self {
        let permit = Permit::Pass;
        let generation = 0;
        Self { permit, generation }
    }
}

/// What is new after a report. All of it is worth a line in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The platform asked for less: nothing before `until`, then this many percent of the full pace.
    Slowed {
        /// The end of the pause.
        until: Timestamp,
        /// The pace after it.
        percent: u32,
    },
    /// It does not work: nobody calls before `until`.
    Opened {
        /// When one call may ask whether it works again.
        until: Timestamp,
        /// Since when it does not.
        since: Timestamp,
    },
    /// It has not worked, or has done nothing but refuse, for [`DEGRADED_AFTER`]; told once each time.
    Degraded {
        /// Since when.
        since: Timestamp,
    },
    /// It works again.
    Closed {
        /// Since when it did not.
        since: Timestamp,
    },
}

/// A pace below the full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slowed {
    /// When the first call may be made.
    from: Timestamp,
    /// The pace then, in percent.
    percent: u32,
    /// How often in a row it was refused soon.
    #[serde(default, skip_serializing_if = "is_zero")]
    again: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What is known of the line. The default: nothing bad.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    breaker: Breaker,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_at: Option<Timestamp>,
    /// Since when it has done nothing but ask for less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slowed: Option<Slowed>,
    #[serde(default, skip_serializing_if = "is_zero")]
    generation: u32,
}

impl Line {
    /// Whether the breaker lets calls pass without asking for each.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.breaker, Breaker::Closed { .. })
    }

    /// Until when certainly no call is allowed, whatever others have learnt since.
    #[must_use]
    pub fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        let pause = self.opens_at(now);
        let until = match self.breaker {
            Breaker::Closed { .. } => return None,
            Breaker::Open { until, .. } => until.max(pause),
            // Nor is the next probe made while the platform asks for a pause.
            Breaker::HalfOpen { .. } => pause,
        };
        (until > now).then_some(until)
    }

    /// Since when the platform has not worked, if it does not.
    #[must_use]
    pub fn down_since(&self) -> Option<Timestamp> {
        self.failing_since.filter(|_| !self.is_open())
    }

    /// Whether a call that is answered is news.
    #[must_use]
    pub fn awaits_an_answer(&self) -> bool {
        self.breaker != Breaker::default()
            || self.failing_since.is_some()
            || self.throttled_since.is_some()
    }

    /// May a call be made? Who is told to come back and is not the first to ask soon looks again whether the probe succeeded.
    pub fn admit(&mut self, now: Timestamp) -> Permit {
        match self.breaker.admit(now, &PATIENCE) {
            Permit::Refused { until } if self.shut_until(now).is_none() => Permit::Refused {
                until: until.min(now + LOOK_AGAIN),
            },
            permit => permit,
        }
    }

    /// No call was made under `pass`, and none will be: if it was to be the probe, the next who asks makes it.
    pub fn give_back(&mut self, pass: Pass, now: Timestamp) {
        self.breaker.give_back(pass.permit, now);
    }

    /// Counts the paces: slots that were reserved under an older one are void.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether slots that were reserved by what `other` knows hold by what this one knows.
    #[must_use]
    pub fn moves_like(&self, other: &Self) -> bool {
        let both_open = self.is_open() && other.is_open();
        self.generation == other.generation && (both_open || self.breaker == other.breaker)
    }

    /// Whether a call may still be made that was permitted by `pass`.
    #[must_use]
    pub fn honours(&self, pass: Pass) -> bool {
        self.generation <= pass.generation && (pass.is_probe() || self.is_open())
    }

    /// The moment from which on slots may be reserved: now, or the end of the pause.
    #[must_use]
    pub fn opens_at(&self, now: Timestamp) -> Timestamp {
        self.slowed.map_or(now, |slowed| now.max(slowed.from))
    }

    /// The rate at which it moves instead of `full`.
    #[must_use]
    pub fn rate(&self, full: Rate, now: Timestamp) -> Rate {
        match self.percent(now) {
            100 => full,
            percent => full.slowed(percent).even(),
        }
    }

    /// Where the line begins anew if `self` became `after`: what was reserved behind that is void.
    #[must_use]
    pub fn restart(&self, after: &Self, now: Timestamp) -> Option<Timestamp> {
        (self.generation != after.generation).then(|| after.opens_at(now))
    }

    /// Takes in how a call ended that was made under `pass`.
    pub fn report(&mut self, pass: Pass, heard: Heard, now: Timestamp) -> Option<News> {
        match heard {
            Heard::Failed => self.failed(pass.permit, now),
            Heard::Down(pause) => self.down(pass.permit, pause, now),
            Heard::Answered => {
                if self.throttled_since.take().is_some() {
                    self.degraded = false;
                }
                self.answered(pass.permit, now)
            }
            Heard::Throttled(pause) => {
                let closed = self.answered(pass.permit, now).is_some();
                let generation = match closed {
                    // The probe's word is the newest there is.
                    true => self.generation,
                    false => pass.generation,
                };
                let degraded = self.only_throttles(now);
                let slowed = self.throttled(generation, pause, now);
                degraded.or(slowed)
            }
        }
    }

    /// Notes one more refusal of a platform that does nothing else, as far as is known.
    fn only_throttles(&mut self, now: Timestamp) -> Option<News> {
        let before = self.slowed.map(|slowed| slowed.from);
        if before.is_none_or(|open| now.saturating_since(open) > IN_A_ROW) {
            (self.throttled_since, self.degraded) = (None, false);
        }
        let since = *self.throttled_since.get_or_insert(now);
        if self.degraded || now.saturating_since(since) < DEGRADED_AFTER {
            return None;
        }
        self.degraded = true;
        Some(News::Degraded { since })
    }

    /// A failure whose pause holds for everybody.
    fn down(&mut self, permit: Permit, pause: Option<Duration>, now: Timestamp) -> Option<News> {
        let failed = self.failed(permit, now);
        let pause = pause.unwrap_or(PAUSE).clamp(PAUSE, LONGEST_PAUSE);
        let until = now + pause;
        // Of those who were told at the same time, one is enough.
        if until <= self.opens_at(now) + NEAR {
            return failed;
        }
        let percent = self.percent(now).min(AFTER_PAUSE);
        let again = self.slowed.map_or(0, |slowed| slowed.again);
        self.move_on(Slowed {
            from: until,
            percent,
            again,
        });
        match failed {
            None => Some(News::Slowed { until, percent }),
            Some(News::Opened {
                until: probe,
                since,
            }) => Some(News::Opened {
                until: until.max(probe),
                since,
            }),
            told => told,
        }
    }

    fn percent(&self, now: Timestamp) -> u32 {
        let Some(Slowed { from, percent, .. }) = self.slowed else {
            return 100;
        };
        let crept = now.saturating_since(from).as_secs() / CREEP.as_secs();
        // Not beyond full, so that it fits.
        percent
            + u32::try_from(crept.min(100))
                .unwrap_or(100)
                .min(100 - percent)
    }

    fn answered(&mut self, permit: Permit, now: Timestamp) -> Option<News> {
        let was_open = self.is_open();
        self.breaker
            .report(permit, Outcome::Answered, now, &PATIENCE);
        if self.breaker != Breaker::default() {
            return None;
        }
        let since = self.failing_since.take();
        self.failed_at = None;
        self.degraded &= self.throttled_since.is_some();
        if was_open {
            return None;
        }
        let percent = RESTART.min(self.percent(now));
        self.move_on(Slowed {
            from: self.opens_at(now),
            percent,
            again: 0,
        });
        Some(News::Closed {
            since: since.unwrap_or(now),
        })
    }

    fn failed(&mut self, permit: Permit, now: Timestamp) -> Option<News> {
        // While it is left alone, as it asked for, it cannot fail.
        let apart = |at: Timestamp| now.saturating_since(self.opens_at(at)) > IN_A_ROW;
        let first = self.failed_at.is_none_or(apart);
        self.throttled_since = None;
        if self.is_open() && first {
            self.breaker = Breaker::default();
            (self.failing_since, self.degraded) = (None, false);
        }
        // A report may be late: what others failed at since still counts.
        self.failed_at = self.failed_at.max(Some(now));
        let since = *self.failing_since.get_or_insert(now);
        let before = self.breaker;
        self.breaker.report(permit, Outcome::Failed, now, &PATIENCE);
        if !self.degraded && now.saturating_since(since) >= DEGRADED_AFTER {
            self.degraded = true;
            return Some(News::Degraded { since });
        }
        match self.breaker {
            Breaker::Open { until, .. } if self.breaker != before => {
                Some(News::Opened { until, since })
            }
            Breaker::Open { .. } | Breaker::Closed { .. } | Breaker::HalfOpen { .. } => None,
        }
    }

    fn throttled(
        &mut self,
        generation: u32,
        pause: Option<Duration>,
        now: Timestamp,
    ) -> Option<News> {
        let again = self.slowed.map_or(0, |slowed| slowed.again);
        let own = PAUSE
            .saturating_mul(1 << again.min(6))
            .min(LONGEST_OWN_PAUSE);
        let pause = pause.map_or(own, |pause| pause.clamp(PAUSE, LONGEST_PAUSE));
        let (until, present) = (now + pause, self.percent(now));
        if generation < self.generation {
            // It was made under slots that are void by now. Only a longer pause is news.
            if until <= self.opens_at(now) + NEAR {
                return None;
            }
            self.move_on(Slowed {
                from: until,
                percent: present,
                again,
            });
            return Some(News::Slowed {
                until,
                percent: present,
            });
        }
        let soon = self.slowed.is_some_and(|slowed| now < slowed.from + SOON);
        let percent = match (self.slowed, soon) {
            (Some(_), false) if present < 100 => present * 3 / 4,
            _ => present / 2,
        };
        let percent = percent.max(SLOWEST);
        let until = until.max(self.opens_at(now));
        let again = if soon { again + 1 } else { 0 };
        self.move_on(Slowed {
            from: until,
            percent,
            again,
        });
        Some(News::Slowed { until, percent })
    }

    /// Another pace: whatever was reserved under the one before is void.
    fn move_on(&mut self, slowed: Slowed) {
        self.slowed = Some(slowed);
        self.generation = self.generation.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn full() -> Rate {
        Rate::new(100, Duration::from_secs(1), 100).unwrap()
    }

    /// One call at that second, under what the line says then.
    fn call(line: &mut Line, heard: Heard, seconds: u64) -> Option<News> {
        let permit = line.admit(at(seconds));
        let generation = line.generation();
        line.report(Pass { permit, generation }, heard, at(seconds))
    }

    const REFUSED: Heard = Heard::Throttled(None);

    #[test]
    fn a_refusal_shuts_the_line_then_halves_its_pace_which_creeps_back() {
        let mut line = Line::default();
        let pause = Heard::Throttled(Some(Duration::from_secs(20)));
        let news = call(&mut line, pause, 100);
        let until = at(120);
        assert_eq!(news, Some(News::Slowed { until, percent: 50 }));
        assert_eq!(
            (line.opens_at(at(100)), line.opens_at(at(121))),
            (at(120), at(121))
        );
        for (seconds, every_ms, burst) in [
            (120, 20, 1),
            (140, 17, 1),
            (160, 15, 1),
            (219, 11, 1),
            (220, 10, 100),
            (9999, 10, 100),
        ] {
            let rate = line.rate(full(), at(seconds));
            let interval = Duration::from_millis(every_ms);
            assert_eq!(
                (rate.interval(), rate.burst()),
                (interval, burst),
                "after {seconds} s"
            );
        }
    }

    #[test]
    fn the_pause_is_the_platforms_or_a_growing_one_of_ours() {
        for (hint, pause) in [(0, 3), (7, 7), (86_400, 900)] {
            let mut line = Line::default();
            call(
                &mut line,
                Heard::Throttled(Some(Duration::from_secs(hint))),
                100,
            );
            assert_eq!(line.opens_at(at(100)), at(100 + pause), "{hint}");
        }
        let (mut line, mut now) = (Line::default(), 100);
        for (pause, percent) in [
            (3, 50),
            (3, 25),
            (6, 12),
            (12, 6),
            (24, 5),
            (48, 5),
            (60, 5),
        ] {
            let until = at(now + pause);
            let news = call(&mut line, REFUSED, now);
            assert_eq!(news, Some(News::Slowed { until, percent }));
            now += pause;
        }
    }

    #[test]
    fn what_had_crept_too_high_is_lowered_by_a_quarter() {
        let mut line = Line::default();
        call(&mut line, REFUSED, 100);
        let until = at(146);
        let news = call(&mut line, REFUSED, 143);
        let percent = 70 * 3 / 4;
        assert_eq!(news, Some(News::Slowed { until, percent }));
    }

    #[test]
    fn refusals_of_calls_under_void_slots_are_no_news() {
        let mut line = Line::default();
        let before = Pass::default();
        line.report(before, REFUSED, at(100));
        let known = line.clone();
        assert!(!line.honours(before));
        assert_eq!(line.report(before, REFUSED, at(100)), None);
        assert_eq!(line, known, "one burst is one refusal");
        let long = Heard::Throttled(Some(Duration::from_secs(300)));
        let (until, percent) = (at(400), 50);
        let news = line.report(before, long, at(100));
        assert_eq!(news, Some(News::Slowed { until, percent }));
        assert_eq!(known.restart(&line, at(100)), Some(until));
    }

    #[test]
    fn failures_in_a_row_shut_it_until_a_probe_is_answered_and_it_begins_slowly() {
        let mut line = Line::default();
        for seconds in [0, 61, 122, 183, 244, 305] {
            let news = call(&mut line, Heard::Failed, seconds);
            assert_eq!(news, None, "each a minute apart");
        }
        for seconds in 306..309 {
            assert_eq!(call(&mut line, Heard::Failed, seconds), None);
        }
        let (until, since) = (at(339), at(305));
        let news = call(&mut line, Heard::Failed, 309);
        assert_eq!(news, Some(News::Opened { until, since }));
        assert_eq!(line.down_since(), Some(since));
        assert_eq!(line.shut_until(at(338)), Some(until));
        let probe = line.admit(at(339));
        assert_eq!(probe, Permit::Probe(1));
        let others = line.admit(at(340));
        assert_eq!(others, Permit::Refused { until: at(345) });
        let (before, generation) = (line.clone(), line.generation());
        let pass = |permit| Pass { permit, generation };
        assert!(line.honours(pass(probe)) && !line.honours(pass(Permit::Pass)));
        let news = line.report(pass(probe), Heard::Answered, at(341));
        assert_eq!(news, Some(News::Closed { since }));
        assert!(line.is_open() && !line.awaits_an_answer());
        assert_eq!(before.restart(&line, at(341)), Some(at(341)));
        let interval = line.rate(full(), at(341)).interval();
        assert_eq!(interval, Duration::from_millis(50));
    }

    #[test]
    fn a_probe_that_is_throttled_was_answered() {
        let mut line = Line::default();
        for _ in 0..5 {
            call(&mut line, Heard::Failed, 100);
        }
        let throttled = Heard::Throttled(Some(Duration::from_secs(60)));
        let (until, percent) = (at(190), 10);
        let news = call(&mut line, throttled, 130);
        assert_eq!(news, Some(News::Slowed { until, percent }));
        assert!(line.is_open());
    }

    #[test]
    fn ten_minutes_of_failures_are_told_once_each_time() {
        let mut line = Line::default();
        for again in [0, 10_000] {
            let mut told = Vec::new();
            for seconds in again..again + 2000 {
                let shut = line.shut_until(at(seconds)).is_some();
                let news = (!shut).then(|| call(&mut line, Heard::Failed, seconds));
                if let Some(Some(News::Degraded { since })) = news {
                    told.push((since.as_seconds(), seconds));
                }
            }
            let [(since, at_s)] = told[..] else {
                panic!("once, not {told:?}")
            };
            assert_eq!(since, again);
            assert!((600..=720).contains(&(at_s - again)), "{at_s}");
            let over = again + 2200;
            call(&mut line, Heard::Answered, over);
        }
    }

    #[test]
    fn a_platform_that_fails_and_says_for_how_long_is_down_all_the_same() {
        for pause in [1, 30, 120, 300, 900] {
            let mut line = Line::default();
            let (mut opened, mut degraded) = (0, 0);
            let mut calls = 0;
            for seconds in 0..7200 {
                // One call a second at the most, and none that is not allowed.
                if line.opens_at(at(seconds)) > at(seconds) {
                    continue;
                }
                let permit = line.admit(at(seconds));
                if let Permit::Refused { .. } = permit {
                    continue;
                }
                calls += 1;
                let generation = line.generation();
                let heard = Heard::Down(Some(Duration::from_secs(pause)));
                match line.report(Pass { permit, generation }, heard, at(seconds)) {
                    Some(News::Opened { .. }) => opened += 1,
                    Some(News::Degraded { since }) => {
                        assert_eq!(since, at(0), "{pause}");
                        degraded += 1;
                    }
                    Some(News::Slowed { .. }) | None => {}
                    Some(other) => panic!("{other:?}"),
                }
            }
            assert!(opened > 0, "the breaker opens: {pause} s");
            assert_eq!(degraded, 1, "{pause} s");
            assert!(calls <= 80, "{calls} calls in two hours, {pause} s");
            assert_eq!(line.down_since(), Some(at(0)), "{pause}");
            let over = line.opens_at(at(9000)).as_seconds();
            let news = call(&mut line, Heard::Answered, over);
            assert_eq!(news, Some(News::Closed { since: at(0) }), "{pause}");
            assert!(line.is_open() && !line.awaits_an_answer());
        }
    }

    #[test]
    fn many_who_are_told_at_once_that_it_is_down_say_it_once() {
        let (mut line, before) = (Line::default(), Pass::default());
        let down = Heard::Down(Some(Duration::from_secs(20)));
        let (until, percent) = (at(120), 50);
        let news = line.report(before, down, at(100));
        assert_eq!(news, Some(News::Slowed { until, percent }));
        for _ in 0..3 {
            assert_eq!(line.report(before, down, at(100)), None);
        }
        let since = at(100);
        let until = at(130);
        let news = line.report(before, down, at(100));
        assert_eq!(news, Some(News::Opened { until, since }));
        assert_eq!((line.generation(), line.opens_at(at(100))), (1, at(120)));
    }

    #[test]
    fn ten_minutes_of_nothing_but_refusals_are_told_once_too() {
        let told = |answered_at: Option<u64>| {
            let (mut line, mut told) = (Line::default(), Vec::new());
            for seconds in 0..2000 {
                if answered_at == Some(seconds) {
                    call(&mut line, Heard::Answered, seconds);
                } else if line.opens_at(at(seconds)) <= at(seconds) {
                    let news = call(&mut line, REFUSED, seconds);
                    if let Some(News::Degraded { since }) = news {
                        told.push((since.as_seconds(), seconds));
                    }
                }
            }
            assert!(line.awaits_an_answer(), "what ends it is news");
            call(&mut line, Heard::Answered, 2100);
            assert!(!line.awaits_an_answer());
            told
        };
        let [(0, at_s)] = told(None)[..] else {
            panic!("once, not {:?}", told(None))
        };
        assert!((600..=660).contains(&at_s), "{at_s}");
        let [(since, _)] = told(Some(500))[..] else {
            panic!("once, not {:?}", told(Some(500)))
        };
        assert!((500..560).contains(&since), "{since}");
    }

    #[test]
    fn refusals_minutes_apart_are_no_long_trouble() {
        let mut line = Line::default();
        for seconds in [0, 300, 600, 900, 1200] {
            let news = call(&mut line, REFUSED, seconds);
            assert!(matches!(news, Some(News::Slowed { .. })), "{news:?}");
        }
    }

    #[test]
    fn an_answer_ends_the_row() {
        let mut line = Line::default();
        for seconds in 0..4 {
            call(&mut line, Heard::Failed, seconds);
        }
        assert!(line.awaits_an_answer());
        assert_eq!(call(&mut line, Heard::Answered, 5), None);
        assert_eq!(line, Line::default());
    }

    #[test]
    fn the_stored_form_is_stable() {
        let mut line = Line::default();
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"breaker":{"state":"closed","failures":0}}"#
        );
        call(&mut line, Heard::Failed, 4);
        call(&mut line, REFUSED, 5);
        call(&mut line, REFUSED, 6);
        let json = r#"{"breaker":{"state":"closed","failures":0},"throttled_since":5000,"slowed":{"from":9000,"percent":25,"again":1},"generation":2}"#;
        assert_eq!(serde_json::to_string(&line).unwrap(), json);
        assert_eq!(serde_json::from_str::<Line>(json).unwrap(), line);
    }

    proptest! {
        /// Whatever is heard, in any order: the pace stays within bounds, pauses are believable, and no line is shut for good.
        #[test]
        fn the_pace_stays_within_bounds_and_the_line_always_opens_again(
            calls in prop::collection::vec((0_u64..200, 0_u8..5, 0_u64..2000, 0_usize..3), 1..100),
        ) {
            let (mut line, mut now, mut passes) = (Line::default(), 1000, vec![Pass::default()]);
            for (passed, kind, hint, late) in calls {
                now += passed;
                let permit = line.admit(at(now));
                if let Permit::Refused { until } = permit {
                    prop_assert!(until > at(now) && until <= at(now) + LONGEST_PAUSE.max(PATIENCE.longest_cooldown));
                } else {
                    passes.push(Pass { permit, generation: line.generation() });
                }
                let heard = match kind {
                    0 => Heard::Answered,
                    1 => Heard::Failed,
                    2 => REFUSED,
                    3 => Heard::Down(Some(Duration::from_secs(hint))),
                    _ => Heard::Throttled(Some(Duration::from_secs(hint))),
                };
                let pass = passes[passes.len().saturating_sub(late + 1)];
                line.report(pass, heard, at(now));
                let rate = line.rate(full(), line.opens_at(at(now)));
                prop_assert!(rate.interval() >= full().interval());
                prop_assert!(rate.interval() <= full().interval() * 100 / SLOWEST);
                prop_assert!(line.opens_at(at(now)) <= at(now) + LONGEST_PAUSE);
            }
        }
    }
}
