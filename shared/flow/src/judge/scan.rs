//! Scanning: who looks for malware, and how long that is waited for.
//!
//! A scanner that is asked and fails is asked again by a delayed copy of the job; one that tells by an event is waited for, with
//! the row's due time at the end of the patience. Either way the row says since when: a file that nobody could scan in time is
//! judged all the same, as not scanned, by `sweep` if by nobody else.

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::journey::{Item, Stage, StoredObject};
use attache_domain::scan::{self, Scanned};
use attache_inspect::Verdict;

use super::{Judge, Judged, brought};
use crate::batch::chain;
use crate::ports::{Answer, Bytestream, Head, Queue, Scanner};
use crate::retry;

/// Who looks for malware.
#[derive(Clone, Copy)]
pub struct Scanning<'a> {
    /// How it comes to know.
    pub by: Scans<'a>,
    /// How long a scan is waited for, or tried again, before the file counts as not scanned.
    pub patience: Duration,
}

/// How the result of a scan is come by.
#[derive(Clone, Copy)]
pub enum Scans<'a> {
    /// This scanner is asked for each file.
    Asked(&'a dyn Scanner),
    /// The scanner of this name watches the bucket, and tells by an event.
    Told(&'static str),
}

impl Judge<'_> {
    /// Whether a scanner's event is to come before the item is judged.
    pub(super) fn waits_for_scan(&self, item: &Item) -> bool {
        let Some(Scanning {
            by: Scans::Told(name),
            patience,
        }) = self.scanning
        else {
            return false;
        };
        // It tells of each object once, and the bytes under a key never change.
        if was_cleared_by(item, name) {
            return false;
        }
        let since = item.record.scan_since;
        since.is_none_or(|since| self.clock.now() < since + patience)
    }

    /// Notes once that it is waited for; `sweep` ends the wait.
    pub(super) async fn wait_for_scan(&self, item: &mut Item, head: &Head) -> Answer<()> {
        let now = self.clock.now();
        if item.record.scan_since.is_some() {
            tracing::info!(media.id = %item.id, "its scan is waited for already");
            return Ok(());
        }
        if let Some(digest) = head.digest {
            let is_alone = item.record.upload().is_none();
            brought(item, stored(head, digest), is_alone);
        } else {
            // Whoever judges it computes the digest; the fetcher is done all the same.
            item.acknowledge_claim(Actor::Fetch);
            item.rest();
        }
        item.cross(Stage::Stored, Actor::Validate, now);
        item.record.scan_since = Some(now);
        let patience = self.scanning.map_or(Duration::ZERO, |it| it.patience);
        item.gate.due_at = Some(now + patience);
        self.save(item).await?;
        tracing::info!(media.id = %item.id, "its scan is waited for");
        Ok(())
    }

    /// What was found, with what a scan adds to it; `None`: the scan failed, and is tried again later.
    pub(super) async fn scanned(
        &self,
        item: &mut Item,
        bytes: &mut dyn Bytestream,
        told: Option<&Scanned>,
        judged: Judged,
    ) -> Answer<Option<Judged>> {
        // Nothing gets worse than quarantined, and nobody else need read it.
        if judged.judgement.verdict == Verdict::Quarantined {
            return Ok(Some(judged));
        }
        if let Some(scanned) = told {
            return Ok(Some(judged.with(scanned)));
        }
        let Some(scanning) = self.scanning else {
            return Ok(Some(judged));
        };
        let scanner = match scanning.by {
            Scans::Asked(scanner) => scanner,
            Scans::Told(name) if was_cleared_by(item, name) => {
                return Ok(Some(judged.with(&Scanned::clean(name))));
            }
            Scans::Told(name) => {
                let why = format!("no result came within {} s", scanning.patience.as_secs());
                return Ok(Some(judged.with(&Scanned::not_scanned(name, &why))));
            }
        };
        match scanner.scan(bytes).await {
            Ok(scanned) => Ok(Some(judged.with(&scanned))),
            Err(outage) => {
                let why = chain(&outage);
                tracing::warn!(media.id = %item.id, error = %why, "not scanned");
                self.put_off(item, &judged, scanning.patience)
                    .await
                    .map(|put_off| {
                        (!put_off).then(|| judged.with(&Scanned::not_scanned(scanner.name(), &why)))
                    })
            }
        }
    }

    /// Puts the scan off, as long as there is patience left; whether it did.
    async fn put_off(&self, item: &mut Item, judged: &Judged, patience: Duration) -> Answer<bool> {
        let now = self.clock.now();
        let since = *item.record.scan_since.get_or_insert(now);
        let failing_for = now.saturating_since(since);
        if failing_for >= patience {
            return Ok(false);
        }
        brought(item, judged.object.clone(), judged.is_alone);
        item.cross(Stage::Stored, Actor::Validate, now);
        let wait = scan::pause(failing_for).min(patience - failing_for);
        let counted = item.origin.connection.clone();
        retry::put_off(
            (self.items, self.jobs),
            item,
            (Queue::Judge, &counted),
            // A last try no earlier than the end of the patience.
            (now, wait + Duration::from_millis(999)),
            retry::Places::default(),
        )
        .await?;
        Ok(true)
    }
}

/// Whether this scanner found nothing when the item was judged before.
fn was_cleared_by(item: &Item, name: &str) -> bool {
    item.record.cleared_by.as_deref() == Some(name)
}

fn stored(head: &Head, digest: attache_domain::digest::Sha256Digest) -> StoredObject {
    StoredObject {
        etag: head.etag.clone(),
        size_bytes: head.size_bytes,
        digest,
    }
}
