//! What a process has learnt while it delivered: what conversations are called, how much of their limits connections have used
//! up, and the lines that are not as they should be.
//!
//! A line that nobody met trouble in is not known here, and costs nothing. Whoever reserves slots is told what others met in the
//! same answer; whoever meets trouble writes it down for all. Only a job that waited for its slot in the queue, and comes to a process
//! that has not heard of its line meanwhile, makes it look.

use std::cell::RefCell;
use std::collections::HashMap;

use attache_domain::connection::{Connection, Lane};
use attache_domain::conversation::ConversationId;
use attache_domain::diagnosis::{Disposition, Failure, Scope};
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::journey::Item;
use attache_domain::pacing::line::{Heard, Line, News, Pass};
use attache_domain::pacing::usage::Usage;
use attache_domain::pacing::wait::LONGEST_IN_PLACE;
use attache_domain::time::Timestamp;

use super::Deliver;
use super::scope::Sated;
use crate::learning::change_line;
use crate::ports::{Answer, Outage};

/// Logged once each time a platform has not worked for ten minutes. A filter in `template.yaml` makes a metric and an alarm of it.
pub const PLATFORM_DEGRADED: &str = "platform degraded";

/// What this process has learnt while it delivered.
#[derive(Default)]
pub struct Learnt {
    /// What conversations are called, so that what does not change is not written again.
    pub(super) conversations: RefCell<HashMap<ConversationId, String>>,
    /// How much of its limits is used up, as the last answers told, by what they are counted for ([`Connection::quota`]).
    pub(super) usage: RefCell<HashMap<String, Usage>>,
    /// The lines in trouble, by limiter key.
    lines: RefCell<HashMap<String, Line>>,
    /// When each line was heard of last.
    heard: RefCell<HashMap<String, Timestamp>>,
    /// Customers who got too much from one number: until when they get nothing.
    pub(super) sated: RefCell<HashMap<ConversationId, Sated>>,
    /// The request id of the last error that each host answered an upload with.
    last_errors: RefCell<HashMap<String, String>>,
    /// The rights under which calls are being made.
    passes: RefCell<HashMap<MediaId, Pass>>,
}

/// A right that is used: forgotten with it.
pub(super) struct Used<'a> {
    learnt: &'a Learnt,
    media: &'a MediaId,
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        self.learnt.passes.borrow_mut().remove(self.media);
    }
}

impl Learnt {
    /// What is known of a line.
    pub(super) fn line(&self, key: &str) -> Line {
        self.lines.borrow().get(key).cloned().unwrap_or_default()
    }

    /// Takes in what all know of a line.
    pub(super) fn remember(&self, key: &str, line: &Line) {
        let mut lines = self.lines.borrow_mut();
        if *line == Line::default() {
            lines.remove(key);
        } else {
            lines.insert(key.to_owned(), line.clone());
        }
    }

    /// The same, as it is shared at `now`.
    pub(super) fn read(&self, key: &str, shared: Option<&str>, now: Timestamp) -> Answer<Line> {
        let line = match shared {
            Some(text) => serde_json::from_str(text)
                .map_err(|e| Outage::new(format!("learning of {key}"), e))?,
            None => Line::default(),
        };
        self.remember(key, &line);
        self.heard.borrow_mut().insert(key.to_owned(), now);
        Ok(line)
    }

    /// Whether a line was heard of so short a time before `now` that slots which were given meanwhile hold.
    fn has_heard(&self, key: &str, now: Timestamp) -> bool {
        let heard = self.heard.borrow();
        heard
            .get(key)
            .is_some_and(|at| now.saturating_since(*at) <= LONGEST_IN_PLACE)
    }

    /// Under which right calls for this item are made.
    pub(super) fn pass(&self, media: &MediaId) -> Option<Pass> {
        self.passes.borrow().get(media).copied()
    }

    /// Takes in that `host` answered with an error of this request id; whether the one before had the same: then it is no answer to
    /// the question but one that is kept somewhere.
    pub(super) fn repeats(&self, host: &str, request_id: Option<String>) -> bool {
        let mut last = self.last_errors.borrow_mut();
        let before = match &request_id {
            Some(id) => last.insert(host.to_owned(), id.clone()),
            None => last.remove(host),
        };
        request_id.is_some() && before == request_id
    }

    /// How many items calls are being made for.
    pub(super) fn in_hand(&self) -> usize {
        self.passes.borrow().len()
    }

    /// Calls for this item are made under `pass` until what is returned is dropped.
    pub(super) fn uses<'a>(&'a self, media: &'a MediaId, pass: Pass) -> Used<'a> {
        self.passes.borrow_mut().insert(media.clone(), pass);
        Used {
            learnt: self,
            media,
        }
    }
}

/// How a call ended that failed like this, as far as its platform's line cares; `None`: it says nothing of the platform.
fn heard(failure: &Failure) -> Option<Heard> {
    if failure.is_our_own() {
        return None;
    }
    Some(match failure.disposition {
        // The number works: it is one customer who gets too much.
        Disposition::Throttled { .. } if failure.scope() == Scope::Pair => Heard::Answered,
        Disposition::Throttled { retry_after } => Heard::Throttled(retry_after),
        Disposition::Down { retry_after } => Heard::Down(retry_after),
        Disposition::Unavailable | Disposition::Unknown => Heard::Failed,
        Disposition::Rejected
        | Disposition::Unfit(_)
        | Disposition::Unauthorised
        | Disposition::Deferred { .. } => Heard::Answered,
    })
}

