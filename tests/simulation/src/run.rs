//! One seed from its first webhook to the end: the loop that takes what comes next off the agenda, and what the world
//! around the functions does about it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use attache_domain::connection::Connection;
use attache_domain::digest::Sha256Digest;
use attache_domain::journey::{Item, Stage};
use attache_domain::pacing::attempt::Branch;
use attache_domain::pacing::gcra;
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::token::Renewal;
use attache_flow::batch::Record;
use attache_flow::memory::World;
use attache_flow::ports::Queue;
use attache_inspect::Policy;

use crate::bench::{Bench, Done, Invocation};
use crate::broker::{Broker, time_limit};
use crate::faults::{Fault, Storm};
use crate::platforms::Platforms;
use crate::ports::Ports;
use crate::reference::{Promise, Remains, Violation};
use crate::sabotage::Sabotage;
use crate::scene::{self, BEGINNING, LOOKASIDE, STRANGER, Event, Scene};
use crate::schedule::{Due, TaskId};
use crate::trace::Keep;

/// How often `sweep` and `refresh` run.
const MINUTE: Duration = Duration::from_secs(60);
/// The time limit of the functions behind events, schedules and webhooks.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How long after the last fault everything must have come to its end: the longest a message can hide is four times
/// half an hour.
const CALM: Duration = Duration::from_secs(4 * 3600);
/// And if Meta withholds a file: the seven days for which it may still come, and one more.
const WITHHELD: Duration = Duration::from_secs(8 * 24 * 3600);

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The broken promise, if one was.
    pub violation: Option<Violation>,
    /// How often each kind of fault struck.
    pub struck: BTreeMap<Fault, u32>,
    /// Where the items ended.
    pub endings: Vec<Stage>,
    /// Everything that happened, if it was kept as text.
    pub lines: Vec<String>,
    /// The digest over it, if it was kept as that.
    pub digest: Sha256Digest,
}

/// What runs of one process share.
pub struct Settings {
    /// What is done with the trace.
    pub keep: Keep,
    /// The planted bug.
    pub sabotage: Sabotage,
    policy: Rc<Policy>,
}

impl Settings {
    /// The product as it is, or with a planted bug.
    #[must_use]
    pub fn new(keep: Keep, sabotage: Sabotage) -> Self {
        let blind = "[hazards]\nexecutable = \"clean\"\n[disguised]\nexecutable = \"clean\"\n";
        let policy = match sabotage {
            Sabotage::BlindJudge => Policy::from_toml(blind).unwrap_or_default(),
            _ => Policy::default(),
        };
        Self {
            keep,
            sabotage,
            policy: Rc::new(policy),
        }
    }
}

/// Plays one seed.
#[must_use]
pub fn play(seed: u64, settings: &Settings) -> Outcome {
    let scene = Scene::draw(seed, settings.keep);
    let mut run = Run::new(Rc::clone(&scene), settings);
    run.begin();
    run.to_the_end();
    if run.broker.parked() > 0 && !scene.reference.is_broken() {
        scene.note(format_args!("an operator redrives what was parked"));
        run.broker.redrive(&scene);
        run.to_the_end();
    }
    Outcome {
        violation: scene.reference.violation(),
        struck: scene.faults.struck(),
        endings: run.endings(),
        lines: scene.trace.lines(),
        digest: scene.trace.digest(),
    }
}

/// What an invocation was for.
enum Work {
    Webhook(usize),
    Batch(Queue, Vec<(u64, String)>),
    Object(String, u8),
    Tick,
}

struct Run {
    scene: Rc<Scene>,
    world: Rc<World>,
    platforms: Rc<Platforms>,
    bench: Bench,
    broker: Broker,
    tasks: BTreeMap<TaskId, (Work, Invocation)>,
    next_task: TaskId,
    posts: Vec<u32>,
    acknowledged: Vec<bool>,
    sabotage: Sabotage,
}

