//! The queues' side that functions do not see: visibility, redelivery, dead letters. At least once, in no order.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_flow::memory::World;
use attache_flow::ports::Queue;

use crate::faults::Fault;
use crate::sabotage::Sabotage;
use crate::scene::{Event, Scene};

/// Deliveries after which a message is parked (`maxReceiveCount` in the template).
const MOST_RECEIVES: u32 = 4;

/// A message on its way.
struct Message {
    queue: Queue,
    body: String,
    receives: u32,
}

/// Every queue.
#[derive(Default)]
pub struct Broker {
    messages: BTreeMap<u64, Message>,
    ready: BTreeMap<Queue, Vec<u64>>,
    parked: Vec<Message>,
    next: u64,
    /// Bodies of the dead letters the functions wrote themselves.
    pub letters: Vec<String>,
}

/// How long a received message stays invisible: six times its function's time limit, as in the template.
fn visibility(queue: Queue) -> Duration {
    6 * time_limit(queue)
}

/// The time limit of the function behind a queue, as in the template.
#[must_use]
pub fn time_limit(queue: Queue) -> Duration {
    Duration::from_secs(match queue {
        Queue::Fetch => 300,
        Queue::Judge => 120,
        _ => 60,
    })
}

impl Broker {
    /// Whether nothing is on its way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many messages were parked for an operator.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Takes over what the functions sent since the last look.
    pub fn collect(&mut self, scene: &Scene, world: &World) {
        for (queue, messages) in &mut world.state.borrow_mut().queues {
            for message in std::mem::take(messages) {
                if matches!(
                    queue,
                    Queue::FetchDeadLetters | Queue::MediaDeadLetters | Queue::TextDeadLetters
                ) {
                    self.letters.push(message.body);
                    continue;
                }
                let late = scene
                    .faults
                    .strike(scene, 2, &[Fault::MessageLate])
                    .is_some();
                let extra = if late { 900_000 } else { 200 };
                let wait = message.visible_at.saturating_since(scene.agenda.now())
                    + scene.agenda.dice.millis(0, extra);
                self.put(scene, *queue, message.body, 0, wait);
            }
        }
    }

    fn put(&mut self, scene: &Scene, queue: Queue, body: String, receives: u32, wait: Duration) {
        let id = self.next;
        self.next += 1;
        let message = Message {
            queue,
            body,
            receives,
        };
        self.messages.insert(id, message);
        scene.agenda.expect(wait, Event::Visible(id));
    }

    /// A message becomes visible; its queue hands it out soon, perhaps with others.
    pub fn appear(&mut self, scene: &Scene, id: u64) {
        let Some(message) = self.messages.get(&id) else {
            return;
        };
        if message.receives >= MOST_RECEIVES {
            scene.note(format_args!("parked: {:?} {}", message.queue, message.body));
            self.parked.extend(self.messages.remove(&id));
            return;
        }
        let ready = self.ready.entry(message.queue).or_default();
        ready.push(id);
        if ready.len() == 1 {
            let window = scene.agenda.dice.millis(0, 400);
            scene.agenda.expect(window, Event::Poll(message.queue));
        }
    }

    /// The batches a queue hands out now: at most ten messages each, in any order.
    pub fn hand_out(
        &mut self,
        scene: &Scene,
        queue: Queue,
        sabotage: Sabotage,
    ) -> Vec<Vec<(u64, String)>> {
        let dice = &scene.agenda.dice;
        let mut ids = self.ready.remove(&queue).unwrap_or_default();
        let mut batches = Vec::new();
        while !ids.is_empty() {
            let mut batch = Vec::new();
            for _ in 0..=dice.below(10) {
                if ids.is_empty() {
                    break;
                }
                let id = ids.swap_remove(dice.below(ids.len()));
                batch.extend(self.receive(scene, id));
            }
            if sabotage == Sabotage::AcknowledgeFirst {
                self.finish(scene, queue, &batch, Some(&[]));
            }
            batches.push(batch);
        }
        batches
    }

    fn receive(&mut self, scene: &Scene, id: u64) -> Option<(u64, String)> {
        let message = self.messages.get_mut(&id)?;
        message.receives += 1;
        let (queue, body, receives) = (message.queue, message.body.clone(), message.receives);
        if scene
            .faults
            .strike(scene, 3, &[Fault::MessageTwice])
            .is_some()
        {
            let longest = *scene.agenda.dice.pick(&[60, 2_000, 90_000]).unwrap_or(&0);
            let wait = scene.agenda.dice.millis(0, longest);
            self.put(scene, queue, body.clone(), receives, wait);
        }
        Some((id, body))
    }

    /// A batch is over: `failed` names the ids that come again; `None`: the process died, all do.
    pub fn finish(
        &mut self,
        scene: &Scene,
        queue: Queue,
        batch: &[(u64, String)],
        failed: Option<&[String]>,
    ) {
        for (id, _) in batch {
            let again = failed.is_none_or(|failed| failed.contains(&id.to_string()));
            if !again {
                self.messages.remove(id);
            } else if self.messages.contains_key(id) {
                scene.agenda.expect(visibility(queue), Event::Visible(*id));
            }
        }
    }

    /// Puts everything parked back, as an operator would.
    pub fn redrive(&mut self, scene: &Scene) {
        for message in std::mem::take(&mut self.parked) {
            self.put(scene, message.queue, message.body, 0, Duration::ZERO);
        }
    }
}
