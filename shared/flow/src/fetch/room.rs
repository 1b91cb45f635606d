//! The memory of one process for what is on its way: who finds no room waits, and whose link dies first comes first.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use attache_domain::time::Timestamp;
use attache_domain::transfer::PART_BYTES;

/// What all transfers of a process hold together, at the most.
pub(super) const ROOM_BYTES: usize = 32 * 1024 * 1024;

/// What one holds that goes straight: pieces between two sockets, the buffers of both connections with them. Measured with 32
/// at once (`attache-bench memory`): 44 MiB.
pub(super) const STRAIGHT_BYTES: usize = 1408 * 1024;

/// What one holds that comes in parts: a part, and the piece that fills it.
pub(super) const IN_PARTS_BYTES: usize = PART_BYTES + STRAIGHT_BYTES;

/// Room for so many bytes.
#[derive(Clone)]
pub struct Room(Rc<RefCell<Ledger>>);

struct Ledger {
    all: usize,
    free: usize,
    drawn: u64,
    waiting: BTreeMap<Number, Waiting>,
}

/// Whose link dies first, and of these whoever came first.
type Number = (Timestamp, u64);

struct Waiting {
    bytes: usize,
    called: bool,
    waker: Option<Waker>,
}

/// Some of the room. It is free again once this is dropped.
#[must_use]
pub struct Place {
    room: Room,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self::of(ROOM_BYTES)
    }
}

impl Room {
    /// Room for `bytes`.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self(Rc::new(RefCell::new(Ledger {
            all: bytes,
            free: bytes,
            drawn: 0,
            waiting: BTreeMap::new(),
        })))
    }

    /// A place of `bytes`, once there is one; more than there is counts as all there is. Dropped while it waits, it is out of
    /// the line.
    pub async fn take(&self, bytes: usize, dies_at: Timestamp) -> Place {
        let turn = self.queue(bytes, dies_at);
        poll_fn(|context| match turn.take() {
            Some(place) => Poll::Ready(place),
            None => {
                turn.wake(context.waker());
                Poll::Pending
            }
        })
        .await
    }

    /// A place of `bytes`, if there is one now and nobody waits for it.
    #[must_use]
    pub fn take_now(&self, bytes: usize) -> Option<Place> {
        // Whoever comes last is called last: only if it is called at once did nobody wait.
        self.queue(bytes, Timestamp::from_millis(u64::MAX)).take()
    }

    fn queue(&self, bytes: usize, dies_at: Timestamp) -> Turn {
        let mut ledger = self.0.borrow_mut();
        ledger.drawn += 1;
        let number = (dies_at, ledger.drawn);
        let waiting = Waiting {
            bytes: bytes.min(ledger.all),
            called: false,
            waker: None,
        };
        ledger.waiting.insert(number, waiting);
        ledger.call();
        drop(ledger);
        Turn {
            room: self.clone(),
            number,
        }
    }
}

impl Ledger {
    /// Calls whoever finds room now, in order; nobody passes one who waits.
    fn call(&mut self) {
        for waiting in self.waiting.values_mut().filter(|waiting| !waiting.called) {
            if waiting.bytes > self.free {
                return;
            }
            self.free -= waiting.bytes;
            waiting.called = true;
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
    }

    fn give_back(&mut self, bytes: usize) {
        self.free += bytes;
        self.call();
    }
}

/// A place in the line.
struct Turn {
    room: Room,
    number: Number,
}

impl Turn {
    fn take(&self) -> Option<Place> {
        let mut ledger = self.room.0.borrow_mut();
        ledger.waiting.get(&self.number).filter(|it| it.called)?;
        let waiting = ledger.waiting.remove(&self.number)?;
        Some(Place {
            room: self.room.clone(),
            bytes: waiting.bytes,
        })
    }

    fn wake(&self, waker: &Waker) {
        if let Some(waiting) = self.room.0.borrow_mut().waiting.get_mut(&self.number) {
            waiting.waker = Some(waker.clone());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut ledger = self.room.0.borrow_mut();
        let left = ledger.waiting.remove(&self.number);
        let held = left.filter(|it| it.called).map_or(0, |it| it.bytes);
        // Whoever stood behind it may fit, even if nothing was held.
        ledger.give_back(held);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.0.borrow_mut().give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::stream::{FuturesUnordered, StreamExt};

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn whose_link_dies_first_comes_first() {
        let room = Room::of(10);
        let held = room.take(10, at(1)).now_or_never().expect("an empty room");
        let mut line = FuturesUnordered::new();
        for dies_at in [30, 10, 20] {
            let room = room.clone();
            line.push(async move {
                let place = room.take(10, at(dies_at)).await;
                drop(place);
                dies_at
            });
        }
        assert!(line.next().now_or_never().is_none(), "no room");
        assert!(room.take_now(1).is_none());
        drop(held);
        let order: Vec<u64> = line.collect().now_or_never().expect("room for all in turn");
        assert_eq!(order, [10, 20, 30]);
    }

    #[test]
    fn a_large_one_is_not_passed_by_small_ones() {
        let room = Room::of(10);
        let held = room.take_now(6).unwrap();
        let mut large = Box::pin(room.take(8, at(5)));
        assert!(large.as_mut().now_or_never().is_none());
        assert!(room.take_now(1).is_none(), "it would wait for ever");
        drop(large);
        assert!(room.take_now(4).is_some(), "it went away");
        drop(held);
        assert!(room.take_now(99).is_some(), "all there is");
    }

    #[test]
    fn who_was_called_and_does_not_come_gives_it_back() {
        let room = Room::of(10);
        let held = room.take_now(10).unwrap();
        let mut waiting = Box::pin(room.take(10, at(5)));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        drop(waiting);
        assert!(room.take_now(10).is_some());
    }
}
