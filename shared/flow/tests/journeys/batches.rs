//! Ten jobs in one invocation: those that fail are named and no others, and a process that dies on the way leaves nothing that is
//! sent a second time.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use attache_domain::channels::Direction;
use attache_domain::connection::Lane;
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::journey::{Item, Stage};
use attache_flow::memory::{Queued, Weather};
use attache_flow::ports::Queue;
use serde_json::{Value, json};

use crate::world::{Mortal, Site, directory};

/// A file.
const NOTES: &[u8] = include_bytes!("../../../../tests/media/notes.txt");

/// What the ten are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    CustomersFiles,
    CustomersWords,
    AgentsFiles,
    AgentsWords,
}

const ALL: [What; 4] = [
    What::CustomersFiles,
    What::CustomersWords,
    What::AgentsFiles,
    What::AgentsWords,
];

impl What {
    fn lane(self) -> Lane {
        match self {
            Self::CustomersFiles | Self::AgentsFiles => Lane::Media,
            Self::CustomersWords | Self::AgentsWords => Lane::Text,
        }
    }

    fn queue(self) -> Queue {
        match self.lane() {
            Lane::Media => Queue::Media,
            Lane::Text => Queue::Text,
        }
    }

    fn is_for_customer(self) -> bool {
        matches!(self, Self::AgentsFiles | Self::AgentsWords)
    }

    /// Ten of them were said, and their jobs lie in the queue.
    fn ten(self, weather: &Rc<Mortal>) -> (Site, Vec<Queued>) {
        let weather = Rc::clone(weather) as Rc<dyn Weather>;
        let site = Site::with(NOTES, directory(), weather);
        site.refresh();
        if self.is_for_customer() {
            site.says("wamid.first", "text", json!({"body": "Hello"}));
            site.run(3);
            site.platforms.sends.borrow_mut().clear();
        }
        for n in 0..10 {
            let words = format!("Words {n}");
            let reply = match self {
                Self::CustomersFiles => site.announce(&format!("wamid.{n}"), Some("notes.txt")),
                Self::CustomersWords => {
                    site.says(&format!("wamid.{n}"), "text", json!({ "body": words }))
                }
                Self::AgentsFiles => {
                    let file = site.attachment(&format!("a{n}"), "notes.txt");
                    site.agent_says(&format!("g{n}"), "", json!([file]))
                }
                Self::AgentsWords => site.agent_says(&format!("g{n}"), &words, Value::Null),
            };
            assert_eq!(reply.status, 200);
        }
        site.fetch();
        site.judge();
        let jobs = site.world.receive(self.queue());
        assert_eq!(jobs.len(), 10, "{self:?}");
        (site, jobs)
    }

    /// How often each of the ten was sent, by item.
    fn sent(self, site: &Site) -> BTreeMap<MediaId, usize> {
        let bodies = match self.is_for_customer() {
            true => site.platforms.said.borrow().clone(),
            false => site.platforms.sends.borrow().clone(),
        };
        let count = |item: Item| {
            let of_it = |body: &&Value| match self.is_for_customer() {
                true => body["biz_opaque_callback_data"] == item.id.as_str(),
                false => body["channel"]["messageId"] == *item.origin.wire_message(),
            };
            (item.id.clone(), bodies.iter().filter(of_it).count())
        };
        self.items(site).into_iter().map(count).collect()
    }

    fn items(self, site: &Site) -> Vec<Item> {
        let direction = match self.is_for_customer() {
            true => Direction::ToCustomer,
            false => Direction::ToAgent,
        };
        let said = |item: &Item| {
            let message = item.origin.message.as_str();
            let named = message.strip_prefix("wamid.").or(message.strip_prefix('g'));
            named.is_some_and(|it| it.parse::<u8>().is_ok())
                && item.origin.direction == direction
                && item.origin.told_of().is_none()
        };
        let items = site.items(said);
        assert_eq!(items.len(), 10, "{self:?}");
        items
    }
}

#[test]
fn three_of_ten_fail_and_are_named_and_the_queue_brings_them_alone_again() {
    for what in ALL {
        let weather = Rc::new(Mortal::default());
        let (site, mut jobs) = what.ten(&weather);
        let whole = jobs.clone();
        // One is no job, one is of nobody, and of one the row cannot be reached for the moment.
        jobs[2].body = "{}".to_owned();
        let id = MediaId::derive(
            &ConnectionId::new("else"),
            &MessageId::new("wamid.else"),
            &AttachmentId::new("a"),
        );
        let job: Value = serde_json::from_str(&jobs[5].body).unwrap();
        jobs[5].body = jobs[5]
            .body
            .replace(job["media"].as_str().unwrap(), id.as_str());
        weather.fails.set(Some(("items.claim", 6)));
        let failed = site.deliver_batch(what.lane(), &jobs).unwrap();
        assert_eq!(failed, ["2", "5", "7"], "{what:?}");
        let sent = what.sent(&site);
        assert_eq!(sent.values().sum::<usize>(), 7, "{what:?}: {sent:?}");
        // The queue brings what failed again, and here the two that were no jobs of ours as they should have been.
        let again: Vec<_> = [2, 5, 7].map(|n: usize| whole[n].clone()).into();
        let failed = site.deliver_batch(what.lane(), &again).unwrap();
        assert!(failed.is_empty(), "{what:?}: {failed:?}");
        let sent = what.sent(&site);
        assert!(sent.values().all(|times| *times == 1), "{what:?}: {sent:?}");
        let ended = what.items(&site);
        assert!(ended.iter().all(|item| item.gate.stage == Stage::Sent));
    }
}