impl Deliver<'_> {
    /// The limiter's key of what goes to a connection by this lane.
    pub(super) fn key(&self, connection: &ConnectionId) -> String {
        limiter_key(self.lane, connection)
    }

    /// Looks at what all know of a line, unless this process heard of it a moment ago.
    pub(super) async fn look(&self, key: &str) -> Answer<()> {
        let now = self.clock.now();
        if self.learnt.has_heard(key, now) {
            return Ok(());
        }
        let shared = self.limits.known(key).await?;
        self.learnt.read(key, shared.as_deref(), now).map(drop)
    }

    /// Takes in that the platform of the item's target did what was asked. Costs nothing where it was not in doubt.
    pub(super) async fn succeeded(&self, item: &Item) -> Answer<()> {
        self.report(item, Heard::Answered, "").await.map(drop)
    }

    /// Takes in how the item's call failed.
    pub(super) async fn failed(&self, item: &Item, failure: &Failure) -> Answer<()> {
        let Some(heard) = heard(failure) else {
            return Ok(());
        };
        let evidence = &failure.diagnosis.evidence;
        let news = self.report(item, heard, evidence).await?;
        if let (Some(News::Slowed { .. }), Heard::Throttled(pause)) = (news, heard) {
            self.slow_others(item, (failure.scope(), pause), evidence)
                .await?;
        }
        Ok(())
    }

    /// Gives back the right to be the probe that was not used: others are waiting for what it finds out.
    pub(super) async fn give_back(&self, connection: &ConnectionId, pass: Pass) -> Answer<()> {
        if !pass.is_probe() {
            return Ok(());
        }
        let (key, now) = (self.key(connection), self.clock.now());
        let (line, ()) = self
            .change_line(&key, |line| line.give_back(pass, now))
            .await?;
        self.learnt.remember(&key, &line);
        Ok(())
    }

    /// What of it is new to all.
    async fn report(&self, item: &Item, heard: Heard, evidence: &str) -> Answer<Option<News>> {
        let pass = self.learnt.pass(&item.id);
        let Some((pass, target)) = pass.zip(item.origin.target.as_ref()) else {
            return Ok(None);
        };
        let key = self.key(target);
        if heard == Heard::Answered && !self.learnt.line(&key).awaits_an_answer() {
            return Ok(None);
        }
        let now = self.clock.now();
        let (line, news) = self
            .change_line(&key, |line| line.report(pass, heard, now))
            .await?;
        self.learnt.remember(&key, &line);
        if pass.is_probe() {
            // It has its answer. What its item asks for next, it asks for as anybody.
            let pass = Pass {
                generation: line.generation(),
                ..Pass::default()
            };
            self.learnt
                .passes
                .borrow_mut()
                .insert(item.id.clone(), pass);
        }
        if let Some(news) = news {
            let directory = self.directories.knowing(target).await?;
            say(directory.connection(target), &key, (&news, evidence));
        }
        Ok(news)
    }

    /// Changes what all know of a line.
    pub(super) async fn change_line<T>(
        &self,
        key: &str,
        how: impl Fn(&mut Line) -> T,
    ) -> Answer<(Line, T)> {
        let now = self.clock.now();
        let restart = |before: &Line, after: &Line| before.restart(after, now);
        change_line((self.limits, self.clock), key, how, restart).await
    }
}

/// The limiter's key of what goes to a connection by a lane.
#[must_use]
pub fn limiter_key(lane: Lane, connection: &ConnectionId) -> String {
    format!("{}/{connection}", lane.as_str())
}

/// A line in the log of what is new of a line of calls.
pub(super) fn say(connection: Option<&Connection>, key: &str, (news, evidence): (&News, &str)) {
    let since = |since: Timestamp| since.to_rfc3339();
    let synthetic = connection.is_some_and(|connection| connection.synthetic);
    match news {
        News::Slowed { until, percent } => {
            tracing::warn!(limiter.key = key, limiter.percent = percent, limiter.until = %until.to_rfc3339(), evidence, "the platform asked for less");
        }
        News::Opened { until, since: at } => {
            tracing::warn!(limiter.key = key, platform.down_since = %since(*at), limiter.until = %until.to_rfc3339(), evidence, "breaker open: nobody calls the platform for a while");
        }
        News::Degraded { since: at } => {
            let platform = connection.map(|connection| connection.profile().platform());
            let platform_name = platform.map_or("unknown", |platform| platform.as_str());
            let status_page = platform.and_then(|platform| platform.status_page());
            tracing::error!(limiter.key = key, platform = platform_name, platform.status_page = status_page.unwrap_or("none known"), platform.down_since = %since(*at), evidence, synthetic, "{PLATFORM_DEGRADED}");
        }
        News::Closed { since: at } => {
            tracing::info!(limiter.key = key, platform.down_since = %since(*at), "the platform works again; slowly back to the full pace");
        }
    }
}
