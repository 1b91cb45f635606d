//! Webhooks as their senders see them: posted, answered, given up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use attache_domain::ids::MediaId;
use attache_domain::journey::Stage;
use attache_flow::memory::State;

use super::{Promise, Reference};
use crate::scene::{Scene, Sender, Side};
use crate::schedule::TaskId;

/// How long Genesys waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How often Genesys posts a webhook before it gives up.
pub const MOST_TRIES: u32 = 6;

/// What became of the webhooks.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// How often each was posted.
    posted: BTreeMap<usize, u32>,
    /// Those of which something befell a try, for which the sender's count is not the receiver's.
    disturbed: BTreeSet<usize>,
    acknowledged: BTreeSet<usize>,
    given_up: BTreeSet<usize>,
}

impl Tries {
    /// Whether a webhook that says this message was ever posted.
    pub(super) fn is_posted(&self, scene: &Scene, message: usize) -> bool {
        let mut posted = self.posted.keys();
        posted.any(|number| scene.webhook(*number).messages.contains(&message))
    }
}

impl Reference {
    /// A webhook is posted.
    pub fn posted(&self, scene: &Scene, number: usize) {
        *self.tries.borrow_mut().posted.entry(number).or_default() += 1;
        for message in &scene.webhook(number).messages {
            self.wrote(&scene.messages[*message]);
        }
    }

    /// A try ended, answered well or not, `after` it began.
    pub fn tried(
        &self,
        scene: &Scene,
        (number, task): (usize, TaskId),
        well: bool,
        after: Duration,
    ) {
        let struck = self.struck.borrow().contains(&task);
        if struck {
            self.disturb(number);
        }
        let impatient = scene.webhook(number).sender == Sender::Genesys;
        self.demand(
            struck || !impatient || after < PATIENCE,
            Promise::Patience,
            || format!("webhook {number} is answered ({well}) after {after:?}"),
        );
    }

    /// Something befell a webhook's try.
    pub fn disturb(&self, number: usize) {
        self.tries.borrow_mut().disturbed.insert(number);
    }

    /// Its sender did not wait for the answer of `task`.
    pub fn hung_up(&self, number: usize, task: TaskId) {
        if self.struck.borrow().contains(&task) {
            self.disturb(number);
        }
    }

    /// Its sender gives a webhook up.
    pub fn give_up(&self, number: usize) {
        let mut tries = self.tries.borrow_mut();
        tries.given_up.insert(number);
        let disturbed = tries.disturbed.contains(&number);
        self.demand(disturbed, Promise::Patience, || {
            format!("webhook {number} was refused to the end although nothing befell its tries")
        });
    }

    /// A webhook was acknowledged: everything it says is where a crash cannot lose it.
    pub fn acknowledge(&self, scene: &Scene, number: usize, state: &State) {
        let webhook = scene.webhook(number);
        let posts = self.tries.borrow().posted.get(&number).copied();
        if let Some(file) = &webhook.completes {
            self.told_complete(file, state);
        }
        let last = posts.unwrap_or(0) >= MOST_TRIES;
        let parts = webhook.messages.iter().flat_map(|n| {
            let message = &scene.messages[*n];
            message.parts.iter().map(move |part| (message, part))
        });
        let missing: Vec<&MediaId> = parts
            .clone()
            .filter(|(_, part)| !state.items.contains_key(&part.id))
            .filter(|(message, _)| !self.is_taken_back(scene, message))
            .map(|(_, part)| &part.id)
            .collect();
        let unkept = webhook
            .kept
            .iter()
            .filter(|key| !state.kept.contains_key(*key));
        let unkept: Vec<&String> = unkept.collect();
        self.demand(
            missing.is_empty() && unkept.is_empty(),
            Promise::Durable,
            || format!("acknowledged without {missing:?} {unkept:?}"),
        );
        let needs_bytes = |side| side == Side::Agent && !last;
        let without: Vec<&MediaId> = parts
            .filter(|(message, part)| needs_bytes(message.side) && part.sent().is_some())
            .map(|(_, part)| &part.id)
            .filter(|id| {
                let item = state.items.get(id);
                let past = item.is_some_and(|item| item.gate.stage > Stage::Fetching);
                !past && !state.objects.contains_key(id)
            })
            .collect();
        self.demand(without.is_empty(), Promise::Durable, || {
            format!("acknowledged before the bytes of {without:?} were in")
        });
        if self.tries.borrow_mut().acknowledged.insert(number) {
            for message in &webhook.messages {
                self.heard(scene, &scene.messages[*message]);
            }
        }
    }

    /// Whether a message's sender was told that it was taken.
    pub(super) fn was_taken(&self, scene: &Scene, message: usize) -> bool {
        let tries = self.tries.borrow();
        let mut taken = tries.acknowledged.iter();
        taken.any(|number| scene.webhook(*number).messages.contains(&message))
    }

    /// Every webhook that was ever posted is acknowledged or given up.
    pub(super) fn judge_tries(&self) {
        let tries = self.tries.borrow();
        for number in tries.posted.keys() {
            let over = tries.acknowledged.contains(number) || tries.given_up.contains(number);
            self.demand(over, Promise::Ends, || {
                format!("webhook {number} was never acknowledged")
            });
        }
    }
}
