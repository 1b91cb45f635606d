//! When customers wrote, and so when they may be told something.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_domain::ids::MediaId;
use attache_domain::time::Timestamp;

use super::{Promise, Reference};
use crate::scene::{Message, Scene, Side};
use crate::schedule::TaskId;

/// WhatsApp's service window.
const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// How much later than WhatsApp's window closes a message may still be sent: the system may think that it closes five
/// minutes later, and looks before it hands a file over, which may take two and a half. WhatsApp refuses it then.
const TOLERANCE: Duration = Duration::from_secs(300 + 150 + 20);

/// How long typing is worth being shown, and the call that shows it.
const TYPING: Duration = Duration::from_secs(10 + 20);

/// A number and a customer.
type Pair = (usize, String);

/// What is known of customers.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// When each wrote last, as far as the system may know.
    wrote: BTreeMap<Pair, Timestamp>,
    /// Messages the system has acknowledged: when they were written, when that was.
    certain: BTreeMap<Pair, Vec<(Timestamp, Timestamp)>>,
    /// When each was last sent a template.
    invited: BTreeMap<Pair, Timestamp>,
    /// When an agent's typing was last announced.
    typing: BTreeMap<Pair, Timestamp>,
}

impl Reference {
    /// A message is on its way in.
    pub(super) fn wrote(&self, message: &Message) {
        if message.side == Side::Customer {
            let pair = (message.number, message.customer.to_owned());
            let mut hearing = self.hearing.borrow_mut();
            let at = hearing.wrote.entry(pair).or_default();
            *at = (*at).max(message.sent_at());
        }
    }

    /// A message was acknowledged.
    pub(super) fn heard(&self, scene: &Scene, message: &Message) {
        if message.side == Side::Customer {
            let pair = (message.number, message.customer.to_owned());
            let entry = (message.sent_at(), scene.agenda.now());
            let mut hearing = self.hearing.borrow_mut();
            hearing.certain.entry(pair).or_default().push(entry);
        }
    }

    fn last_wrote(&self, number: usize, customer: &str) -> Option<Timestamp> {
        let pair = (number, customer.to_owned());
        let now_and_then = self.hearing.borrow().wrote.get(&pair).copied();
        now_and_then.max(Scene::wrote_before(customer))
    }

    /// Whether WhatsApp lets a message through.
    pub fn may_be_told(&self, number: usize, customer: &str, now: Timestamp) -> bool {
        self.last_wrote(number, customer)
            .is_some_and(|at| now < at + WINDOW)
    }

    /// A message is about to be sent to a customer.
    pub(super) fn judge_window(&self, message: &Message, (task, now): (TaskId, Timestamp)) {
        let open = self
            .last_wrote(message.number, message.customer)
            .is_some_and(|at| now < at + WINDOW + TOLERANCE);
        let struck = self.struck.borrow().contains(&task);
        self.demand(open || struck, Promise::Window, || {
            format!("{} is sent to {}", message.id, message.customer)
        });
    }

    /// Whether somebody could know, when a row was `born`, that its customer's window was open at `now`.
    pub(super) fn was_open(&self, message: &Message, born: Timestamp, now: Timestamp) -> bool {
        let pair = (message.number, message.customer.to_owned());
        let hearing = self.hearing.borrow();
        let known = hearing.certain.get(&pair).into_iter().flatten();
        let known = known.filter(|(_, acknowledged)| *acknowledged <= born);
        let last = known.map(|(sent, _)| *sent).max();
        last.max(Scene::wrote_before(message.customer))
            .is_some_and(|at| now < at + WINDOW)
    }

    /// A customer was sent a template.
    pub(super) fn invite(&self, row: &MediaId, pair: Pair, now: Timestamp) {
        let mut hearing = self.hearing.borrow_mut();
        let before = hearing.invited.insert(pair, now);
        self.demand(
            before.is_none_or(|at| at + WINDOW <= now),
            Promise::Window,
            || format!("a second template in the place of {row}"),
        );
    }

    /// An agent's typing was announced.
    pub fn announce_typing(&self, scene: &Scene, number: usize, customer: &str) {
        let pair = (number, customer.to_owned());
        let mut hearing = self.hearing.borrow_mut();
        hearing.typing.insert(pair, scene.agenda.now());
    }

    /// A customer is shown that the agent is writing, on the message `last`.
    pub fn typing(&self, scene: &Scene, number: Option<usize>, last: &str) {
        let now = scene.agenda.now();
        scene.note(format_args!("typing is shown on {last}"));
        let answered = scene.messages.iter().find(|message| message.id == last);
        let struck = self.struck.borrow().contains(&scene.agenda.running());
        let hearing = self.hearing.borrow();
        let mut pairs = hearing.typing.iter();
        let known = pairs.any(|((over, customer), at)| {
            let whose = answered.is_none_or(|message| message.customer == customer);
            let fresh = now < *at + TYPING || struck;
            Some(*over) == number && whose && fresh
        });
        self.demand(known, Promise::Faithful, || {
            format!("typing is shown on {last} although nobody is")
        });
    }
}
