//! The journey of one media item: its row, its stages, and the arrows between them.
//!
//! ```text
//! announced ─ fetching ─ stored ─ planned ─ [converting] ─ waiting ─ [uploading] ─ sending ─ sent ─ delivered ─ read
//!    └ lost      └ lost              │  └ kept                        └ failed · unconfirmed   └ undelivered
//!                                    └ rejected                        any stage → erased
//! ```
//!
//! Where a target works on bytes before they can be sent: `uploading ─ processing ─ ready ─ sending`.
//!
//! Words and receipts make the same journey without the part that has to do with bytes: `announced ─ waiting ─ …`.
//!
//! The row has two halves. The [`Gate`] is what conditional writes look at (columns of their own); the [`Record`] is
//! everything else (one document). Every write is conditional on the revision it was based on, and raises it; a claim
//! raises it too, so a holder whose lease was taken over can write nothing more ([`crate::claim`]).
//!
//! Monotonic by (epoch, stage): inside an epoch a stage only ever grows. A retry does not step back: a throttled send
//! stays in `sending` with its intent closed. A person opens a new epoch; and, once for an item, a target that refuses a file it
//! said it takes, which is then planned anew.

mod attributes;
mod condemned;
mod decision;
mod erasure;
mod following;
mod overdue;
mod pulled;
mod reopening;
mod stage;
mod standing;

use serde::{Deserialize, Serialize};
use std::time::Duration;

pub use attributes::{Attribute, attributes};
pub use condemned::{Condemned, Source};
pub(crate) use decision::is_by_hand;
pub use erasure::LATEST_STORE;
pub use following::Upload;
pub use overdue::{INTENT_GRACE, Overdue, overdue};
pub use pulled::Unfetched;
pub use reopening::{Unfit, Way};
pub use stage::Stage;
pub use standing::Learned;

use crate::audit::{Actor, Entry, Trail};
use crate::channels::Refused;
use crate::claim::Lease;
use crate::connection::Lane;
use crate::diagnosis::Diagnosis;
use crate::digest::Sha256Digest;
use crate::event::{Content, Origin};
use crate::ids::MediaId;
use crate::job::{self, ItemJob};
use crate::pull::Pull;
use crate::time::Timestamp;
use crate::token::{Purpose, Version};
use crate::transfer::Checkpoint;
use crate::verdict::{Delivery, Plan, Reason, Verdict};

/// Rows of the sparse index are spread over this many partitions.
pub const DUE_SHARDS: u32 = 8;

/// How long a row is remembered: longer than any sender repeats.
pub const RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);

/// What conditional writes look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Raised by every write; every write is conditional on the one it was based on.
    pub revision: u32,
    /// Opened anew by a person's retry, redrive, resolve or replay.
    pub epoch: u16,
    /// The current copy of the job; jobs with older sequences are dropped.
    pub sequence: u32,
    /// Where the item is.
    pub stage: Stage,
    /// What the bytes were judged to be.
    pub verdict: Verdict,
    /// Raised by every claim; names the holder in logs, entries and object metadata.
    pub fence: u32,
    /// Who holds the right to work on it.
    pub lease: Option<Lease>,
    /// An open intent to send: until when the call may still take effect.
    pub intent_until: Option<Timestamp>,
    /// When `sweep` looks at the item; `None` once nothing more is to happen by itself.
    pub due_at: Option<Timestamp>,
}

/// The object in the media bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// S3's entity tag; every read sends it back as `If-Match`.
    #[serde(rename = "t")]
    pub etag: String,
    /// Length in bytes.
    #[serde(rename = "z")]
    pub size_bytes: u64,
    /// SHA-256 of the bytes.
    #[serde(rename = "h")]
    pub digest: Sha256Digest,
}

