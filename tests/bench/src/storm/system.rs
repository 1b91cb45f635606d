//! The system of the bench: `upload` as it is, over the twins, in virtual time. Its queues hand out batches as the template says,
//! and each process handles one batch at a time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use attache_domain::connection::{Directory, Lane};
use attache_domain::delivery::SEND_PATIENCE;
use attache_domain::time::Timestamp;
use attache_flow::batch::Record;
use attache_flow::bearer::{Cache, Desk};
use attache_flow::deliver::{Deliver, Learnt};
use attache_flow::memory::{Weather, World};
use attache_flow::ports::{Answer, Http, Queue};
use attache_simulation::dice::Dice;
use attache_simulation::schedule::{Agenda, Due, TaskId};
use futures_util::FutureExt;

use super::limiter::{Counted, Limiter};
use super::platform::Platform;
use super::tenant::{self, RATE};

/// When every run begins.
pub(super) const BEGINNING: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// How many messages a batch has at most, and how many batches of `media` and of `media-retry` are handled at once: the template's.
const BATCH: usize = 5;
const AT_ONCE: [(Queue, usize); 2] = [(Queue::Media, MOST_MEDIA), (Queue::MediaRetry, 5)];
const MOST_MEDIA: usize = 64;

/// How long a message that a queue has is visible before it is handed out.
const POLL: Duration = Duration::from_millis(10);

/// Half of what a call to AWS takes, in ms.
const AWS_MS: (u64, u64) = (1, 3);

/// The tenant that storms, and the one that does not.
pub(super) const STORMING: usize = 0;
pub(super) const QUIET: usize = 1;

/// What a run plays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    /// Files of the storming tenant that are queued at once.
    pub(super) queued: usize,
    /// When its limit becomes half.
    pub(super) halves_after: Option<Duration>,
    /// Files of the quiet tenant: one each half second.
    pub(super) quiet: usize,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// From the beginning until the last of the storming tenant's messages was accepted.
    pub(super) makespan: Duration,
    /// What the platform counted of the storming tenant.
    pub(super) counted: Counted,
    /// Of the files of both tenants, those whose message was never accepted.
    pub(super) lost: usize,
    /// From its job to its message, of each file of the quiet tenant.
    pub(super) quiet: Vec<Duration>,
}

/// What happens around the functions.
#[derive(Debug)]
pub(super) enum Event {
    /// A message becomes visible: its queue, its group, its body.
    Visible(Queue, String, String),
    /// A queue hands out what it has.
    Poll(Queue),
    /// The quiet tenant's file of this number is judged.
    Quiet(usize),
}

/// The time a call to AWS takes; none while the run is set up.
struct Latency {
    agenda: Rc<Agenda<Event>>,
    begun: Rc<Cell<bool>>,
}

impl Latency {
    async fn pass(&self, call: &str) {
        // The platform's calls take the platform's time.
        if self.begun.get() && !call.starts_with("http.") {
            let (least, most) = AWS_MS;
            let wait = self.agenda.dice.millis(least, most);
            self.agenda.sleep(wait).await;
        }
    }
}

#[async_trait(?Send)]
impl Weather for Latency {
    async fn before(&self, call: &'static str) -> Answer<()> {
        self.pass(call).await;
        Ok(())
    }

    async fn after(&self, call: &'static str) -> Answer<()> {
        self.pass(call).await;
        Ok(())
    }

    async fn wait(&self, duration: Duration) {
        self.agenda.sleep(duration).await;
    }
}

/// A warm process.
#[derive(Default)]
struct Process {
    learnt: Learnt,
    cache: Cache,
}

type Invocation = Pin<Box<dyn Future<Output = Vec<String>>>>;

/// A batch that is being handled.
struct Running {
    queue: Queue,
    process: Rc<Process>,
    invocation: Invocation,
}

/// What a queue has, group by group: one group's backlog does not delay another's.
#[derive(Default)]
struct Line {
    groups: VecDeque<(String, VecDeque<String>)>,
    polled: bool,
    running: usize,
}

