//! The executor: one thread, virtual time, and an agenda on which the next thing to happen is found.
//!
//! Everything that waits lies on the agenda with its moment: sleeping tasks and events of the world around them. What
//! falls on the same moment is taken in an order drawn from the dice. Time moves only when the next entry lies ahead,
//! so a run of hours takes milliseconds.
//!
//! A task is one invocation of a function. It sleeps at least twice in every call of a port (before and after the
//! effect), which is where others come in between and where it can be made to die: its future is dropped, as a killed
//! process loses everything it held.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};
use std::time::Duration;

use attache_domain::time::Timestamp;

use crate::dice::Dice;

/// Names an invocation; never used twice.
pub type TaskId = u64;

/// Something on the agenda.
#[derive(Debug)]
pub enum Due<E> {
    /// A part of this task goes on.
    Wake(TaskId, Waker),
    /// Something happens in the world.
    Event(E),
}

struct Entry<E> {
    due: Due<E>,
    open: bool,
}

/// What is to come, and what time it is.
pub struct Agenda<E> {
    now: Cell<Timestamp>,
    entries: RefCell<BTreeMap<(Timestamp, u64), Entry<E>>>,
    open: Cell<usize>,
    running: Cell<TaskId>,
    dying: Cell<bool>,
    /// Decides the order of what falls together, and everything else that is left to chance.
    pub dice: Dice,
}

impl<E> Agenda<E> {
    /// An empty agenda.
    #[must_use]
    pub fn new(now: Timestamp, dice: Dice) -> Self {
        Self {
            now: Cell::new(now),
            entries: RefCell::default(),
            open: Cell::new(0),
            running: Cell::new(0),
            dying: Cell::new(false),
            dice,
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// The task whose turn it is.
    pub fn running(&self) -> TaskId {
        self.running.get()
    }

    /// Says whose turn it is.
    pub fn run(&self, task: TaskId) {
        self.running.set(task);
    }

    /// Puts an event on the agenda that the run waits for.
    pub fn expect(&self, wait: Duration, event: E) {
        self.open.set(self.open.get() + 1);
        self.put(wait, Due::Event(event), true);
    }

    /// Puts an event on the agenda for which no run is kept going: a tick, a time limit.
    pub fn remind(&self, wait: Duration, event: E) {
        self.put(wait, Due::Event(event), false);
    }

    /// How many expected events are still to come.
    pub fn open(&self) -> usize {
        self.open.get()
    }

    fn put(&self, wait: Duration, due: Due<E>, open: bool) {
        let at = self.now.get() + wait;
        let mut entries = self.entries.borrow_mut();
        let mut tie = self.dice.draw();
        while entries.contains_key(&(at, tie)) {
            tie = tie.wrapping_add(1);
        }
        entries.insert((at, tie), Entry { due, open });
    }

    /// Takes the next entry and moves the time to it.
    pub fn next(&self) -> Option<Due<E>> {
        let ((at, _), entry) = self.entries.borrow_mut().pop_first()?;
        self.now.set(at);
        if entry.open {
            self.open.set(self.open.get() - 1);
        }
        Some(entry.due)
    }

    /// Lets time pass for the running task.
    pub async fn sleep(&self, wait: Duration) {
        let until = self.now.get() + wait;
        let mut waits = false;
        poll_fn(|context| {
            if waits && self.now.get() >= until {
                return Poll::Ready(());
            }
            if !waits {
                waits = true;
                let wake = Due::Wake(self.running.get(), context.waker().clone());
                self.put(wait, wake, false);
            }
            Poll::Pending
        })
        .await;
    }

    /// Kills the running task: it never comes back from here.
    pub async fn die(&self) {
        self.dying.set(true);
        std::future::pending::<()>().await;
    }

    /// Polls a task once. `None`: it died.
    pub fn poll<F: Future + Unpin>(&self, task: TaskId, mut future: F) -> Option<Poll<F::Output>> {
        self.running.set(task);
        let mut context = std::task::Context::from_waker(Waker::noop());
        let polled = std::pin::Pin::new(&mut future).poll(&mut context);
        match (self.dying.replace(false), polled) {
            (false, polled) => Some(polled),
            (true, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agenda(seed: u64) -> Agenda<u32> {
        Agenda::new(Timestamp::from_seconds(10), Dice::new(seed))
    }

    fn order(seed: u64) -> Vec<u32> {
        let agenda = agenda(seed);
        for number in 0..8 {
            agenda.expect(Duration::from_secs(1), number);
        }
        agenda.expect(Duration::ZERO, 99);
        std::iter::from_fn(|| match agenda.next()? {
            Due::Event(number) => Some(number),
            Due::Wake(..) => None,
        })
        .collect()
    }

    #[test]
    fn time_orders_and_ties_are_drawn() {
        assert_eq!(order(1), order(1));
        assert_eq!(order(1)[0], 99);
        assert!((2..9).any(|seed| order(seed) != order(1)));
    }

    #[test]
    fn sleepers_wake_in_virtual_time_and_the_dead_do_not() {
        let agenda = agenda(1);
        let mut sleeper = Box::pin(agenda.sleep(Duration::from_secs(5)));
        assert!(matches!(agenda.poll(1, &mut sleeper), Some(Poll::Pending)));
        assert!(matches!(agenda.next(), Some(Due::Wake(1, _))));
        assert_eq!(agenda.now(), Timestamp::from_seconds(15));
        assert!(matches!(
            agenda.poll(1, &mut sleeper),
            Some(Poll::Ready(()))
        ));
        let mut doomed = Box::pin(agenda.die());
        assert!(agenda.poll(2, &mut doomed).is_none());
    }
}
