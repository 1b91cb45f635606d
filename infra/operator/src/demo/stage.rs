//! Watches the items' rows while the functions work on them, and tells what changes.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, ensure};
use attache_domain::channels::Direction;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::Verdict;
use attache_edge::dynamodb::ItemsTable;
use attache_flow::ports::Items;
use attache_local::LocalRun;

use super::timeline::Timeline;
use crate::site;

/// How often the rows are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What became of a piece.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) message: String,
    pub(super) stage: &'static str,
    pub(super) verdict: &'static str,
    /// Reasons for the verdict, or what failed.
    pub(super) why: String,
    /// From the webhook to the last arrow.
    pub(super) took: Duration,
    /// Attempts to send that failed before it worked.
    pub(super) attempts: u32,
    /// How often `sweep` brought it home.
    pub(super) sweeps: u32,
    pub(super) at_rest: bool,
}

struct Watched {
    name: String,
    message: String,
    id: MediaId,
    /// The stages in which it may end.
    until: &'static [&'static str],
    seen: Option<Item>,
}

impl Watched {
    /// Nothing more happens to it by itself: it has ended, or waits for a person.
    fn is_at_rest(&self) -> bool {
        let Some(item) = &self.seen else {
            return false;
        };
        let stage = item.gate.stage;
        let goes_on = matches!(stage, Stage::Sent | Stage::Delivered);
        self.until.contains(&stage.as_str())
            || (!goes_on && (item.gate.due_at.is_none() || stage.is_over()))
    }
}

/// The rows of the pieces on stage.
pub(super) struct Watch {
    items: ItemsTable,
    watched: Vec<Watched>,
}

impl Watch {
    pub(super) fn new(run: &LocalRun) -> Result<Self> {
        let table = site::table_name(run.template(), "MediaTable")?;
        Ok(Self {
            items: ItemsTable::new(run.clients().dynamodb.clone(), table),
            watched: Vec::new(),
        })
    }

