//! What happens in the world around the functions: webhooks, queues, buckets, schedules, other traffic.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::Lane;
use attache_domain::pacing::attempt::Branch;
use attache_domain::pacing::gcra;
use attache_domain::token::Renewal;
use attache_flow::batch::Record;
use attache_flow::ports::Queue;

use super::{Run, Work};
use crate::broker::time_limit;
use crate::faults::Fault;
use crate::sabotage::Sabotage;
use crate::scene::{self, Event, LOOKASIDE};

/// How often `sweep` and `refresh` run.
const MINUTE: Duration = Duration::from_secs(60);
/// The time limit of `sweep` and `refresh`, as in the template.
const TICK_LIMIT: Duration = Duration::from_secs(60);

impl Run {
    /// What the functions sent to queues and buckets goes on its way.
    pub(super) fn collect(&mut self) {
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
            let times = if fault == Some(Fault::EventTwice) {
                2
            } else {
                1
            };
            for _ in 0..times {
                let key = key.clone();
                agenda.expect(
                    agenda.dice.millis(20, longest),
                    Event::ObjectCreated { key, tries: 0 },
                );
            }
        }
    }

    pub(super) fn happen(&mut self, event: Event) {
        let scene = Rc::clone(&self.scene);
        scene.agenda.run(0);
        match event {
            Event::Webhook(number) => self.post(number),
            Event::Impatient(number, count) => self.lose_patience(number, count),
            Event::Visible(id) => self.broker.appear(&scene, id),
            Event::Poll(queue) => self.hand_out(queue),
            Event::ObjectCreated { key, tries } => {
                let invocation = self.bench.object_created(key.clone());
                self.start(
                    Work::Object(key, tries),
                    time_limit(Queue::Judge),
                    invocation,
                );
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
            Event::Tell(told) => told.land(&scene),
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
            self.start(Work::Tick, TICK_LIMIT, invocation);
        }
        self.scene.agenda.remind(MINUTE, Event::Sweep);
    }

    /// A tick that would find every token fresh is left out.
    fn tick_refresh(&mut self) {
        let now = self.scene.agenda.now();
        let directory = self.scene.directory(&[LOOKASIDE]);
        let wanted: usize = directory
            .connections()
            .map(|connection| connection.purposes().len())
            .sum();
        let fresh = {
            let state = self.world.state.borrow();
            let rows = state.tokens.values();
            state.tokens.len() == wanted
                && rows
                    .into_iter()
                    .all(|row| row.renewal(now, 0) == Renewal::NotDue)
        };
        if !fresh {
            let invocation = self.bench.refresh();
            self.start(Work::Tick, TICK_LIMIT, invocation);
        }
        self.scene.agenda.remind(MINUTE, Event::Refresh);
    }

    /// Other files of the same client stand in line.
    fn rush(&self, slots: u32) {
        let directory = self.scene.directory(&[LOOKASIDE]);
        let genesys = scene::genesys_id(0);
        let connection = directory.connection(&genesys);
        let rate = connection.and_then(|connection| connection.send_rate(Lane::Media));
        let Some((rate, slots)) = rate.zip(NonZeroU32::new(slots)) else {
            return;
        };
        let key = format!("{}/{genesys}", Lane::Media.as_str());
        let request = gcra::Request::new(rate, slots, self.scene.agenda.now());
        let mut state = self.world.state.borrow_mut();
        let found = state.limits.get(&key).copied();
        for branch in [Branch::Start, Branch::Extend] {
            if let Ok(moved) = request.attempt(branch).apply(found) {
                let granted: Vec<_> = request.granted(moved).slots().collect();
                self.scene
                    .note(format_args!("other traffic takes {slots} slots"));
                let known = state.learnt.get(&key).map(String::as_str);
                self.scene.reference.rush((&key, known), &granted);
                state.limits.insert(key, moved);
                return;
            }
        }
    }
}