impl Line {
    fn push(&mut self, group: String, body: String) {
        match self.groups.iter_mut().find(|(of, _)| *of == group) {
            Some((_, bodies)) => bodies.push_back(body),
            None => self.groups.push_back((group, VecDeque::from([body]))),
        }
    }

    fn batch(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        while records.len() < BATCH {
            let Some((group, mut bodies)) = self.groups.pop_front() else {
                break;
            };
            if let Some(body) = bodies.pop_front() {
                let id = records.len().to_string();
                records.push(Record { id, body });
            }
            if !bodies.is_empty() {
                self.groups.push_back((group, bodies));
            }
        }
        records
    }
}

struct Run {
    agenda: Rc<Agenda<Event>>,
    world: Rc<World>,
    lines: BTreeMap<Queue, Line>,
    tasks: BTreeMap<TaskId, Running>,
    next_task: TaskId,
    idle: Vec<Rc<Process>>,
    /// The quiet tenant's files, and when each was judged.
    quiet: Vec<(String, Timestamp)>,
}

/// Plays one case.
///
/// # Errors
/// If a batch fails, which nothing here makes it.
pub(super) fn play(case: &Case) -> Result<Outcome> {
    let agenda = Rc::new(Agenda::new(BEGINNING, Dice::new(case.seed)));
    let halves_at = case.halves_after.map(|after| BEGINNING + after);
    let limiters = [(STORMING, halves_at), (QUIET, None)].map(|(tenant, halves_at)| {
        let limiter = Limiter::new(RATE.into(), halves_at, BEGINNING).armed();
        (tenant::number(tenant), limiter)
    });
    let platform = Rc::new(Platform {
        agenda: Rc::clone(&agenda),
        limiters: RefCell::new(limiters.into()),
        accepted: RefCell::default(),
    });
    let begun = Rc::new(Cell::new(false));
    let latency = Latency {
        agenda: Rc::clone(&agenda),
        begun: Rc::clone(&begun),
    };
    let rows = [tenant::connection(STORMING)?, tenant::connection(QUIET)?];
    let http: Rc<dyn Http> = Rc::clone(&platform) as Rc<dyn Http>;
    let world = World::new(Directory::new(rows), http, Rc::new(latency), BEGINNING);
    world.seed(agenda.dice.draw());
    for tenant in [STORMING, QUIET] {
        let settled = tenant::settle(&world, tenant, BEGINNING).now_or_never();
        settled.context("nothing takes time yet")??;
    }
    begun.set(true);
    let mut run = Run {
        agenda,
        world: Rc::new(world),
        lines: BTreeMap::new(),
        tasks: BTreeMap::new(),
        next_task: 1,
        idle: Vec::new(),
        quiet: Vec::new(),
    };
    let storming = run.begin(case)?;
    run.play_out()?;
    Ok(run.outcome(&storming, &platform))
}

impl Run {
    /// Everything that is queued at once; the ids.
    fn begin(&mut self, case: &Case) -> Result<Vec<String>> {
        let mut state = self.world.state.borrow_mut();
        let storming = (0..case.queued)
            .map(|file| tenant::enqueue(&mut state, STORMING, file, BEGINNING))
            .collect::<Result<_>>()?;
        drop(state);
        for file in 0..case.quiet {
            let at = self.agenda.dice.millis(0, 499);
            let wait = Duration::from_millis(500) * u32::try_from(file)? + at;
            self.agenda.expect(wait, Event::Quiet(file));
        }
        self.collect();
        Ok(storming)
    }

    /// Until nothing is left to come.
    fn play_out(&mut self) -> Result<()> {
        while let Some(due) = self.agenda.next() {
            self.world.set_now(self.agenda.now());
            match due {
                Due::Wake(task, waker) => {
                    waker.wake();
                    self.turn(task)?;
                }
                Due::Event(event) => self.happen(event)?,
            }
            self.collect();
        }
        Ok(())
    }

    /// What was sent to the queues goes on its way.
    fn collect(&self) {
        for (queue, messages) in &mut self.world.state.borrow_mut().queues {
            for message in std::mem::take(messages) {
                let wait = message.visible_at.saturating_since(self.agenda.now());
                let event = Event::Visible(*queue, message.group, message.body);
                self.agenda.expect(wait, event);
            }
        }
    }

