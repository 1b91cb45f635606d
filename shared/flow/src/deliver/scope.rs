//! Whose limit a refusal is about. Mostly it is the line's of the call that was refused; a number's or a page's holds for both its
//! lanes, an app's or an account's for every connection that speaks by the same access token, and a pair's for one customer only.
//!
//! Others are told once for each refusal that is news in its own line, and each has a row of its own for that: nobody reads more
//! than before while nothing is wrong.

use std::collections::HashMap;
use std::time::Duration;

use attache_domain::connection::{Connection, Lane};
use attache_domain::conversation::ConversationId;
use attache_domain::diagnosis::{Disposition, Failure, Scope};
use attache_domain::ids::{ConnectionId, MediaId};
use attache_domain::journey::Item;
use attache_domain::pacing::line::{Heard, Line, Pass};
use attache_domain::time::Timestamp;

use super::Deliver;
use super::learnt::{limiter_key, say};
use crate::ports::Answer;

/// A customer gets no more than one message in this time (`meta.md` §1.6), so that is the pause where none is named; doubled each
/// time it was too short.
const PAIR_PAUSE: Duration = Duration::from_secs(6);
const LONGEST_PAIR_PAUSE: Duration = Duration::from_secs(96);

/// Refused again within this time after its end, a pause was too short.
const SOON: Duration = Duration::from_secs(30);

/// More customers than this are not remembered at once: beyond, each message finds out by itself.
const MOST_SATED: usize = 1000;

/// A customer who got too much. What is still to be said goes out one by one, each in its own place.
#[derive(Clone, Debug, Default)]
pub(super) struct Sated {
    /// Nothing before that.
    until: Timestamp,
    pause: Duration,
    /// The next place that nobody has.
    next: Timestamp,
    places: HashMap<MediaId, Timestamp>,
}

impl Sated {
    /// `media` was refused at `now`. `asked`: the pause that was named.
    fn refused(&mut self, media: &MediaId, asked: Option<Duration>, now: Timestamp) {
        self.places.remove(media);
        // Of those under way at the same time, one is enough.
        if self.until > now {
            return;
        }
        let soon = !self.pause.is_zero() && now < self.until + SOON;
        let own = if soon { self.pause * 2 } else { PAIR_PAUSE };
        self.pause = own.max(asked.unwrap_or_default()).min(LONGEST_PAIR_PAUSE);
        self.until = now + self.pause;
    }

    /// When `media` may go out, if not at `now`.
    fn place(&mut self, media: &MediaId, now: Timestamp) -> Option<Timestamp> {
        match self.places.get(media) {
            Some(at) if *at > now => return Some(*at),
            Some(_) if self.until <= now => return None,
            Some(_) | None => {}
        }
        let at = self.next.max(self.until);
        if at <= now {
            return None;
        }
        self.next = at + PAIR_PAUSE;
        self.places.insert(media.clone(), at);
        Some(at)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until.max(self.next) + SOON
    }
}

fn lanes_of(scope: Scope) -> &'static [Lane] {
    match scope {
        Scope::Pair | Scope::Lane => &[],
        Scope::Connection | Scope::Token => &[Lane::Media, Lane::Text],
    }
}

impl Deliver<'_> {
    /// When the item may go out, if its customer gets nothing more from this number now.
    pub(super) fn place_after_others(&self, item: &Item) -> Option<Timestamp> {
        let mut sated = self.learnt.sated.borrow_mut();
        sated
            .get_mut(&pair(item)?)?
            .place(&item.id, self.clock.now())
    }

    /// Takes in that a refusal was about the item's customer alone, if it was.
    pub(super) fn note_sated(&self, item: &Item, failure: &Failure) {
        let Disposition::Throttled { retry_after } = failure.disposition else {
            return;
        };
        let Some(pair) = pair(item).filter(|_| failure.scope() == Scope::Pair) else {
            return;
        };
        let now = self.clock.now();
        let mut sated = self.learnt.sated.borrow_mut();
        sated.retain(|_, known| !known.is_over(now));
        if sated.len() < MOST_SATED {
            sated
                .entry(pair)
                .or_default()
                .refused(&item.id, retry_after, now);
        }
    }

    /// Has the other lines go slower that the refusal is about.
    pub(super) async fn slow_others(
        &self,
        item: &Item,
        (scope, pause): (Scope, Option<Duration>),
        evidence: &str,
    ) -> Answer<()> {
        let Some(target) = item.origin.target.as_ref() else {
            return Ok(());
        };
        let directory = self.directories.knowing(target).await?;
        let Some(connection) = directory.connection(target) else {
            return Ok(());
        };
        let others: Vec<&Connection> = match scope {
            Scope::Token => directory.of_one_token(connection).collect(),
            Scope::Pair | Scope::Lane | Scope::Connection => Vec::new(),
        };
        for connection in std::iter::once(connection).chain(others) {
            for lane in lanes_of(scope) {
                let key = limiter_key(*lane, &connection.id);
                if connection.id != *target || *lane != self.lane {
                    self.slow(connection, &key, pause, evidence).await?;
                }
            }
        }
        Ok(())
    }

    async fn slow(
        &self,
        connection: &Connection,
        key: &str,
        pause: Option<Duration>,
        evidence: &str,
    ) -> Answer<()> {
        let now = self.clock.now();
        let slow = |line: &mut Line| {
            let generation = line.generation();
            let pass = Pass {
                generation,
                ..Pass::default()
            };
            line.report(pass, Heard::Throttled(pause), now)
        };
        let (line, news) = self.change_line(key, slow).await?;
        self.learnt.remember(key, &line);
        if let Some(news) = news {
            say(Some(connection), key, (&news, evidence));
        }
        Ok(())
    }
}

/// The number and the customer.
fn pair(item: &Item) -> Option<ConversationId> {
    let number: &ConnectionId = item.origin.target.as_ref()?;
    Some(ConversationId::new(number, &item.origin.customer))
}

#[cfg(test)]
mod tests {
    use attache_domain::ids::{AttachmentId, MessageId};

    use super::*;

    #[test]
    fn a_pause_that_was_too_short_is_doubled_up_to_a_minute_and_a_half() {
        let at = Timestamp::from_seconds;
        let media = MediaId::derive(
            &ConnectionId::new("wa"),
            &MessageId::new("m"),
            &AttachmentId::new("0"),
        );
        let mut sated = Sated::default();
        let mut now = 100;
        for pause in [6, 12, 24, 48, 96, 96] {
            sated.refused(&media, None, at(now));
            assert_eq!(sated.until, at(now + pause));
            sated.refused(&media, None, at(now + 1));
            assert_eq!(sated.until, at(now + pause), "told at the same time");
            now += pause;
        }
        sated.refused(&media, None, at(now + 31));
        assert_eq!(sated.until, at(now + 37), "long ago");
        let mut asked = Sated::default();
        asked.refused(&media, Some(Duration::from_secs(20)), at(100));
        assert_eq!(asked.until, at(120));
    }
}
