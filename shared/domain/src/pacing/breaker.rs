//! Whether to call a platform at all: a circuit breaker per limiter key, as plain state.
//!
//! **Closed** passes calls and counts failures in a row. Too many, and it is **open**: calls are refused for a cooldown
//! that doubles each time. Then it is **half-open**: exactly one call, the probe, is let through, and its outcome closes
//! or reopens the breaker. A probe that never reports (its function died) loses its right after a while, and the next
//! caller probes; the late report of the old one no longer counts, nor does that of a call admitted before the
//! breaker opened.
//!
//! Only failures of the far side count ([`Outcome::Failed`]). Being throttled or refused is an answer: pacing and backoff
//! deal with it. A platform that says how long it will stay shut is believed: [`Breaker::hold`].
//!
//! The state is stored with the limiter's row. A caller that changes it must write it under the condition that it is
//! still what the caller read, and ask again if not: that is what makes the probe the only one. While the breaker is
//! closed and nothing fails, nothing changes and nothing is written.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How patient a breaker is. [`Policy::default`] is the product's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Failures in a row that open it; 0 is read as 1.
    pub failures: u32,
    /// How long it stays open the first time.
    pub cooldown: Duration,
    /// The longest it stays open, however often the probe fails.
    pub longest_cooldown: Duration,
    /// How long a probe may take before another is let through.
    pub probe_patience: Duration,
}

impl Default for Policy {
    /// 5 failures; 30 s doubling to 15 min, what a queue can delay in one go; a probe has 60 s.
    fn default() -> Self {
        Self {
            failures: 5,
            cooldown: Duration::from_secs(30),
            longest_cooldown: Duration::from_secs(900),
            probe_patience: Duration::from_secs(60),
        }
    }
}

/// The state of one breaker. [`Breaker::default`] is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Breaker {
    /// Calls pass.
    Closed {
        /// Failures in a row so far.
        failures: u32,
    },
    /// Calls are refused.
    Open {
        /// When the next probe may be made.
        until: Timestamp,
        /// How often it opened in a row, at least 1.
        openings: u32,
    },
    /// One probe is on its way.
    HalfOpen {
        /// Until when the probe may report.
        until: Timestamp,
        /// How often it opened in a row, at least 1.
        openings: u32,
        /// The probe's number; grows with each probe of this run of openings.
        probe: u32,
    },
}

/// The answer to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Call.
    Pass,
    /// Call: you are the probe, with this number.
    Probe(u32),
    /// Do not call before this moment.
    Refused {
        /// When to ask again.
        until: Timestamp,
    },
}

/// How a permitted call ended, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The far side answered and works: success, a rejection, a throttle.
    Answered,
    /// It did not: no connection, a server error, no answer in time.
    Failed,
}

impl Breaker {
    /// May a call be made at `now`? Changes the state only when a probe is let through.
    pub fn admit(&mut self, now: Timestamp, policy: &Policy) -> Permit {
        let (openings, probe) = match *self {
            Self::Closed { .. } => return Permit::Pass,
            Self::Open { until, .. } | Self::HalfOpen { until, .. } if now < until => {
                return Permit::Refused { until };
            }
            Self::Open { openings, .. } => (openings, 1),
            Self::HalfOpen {
                openings, probe, ..
            } => (openings, probe.saturating_add(1)),
        };
        *self = Self::HalfOpen {
            until: now + policy.probe_patience,
            openings,
            probe,
        };
        Permit::Probe(probe)
    }

    /// Takes in how the call made under `permit` ended. Reports that no longer matter change nothing.
    pub fn report(&mut self, permit: Permit, outcome: Outcome, now: Timestamp, policy: &Policy) {
        match (*self, permit, outcome) {
            (Self::Closed { .. }, Permit::Pass, Outcome::Answered) => *self = Self::default(),
            (Self::Closed { failures }, Permit::Pass, Outcome::Failed) => {
                let failures = failures.saturating_add(1);
                *self = if failures < policy.failures {
                    Self::Closed { failures }
                } else {
                    Self::open(1, now, policy)
                };
            }
            (
                Self::HalfOpen {
                    openings, probe, ..
                },
                Permit::Probe(number),
                outcome,
            ) if number == probe => {
                *self = match outcome {
                    Outcome::Answered => Self::default(),
                    Outcome::Failed => Self::open(openings.saturating_add(1), now, policy),
                };
            }
            (Self::Closed { .. } | Self::Open { .. } | Self::HalfOpen { .. }, _, _) => {}
        }
    }

