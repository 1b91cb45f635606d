//! The senders of webhooks: they post, wait for the answer, and come again.

use std::rc::Rc;
use std::time::Duration;

use attache_domain::time::Timestamp;

use super::{Run, Work};
use crate::faults::Fault;
use crate::reference::{MOST_TRIES, PATIENCE};
use crate::scene::{Event, Sender};
use crate::schedule::TaskId;

/// The time limit of `intake`, as in the template.
const LIMIT: Duration = Duration::from_secs(29);

/// How long Genesys waits before it comes again.
const PAUSE: Duration = Duration::from_secs(5);

/// One try of a webhook.
pub(super) struct Try {
    number: usize,
    count: u32,
    begun: Timestamp,
}

/// A webhook as its sender knows it.
#[derive(Debug, Default)]
pub(super) struct Sending {
    tries: u32,
    /// The try whose answer is awaited.
    awaited: Option<(u32, TaskId)>,
    over: bool,
}

impl Run {
    pub(super) fn post(&mut self, number: usize) {
        let scene = Rc::clone(&self.scene);
        let webhook = scene.webhook(number);
        scene.note(format_args!("webhook {number}"));
        scene.reference.posted(&scene, number);
        if let Some((over, customer)) = webhook.typing {
            scene.reference.announce_typing(&scene, over, customer);
        }
        let sending = self.senders.entry(number).or_default();
        sending.tries += 1;
        let count = sending.tries;
        sending.awaited = Some((count, self.next_task));
        if webhook.sender == Sender::Genesys {
            scene
                .agenda
                .expect(PATIENCE, Event::Impatient(number, count));
        }
        let attempt = Try {
            number,
            count,
            begun: scene.agenda.now(),
        };
        let invocation = self.bench.intake(&webhook);
        self.start(Work::Webhook(attempt), LIMIT, invocation);
    }

    /// The answer is on its way to the sender, and may be lost there.
    pub(super) fn answer(&mut self, attempt: &Try, task: TaskId, well: bool) {
        let scene = Rc::clone(&self.scene);
        let number = attempt.number;
        let took = scene.agenda.now().saturating_since(attempt.begun);
        scene.reference.tried(&scene, (number, task), well, took);
        scene.note(format_args!("webhook {number} is answered: {well}"));
        if well {
            let state = self.world.state.borrow();
            scene.reference.acknowledge(&scene, number, &state);
        }
        let strikes = [Fault::AcknowledgementLost];
        let lost = well && scene.faults.strike(&scene, 6, &strikes).is_some();
        if lost {
            scene.reference.disturb(number);
        }
        let sending = self.senders.entry(number).or_default();
        if sending.awaited != Some((attempt.count, task)) {
            return;
        }
        sending.awaited = None;
        if well && !lost {
            sending.over = true;
            let strikes = [Fault::WebhookTwice];
            if scene.faults.strike(&scene, 6, &strikes).is_some() {
                let dice = &scene.agenda.dice;
                let longest = *dice.pick(&[2_000, 120_000, 3_000_000]).unwrap_or(&0);
                let wait = dice.millis(0, longest);
                scene.agenda.expect(wait, Event::Webhook(number));
            }
        } else if !sending.over {
            self.come_again(number);
        }
    }

    /// The sender hangs up.
    pub(super) fn lose_patience(&mut self, number: usize, count: u32) {
        let sending = self.senders.entry(number).or_default();
        let Some((_, task)) = sending.awaited.filter(|(awaited, _)| *awaited == count) else {
            return;
        };
        sending.awaited = None;
        let over = sending.over;
        self.scene.reference.hung_up(number, task);
        if !over {
            self.come_again(number);
        }
    }

    fn come_again(&mut self, number: usize) {
        let scene = Rc::clone(&self.scene);
        let tries = self.senders.get(&number).map_or(0, |sending| sending.tries);
        let dice = &scene.agenda.dice;
        match scene.webhook(number).sender {
            Sender::Meta | Sender::Completions => {
                let longest = 1_000_u64 << tries.min(9);
                let wait = dice.millis(500, longest);
                scene.agenda.expect(wait, Event::Webhook(number));
            }
            Sender::Genesys if tries < MOST_TRIES => {
                scene.agenda.expect(PAUSE, Event::Webhook(number));
            }
            Sender::Genesys => {
                scene.note(format_args!("webhook {number} is given up"));
                scene.reference.give_up(number);
            }
        }
    }
}
