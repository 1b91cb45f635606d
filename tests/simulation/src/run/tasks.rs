//! Invocations from their start to their end, and what the world makes of it.

use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use attache_flow::ports::Queue;

use super::{Run, Work};
use crate::bench::{Done, Invocation};
use crate::scene::Event;
use crate::schedule::TaskId;

/// How long an asynchronous invocation that failed waits for its repeat; twice that for the second.
const REPEAT: Duration = Duration::from_secs(60);

impl Run {
    pub(super) fn start(&mut self, work: Work, limit: Duration, invocation: Invocation) {
        let task = self.next_task;
        self.next_task += 1;
        if matches!(work, Work::Batch(Queue::Fetch, _)) {
            let process = self.bench.generation;
            self.scene.reference.fetches_in(task, process);
        }
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
                    self.end(task, work, Some(done));
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
            self.end(task, work, None);
        }
    }

    /// What the world makes of an invocation's end; `None`: it died.
    fn end(&mut self, task: TaskId, work: Work, done: Option<Done>) {
        let scene = Rc::clone(&self.scene);
        scene.reference.judge_probe(&scene, task);
        match (work, done) {
            (Work::Webhook(attempt), done) => {
                self.answer(&attempt, task, done == Some(Done::Status(200)));
            }
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
}
