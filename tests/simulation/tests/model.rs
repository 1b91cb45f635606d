//! The model of one item's journey, explored to the end in both directions, and its power: each planted mistake found.

use std::collections::BTreeSet;

use attache_simulation::model::{Action, Bug, Direction, Protocol, name};
use stateright::{Checker, Expectation, HasDiscoveries, Model};

use Direction::{ToAgent, ToCustomer};

/// Explores every reachable state; every `always` must hold in all of them, every `sometimes` in one.
fn explore(protocol: Protocol, floor: usize) {
    let checker = protocol.checker().spawn_bfs().join();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!(
        "{protocol:?}: {states} states, {steps} steps, depth {}",
        checker.max_depth()
    );
    checker.assert_properties();
    assert!(checker.is_done(), "the exploration stopped early");
    assert!(
        states > floor,
        "only {states} states: the model has lost behaviour"
    );
}

#[test]
fn designed_towards_agents() {
    explore(Protocol::designed(ToAgent), 150_000);
}

#[test]
fn designed_towards_customers() {
    explore(Protocol::designed(ToCustomer), 100_000);
}

/// Sometimes: a crash, then recovery by the sweep, ends in sent.
#[test]
fn a_crash_is_mended_by_the_sweep() {
    for direction in [ToAgent, ToCustomer] {
        let protocol = Protocol {
            intake_dies: true,
            ..Protocol::designed(direction)
        };
        let sent = HasDiscoveries::AnyOf(BTreeSet::from([name::SENT]));
        let checker = protocol.checker().finish_when(sent).spawn_bfs().join();
        let actions = checker
            .discovery(name::SENT)
            .map(|path| path.into_actions())
            .unwrap_or_default();
        let started = actions
            .iter()
            .find(|action| !matches!(action, Action::Tick));
        assert_eq!(
            started,
            Some(&Action::Sweep { dies: false }),
            "{direction:?}: {actions:?}"
        );
    }
}

/// Each safeguard that is taken away, and the property that notices.
const PLANTED: [(Bug, Direction, &str); 25] = [
    (Bug::UnfencedWrites, ToAgent, name::FENCE_GROWS),
    (Bug::UnfencedWrites, ToAgent, name::STAGE_ADVANCES),
    (Bug::UnfencedWrites, ToCustomer, name::VISIBLE_ONCE),
    (Bug::UnconditionalLease, ToAgent, name::LEASE_RESPECTED),
    (Bug::UnconditionalIntent, ToCustomer, name::VISIBLE_ONCE),
    (Bug::SendBeforeIntent, ToCustomer, name::VISIBLE_ONCE),
    (Bug::VerdictIgnored, ToAgent, name::CLEAN_BEFORE_SENT),
    (Bug::JudgeAtOnce, ToAgent, name::JUDGED_WHEN_QUIET),
    (Bug::JudgeAtOnce, ToCustomer, name::JUDGED_WHEN_QUIET),
    (Bug::JudgeAtOnce, ToCustomer, name::VISIBLE_ONCE),
    (Bug::SendAfterDeadline, ToCustomer, name::VISIBLE_ONCE),
    (Bug::SendAfterDeadline, ToAgent, name::JUDGED_WHEN_QUIET),
    (Bug::ConflictIsSuccess, ToAgent, name::ONE_OBJECT),
    (Bug::Overwrite, ToAgent, name::ONE_OBJECT),
    (Bug::LostUnlooked, ToAgent, name::LOST_ONLY_IF_ABSENT),
    (Bug::ResendUnknown, ToCustomer, name::VISIBLE_ONCE),
    (Bug::ResendUnknown, ToCustomer, name::POSTED_ONCE),
    (Bug::UnknownIsSent, ToAgent, name::SENT_IS_TRUE),
    (Bug::FreshMessageId, ToAgent, name::VISIBLE_ONCE),
    (Bug::DeleteBeforeCopy, ToAgent, name::JOB_SURVIVES),
    (Bug::AdvanceBeforeCopy, ToAgent, name::JOB_SURVIVES),
    (Bug::SequenceAlone, ToCustomer, name::JOB_SURVIVES),
    (Bug::PresenceIsDone, ToAgent, name::COMES_HOME),
    (Bug::NoDueTime, ToAgent, name::DUE_UNTIL_ENDED),
    (Bug::NoDueTime, ToAgent, name::COMES_HOME),
];

#[test]
fn every_planted_bug_is_found() {
    for (bug, direction, property) in PLANTED {
        let named = HasDiscoveries::AnyOf(BTreeSet::from([property]));
        let checker = Protocol::with(direction, bug)
            .checker()
            .finish_when(named)
            .spawn_bfs()
            .join();
        let found = checker.discovery(property).map(|path| path.into_actions());
        println!(
            "{bug:?} {direction:?}: \"{property}\" broken after {:?} steps",
            found.as_ref().map(Vec::len)
        );
        assert!(
            found.is_some(),
            "{bug:?} {direction:?} went unnoticed by \"{property}\""
        );
    }
}

#[test]
fn every_rule_has_a_planted_bug_that_breaks_it() {
    let noticing: BTreeSet<_> = PLANTED.iter().map(|(_, _, property)| *property).collect();
    for direction in [ToAgent, ToCustomer] {
        for property in Protocol::designed(direction).properties() {
            let is_rule = property.expectation == Expectation::Always;
            assert!(
                !is_rule || noticing.contains(property.name),
                "no planted bug breaks \"{}\"",
                property.name
            );
        }
    }
}
