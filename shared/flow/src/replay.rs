//! Replay: events that were kept because nobody had configured their number, or its route, are taken in once somebody has.
//!
//! Their signatures were verified when they came, and nothing can get among them since. Each goes the way of a webhook:
//! identity is derived, so that what is on its way already is recognised, whoever was faster. Then the event is settled,
//! and not looked at again. A file is left to `fetch`, whatever its sender's patience was: nobody waits for an answer any
//! more, and a link that died meanwhile ends as it always does, in a notice.

use attache_domain::connection::{Directory, Endpoint, Patience};
use attache_domain::event::{Admission, Announcement, KeptBecause, admit};
use attache_domain::platforms;

use crate::intake::{Call, Intake};
use crate::ports::{Answer, Claims, KeptEvent, Outage, Settled, Wanted};

/// What replay needs.
#[derive(Clone, Copy)]
pub struct Replay<'a> {
    /// Takes the events in.
    pub intake: Intake<'a>,
    /// The configuration they are taken in by.
    pub directory: &'a Directory,
}

/// What becomes of a kept event, or would.
#[derive(Debug)]
pub enum Outcome {
    /// It is on its way now, or was already.
    Carried,
    /// It was taken into account; there is nothing in it to be carried.
    Noted,
    /// It stays as it is: what it lacks is lacking still.
    Waiting(KeptBecause),
    /// It stays as it is: this version cannot read it.
    Unreadable(String),
    /// It stays as it is: the world failed.
    Failed(Outage),
}

impl Outcome {
    /// The word in reports.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::Noted => "noted",
            Self::Waiting(_) => "waiting",
            Self::Unreadable(_) => "unreadable",
            Self::Failed(_) => "failed",
        }
    }
}

/// Where an event stands before anything is done about it.
enum Standing<'a> {
    /// What it lacked is there.
    Ready(&'a Endpoint, Box<Announcement>, bool),
    /// It stays as it is.
    Stays(Outcome),
}

/// Every event that is wanted, oldest first, so that messages follow each other as they came.
///
/// # Errors
/// An outage of the table.
pub async fn pending(claims: &dyn Claims, wanted: &Wanted) -> Answer<Vec<KeptEvent>> {
    let mut events = Vec::new();
    let mut next = None;
    loop {
        let page = claims.kept(wanted, next.as_deref()).await?;
        events.extend(page.events);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    events.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    Ok(events)
}

impl Replay<'_> {
    /// What would become of an event. Writes nothing.
    #[must_use]
    pub fn foresee(&self, event: &KeptEvent) -> Outcome {
        match self.standing(event) {
            Standing::Ready(_, _, true) => Outcome::Carried,
            Standing::Ready(_, _, false) => Outcome::Noted,
            Standing::Stays(outcome) => outcome,
        }
    }

    /// Takes an event in and settles it. Dying in between is harmless: the next time it is recognised.
    pub async fn replay(&self, event: &KeptEvent, reason: Option<&str>) -> Outcome {
        let (endpoint, announcement, carried) = match self.standing(event) {
            Standing::Ready(endpoint, announcement, carried) => (endpoint, announcement, carried),
            Standing::Stays(outcome) => return outcome,
        };
        match self.take(event, (endpoint, &announcement), reason).await {
            Ok(()) if carried => Outcome::Carried,
            Ok(()) => Outcome::Noted,
            Err(outage) => Outcome::Failed(outage),
        }
    }

    async fn take(
        &self,
        event: &KeptEvent,
        (endpoint, announcement): (&Endpoint, &Announcement),
        reason: Option<&str>,
    ) -> Answer<()> {
        let now = self.intake.clock.now();
        let nobody_waits = Call {
            patience: Patience::ClaimFirst,
            came_at: event.at,
            deadline: now,
            marked: false,
        };
        self.intake
            .take(self.directory, endpoint, announcement, nobody_waits)
            .await?;
        let settled = Settled {
            at: now,
            reason: reason.map(str::to_owned),
        };
        self.intake.claims.settle(&event.id, &settled).await?;
        Ok(())
    }

    fn standing(&self, event: &KeptEvent) -> Standing<'_> {
        let Some(endpoint) = self.directory.endpoint(&event.endpoint) else {
            return Standing::Stays(Outcome::Waiting(event.because));
        };
        let announcement = match platforms::parse(endpoint.profile, event.slice.as_bytes()) {
            Ok(mut all) if all.len() == 1 => all.remove(0),
            Ok(all) => {
                let count = all.len();
                let problem = format!("it announces {count} things, expected one");
                return Standing::Stays(Outcome::Unreadable(problem));
            }
            Err(unreadable) => {
                return Standing::Stays(Outcome::Unreadable(unreadable.to_string()));
            }
        };
        let carried = match admit(&announcement, endpoint, self.directory) {
            Admission::Keep(because) if because.is_replayable() => {
                return Standing::Stays(Outcome::Waiting(because));
            }
            Admission::Carry(_) => true,
            Admission::Status(..)
            | Admission::Reached(..)
            | Admission::Completion(..)
            | Admission::Typing { .. }
            | Admission::Keep(_)
            | Admission::Drop => false,
        };
        Standing::Ready(endpoint, Box::new(announcement), carried)
    }
}
