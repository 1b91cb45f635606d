//! Invocations from their start to their end, and what the world makes of it.

use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::{Run, Work};
use crate::bench::{Done, Invocation};
use crate::faults::Fault;
use crate::scene::Event;
use crate::schedule::TaskId;

/// How long an asynchronous invocation that failed waits for its repeat; twice that for the second.
const REPEAT: Duration = Duration::from_secs(60);

impl Run {
    pub(super) fn start(&mut self, work: Work, limit: Duration, invocation: Invocation) {
        let task = self.next_task;
        self.next_task += 1;
        self.tasks.insert(task, (work, invocation));
        self.scene.agenda.remind(limit, Event::Timeout(task));
        self.turn(task);
    }

    /// Lets a task go on until it waits, ends or dies.
    pub(super) fn turn(&mut self, task: TaskId) {
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

    pub(super) fn bury(&mut self, task: TaskId) {
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
                    let wait = REPEAT * (u32::from(tries) + 1);
                    let again = Event::ObjectCreated {
                        key,
                        tries: tries + 1,
                    };
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
            scene.reference.acknowledge(
                webhook,
                !self.acknowledged[number],
                &self.world.state.borrow(),
            );
            self.acknowledged[number] = true;
        }
        let dice = &scene.agenda.dice;
        if !well || lost {
            self.posts[number] += 1;
            let longest = 1_000_u64 << self.posts[number].min(9);
            scene
                .agenda
                .expect(dice.millis(500, longest), Event::Webhook(number));
        } else if scene
            .faults
            .strike(&scene, 6, &[Fault::WebhookTwice])
            .is_some()
        {
            let longest = *dice.pick(&[2_000, 120_000, 3_000_000]).unwrap_or(&0);
            scene
                .agenda
                .expect(dice.millis(0, longest), Event::Webhook(number));
        }
    }
}
