//! Explores the model without its state reduction (`eager`): some fifteen million states, minutes and gigabytes. Run it
//! when the model changes, to see that the shortcuts hide nothing:
//! `cargo run --release -p attache-simulation --example whole_model`.

use attache_simulation::model::{Direction, Protocol};
use stateright::{Checker, Model};

fn main() {
    for direction in [Direction::ToAgent, Direction::ToCustomer] {
        let protocol = Protocol {
            eager: false,
            ..Protocol::designed(direction)
        };
        let checker = protocol.checker().spawn_bfs().join();
        checker.assert_properties();
        assert!(checker.is_done(), "the exploration stopped early");
        println!(
            "{direction:?}: {} states, every property holds",
            checker.unique_state_count()
        );
    }
}
