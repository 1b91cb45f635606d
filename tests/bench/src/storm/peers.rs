//! The peers: every upload on its own, retried by itself, against the same platform.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use anyhow::Result;
use attache_simulation::dice::Dice;
use attache_simulation::schedule::{Agenda, Due, TaskId};

use super::limiter::{Counted, Limiter};
use super::platform::Platform;
use super::system::{BEGINNING, STORMING};
use super::tenant::{self, RATE};

/// How a peer tries again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Retry {
    /// The source documents (`S0-40` … `S0-44`): four tries, `min(1000 · 2ⁿ + random · 1000, 30000)` ms between them.
    FourTries,
    /// Full jitter without an end: anything up to `min(1000 · 2ⁿ, 30000)` ms.
    FullJitter,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) makespan: Duration,
    pub(super) counted: Counted,
    pub(super) lost: usize,
}

impl Retry {
    /// The wait after this many tries; `None`: no more.
    fn after(self, tries: u32, dice: &Dice) -> Option<Duration> {
        let exponential = 1000_u64 << (tries - 1).min(10);
        match self {
            Self::FourTries if tries >= 4 => None,
            Self::FourTries => {
                let wait = exponential + dice.between(0, 999);
                Some(Duration::from_millis(wait.min(30_000)))
            }
            Self::FullJitter => Some(dice.millis(0, exponential.min(30_000))),
        }
    }
}

/// The uploads that are under way; each says whether it was taken.
type Tasks = BTreeMap<TaskId, Pin<Box<dyn Future<Output = bool>>>>;

async fn upload(platform: Rc<Platform<()>>, retry: Retry) -> bool {
    for tries in 1.. {
        if platform.hand_over(&tenant::number(STORMING)).await.is_ok() {
            return true;
        }
        let Some(wait) = retry.after(tries, &platform.agenda.dice) else {
            return false;
        };
        platform.agenda.sleep(wait).await;
    }
    false
}

/// So many uploads at once; `armed`: the platform locks a key that it refused too often.
pub(super) fn play(seed: u64, uploads: usize, (retry, armed): (Retry, bool)) -> Result<Outcome> {
    let agenda = Rc::new(Agenda::new(BEGINNING, Dice::new(seed)));
    let limiter = Limiter::new(RATE.into(), None, BEGINNING);
    let limiter = if armed { limiter.armed() } else { limiter };
    let limiters = BTreeMap::from([(tenant::number(STORMING), limiter)]);
    let platform = Rc::new(Platform {
        agenda: Rc::clone(&agenda),
        limiters: RefCell::new(limiters),
        accepted: RefCell::default(),
    });
    let mut tasks = Tasks::new();
    let (mut lost, mut last) = (0, BEGINNING);
    let mut turn = |task: TaskId, tasks: &mut Tasks| {
        let Some(work) = tasks.get_mut(&task) else {
            return;
        };
        if let Some(Poll::Ready(done)) = agenda.poll(task, work) {
            tasks.remove(&task);
            lost += usize::from(!done);
            last = last.max(agenda.now());
        }
    };
    for task in 1..=u64::try_from(uploads)? {
        tasks.insert(task, Box::pin(upload(Rc::clone(&platform), retry)));
        turn(task, &mut tasks);
    }
    while let Some(due) = agenda.next() {
        if let Due::Wake(task, waker) = due {
            waker.wake();
            turn(task, &mut tasks);
        }
    }
    let limiters = platform.limiters.borrow();
    let counted = limiters.values().map(|limiter| limiter.counted).next();
    Ok(Outcome {
        makespan: last.saturating_since(BEGINNING),
        counted: counted.unwrap_or_default(),
        lost,
    })
}