    /// Begins to watch an item until it is in one of these stages. Its row's key follows from what its platform announces.
    pub(super) fn add(
        &mut self,
        name: &str,
        message: &str,
        id: MediaId,
        until: &'static [&'static str],
    ) {
        self.watched.push(Watched {
            name: name.to_owned(),
            message: message.to_owned(),
            id,
            until,
            seen: None,
        });
    }

    /// Watches until everything on stage has arrived or ended, or time is up.
    pub(super) async fn until_over(&mut self, timeline: &Timeline, within: Duration) -> Result<()> {
        let end = tokio::time::Instant::now() + within;
        let over = |watched: &Watched| {
            let item = watched.seen.as_ref();
            item.is_some_and(|item| item.gate.stage.is_over() || item.gate.due_at.is_none())
        };
        while !self.watched.iter().all(over) && tokio::time::Instant::now() < end {
            self.look(timeline).await?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Watches until `other` is done.
    pub(super) async fn follow_while<T>(
        &mut self,
        timeline: &Timeline,
        other: impl Future<Output = T>,
    ) -> Result<T> {
        let mut other = std::pin::pin!(other);
        loop {
            match tokio::time::timeout(LOOK, &mut other).await {
                Ok(done) => return Ok(done),
                Err(_) => self.look(timeline).await?,
            }
        }
    }

    /// Watches until every piece is at rest, or time is up.
    pub(super) async fn until_at_rest(
        mut self,
        timeline: &Timeline,
        within: Duration,
    ) -> Result<Vec<Outcome>> {
        let end = tokio::time::Instant::now() + within;
        loop {
            self.look(timeline).await?;
            let resting = self.watched.iter().all(Watched::is_at_rest);
            if resting || tokio::time::Instant::now() > end {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        ensure!(!self.watched.is_empty(), "nothing was sent");
        Ok(self.watched.iter().map(outcome).collect())
    }

    async fn look(&mut self, timeline: &Timeline) -> Result<()> {
        for watched in self
            .watched
            .iter_mut()
            .filter(|watched| !watched.is_at_rest())
        {
            let item = self.items.load(&watched.id).await?;
            tell(timeline, watched, item.as_ref());
            watched.seen = item.or_else(|| watched.seen.take());
        }
        Ok(())
    }
}

fn tell(timeline: &Timeline, watched: &Watched, now: Option<&Item>) {
    let Some(now) = now else { return };
    let before = watched.seen.as_ref();
    if before.map_or(0, |item| item.record.sweeps) < now.record.sweeps {
        timeline.say(
            &watched.name,
            "sweep found it stuck and put it back on its way",
        );
    }
    if before.map_or(0, |item| item.record.attempts) < now.record.attempts {
        let why = now
            .record
            .diagnosis
            .as_ref()
            .map_or("?", |diagnosis| diagnosis.code.as_str());
        // Towards a customer an open outcome stays open: nobody sends it again.
        let then = match (now.gate.intent_until, now.origin.direction) {
            (Some(_), Direction::ToCustomer) => "a status may tell, it is not sent again",
            _ => "it waits and tries again",
        };
        let attempts = now.record.attempts;
        timeline.say(
            &watched.name,
            &format!("attempt {attempts} ended with {why}; {then}"),
        );
    }
    if before.is_none_or(|item| {
        item.gate.stage != now.gate.stage || item.gate.verdict != now.gate.verdict
    }) {
        timeline.say(&watched.name, &describe(now));
    }
}

fn describe(item: &Item) -> String {
    match (item.gate.stage, item.gate.verdict) {
        (_, Verdict::Held) => format!("held: {}", reasons(item)),
        (_, Verdict::Quarantined) => format!("quarantined: {}", reasons(item)),
        (Stage::Announced, _) => "announced: the webhook is durable and was answered".to_owned(),
        (Stage::Fetching, _) => "fetching".to_owned(),
        (Stage::Waiting, _) => "stored, judged clean, planned".to_owned(),
        (Stage::Sending, _) => "sending".to_owned(),
        (Stage::Uploading, _) => "handing the bytes over".to_owned(),
        (Stage::Sent, _) => match item.origin.direction {
            Direction::ToAgent => "sent: the agent has it".to_owned(),
            Direction::ToCustomer => "sent: the platform has accepted it".to_owned(),
        },
        (Stage::Delivered, _) => "delivered: the customer has it".to_owned(),
        (Stage::Failed, _) => "failed: the agent is told".to_owned(),
        (stage, _) => stage.as_str().to_owned(),
    }
}

fn reasons(item: &Item) -> String {
    let words = item
        .record
        .reasons
        .iter()
        .map(|reason| format!("{} ({})", reason.code, reason.evidence));
    words.collect::<Vec<_>>().join(", ")
}

fn outcome(watched: &Watched) -> Outcome {
    let nothing = Outcome {
        message: watched.message.clone(),
        stage: "never seen",
        verdict: "-",
        why: String::new(),
        took: Duration::ZERO,
        attempts: 0,
        sweeps: 0,
        at_rest: false,
    };
    let Some(item) = &watched.seen else {
        return nothing;
    };
    let entries = item.trail.verify(&item.id).unwrap_or_default();
    let (first, last) = (entries.first().map(|e| e.at), entries.last().map(|e| e.at));
    let failure = item
        .record
        .diagnosis
        .as_ref()
        .map(|d| format!("{}: {}", d.code, d.evidence));
    Outcome {
        stage: item.gate.stage.as_str(),
        verdict: item.gate.verdict.as_str(),
        why: failure.unwrap_or_else(|| reasons(item)),
        took: last
            .zip(first)
            .map_or(Duration::ZERO, |(last, first)| last.saturating_since(first)),
        attempts: item.record.attempts,
        sweeps: item.record.sweeps,
        at_rest: watched.is_at_rest(),
        ..nothing
    }
}