impl Run {
    fn new(scene: Rc<Scene>, settings: &Settings) -> Self {
        let platforms = Rc::new(Platforms::new(Rc::clone(&scene)));
        let storm = Rc::new(Storm::new(Rc::clone(&scene)));
        let media_hosts: &[&str] = match settings.sabotage {
            Sabotage::TrustStrangers => &[LOOKASIDE, STRANGER],
            _ => &[LOOKASIDE],
        };
        let world = Rc::new(World::new(
            scene::directory(media_hosts),
            Rc::clone(&platforms) as _,
            Rc::clone(&storm) as _,
            BEGINNING,
        ));
        storm.look_at(&world);
        world.seed(scene.agenda.dice.draw());
        platforms
            .whatsapp
            .hand_out(&mut world.state.borrow_mut());
        if let Ok(secret) = Secret::new("client secret") {
            world.put_secret(&scene::client_secret(), secret);
        }
        let ports = Rc::new(Ports::new(
            Rc::clone(&scene),
            Rc::clone(&world),
            settings.sabotage,
        ));
        Self {
            bench: Bench::new(Rc::clone(&scene), ports, Rc::clone(&settings.policy)),
            world,
            platforms,
            broker: Broker::default(),
            tasks: BTreeMap::new(),
            next_task: 1,
            posts: vec![0; scene.webhooks.len()],
            acknowledged: vec![false; scene.webhooks.len()],
            sabotage: settings.sabotage,
            scene,
        }
    }

    fn begin(&self) {
        let agenda = &self.scene.agenda;
        for number in 0..self.scene.webhooks.len() {
            agenda.expect(agenda.dice.millis(0, 30_000), Event::Webhook(number));
        }
        agenda.remind(agenda.dice.millis(0, 60_000), Event::Sweep);
        agenda.remind(agenda.dice.millis(0, 60_000), Event::Refresh);
        for _ in 0..3 {
            let rush = [Fault::Rush];
            if self.scene.faults.strike(&self.scene, 16, &rush).is_some() {
                let slots = *agenda.dice.pick(&[40, 250, 480, 600]).unwrap_or(&40);
                agenda.expect(agenda.dice.millis(0, 60_000), Event::Rush(slots));
            }
        }
    }

    fn to_the_end(&mut self) {
        while !self.scene.reference.is_broken() {
            if self.is_over() {
                return self.judge_end();
            }
            if self.is_late() {
                let open = self.scene.agenda.open();
                let detail = format!(
                    "not at rest long after the last fault: {open} events, {} invocations, rows {:?}",
                    self.tasks.len(),
                    self.stages()
                );
                return self.scene.reference.break_promise(Promise::Ends, detail);
            }
            let Some(due) = self.scene.agenda.next() else {
                return;
            };
            self.world.set_now(self.scene.agenda.now());
            match due {
                Due::Wake(task, waker) => {
                    waker.wake();
                    self.turn(task);
                }
                Due::Event(event) => self.happen(event),
            }
            self.collect();
        }
    }

    fn is_over(&self) -> bool {
        self.scene.agenda.open() == 0
            && self.tasks.is_empty()
            && self.broker.is_empty()
            && self.next_due().is_none()
    }

    fn is_late(&self) -> bool {
        let withheld = self.scene.items.iter().any(|item| item.withheld);
        let patience = if withheld { WITHHELD } else { CALM };
        self.scene.agenda.now() > self.scene.faults.last() + patience
    }

    fn next_due(&self) -> Option<Timestamp> {
        let state = self.world.state.borrow();
        state.items.values().filter_map(|item| item.gate.due_at).min()
    }

    fn endings(&self) -> Vec<Stage> {
        let state = self.world.state.borrow();
        state.items.values().map(|item| item.gate.stage).collect()
    }

    fn stages(&self) -> Vec<String> {
        let state = self.world.state.borrow();
        let stage = |item: &Item| {
            format!("{} {:?}", item.origin.message, item.gate)
        };
        state.items.values().map(stage).collect()
    }

    fn judge_end(&self) {
        let letters: Vec<_> = self
            .broker
            .letters
            .iter()
            .filter_map(|body| serde_json::from_str(body).ok())
            .collect();
        let remains = Remains {
            state: &self.world.state.borrow(),
            letters: &letters,
        };
        self.scene.reference.judge_end(&self.scene, &remains);
    }