/// Everything about the item that no condition looks at. Field names are short because the row must stay within one
/// write unit (1 KB) on the happy path; the Rust names say what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The stored original.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub object: Option<StoredObject>,
    /// The stored rendition, if the plan asks for one.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub rendition: Option<StoredObject>,
    /// Why the verdict is what it is.
    #[serde(rename = "y", default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What the target allows.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Attempts of the current step that ended without success.
    #[serde(rename = "a", default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// Until when a delayed copy of the job waits in the queue.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<Timestamp>,
    /// The lowest version of the token for media that the next attempt may use (one was refused).
    #[serde(rename = "f", default, skip_serializing_if = "is_zero")]
    pub token_floor: u32,
    /// The same of the token for messages: the two have versions of their own.
    #[serde(rename = "h", default, skip_serializing_if = "is_zero")]
    pub message_floor: u32,
    /// Since when it waits for a usable token.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub tokenless_since: Option<Timestamp>,
    /// Sends repeated under the same message id after an unknown outcome.
    #[serde(rename = "u", default, skip_serializing_if = "is_zero")]
    pub repeats: u32,
    /// How often `sweep` had to put it back on its way.
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub sweeps: u32,
    /// Inspections begun after `sweep` had to ask for its verdict, none of which came to an end.
    #[serde(rename = "z", default, skip_serializing_if = "is_zero")]
    pub inspections: u32,
    /// What the last failed attempt met, or why the item ended.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// The id the target gave the message.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub delivered_as: Option<String>,
    /// The link the file can be had from, sealed; removed once it is of no use.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The bytes as the target holds them.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<String>,
    /// How far its bytes came, where they come in parts.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Checkpoint>,
    /// The digest of the link with which it was lost: under another one its sender may repeat it.
    #[serde(rename = "ll", default, skip_serializing_if = "Option::is_none")]
    pub lost_link: Option<Sha256Digest>,
    /// Until when the link can be used, if the link tells.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub link_dies_at: Option<Timestamp>,
    /// When its bytes are to be removed, where only references are kept.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub bytes_until: Option<Timestamp>,
    /// What the target refused of it although everything known said that it would fit; it was planned anew then.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// When its bytes were removed.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// Since when a scan is waited for, or tried again; `None` once it is over.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub scan_since: Option<Timestamp>,
    /// The scanner that looked at all of it and found nothing.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub cleared_by: Option<String>,
    /// When the target accepted the bytes it works on.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// Why the upload in hand came to nothing, as the target told; nobody has acted upon it yet.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Diagnosis>,
    /// The link to it that was given last.
    #[serde(rename = "j", default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
}

impl Record {
    /// The lowest version of the token for `purpose` that the next attempt may use; 0: none was refused.
    #[must_use]
    pub fn floor(&self, purpose: Purpose) -> u32 {
        match purpose {
            Purpose::Media => self.token_floor,
            Purpose::Messages => self.message_floor,
        }
    }

    /// A token was refused: only a newer one will do.
    pub fn refuse_token(&mut self, refused: Version) {
        let floor = match refused.purpose {
            Purpose::Media => &mut self.token_floor,
            Purpose::Messages => &mut self.message_floor,
        };
        *floor = refused.number + 1;
    }

    /// No token was refused yet.
    pub fn forget_tokens(&mut self) {
        (self.token_floor, self.message_floor) = (0, 0);
        self.tokenless_since = None;
    }

