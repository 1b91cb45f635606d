//! What goes wrong, and the weather that brings it to every call of a port.
//!
//! A seed enables some kinds of fault and not others (runs in which everything fails at once reach less than runs in
//! which a few things fail often), sets how often they strike, and how often in all. When the budget or the time of
//! faults is over, the weather is calm for good: from then on everything must come to its end.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::time::Timestamp;
use attache_flow::memory::{Weather, World};
use attache_flow::ports::{Answer, Outage};

use crate::dice::Dice;
use crate::scene::Scene;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

faults! {
    /// The process dies before a call took effect.
    CrashBefore,
    /// The process dies after a call took effect, before it learns of it.
    CrashAfter,
    /// The service fails and nothing happened.
    OutageBefore,
    /// The service did it, but its answer is lost.
    OutageAfter,
    /// The process stands still for a while.
    Stall,
    /// The bucket takes long to finish an upload whose last byte it has.
    SlowCommit,
    /// A queue delivers a message twice.
    MessageTwice,
    /// A queue delivers a message late.
    MessageLate,
    /// The bucket reports an object twice.
    EventTwice,
    /// The bucket reports an object late.
    EventLate,
    /// The bucket never reports an object.
    EventLost,
    /// The sender repeats a webhook that was acknowledged.
    WebhookTwice,
    /// The acknowledgement is lost on its way to the sender.
    AcknowledgementLost,
    /// The platform does not say where a file is: 5xx.
    LookUpUnavailable,
    /// The same: throttled (Meta: as status 400).
    LookUpThrottled,
    /// The same: the token is refused.
    LookUpRefused,
    /// The same: no answer.
    LookUpLost,
    /// Meta: the link names a host that is not Meta's.
    LinkForeign,
    /// The link is dead before its time.
    LinkDead,
    /// Status 200 with a page in the file's place.
    ErrorPage,
    /// The download does not say how long it is.
    NoLength,
    /// The download ends early.
    Cut,
    /// The connection of a download is reset.
    Reset,
    /// The download or the upload goes slowly.
    Slow,
    /// The number's token is replaced in Secrets Manager and the old one refused.
    Rotated,
    /// No connection to a platform.
    NotConnected,
    /// A message is throttled, with a time.
    SendThrottled,
    /// A message or an upload is refused for now, not processed.
    SendUnavailable,
    /// A message: 504 (Genesys) or a gateway's 502 (WhatsApp), not processed.
    SendUnknown,
    /// A message: 500 or a gateway's 502, processed.
    SendUnknownDone,
    /// A message or an upload: no answer, not processed.
    SendLost,
    /// A message: no answer, processed.
    SendLostDone,
    /// A message: no answer; processed later, within the call's deadline.
    SendLandsLate,
    /// A message: the token is refused (Genesys: revoked).
    SendRefused,
    /// A message is refused for good.
    SendRejected,
    /// A file, or a message with one, is refused as too large, although it is not.
    SendTooLarge,
    /// An integration or its limits cannot be seen.
    LimitsUnread,
    /// The token endpoint fails.
    TokenUnavailable,
    /// The token endpoint does not answer.
    TokenLost,
    /// A host of files fails everybody for a while: 503, or no answer.
    HostDown,
    /// A target is down, perhaps for hours: 503 to everything that is to be sent.
    TargetDown,
    /// Bytes that were accepted: nobody ever begins with them.
    UploadQueued,
    /// Nobody ever finishes with them.
    UploadSilent,
    /// The event that they are there comes before their answer.
    CompletionFirst,
    /// It comes twice.
    CompletionTwice,
    /// It never comes.
    CompletionNever,
    /// A host of files asks everybody for less for a while: 429, with a time or without.
    HostThrottled,
}

/// The faults of one run.
#[derive(Debug)]
pub struct Faults {
    enabled: Vec<Fault>,
    permille: u32,
    left: Cell<u32>,
    until: Timestamp,
    last: Cell<Timestamp>,
    struck: RefCell<BTreeMap<Fault, u32>>,
}

impl Faults {
    /// Draws what may go wrong; all of it before `now` plus three hours.
    #[must_use]
    pub fn draw(dice: &Dice, now: Timestamp) -> Self {
        let all = dice.chance(150);
        let enabled = Fault::ALL
            .iter()
            .copied()
            .filter(|_| all || dice.chance(400))
            .collect();
        Self {
            enabled,
            permille: *dice.pick(&[0, 5, 15, 40, 100]).unwrap_or(&0),
            left: Cell::new(u32::try_from(dice.between(1, 40)).unwrap_or(1)),
            until: now + Duration::from_secs(3 * 3600),
            last: Cell::new(now),
            struck: RefCell::default(),
        }
    }