/// What a death in the middle of a batch left.
struct Left {
    site: Site,
    jobs: Vec<Queued>,
    /// The rows.
    rows: BTreeMap<MediaId, Item>,
    /// How often each was sent.
    sent: BTreeMap<MediaId, usize>,
}

/// Plays a batch whose process dies behind this call, if that has any effect to be behind of; `None`: there are not so many calls.
fn killed(what: What, at: usize, side_by_side: bool) -> Option<Option<Left>> {
    let mortal = Rc::new(Mortal::default());
    let (site, jobs) = what.ten(&mortal);
    mortal.calls.set(0);
    mortal.side_by_side.set(side_by_side);
    mortal.dies.set(Some((at, true)));
    // Whatever it says was done, nobody hears of it.
    drop(site.deliver_batch(what.lane(), &jobs));
    mortal.side_by_side.set(false);
    mortal.dies.set(None);
    if mortal.calls.get() < at {
        return None;
    }
    let left = || Left {
        rows: what
            .items(&site)
            .into_iter()
            .map(|it| (it.id.clone(), it))
            .collect(),
        sent: what.sent(&site),
        site,
        jobs,
    };
    Some(mortal.dead.replace(false).then(left))
}

impl Left {
    fn is_recorded(&self, id: &MediaId) -> bool {
        self.rows[id].gate.stage == Stage::Sent
    }

    fn comes_again(&self, what: What) -> bool {
        let failed = self.site.deliver_batch(what.lane(), &self.jobs);
        failed.unwrap().is_empty()
    }

    /// All ten are received again: at once, and when no lease runs any more. Rows that are due are swept.
    fn received_again(&self, what: What) {
        let site = &self.site;
        assert!(self.comes_again(what));
        for second in (0..240).step_by(30) {
            if second % 120 == 60 {
                assert!(self.comes_again(what));
            }
            site.pass(29);
            site.sweep();
            site.run(1);
        }
    }

    fn judge(&self, what: What, name: &str) {
        let sent = what.sent(&self.site);
        for item in what.items(&self.site) {
            let (before, times) = (self.sent[&item.id], sent[&item.id]);
            let row = &self.rows[&item.id];
            let begun = row.gate.intent_until.is_some();
            if self.is_recorded(&item.id) {
                assert_eq!((before, times), (1, 1), "{name}: sent again");
            }
            if item.gate.stage == Stage::Unconfirmed {
                assert!(what.is_for_customer() && begun, "{name}: {row:?}");
                assert_eq!(times, before, "{name}: sent again");
                continue;
            }
            assert_eq!(item.gate.stage, Stage::Sent, "{name}: {item:?}");
            let most = 1 + usize::try_from(item.record.repeats).unwrap();
            assert!((1..=most).contains(&times), "{name}: {times} of {most}");
            assert!(times == 1 || begun, "{name}: it was not under way");
            item.trail.verify(&item.id).unwrap();
        }
    }

    /// What nobody could tell, a status tells in the end.
    fn told_by_status(&self, what: What, name: &str) {
        let open = what.items(&self.site).into_iter();
        for item in open.filter(|item| item.gate.stage == Stage::Unconfirmed) {
            let wamid = format!("wamid.of.{}", item.id);
            self.site
                .reports(&wamid, "delivered", item.id.as_str(), None);
            let id = item.id.clone();
            let item = self.site.items(|item| item.id == id).remove(0);
            assert_eq!(item.gate.stage, Stage::Delivered, "{name}");
        }
    }
}

/// Behind every call of a batch of ten (before the next one nothing is different), whether its jobs are worked on one after the
/// other or side by side.
#[test]
fn a_death_in_the_middle_of_ten_repeats_none_that_was_sent() {
    for (what, side_by_side) in ALL.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let mut recorded = BTreeSet::new();
        let mut at = 0;
        for left in (1..).map_while(|at| killed(what, at, side_by_side)) {
            at += 1;
            // Nothing changes where only something is read.
            let Some(left) = left else { continue };
            let name = format!("{what:?} (side by side: {side_by_side}) killed behind call {at}");
            let ids = left.rows.keys();
            recorded.insert(ids.filter(|id| left.is_recorded(id)).count());
            left.received_again(what);
            left.judge(what, &name);
            left.told_by_status(what, &name);
        }
        assert!(at > 30, "{what:?}: {at} calls");
        assert!(recorded.contains(&7), "{what:?}: {recorded:?}");
    }
}