    /// What the store calls the upload that its parts belong to, if there is one.
    #[must_use]
    pub fn upload(&self) -> Option<&str> {
        self.transfer.as_ref()?.upload.as_deref()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// One media item: its row in the `media` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Names it.
    pub id: MediaId,
    /// What conditional writes look at.
    pub gate: Gate,
    /// What the platform said; never changes within an epoch.
    pub origin: Origin,
    /// Everything else.
    pub record: Record,
    /// One entry for each arrow crossed.
    pub trail: Trail,
    /// When the row may be forgotten.
    pub expires_at: Timestamp,
}

impl Item {
    /// A new item, `announced` at `now` by `actor`. `sweep` looks at it after `due_in` unless it is done by then. What has no
    /// bytes has nothing to be fetched or judged: it is waiting to be delivered at once, or kept where nothing is to be.
    #[must_use]
    pub fn announce(
        origin: Origin,
        actor: Actor,
        now: Timestamp,
        (due_in, retention): (Duration, Duration),
    ) -> Self {
        let mut item = Self {
            id: origin.media_id(),
            gate: Gate {
                revision: 0,
                epoch: 0,
                sequence: 0,
                stage: Stage::Announced,
                verdict: Verdict::Unjudged,
                fence: 0,
                lease: None,
                intent_until: None,
                due_at: Some(now + due_in),
            },
            origin,
            record: Record::default(),
            trail: Trail::default(),
            expires_at: now + retention,
        };
        item.enter(Stage::Announced, actor, now);
        if item.origin.file().is_none() {
            item.gate.verdict = Verdict::Clean;
            if item.origin.target.is_none() || item.origin.shadow {
                item.end(Stage::Kept, actor, now);
            } else {
                item.cross(Stage::Waiting, actor, now);
            }
        }
        item
    }

    /// Crosses the arrow into `stage`: sets it and appends the audit entry. A stage below the present one is not
    /// entered (the journey is monotonic), and an arrow that a claim already crossed gets its entry now.
    pub fn cross(&mut self, stage: Stage, actor: Actor, now: Timestamp) {
        if stage > self.gate.stage {
            self.enter(stage, actor, now);
        }
    }

    /// Appends the entry for an arrow that a claim crossed (claims touch only the gate).
    pub fn acknowledge_claim(&mut self, actor: Actor) {
        let Some(lease) = self.gate.lease.as_ref() else {
            return;
        };
        self.enter(self.gate.stage, actor, lease.since);
    }

    fn enter(&mut self, stage: Stage, actor: Actor, at: Timestamp) {
        self.gate.stage = stage;
        let entry = Entry {
            at,
            stage,
            actor,
            epoch: self.gate.epoch,
            fence: self.gate.fence,
        };
        self.trail.append(&self.id, entry);
    }

    /// Ends the item: enters the last `stage`, gives up lease and intent, and leaves the sweep index, unless its bytes are
    /// to be removed in time.
    pub fn end(&mut self, stage: Stage, actor: Actor, now: Timestamp) {
        self.cross(stage, actor, now);
        self.rest();
        self.record.bytes_until = self.keeps_bytes_until(now);
        self.gate.due_at = self.record.bytes_until;
    }

    /// Gives up lease and intent.
    pub fn rest(&mut self) {
        self.gate.lease = None;
        self.gate.intent_until = None;
    }

    /// The target refused its message, because the bytes handed over before are gone: the call is over, and the right to hand
    /// them over is had once more, until then.
    pub fn hand_over_again(&mut self, until: Timestamp) {
        self.gate.intent_until = None;
        if let Some(lease) = &mut self.gate.lease {
            lease.until = until;
        }
    }

    /// The bytes are at the target, which calls them `uploaded`: the right to hand them over becomes the right to make
    /// one call until `intent_until`. Written before the call, so that whoever finds the row knows of it.
    pub fn begin_send(&mut self, uploaded: String, intent_until: Timestamp, now: Timestamp) {
        self.acknowledge_claim(Actor::Upload);
        self.record.uploaded = Some(uploaded);
        // Its entry follows with the outcome, as after any claim.
        self.gate.stage = Stage::Sending;
        self.gate.intent_until = Some(intent_until);
        if let Some(lease) = &mut self.gate.lease {
            *lease = Lease {
                since: now,
                until: intent_until,
                ..*lease
            };
        }
    }

    /// The job that carries the item on, counted against `connection`.
    #[must_use]
    pub fn job(&self, connection: &crate::ids::ConnectionId) -> ItemJob {
        ItemJob {
            v: job::VERSION,
            media: self.id.clone(),
            connection: connection.clone(),
            epoch: self.gate.epoch,
            sequence: self.gate.sequence,
            slot: None,
            pace: 0,
            contact: None,
            bundled: self.origin.predecessor().is_some(),
        }
    }

    /// Whether a rendition goes out in the place of the original.
    #[must_use]
    pub fn is_converted(&self) -> bool {
        matches!(self.record.plan, Some(Plan::Converted { .. }))
    }