    /// When the last fault struck.
    pub fn last(&self) -> Timestamp {
        self.last.get()
    }

    /// Whether nothing went wrong so far.
    pub fn is_calm(&self) -> bool {
        self.struck.borrow().is_empty()
    }

    /// How often each kind struck.
    pub fn struck(&self) -> BTreeMap<Fault, u32> {
        self.struck.borrow().clone()
    }

    /// Somebody meets a host in trouble. That is no matter of chance: it fails everybody.
    pub fn meet(&self, scene: &Scene, fault: Fault) {
        self.last.set(scene.agenda.now());
        *self.struck.borrow_mut().entry(fault).or_default() += 1;
        scene.note(format_args!("! {fault:?}"));
    }

    /// Whether one of `among` strikes now, `weight` times as likely as a single call's weather.
    pub fn strike(&self, scene: &Scene, weight: u32, among: &[Fault]) -> Option<Fault> {
        let (dice, now) = (&scene.agenda.dice, scene.agenda.now());
        if self.left.get() == 0 || now > self.until || !dice.chance(self.permille * weight) {
            return None;
        }
        let possible = among.iter().filter(|fault| self.enabled.contains(fault));
        let possible: Vec<Fault> = possible.copied().collect();
        let fault = *dice.pick(&possible)?;
        self.left.set(self.left.get() - 1);
        self.last.set(now);
        *self.struck.borrow_mut().entry(fault).or_default() += 1;
        scene.note(format_args!("! {fault:?}"));
        Some(fault)
    }
}

/// The weather around every call of the twins.
pub struct Storm {
    scene: Rc<Scene>,
    world: OnceCell<Weak<World>>,
}

impl Storm {
    /// The weather of one run.
    #[must_use]
    pub fn new(scene: Rc<Scene>) -> Self {
        Self {
            scene,
            world: OnceCell::new(),
        }
    }

    /// Shows it the world, whose rows it looks at after every effect.
    pub fn look_at(&self, world: &Rc<World>) {
        // Set once, when the run is put together.
        let _ = self.world.set(Rc::downgrade(world));
    }

    fn observe(&self) {
        if let Some(world) = self.world.get().and_then(Weak::upgrade) {
            self.scene
                .reference
                .observe(&self.scene, &world.state.borrow());
        }
    }

    async fn pass(&self, strikes: &[Fault], call: &'static str) -> Answer<()> {
        let scene = &self.scene;
        let Some(fault) = scene.faults.strike(scene, 1, strikes) else {
            return Ok(());
        };
        let task = scene.agenda.running();
        scene.note(format_args!("  in task {task} around {call}"));
        scene.reference.excuse(task);
        match fault {
            Fault::OutageBefore | Fault::OutageAfter => Err(Outage::new(call, "bad weather")),
            Fault::Stall => {
                let longest = *scene
                    .agenda
                    .dice
                    .pick(&[5_000, 45_000, 400_000])
                    .unwrap_or(&0);
                scene
                    .agenda
                    .sleep(scene.agenda.dice.millis(1, longest))
                    .await;
                Ok(())
            }
            _ => {
                scene.agenda.die().await;
                Ok(())
            }
        }
    }
}

/// Platforms bring weather of their own: around their calls only the process can die.
fn is_platform(call: &str) -> bool {
    call.starts_with("http.")
}

#[async_trait(?Send)]
impl Weather for Storm {
    async fn before(&self, call: &'static str) -> Answer<()> {
        let scene = &self.scene;
        scene.agenda.sleep(scene.agenda.dice.millis(0, 12)).await;
        if is_platform(call) {
            self.pass(&[Fault::CrashBefore], call).await
        } else {
            let strikes = [Fault::CrashBefore, Fault::OutageBefore, Fault::Stall];
            self.pass(&strikes, call).await
        }
    }

    async fn after(&self, call: &'static str) -> Answer<()> {
        self.observe();
        if is_platform(call) {
            self.pass(&[Fault::CrashAfter], call).await?;
        } else {
            let strikes = [Fault::CrashAfter, Fault::OutageAfter, Fault::Stall];
            self.pass(&strikes, call).await?;
        }
        let agenda = &self.scene.agenda;
        agenda.sleep(agenda.dice.millis(0, 12)).await;
        Ok(())
    }

    async fn wait(&self, duration: Duration) {
        self.scene.agenda.sleep(duration).await;
    }
}
