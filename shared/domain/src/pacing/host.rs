//! A host that hands out files, as one tenant knows it: whether it works ([`breaker`](super::breaker)), and whether it asked
//! for less.
//!
//! A host is trusted until it fails, and whoever never saw it fail neither reads nor writes anything of it. A host that
//! asked for a pause is left alone for as long, then asked by one caller, then at a modest pace for a while: those who
//! waited do not come back all at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::breaker::{Breaker, Outcome, Permit, Policy};
use super::rate::Rate;
use crate::time::Timestamp;

/// Links live for minutes, so a host is asked again within one: five failures in a row, 10 s doubling to 60 s.
pub const PATIENCE: Policy = Policy {
    failures: 5,
    cooldown: Duration::from_secs(10),
    longest_cooldown: Duration::from_secs(60),
    probe_patience: Duration::from_secs(60),
};

/// Failures further apart than this are not in a row: what worked in between was not written down.
const IN_A_ROW: Duration = Duration::from_secs(60);

/// The pause after a refusal that named none, and the longest that is believed.
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);

/// For how long after a refusal calls are paced, and how: two a second.
const PACED_FOR: Duration = Duration::from_secs(600);
const PACED_CALLS: u32 = 2;

/// What is known of the host. The default: nothing bad.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    breaker: Breaker,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl Host {
    /// Whether there is nothing to be careful about.
    #[must_use]
    pub fn is_calm(&self, now: Timestamp) -> bool {
        self.breaker == Breaker::default() && !self.is_paced(now)
    }

    /// Until when certainly no call is allowed, whatever others have learnt since.
    #[must_use]
    pub fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.breaker {
            Breaker::Open { until, .. } => (until > now).then_some(until),
            Breaker::Closed { .. } | Breaker::HalfOpen { .. } => None,
        }
    }

    /// May a call be made?
    pub fn admit(&mut self, now: Timestamp) -> Permit {
        self.breaker.admit(now, &PATIENCE)
    }

    /// How fast calls may be made, if the host asked for less a while ago.
    #[must_use]
    pub fn pace(&self, now: Timestamp) -> Option<Rate> {
        if !self.is_paced(now) {
            return None;
        }
        Rate::new(PACED_CALLS, Duration::from_secs(1), PACED_CALLS).ok()
    }

    /// Takes in how a call ended that was made under `permit`.
    pub fn report(&mut self, permit: Permit, outcome: Outcome, now: Timestamp) {
        if outcome == Outcome::Failed {
            let apart = |at: Timestamp| now.saturating_since(at) > IN_A_ROW;
            if matches!(self.breaker, Breaker::Closed { .. }) && self.failed_at.is_none_or(apart) {
                self.breaker = Breaker::default();
            }
            // A report may be late: what others failed at since still counts.
            self.failed_at = self.failed_at.max(Some(now));
        }
        self.breaker.report(permit, outcome, now, &PATIENCE);
        if self.breaker == Breaker::default() {
            self.failed_at = None;
        }
    }

    /// The host asked for less, and said for how long, or did not.
    pub fn throttled(&mut self, retry_after: Option<Duration>, now: Timestamp) {
        let pause = retry_after.map_or(PAUSE, |hint| {
            hint.clamp(Duration::from_secs(1), LONGEST_PAUSE)
        });
        self.breaker.hold(now + pause);
        self.throttled_at = Some(now);
    }

    /// Takes in under which request id an error came; whether the last one came under the same: then it is no answer to the
    /// question but one that is kept somewhere.
    pub fn repeats(&mut self, request_id: Option<String>) -> bool {
        let repeated = request_id.is_some() && self.last_error == request_id;
        self.last_error = request_id;
        repeated
    }

    fn is_paced(&self, now: Timestamp) -> bool {
        self.throttled_at
            .is_some_and(|at| now.saturating_since(at) < PACED_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn fail(host: &mut Host, seconds: u64) {
        let permit = host.admit(at(seconds));
        host.report(permit, Outcome::Failed, at(seconds));
    }

    #[test]
    fn only_failures_in_a_row_shut_it() {
        let mut host = Host::default();
        for seconds in [0, 61, 122, 183, 244, 305] {
            fail(&mut host, seconds);
        }
        assert_eq!(host.shut_until(at(305)), None, "each a minute apart");
        for seconds in 306..310 {
            fail(&mut host, seconds);
        }
        assert_eq!(host.shut_until(at(309)), Some(at(319)));
        assert_eq!(host.shut_until(at(319)), None);
    }

    #[test]
    fn a_late_report_is_one_of_the_row_and_ends_none() {
        let mut host = Host::default();
        for seconds in [400, 410, 100, 420, 430] {
            fail(&mut host, seconds);
        }
        assert_eq!(host.shut_until(at(430)), Some(at(440)));
    }

    #[test]
    fn one_asks_first_and_an_answer_makes_it_calm() {
        let mut host = Host::default();
        for seconds in 0..5 {
            fail(&mut host, seconds);
        }
        let probe = host.admit(at(14));
        assert_eq!(probe, Permit::Probe(1));
        assert!(matches!(host.admit(at(15)), Permit::Refused { .. }));
        host.report(probe, Outcome::Answered, at(15));
        assert!(host.is_calm(at(15)));
        assert_eq!(host, Host::default());
    }

    #[test]
    fn a_host_that_asked_for_less_gets_less_for_a_while() {
        for (hint, pause) in [
            (None, 10),
            (Some(0), 1),
            (Some(30), 30),
            (Some(86_400), 900),
        ] {
            let mut host = Host::default();
            host.throttled(hint.map(Duration::from_secs), at(100));
            assert_eq!(host.shut_until(at(100)), Some(at(100 + pause)), "{hint:?}");
            let probe = host.admit(at(100 + pause));
            host.report(probe, Outcome::Answered, at(100 + pause));
            assert!(matches!(host.admit(at(100 + pause)), Permit::Pass));
            assert_eq!(host.pace(at(699)).is_some(), !host.is_calm(at(699)));
            assert!(host.is_calm(at(100 + 900)), "{hint:?}");
        }
    }

    #[test]
    fn two_errors_of_one_request_are_one_answer() {
        let mut host = Host::default();
        for (id, repeated) in [
            (Some("a"), false),
            (Some("a"), true),
            (Some("b"), false),
            (None, false),
            (None, false),
        ] {
            assert_eq!(host.repeats(id.map(str::to_owned)), repeated, "{id:?}");
        }
    }

    #[test]
    fn the_stored_form_is_stable() {
        let json = r#"{"breaker":{"state":"closed","failures":2},"failed_at":5000}"#;
        let mut host = Host::default();
        fail(&mut host, 4);
        fail(&mut host, 5);
        assert_eq!(serde_json::to_string(&host).unwrap(), json);
        assert_eq!(serde_json::from_str::<Host>(json).unwrap(), host);
    }
}