    /// How its file goes out, and the bytes that do: those of the rendition where one is planned.
    #[must_use]
    pub fn outgoing(&self) -> Option<(&Delivery, &StoredObject)> {
        let record = &self.record;
        let bytes = match self.is_converted() {
            true => &record.rendition,
            false => &record.object,
        };
        record.plan.as_ref()?.delivery().zip(bytes.as_ref())
    }

    /// Which queue it goes out by: a file in whose place words go is as good as words.
    #[must_use]
    pub fn lane(&self) -> Lane {
        let in_words = self.record.plan.as_ref().is_some_and(Plan::is_in_words);
        match self.origin.content {
            Content::File(_) if !in_words => Lane::Media,
            Content::File(_) | Content::Words(_) | Content::Receipt(_) => Lane::Text,
        }
    }

    /// The partition of the sweep index the item lies in.
    #[must_use]
    pub fn due_shard(id: &MediaId) -> u32 {
        id.as_str()
            .bytes()
            .fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(byte)))
            % DUE_SHARDS
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::channels::Direction;
    use crate::event::{FollowUp, Words, origin};

    pub(crate) fn item() -> Item {
        announced(origin())
    }

    pub(crate) fn announced(origin: Origin) -> Item {
        let spans = (Duration::from_secs(30), Duration::from_secs(1000));
        Item::announce(origin, Actor::Intake, Timestamp::from_seconds(100), spans)
    }

    #[test]
    fn words_wait_to_be_delivered_or_are_kept_at_once() {
        let words = |target: Option<crate::ids::ConnectionId>, shadow| {
            let content = Content::Words(Words {
                text: "hello".to_owned(),
                notice: false,
            });
            let direction = Direction::ToAgent;
            let origin = origin().follow_up(FollowUp::Words, content, target, direction);
            announced(Origin { shadow, ..origin })
        };
        let target = origin().target;
        for (item, stage, due) in [
            (words(target.clone(), false), Stage::Waiting, true),
            (words(target, true), Stage::Kept, false),
            (words(None, false), Stage::Kept, false),
        ] {
            assert_eq!(
                (item.gate.stage, item.gate.due_at.is_some()),
                (stage, due),
                "{:?}",
                item.origin
            );
            assert_eq!(item.trail.verify(&item.id).unwrap().len(), 2);
        }
    }

    #[test]
    fn an_upload_becomes_an_intent_in_one_step() {
        let mut item = item();
        let now = Timestamp::from_seconds(200);
        item.gate.stage = Stage::Uploading;
        item.gate.lease = Some(Lease {
            holder: 9,
            since: now,
            until: now + Duration::from_secs(60),
        });
        let until = now + Duration::from_secs(20);
        item.begin_send("4490709327384033".to_owned(), until, now);
        assert_eq!(
            (item.gate.stage, item.gate.intent_until),
            (Stage::Sending, Some(until))
        );
        assert_eq!(
            item.gate.lease.as_ref().map(|l| (l.holder, l.until)),
            Some((9, until))
        );
    }

    #[test]
    fn an_arrow_leaves_an_entry_and_never_leads_back() {
        let mut item = item();
        let at = Timestamp::from_seconds(101);
        item.cross(Stage::Waiting, Actor::Validate, at);
        item.cross(Stage::Stored, Actor::Validate, at);
        assert_eq!(item.gate.stage, Stage::Waiting);
        item.end(Stage::Sent, Actor::Upload, at);
        let entries = item.trail.verify(&item.id).unwrap();
        assert_eq!(
            entries.iter().map(|e| e.stage).collect::<Vec<_>>(),
            [Stage::Announced, Stage::Waiting, Stage::Sent]
        );
        assert_eq!((item.gate.lease, item.gate.due_at), (None, None));
    }

    #[test]
    fn the_record_of_a_fresh_item_is_empty() {
        assert_eq!(serde_json::to_string(&Record::default()).unwrap(), "{}");
    }
}