    fn happen(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Visible(queue, group, body) => {
                let line = self.lines.entry(queue).or_default();
                line.push(group, body);
                if !std::mem::replace(&mut line.polled, true) {
                    self.agenda.expect(POLL, Event::Poll(queue));
                }
            }
            Event::Poll(queue) => {
                self.lines.entry(queue).or_default().polled = false;
                self.hand_out(queue)?;
            }
            Event::Quiet(file) => {
                let now = self.agenda.now();
                let mut state = self.world.state.borrow_mut();
                let id = tenant::enqueue(&mut state, QUIET, file, now)?;
                self.quiet.push((id, now));
            }
        }
        Ok(())
    }

    fn hand_out(&mut self, queue: Queue) -> Result<()> {
        let most = AT_ONCE.iter().find(|(of, _)| *of == queue);
        let Some((_, most)) = most else {
            // Dead letters are for people.
            return Ok(());
        };
        loop {
            let line = self.lines.entry(queue).or_default();
            if line.running >= *most {
                return Ok(());
            }
            let records = line.batch();
            if records.is_empty() {
                return Ok(());
            }
            line.running += 1;
            let process = self.idle.pop().unwrap_or_default();
            let invocation = invoke(Rc::clone(&self.world), Rc::clone(&process), records);
            let task = self.next_task;
            self.next_task += 1;
            let running = Running {
                queue,
                process,
                invocation,
            };
            self.tasks.insert(task, running);
            self.turn(task)?;
        }
    }

    fn turn(&mut self, task: TaskId) -> Result<()> {
        let Some(running) = self.tasks.get_mut(&task) else {
            return Ok(());
        };
        let Some(Poll::Ready(failed)) = self.agenda.poll(task, &mut running.invocation) else {
            return Ok(());
        };
        if !failed.is_empty() {
            bail!("{} records failed", failed.len());
        }
        if let Some(Running { queue, process, .. }) = self.tasks.remove(&task) {
            self.idle.push(process);
            self.lines.entry(queue).or_default().running -= 1;
            self.agenda.expect(Duration::ZERO, Event::Poll(queue));
        }
        Ok(())
    }

    fn outcome(&self, storming: &[String], platform: &Platform<Event>) -> Outcome {
        let accepted = platform.accepted.borrow();
        let at = |id: &String| accepted.get(id).copied();
        let last = storming.iter().filter_map(at).max().unwrap_or(BEGINNING);
        let quiet = self.quiet.iter();
        let quiet_ids = quiet.clone().map(|(id, _)| id);
        let limiters = platform.limiters.borrow();
        let limiter = limiters.get(&tenant::number(STORMING));
        Outcome {
            makespan: last.saturating_since(BEGINNING),
            counted: limiter.map(|limiter| limiter.counted).unwrap_or_default(),
            lost: storming
                .iter()
                .chain(quiet_ids)
                .filter(|id| at(id).is_none())
                .count(),
            quiet: quiet
                .filter_map(|(id, judged)| Some(at(id)?.saturating_since(*judged)))
                .collect(),
        }
    }
}

/// One batch, as the function's `main` would wire it; the ids of the records that failed.
fn invoke(world: Rc<World>, process: Rc<Process>, records: Vec<Record>) -> Invocation {
    Box::pin(async move {
        let world = &*world;
        let deliver = Deliver {
            lane: Lane::Media,
            items: world,
            claims: world,
            conversations: world,
            objects: Some(world),
            renditions: None,
            jobs: world,
            limits: world,
            http: world,
            clock: world,
            directories: world,
            desk: Desk {
                tokens: world,
                vault: world,
                jobs: world,
                clock: world,
                cache: &process.cache,
            },
            patience: SEND_PATIENCE,
            learnt: &process.learnt,
        };
        let failed = deliver.batch(&records).await;
        failed.unwrap_or_else(|_| records.into_iter().map(|record| record.id).collect())
    })
}