    /// What the functions sent to queues and buckets goes on its way.
    fn collect(&mut self) {
        self.broker.collect(&self.scene, &self.world);
        let keys = std::mem::take(&mut self.world.state.borrow_mut().events);
        for key in keys {
            let strikes = [Fault::EventLost, Fault::EventTwice, Fault::EventLate];
            let fault = self.scene.faults.strike(&self.scene, 8, &strikes);
            let agenda = &self.scene.agenda;
            let longest = match fault {
                Some(Fault::EventLost) => continue,
                Some(Fault::EventLate) => 600_000,
                _ => 1_500,
            };
            let times = if fault == Some(Fault::EventTwice) { 2 } else { 1 };
            for _ in 0..times {
                let key = key.clone();
                agenda.expect(agenda.dice.millis(20, longest), Event::ObjectCreated { key, tries: 0 });
            }
        }
    }

    fn happen(&mut self, event: Event) {
        let scene = Rc::clone(&self.scene);
        scene.agenda.run(0);
        match event {
            Event::Webhook(number) => {
                scene.note(format_args!("webhook {number}"));
                let invocation = self.bench.intake(&scene.webhooks[number].body);
                self.start(Work::Webhook(number), Duration::from_secs(29), invocation);
            }
            Event::Visible(id) => self.broker.appear(&scene, id),
            Event::Poll(queue) => self.hand_out(queue),
            Event::ObjectCreated { key, tries } => {
                let invocation = self.bench.object_created(key.clone());
                self.start(Work::Object(key, tries), time_limit(Queue::Judge), invocation);
            }
            Event::Sweep => self.tick_sweep(),
            Event::Refresh => self.tick_refresh(),
            Event::Timeout(task) => {
                if self.tasks.contains_key(&task) {
                    scene.note(format_args!("task {task} is out of time"));
                    scene.reference.excuse(task);
                    self.bury(task);
                }
            }
            Event::Land(landing) => scene.reference.land(&scene, &landing),
            Event::HandOut => self
                .platforms
                .whatsapp
                .hand_out(&mut self.world.state.borrow_mut()),
            Event::Rush(slots) => self.rush(slots),
        }
    }

    fn hand_out(&mut self, queue: Queue) {
        let scene = Rc::clone(&self.scene);
        for batch in self.broker.hand_out(&scene, queue, self.sabotage) {
            let records = batch.iter().map(|(id, body)| Record {
                id: id.to_string(),
                body: body.clone(),
            });
            let invocation = self.bench.batch(queue, records.collect());
            scene.note(format_args!("task {}: {queue:?} {batch:?}", self.next_task));
            let bodies = batch.iter().map(|(_, body)| body.as_str());
            scene.reference.begin_batch(self.next_task, bodies);
            self.start(Work::Batch(queue, batch), time_limit(queue), invocation);
        }
    }

    /// A tick that would find an empty index is left out: a week has ten thousand of them.
    fn tick_sweep(&mut self) {
        let now = self.scene.agenda.now();
        if self.next_due().is_some_and(|due| due <= now) && self.sabotage != Sabotage::NeverSweep {
            let invocation = self.bench.sweep();
            self.start(Work::Tick, TIME_LIMIT, invocation);
        }
        self.scene.agenda.remind(MINUTE, Event::Sweep);
    }

    /// A tick that would find every token fresh is left out.
    fn tick_refresh(&mut self) {
        let now = self.scene.agenda.now();
        let fresh = {
            let state = self.world.state.borrow();
            let rows = state.tokens.values();
            state.tokens.len() == 4
                && rows
                    .into_iter()
                    .all(|row| row.renewal(now, 0) == Renewal::NotDue)
        };
        if !fresh {
            let invocation = self.bench.refresh();
            self.start(Work::Tick, TIME_LIMIT, invocation);
        }
        self.scene.agenda.remind(MINUTE, Event::Refresh);
    }

