//! Deliver: takes planned items and words to their target, paced, jittered, bounded.
//!
//! For a batch: whose turn is it, one reservation for each limiter key (pace first), put off what must wait whole seconds, wait
//! out the rest in place. For an item: claim it *with its intent* in one write → token → send → record. A target that
//! takes the bytes before the message (two steps) is given them first: an upload may be repeated, a send may not.
//!
//! A send whose outcome is unknown is repeated towards agents under the same message id, and recorded. Towards customers it
//! is never repeated: its intent stays open, a status may still tell, and after deadline and grace `sweep` calls it unconfirmed.
//!
//! A file in whose place words go (a link to it, or what it is) goes out by the lane of words, and by its rules.

mod customer;
mod drift;
mod in_place;
mod outcome;
mod send;
mod turns;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::claim::{Lease, Terms, Work};
use attache_domain::connection::{Connection, Directory, Lane, Profile};
use attache_domain::conversation::ConversationId;
use attache_domain::diagnosis::Failure;
use attache_domain::ids::ConnectionId;
use attache_domain::job::{ItemJob, TextJob};
use attache_domain::journey::{Item, Stage};
use attache_domain::pacing::usage::Usage;
use attache_domain::pacing::wait::Wait;
use attache_domain::time::Timestamp;

use crate::batch::{Record, Trouble, each};
use crate::bearer::Desk;
use crate::ports::{
    Answer, Claimed, Claims, Clock, Conversations, Directories, Http, Items, Jobs, Limits, Objects,
    Queue,
};
use crate::retry;
use crate::telling::Telling;

pub use drift::LIMIT_DRIFT;
pub(crate) use outcome::alias;
use turns::Turn;

/// How long handing over the bytes may take (100 MB at less than 1 MB/s).
pub const UPLOAD_PATIENCE: Duration = Duration::from_secs(120);

/// What this process has learnt while it delivered.
#[derive(Default)]
pub struct Linked {
    /// What conversations are called, so that what does not change is not written again.
    conversations: RefCell<HashMap<ConversationId, String>>,
    /// How much of their limits connections have used up, as the last answers told.
    usage: RefCell<HashMap<ConnectionId, Usage>>,
}

/// What deliver needs.
#[derive(Clone, Copy)]
pub struct Deliver<'a> {
    /// What it delivers.
    pub lane: Lane,
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The names under which platforms speak of our messages.
    pub claims: &'a dyn Claims,
    /// The `conversations` table.
    pub conversations: &'a dyn Conversations,
    /// The originals: their bytes, or links to them. Where there are none, files are not delivered.
    pub objects: Option<&'a dyn Objects>,
    /// The renditions; the text lane has none.
    pub renditions: Option<&'a dyn Objects>,
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// The limiter rows.
    pub limits: &'a dyn Limits,
    /// The platforms.
    pub http: &'a dyn Http,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The configuration.
    pub directories: &'a dyn Directories,
    /// Bearer tokens.
    pub desk: Desk<'a>,
    /// How long one send may take; the intent carries it as its deadline.
    pub patience: Duration,
    /// What was learnt before.
    pub linked: &'a Linked,
}