    /// The probe that `permit` allowed was not made: the next who asks makes it, at once.
    pub fn give_back(&mut self, permit: Permit, now: Timestamp) {
        if let (Self::HalfOpen { until, probe, .. }, Permit::Probe(number)) = (&mut *self, permit)
            && number == *probe
        {
            *until = now.min(*until);
        }
    }

    /// Keeps the breaker open until `until`, because the platform said so (a locked key, a regain time). Never
    /// shortens a refusal.
    pub fn hold(&mut self, until: Timestamp) {
        *self = match *self {
            Self::Closed { .. } => Self::Open { until, openings: 1 },
            Self::Open {
                until: known,
                openings,
            } => Self::Open {
                until: known.max(until),
                openings,
            },
            Self::HalfOpen { openings, .. } => Self::Open { until, openings },
        };
    }

    fn open(openings: u32, now: Timestamp, policy: &Policy) -> Self {
        // Saturates: a factor that no longer fits is far beyond the longest cooldown.
        let factor = 1_u32
            .checked_shl(openings.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let cooldown = policy
            .cooldown
            .saturating_mul(factor)
            .min(policy.longest_cooldown);
        Self::Open {
            until: now + cooldown,
            openings,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy {
        failures: 3,
        cooldown: Duration::from_secs(30),
        longest_cooldown: Duration::from_secs(100),
        probe_patience: Duration::from_secs(60),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn report(breaker: &mut Breaker, permit: Permit, outcome: Outcome, seconds: u64) -> Breaker {
        breaker.report(permit, outcome, at(seconds), &POLICY);
        *breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let mut breaker = Breaker::default();
        for (outcome, expected) in [
            (Outcome::Failed, Breaker::Closed { failures: 1 }),
            (Outcome::Failed, Breaker::Closed { failures: 2 }),
            (Outcome::Answered, Breaker::Closed { failures: 0 }),
            (Outcome::Failed, Breaker::Closed { failures: 1 }),
            (Outcome::Failed, Breaker::Closed { failures: 2 }),
            (
                Outcome::Failed,
                Breaker::Open {
                    until: at(130),
                    openings: 1,
                },
            ),
        ] {
            let permit = breaker.admit(at(100), &POLICY);
            assert_eq!(permit, Permit::Pass);
            assert_eq!(report(&mut breaker, permit, outcome, 100), expected);
        }
        assert_eq!(
            breaker.admit(at(129), &POLICY),
            Permit::Refused { until: at(130) }
        );
    }

    #[test]
    fn one_probe_decides_and_the_cooldown_doubles_up_to_its_limit() {
        let mut breaker = Breaker::Open {
            until: at(30),
            openings: 1,
        };
        for (now, reopened_until) in [(30, 90), (90, 190), (190, 290)] {
            assert_eq!(breaker.admit(at(now), &POLICY), Permit::Probe(1));
            assert_eq!(
                breaker.admit(at(now), &POLICY),
                Permit::Refused {
                    until: at(now + 60)
                },
                "one probe only"
            );
            report(&mut breaker, Permit::Probe(1), Outcome::Failed, now);
            assert_eq!(
                breaker.admit(at(now), &POLICY),
                Permit::Refused {
                    until: at(reopened_until)
                }
            );
        }
        let probe = breaker.admit(at(290), &POLICY);
        assert_eq!(
            report(&mut breaker, probe, Outcome::Answered, 291),
            Breaker::default()
        );
    }

    #[test]
    fn a_lost_probe_is_replaced_and_its_late_report_ignored() {
        let mut breaker = Breaker::Open {
            until: at(30),
            openings: 1,
        };
        let lost = breaker.admit(at(30), &POLICY);
        assert_eq!(
            breaker.admit(at(89), &POLICY),
            Permit::Refused { until: at(90) }
        );
        let second = breaker.admit(at(90), &POLICY);
        assert_eq!(second, Permit::Probe(2));
        let waiting = breaker;
        for late in [lost, Permit::Pass] {
            for outcome in [Outcome::Answered, Outcome::Failed] {
                assert_eq!(
                    report(&mut breaker, late, outcome, 91),
                    waiting,
                    "{late:?} {outcome:?}"
                );
            }
        }
        assert_eq!(
            report(&mut breaker, second, Outcome::Answered, 92),
            Breaker::default()
        );
    }

    #[test]
    fn a_probe_that_was_not_made_is_made_by_the_next() {
        let mut breaker = Breaker::Open {
            until: at(30),
            openings: 1,
        };
        let unused = breaker.admit(at(30), &POLICY);
        for other in [Permit::Pass, Permit::Probe(2)] {
            let before = breaker;
            breaker.give_back(other, at(31));
            assert_eq!(breaker, before, "{other:?}");
        }
        breaker.give_back(unused, at(31));
        let next = breaker.admit(at(31), &POLICY);
        assert_eq!(next, Permit::Probe(2));
        let waiting = breaker;
        breaker.give_back(unused, at(32));
        assert_eq!(breaker, waiting, "another one's probe");
        assert_eq!(
            report(&mut breaker, next, Outcome::Answered, 33),
            Breaker::default()
        );
    }

    #[test]
    fn calls_admitted_before_it_opened_change_nothing() {
        let mut breaker = Breaker::Open {
            until: at(30),
            openings: 1,
        };
        let open = breaker;
        assert_eq!(
            report(&mut breaker, Permit::Pass, Outcome::Answered, 1),
            open
        );
        assert_eq!(report(&mut breaker, Permit::Pass, Outcome::Failed, 1), open);
    }

    #[test]
    fn a_platforms_own_time_is_believed_and_never_shortens_a_refusal() {
        let open = |until, openings| Breaker::Open {
            until: at(until),
            openings,
        };
        for (name, mut breaker, expected) in [
            ("closed", Breaker::default(), open(900, 1)),
            ("open, shorter", open(30, 2), open(900, 2)),
            ("open, longer", open(1000, 2), open(1000, 2)),
            (
                "probing",
                Breaker::HalfOpen {
                    until: at(5),
                    openings: 3,
                    probe: 1,
                },
                open(900, 3),
            ),
        ] {
            breaker.hold(at(900));
            assert_eq!(breaker, expected, "{name}");
        }
    }

    #[test]
    fn the_stored_form_is_stable() {
        for (breaker, json) in [
            (Breaker::default(), r#"{"state":"closed","failures":0}"#),
            (
                Breaker::Open {
                    until: at(1),
                    openings: 2,
                },
                r#"{"state":"open","until":1000,"openings":2}"#,
            ),
            (
                Breaker::HalfOpen {
                    until: at(1),
                    openings: 2,
                    probe: 3,
                },
                r#"{"state":"half-open","until":1000,"openings":2,"probe":3}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&breaker).unwrap(), json);
            assert_eq!(serde_json::from_str::<Breaker>(json).unwrap(), breaker);
        }
    }

    proptest! {
        /// Many callers, any order of reports: never two probes with a valid right at once, never stuck.
        #[test]
        fn at_most_one_probe_is_out_and_the_breaker_never_locks(
            steps in prop::collection::vec((0_u64..70, 0_usize..4, any::<bool>()), 1..200),
        ) {
            let (mut breaker, mut now, mut out) = (Breaker::default(), 0, Vec::new());
            let mut probe_until = None;
            for (passed, pick, failed) in steps {
                now += passed;
                match breaker.admit(at(now), &POLICY) {
                    Permit::Refused { until } => prop_assert!(until > at(now) && until <= at(now + 100)),
                    permit @ Permit::Probe(_) => {
                        prop_assert!(probe_until.is_none_or(|until| until <= at(now)), "two probes at once");
                        probe_until = Some(at(now) + POLICY.probe_patience);
                        out.push(permit);
                    }
                    permit @ Permit::Pass => out.push(permit),
                }
                if pick < out.len() {
                    let before = breaker;
                    let outcome = if failed { Outcome::Failed } else { Outcome::Answered };
                    breaker.report(out.swap_remove(pick), outcome, at(now), &POLICY);
                    if matches!(before, Breaker::HalfOpen { .. }) && before != breaker {
                        probe_until = None;
                    }
                }
            }
        }
    }
}
