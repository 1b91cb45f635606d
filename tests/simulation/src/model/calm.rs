//! Calm weather: from here on nobody dies, nothing is repeated, lost or late. Does the item come home?

use stateright::Model;

use super::{Action, Bytes, Course, Download, Job, Protocol, State, Step};

/// Rounds of "deliver everything, sweep, let a tick pass" within which the work must have ended.
const ROUNDS: usize = 12;

impl Protocol {
    /// Whether the item reaches an ending in calm weather. States with busy workers are not asked: letting the workers
    /// finish leads to a state without any, and that one is reachable, hence asked too.
    pub(super) fn comes_home(&self, state: &State) -> bool {
        if state.tasks().next().is_some() {
            return true;
        }
        let mut state = *state;
        for _ in 0..ROUNDS {
            if state.row.stage.is_ending() {
                return true;
            }
            for job in Job::ALL {
                if state.queue.holds(job) {
                    self.take(
                        &mut state,
                        Action::Deliver {
                            job,
                            again: false,
                            course: Course::Straight,
                        },
                    );
                    self.finish_tasks(&mut state);
                }
            }
            if state.astray.is_some() {
                self.take(&mut state, Action::AstrayLands);
            }
            if state.row.due == Some(0) {
                self.take(&mut state, Action::Sweep { dies: false });
            }
            self.take(&mut state, Action::Tick);
        }
        false
    }

    fn finish_tasks(&self, state: &mut State) {
        while let Some((worker, next)) = first_task(state) {
            let action = match next {
                Step::Download => Action::Download(worker, Download::Brought(Bytes::First)),
                _ => Action::Step {
                    worker,
                    dies: false,
                },
            };
            self.take(state, action);
        }
    }

    fn take(&self, state: &mut State, action: Action) {
        if let Some(next) = self.next_state(state, action) {
            *state = next;
        }
    }
}

fn first_task(state: &State) -> Option<(usize, Step)> {
    state
        .workers
        .iter()
        .enumerate()
        .find_map(|(worker, task)| task.map(|task| (worker, task.next)))
}