impl Deliver<'_> {
    /// Handles a batch of the lane's queues; returns the ids of the records that failed.
    ///
    /// # Errors
    /// [`Trouble`] if the batch as a whole could not be begun (configuration or limiter out of reach).
    pub async fn batch(&self, records: &[Record]) -> Result<Vec<String>, Trouble> {
        let directory = self.directory(records).await?;
        let turns = self.turns(records, &directory).await?;
        let handle = |record: Record| {
            let (directory, turn) = (Rc::clone(&directory), turns.get(&record.id).copied());
            async move { self.handle(&record.body, turn, &directory).await }
        };
        Ok(each(records, handle).await)
    }

    /// The configuration that knows every target of the batch, if there is one.
    async fn directory(&self, records: &[Record]) -> Answer<Rc<Directory>> {
        let current = self.directories.current().await?;
        let targets = records
            .iter()
            .filter_map(|record| match TextJob::parse(&record.body) {
                Ok(TextJob::Item(job)) => Some(job.connection),
                Ok(TextJob::Typing(job)) => Some(job.typing),
                Err(_) => None,
            });
        let known = |target: ConnectionId| current.connection(&target).is_some();
        if { targets }.all(known) {
            return Ok(current);
        }
        self.directories.newest().await
    }

    async fn handle(
        &self,
        body: &str,
        turn: Option<Turn>,
        directory: &Directory,
    ) -> Result<(), Trouble> {
        let job = match TextJob::parse(body)? {
            TextJob::Item(job) => job,
            TextJob::Typing(job) => return Ok(self.typing(&job, directory).await?),
        };
        let now = self.clock.now();
        let slot = match turn {
            Some(Turn::ComeBack(at)) => {
                // Queues round down to whole seconds; a moment too early it would only ask once more.
                let wait = at.saturating_since(now) + Duration::from_secs(1);
                return self.put_off_unclaimed(&job, None, wait).await;
            }
            Some(Turn::Slot(slot)) => slot,
            None => now,
        };
        match Wait::of(slot, now) {
            Wait::Queue { seconds } => {
                let wait = Duration::from_secs(seconds.into());
                return self.put_off_unclaimed(&job, Some(slot), wait).await;
            }
            Wait::InPlace(rest) => self.clock.wait(rest).await,
        }
        let target = directory.connection(&job.connection);
        let Some(mut item) = self.claim(&job, target).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        if let Some(until) = item.record.wait_until.filter(|until| *until > now) {
            // A copy of one who was overtaken while he put it off; who overtook him was told to wait longer.
            let rest = until.saturating_since(now) + Duration::from_millis(999);
            return Ok(self.put_off(&mut item, rest).await?);
        }
        let target = item.origin.target.as_ref();
        let Some(connection) = target.and_then(|id| directory.connection(id)) else {
            let failure = Failure::removed(&job.connection);
            return Ok(self.give_up(&mut item, *failure.diagnosis).await?);
        };
        Ok(self.send(&mut item, connection).await?)
    }

    /// The turn comes later: the copy takes the slot along, if there is one, and the row learns of the copy.
    async fn put_off_unclaimed(
        &self,
        job: &ItemJob,
        slot: Option<Timestamp>,
        wait: Duration,
    ) -> Result<(), Trouble> {
        let Some(mut item) = self.items.load(&job.media).await? else {
            return Err(dangling(job));
        };
        if item.gate.stage.is_over()
            || item.gate.sequence > job.sequence
            || item.gate.epoch != job.epoch
            || item.gate.lease.is_some()
        {
            return Ok(());
        }
        item.gate.sequence = job.sequence;
        let now = self.clock.now();
        Ok(retry::put_off(
            (self.items, self.jobs),
            &mut item,
            (self.queue(), &job.connection),
            (now, wait),
            slot,
        )
        .await?)
    }

    /// Claims the item for its next step: handing the bytes over, where the target wants them first and does not have them
    /// yet, or the one call.
    async fn claim(
        &self,
        job: &ItemJob,
        target: Option<&Connection>,
    ) -> Result<Option<Item>, Trouble> {
        let intent_until = self.clock.now() + self.patience;
        let two_steps = self.lane == Lane::Media
            && target.is_some_and(|target| target.profile() == Profile::WhatsApp);
        if !two_steps {
            return self
                .claim_for(job, Work::Send { intent_until })
                .await
                .map(Claim::granted);
        }
        match self.claim_for(job, Work::Upload).await? {
            Claim::Granted(item) => Ok(Some(*item)),
            Claim::Refused(Stage::Ready | Stage::Sending) => {
                let work = Work::SendUploaded { intent_until };
                self.claim_for(job, work).await.map(Claim::granted)
            }
            Claim::Refused(_) => Ok(None),
        }
    }

    async fn claim_for(&self, job: &ItemJob, work: Work) -> Result<Claim, Trouble> {
        let now = self.clock.now();
        let lease = Lease {
            holder: self.clock.draw(),
            since: now,
            until: work.intent_until().unwrap_or(now + UPLOAD_PATIENCE),
        };
        let terms = Terms {
            work,
            epoch: job.epoch,
            sequence: job.sequence,
            now,
            lease,
        };
        match self.items.claim(&job.media, &terms).await? {
            Claimed::Granted(item) => Ok(Claim::Granted(item)),
            Claimed::Missing => Err(dangling(job)),
            Claimed::Refused(item) => {
                tracing::info!(media.id = %job.media, refusal = ?terms.refusal(&item.gate), work = ?work, "not claimed");
                Ok(Claim::Refused(item.gate.stage))
            }
        }
    }

    /// Where what is put off before its turn waits.
    fn queue(&self) -> Queue {
        match self.lane {
            Lane::Media => Queue::Media,
            Lane::Text => Queue::Text,
        }
    }

    /// Where what the target refused for the moment waits.
    fn retry_queue(&self) -> Queue {
        match self.lane {
            Lane::Media => Queue::MediaRetry,
            Lane::Text => Queue::Text,
        }
    }

    fn actor(&self) -> Actor {
        match self.lane {
            Lane::Media => Actor::Upload,
            Lane::Text => Actor::Text,
        }
    }

    fn telling(&self) -> Telling<'_> {
        Telling {
            items: self.items,
            jobs: self.jobs,
            clock: self.clock,
        }
    }
}

/// What became of a claim.
enum Claim {
    Granted(Box<Item>),
    /// Refused by a row in this stage.
    Refused(Stage),
}

impl Claim {
    fn granted(self) -> Option<Item> {
        match self {
            Self::Granted(item) => Some(*item),
            Self::Refused(_) => None,
        }
    }
}

fn dangling(job: &ItemJob) -> Trouble {
    Trouble::Dangling(format!("job for unknown item {}", job.media))
}
