//! One seed from its first webhook to the end: the loop that takes what comes next off the agenda, and what the world
//! around the functions does about it.

mod events;
mod senders;
mod tasks;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::connection::Retention;
use attache_domain::conversation::{ConversationId, Heard};
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::MessageId;
use attache_domain::journey::{Item, Stage};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_flow::memory::World;
use attache_flow::ports::Queue;
use attache_inspect::{Policy, Verdict};

use crate::bench::{Bench, Invocation};
use crate::broker::Broker;
use crate::faults::{Fault, Storm};
use crate::files::SIGNATURE;
use crate::platforms::Platforms;
use crate::ports::Ports;
use crate::reference::{Promise, Remains, Violation};
use crate::sabotage::Sabotage;
use crate::scene::{self, BEGINNING, CUSTOMERS, Event, LOOKASIDE, STRANGER, Scene, Side};
use crate::schedule::{Due, TaskId};
use crate::trace::Keep;
use senders::{Sending, Try};

/// How long after the last fault everything must have come to its end: the longest a message can hide is four times
/// half an hour.
const CALM: Duration = Duration::from_secs(4 * 3600);
/// And where only references are kept, until no link lives, and a last look.
const REFERENCED: Duration = Duration::from_secs(7 * 3600);
/// And while a number's questions are answered with errors: a few go through each hour.
const DEAD: Duration = Duration::from_secs(24 * 3600);
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
        let mut policy = Policy::default();
        if sabotage == Sabotage::BlindJudge {
            for section in ["hazards", "disguised"] {
                let set = policy.set(section, "executable", Verdict::Clean);
                assert_eq!(set, Ok(()), "the flag it is blind for");
            }
        }
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
    run.play_out();
    if run.broker.parked() > 0 && !scene.reference.is_broken() {
        scene.note(format_args!("an operator redrives what was parked"));
        run.broker.redrive(&scene);
        run.play_out();
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
    Webhook(Try),
    Batch(Queue, Vec<(u64, String)>),
    Object(String, u8),
    Tick,
}

/// What was heard of a customer before the run.
fn remember(world: &World, customer: &str) {
    let Some(at) = Scene::wrote_before(customer) else {
        return;
    };
    let mut state = world.state.borrow_mut();
    for number in 0..2 {
        let id = ConversationId::new(&scene::number_id(number), customer);
        let row = state.conversations.entry(id).or_default();
        row.heard = Some(Heard {
            at,
            message: MessageId::new("wamid.before"),
            name: None,
        });
    }
}

struct Run {
    scene: Rc<Scene>,
    world: Rc<World>,
    platforms: Rc<Platforms>,
    bench: Bench,
    broker: Broker,
    tasks: BTreeMap<TaskId, (Work, Invocation)>,
    next_task: TaskId,
    senders: BTreeMap<usize, Sending>,
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
            scene.directory(media_hosts),
            Rc::clone(&platforms) as _,
            Rc::clone(&storm) as _,
            BEGINNING,
        ));
        storm.look_at(&world);
        world.seed(scene.agenda.dice.draw());
        let (signature, name) = SIGNATURE;
        let known = (signature.to_vec(), name.to_owned());
        world.state.borrow_mut().signatures.push(known);
        platforms.whatsapp.hand_out(&mut world.state.borrow_mut());
        for customer in CUSTOMERS {
            remember(&world, customer);
        }
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
            senders: BTreeMap::new(),
            sabotage: settings.sabotage,
            scene,
        }
    }

    fn begin(&self) {
        let agenda = &self.scene.agenda;
        for number in 0..self.scene.webhook_count() {
            let webhook = self.scene.webhook(number);
            if webhook.cue.is_none() {
                agenda.expect(webhook.at, Event::Webhook(number));
            }
        }
        agenda.remind(agenda.dice.millis(0, 60_000), Event::Sweep);
        agenda.remind(agenda.dice.millis(0, 60_000), Event::Refresh);
        if agenda.dice.chance(300) {
            let slots = *agenda.dice.pick(&[40, 480, 600]).unwrap_or(&40);
            agenda.expect(agenda.dice.millis(0, 60_000), Event::Rush(slots));
        }
    }

    fn play_out(&mut self) {
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
        let scene = &self.scene;
        let customers = scene
            .messages
            .iter()
            .filter(|message| message.side == Side::Customer)
            .flat_map(|message| &message.parts)
            .filter_map(|part| part.sent());
        let withheld = customers.clone().any(|sent| sent.withheld);
        let dead = customers.clone().any(|sent| sent.dead);
        let referenced = scene.retentions.contains(&Retention::ReferenceOnly);
        let patience = [
            (withheld, WITHHELD),
            (dead, DEAD),
            (referenced, REFERENCED),
            (true, CALM),
        ];
        let patience = patience.into_iter().filter(|(is_so, _)| *is_so);
        let patience: Duration = patience.map(|(_, patience)| patience).sum();
        let last = scene.messages.iter().map(|message| BEGINNING + message.at);
        let last = last.max().max(Some(scene.faults.last()));
        last.is_some_and(|last| scene.agenda.now() > last + patience)
    }

    fn next_due(&self) -> Option<Timestamp> {
        let state = self.world.state.borrow();
        state
            .items
            .values()
            .filter_map(|item| item.gate.due_at)
            .min()
    }

    fn endings(&self) -> Vec<Stage> {
        let state = self.world.state.borrow();
        state.items.values().map(|item| item.gate.stage).collect()
    }

    fn stages(&self) -> Vec<String> {
        let state = self.world.state.borrow();
        let stage = |item: &Item| {
            format!(
                "{} {} {:?}",
                item.origin.message, item.origin.attachment, item.gate
            )
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
}
