//! A file that a person sends by hand: announced, stored, and from then on like any other: judged, planned, paced, delivered.
//!
//! Its message is named by the sender, so that the same may be asked for again: what is on its way is found, what was announced
//! and never stored is stored now. Of what becomes of it nobody but the sender is told, who looks at the row.

use std::time::Duration;

use attache_domain::address::Address;
use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::digest::Sha256Digest;
use attache_domain::event::{Content, File, MediaKind, Origin};
use attache_domain::ids::{AttachmentId, ConnectionId, MessageId};
use attache_domain::journey::{Item, RETENTION, Stage};
use attache_domain::time::Timestamp;

use crate::ports::{Announced, Answer, Arrival, Clock, Items, Objects, Outage, Source, Stored};

/// How long storing may take before `sweep` finds the row: a file of 100 MB over a slow line.
const STORED_IN: Duration = Duration::from_secs(3600);

/// What submitting needs.
#[derive(Clone, Copy)]
pub struct Submission<'a> {
    /// The `media` table.
    pub items: &'a dyn Items,
    /// The media bucket.
    pub objects: &'a dyn Objects,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// A file to be sent.
#[derive(Clone, Debug)]
pub struct Parcel<'a> {
    /// Over which connection, and which way its profile delivers.
    pub target: (&'a ConnectionId, Direction),
    /// The customer's address on the channel.
    pub customer: &'a str,
    /// The customer's name.
    pub customer_name: Option<&'a str>,
    /// What else says where it goes.
    pub address: &'a Address,
    /// Names the message.
    pub key: &'a str,
    /// The file's name.
    pub file_name: &'a str,
    /// Text that goes with it.
    pub text: Option<&'a str>,
    /// How long it is, in bytes.
    pub size_bytes: u64,
    /// Of all its bytes.
    pub digest: Sha256Digest,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is on its way.
    Now(Box<Item>),
    /// It was submitted before, and is where it is.
    Before(Box<Item>),
    /// Something else was sent under this name before.
    Other(Box<Item>),
    /// It is not what its digest says: the file changed while it was read.
    Changed,
}

impl Parcel<'_> {
    fn origin(&self, sent_at: Timestamp) -> Origin {
        let (target, direction) = self.target;
        let file = File {
            file_name: Some(self.file_name.to_owned()),
            digest: Some(self.digest),
            size_bytes: Some(self.size_bytes),
            caption: self.text.map(str::to_owned),
            ..File::new(MediaKind::Document)
        };
        let message = MessageId::new(format!("attache-send/{}", self.key));
        let mut origin = Origin::new(
            (target.clone(), direction),
            (message, AttachmentId::new("attache:file")),
            (self.customer, sent_at),
            Content::File(file),
        );
        origin.target = Some(target.clone());
        origin.address = self.address.clone();
        origin.customer_name = self.customer_name.map(str::to_owned);
        origin
    }
}

impl Submission<'_> {
    /// Announces the parcel and stores its bytes, which come from `source`.
    ///
    /// # Errors
    /// An outage of the table or the bucket, or if `source` breaks off: asked for again, it goes on.
    pub async fn submit(&self, parcel: &Parcel<'_>, source: &mut dyn Source) -> Answer<Submitted> {
        let now = self.clock.now();
        let origin = parcel.origin(now);
        let item = Item::announce(origin, Actor::Operator, now, (STORED_IN, RETENTION));
        let item = match self.items.announce(&item).await? {
            Announced::New => Box::new(item),
            Announced::Known(known) if !known.origin.same_content(&item.origin) => {
                return Ok(Submitted::Other(known));
            }
            Announced::Known(known) if known.gate.stage == Stage::Announced => known,
            Announced::Known(known) => return Ok(Submitted::Before(known)),
        };
        let arrival = Arrival {
            id: item.id.clone(),
            size_bytes: parcel.size_bytes,
            digest: Some(parcel.digest),
            declared_type: None,
            fence: item.gate.fence,
        };
        match self.objects.store(&arrival, source).await? {
            Stored::Whole(_) | Stored::Exists => Ok(Submitted::Now(item)),
            Stored::Aborted(crate::ports::SourceError::Digest) => Ok(Submitted::Changed),
            Stored::Aborted(error) => Err(Outage::new("reading the file", error)),
        }
    }
}
