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

mod addressed;
mod attributes;
mod by_name;
mod contact;
mod customer;
mod drift;
mod given;
mod in_place;
mod invite;
mod learnt;
mod one_form;
mod outcome;
mod scope;
mod send;
mod turns;
mod two_steps;
mod upload;
mod waiting;

use std::rc::Rc;
use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::claim::{Lease, Terms, Work};
use attache_domain::connection::{Connection, Directory, Lane, TakesBytes};
use attache_domain::diagnosis::Failure;
use attache_domain::event::Content;
use attache_domain::ids::ConnectionId;
use attache_domain::job::{ItemJob, TextJob};
use attache_domain::journey::{Item, Stage};

use crate::batch::{Record, Trouble, each};
use crate::bearer::Desk;
use crate::ports::{
    Answer, Claimed, Claims, Clock, Conversations, Directories, Http, Items, Jobs, Limits, Objects,
    Queue,
};
use crate::telling::Telling;

pub use drift::LIMIT_DRIFT;
pub use learnt::{Learnt, PLATFORM_DEGRADED, limiter_key};
pub(crate) use outcome::alias;
use turns::Turn;
pub(crate) use upload::key as held_key;

/// How long handing over the bytes may take (100 MB at less than 1 MB/s).
pub const UPLOAD_PATIENCE: Duration = Duration::from_secs(120);

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
    pub learnt: &'a Learnt,
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
        let Some(pass) = self.await_turn(&job, turn, directory).await? else {
            return Ok(());
        };
        let _used = self.learnt.uses(&job.media, pass);
        let done = self.carry_on(&job, directory).await;
        if let Some(unused) = self.learnt.pass(&job.media) {
            self.give_back(&job.connection, unused).await?;
        }
        done
    }

    /// Takes the item as far as it comes, now that it is its turn.
    async fn carry_on(&self, job: &ItemJob, directory: &Directory) -> Result<(), Trouble> {
        let target = directory.connection(&job.connection);
        let Some(mut item) = self.claim(job, target).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        if let Some(until) = item.record.wait_until.filter(|until| *until > now) {
            // A copy of one who was overtaken while he put it off; who overtook him was told to wait longer.
            let rest = until.saturating_since(now) + Duration::from_millis(999);
            return Ok(self.put_off(&mut item, rest).await?);
        }
        if let Some(until) = self.place_after_others(&item) {
            let rest = until.saturating_since(now) + Duration::from_millis(999);
            return Ok(self.put_off(&mut item, rest).await?);
        }
        let target = item.origin.target.as_ref();
        let Some(connection) = target.and_then(|id| directory.connection(id)) else {
            let failure = Failure::removed(&job.connection);
            return Ok(self.give_up(&mut item, *failure.diagnosis).await?);
        };
        if matches!(item.origin.content, Content::Receipt(_))
            && !connection.profile().takes_receipts()
        {
            return Ok(self.keep_receipt(&mut item).await?);
        }
        if !self.await_contact((job, &mut item), connection).await? {
            return Ok(());
        }
        Ok(self.send(&mut item, connection).await?)
    }

    /// Claims the item for its next step: handing the bytes over, where the target wants them first and does not have them
    /// yet, seeing what it makes of them, or the one call.
    async fn claim(
        &self,
        job: &ItemJob,
        target: Option<&Connection>,
    ) -> Result<Option<Item>, Trouble> {
        let intent_until = self.clock.now() + self.patience;
        let target = target.filter(|_| self.lane == Lane::Media);
        let sent = Work::SendUploaded { intent_until };
        let steps = match target.map(Connection::takes_bytes) {
            Some(TakesBytes::BeforeTheMessage) => vec![Work::Upload, sent],
            Some(TakesBytes::AndWorksOnThem) => vec![Work::Upload, Work::Follow, sent],
            Some(TakesBytes::ByItself) | None => vec![Work::Send { intent_until }],
        };
        for work in steps {
            match self.claim_for(job, work).await? {
                Claim::Granted(item) => return Ok(Some(*item)),
                Claim::Refused(stage) if stage > work.from_stages()[1] && !stage.is_over() => {}
                Claim::Refused(_) => break,
            }
        }
        Ok(None)
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

fn dangling(job: &ItemJob) -> Trouble {
    Trouble::Dangling(format!("job for unknown item {}", job.media))
}