    fn rush(&self, slots: u32) {
        let directory = scene::directory(&[LOOKASIDE]);
        let rate = directory
            .connection(&scene::genesys_id())
            .and_then(Connection::send_rate);
        let Some((rate, slots)) = rate.zip(NonZeroU32::new(slots)) else {
            return;
        };
        let key = format!("send/{}", scene::genesys_id());
        let request = gcra::Request::new(rate, slots, self.scene.agenda.now());
        let mut tat = self.world.state.borrow_mut();
        let found = tat.limits.get(&key).copied();
        for branch in [Branch::Start, Branch::Extend] {
            if let Ok(moved) = request.attempt(branch).apply(found) {
                tat.limits.insert(key, moved);
                let granted: Vec<_> = request.granted(moved).slots().collect();
                self.scene.note(format_args!("other traffic takes {slots} slots"));
                return self.scene.reference.rush(&granted);
            }
        }
    }

    fn start(&mut self, work: Work, limit: Duration, invocation: Invocation) {
        let task = self.next_task;
        self.next_task += 1;
        self.tasks.insert(task, (work, invocation));
        self.scene.agenda.remind(limit, Event::Timeout(task));
        self.turn(task);
    }

    /// Lets a task go on until it waits, ends or dies.
    fn turn(&mut self, task: TaskId) {
        let Some((_, invocation)) = self.tasks.get_mut(&task) else {
            return;
        };
        match self.scene.agenda.poll(task, invocation) {
            Some(Poll::Pending) => {}
            Some(Poll::Ready(done)) => {
                if let Some((work, _)) = self.tasks.remove(&task) {
                    self.end(work, Some(done));
                }
            }
            None => self.bury(task),
        }
    }

    fn bury(&mut self, task: TaskId) {
        if let Some((work, invocation)) = self.tasks.remove(&task) {
            self.scene.note(format_args!("task {task} dies"));
            drop(invocation);
            self.bench.forget();
            self.end(work, None);
        }
    }

    /// What the world makes of an invocation's end; `None`: it died.
    fn end(&mut self, work: Work, done: Option<Done>) {
        let scene = Rc::clone(&self.scene);
        match (work, done) {
            (Work::Webhook(number), done) => self.answer(number, done == Some(Done::Status(200))),
            (Work::Batch(queue, batch), Some(Done::Failed(failed))) => {
                self.broker.finish(&scene, queue, &batch, Some(&failed));
            }
            (Work::Batch(queue, batch), _) => self.broker.finish(&scene, queue, &batch, None),
            (Work::Object(key, tries), done) => {
                // An asynchronous invocation is repeated twice, after one and two minutes.
                if done != Some(Done::Well(true)) && tries < 2 {
                    let wait = MINUTE * (u32::from(tries) + 1);
                    let again = Event::ObjectCreated { key, tries: tries + 1 };
                    scene.agenda.expect(wait, again);
                }
            }
            (Work::Tick, _) => {}
        }
    }

    /// The sender hears of its webhook, or not, and repeats it until it has.
    fn answer(&mut self, number: usize, well: bool) {
        let scene = Rc::clone(&self.scene);
        let lost = well
            && scene
                .faults
                .strike(&scene, 6, &[Fault::AcknowledgementLost])
                .is_some();
        if well {
            let webhook = &scene.webhooks[number];
            scene
                .reference
                .acknowledge(webhook, !self.acknowledged[number], &self.world.state.borrow());
            self.acknowledged[number] = true;
        }
        let dice = &scene.agenda.dice;
        if !well || lost {
            self.posts[number] += 1;
            let longest = 1_000_u64 << self.posts[number].min(9);
            scene
                .agenda
                .expect(dice.millis(500, longest), Event::Webhook(number));
        } else if scene.faults.strike(&scene, 6, &[Fault::WebhookTwice]).is_some() {
            let longest = *dice.pick(&[2_000, 120_000, 3_000_000]).unwrap_or(&0);
            scene
                .agenda
                .expect(dice.millis(0, longest), Event::Webhook(number));
        }
    }
}
