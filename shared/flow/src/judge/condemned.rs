//! Malware found in a file that was judged before: by a scanner's late event, or by the platform it was sent to.

use attache_domain::audit::Actor;
use attache_domain::ids::MediaId;
use attache_domain::journey::{Condemned, Item, LATEST_STORE, Source};
use attache_domain::notice::Ending;
use attache_domain::scan::guardduty::ObjectScan;
use attache_domain::scan::{Outcome, Scanned};

use super::Judge;
use crate::batch::Trouble;
use crate::ports::{Answer, Outage};

impl Judge<'_> {
    /// A scanner's event about a file that has its verdict. It only gets worse: what is held for want of a scan stays held when a
    /// late one finds nothing.
    pub(super) async fn scanned_late(&self, item: Item, scan: &ObjectScan) -> Result<(), Trouble> {
        let object = item.record.object.as_ref();
        let same = object.is_some_and(|object| scan.is_of(&object.etag));
        if same && matches!(scan.scanned.outcome, Outcome::Malware { .. }) {
            return Ok(self.condemn(item, &scan.scanned, Source::Scanner).await?);
        }
        tracing::info!(media.id = %item.id, scan = scan.scanned.evidence(), same_bytes = same, "scanned late; its verdict stays");
        Ok(())
    }

    /// Takes into account what the platform a file was sent to found in it. Anything but malware is no news here.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed, the item does not exist, or is being sent this very moment.
    pub async fn scanned_by_target(&self, id: &MediaId, scanned: &Scanned) -> Result<(), Trouble> {
        let Some(item) = self.items.load(id).await? else {
            return Err(Trouble::Dangling(format!("a scan of unknown item {id}")));
        };
        if matches!(scanned.outcome, Outcome::Malware { .. }) {
            self.condemn(item, scanned, Source::Target).await?;
        }
        Ok(())
    }

    async fn condemn(&self, mut item: Item, scanned: &Scanned, source: Source) -> Answer<()> {
        let now = self.clock.now();
        let outcome = item.condemn(scanned, source, now);
        if outcome == Condemned::Busy {
            return Err(Outage::new(
                "taking malware out of the way",
                format!(
                    "item {} is being worked on; the event is to come again",
                    item.id
                ),
            ));
        }
        if outcome == Condemned::Known {
            // Whoever wrote it down may have died before the bytes were gone.
            return self.objects.remove(&item.id).await;
        }
        if self.objects.head(&item.id).await?.is_some() {
            let directory = self.directories.current().await?;
            self.put_away(&mut item, directory.policy()).await?;
        }
        self.tell_condemned(&item, outcome).await?;
        if outcome == Condemned::Stopped {
            // As after any quarantine: a late store may follow.
            item.record.wait_until = Some(now + LATEST_STORE);
            item.gate.due_at = item.record.wait_until;
        }
        self.save(&mut item).await?;
        self.objects.remove(&item.id).await?;
        tracing::error!(media.id = %item.id, media.stage = item.gate.stage.as_str(), scan = scanned.evidence(), outcome = ?outcome, "malware found in a file that was judged before");
        Ok(())
    }

    async fn tell_condemned(&self, item: &Item, outcome: Condemned) -> Answer<()> {
        let diagnosis = item.record.diagnosis.as_ref();
        let ending = match (outcome, diagnosis) {
            (Condemned::Stopped, _) => Ending::KeptBack,
            (Condemned::TurnedBack, Some(diagnosis)) => Ending::Failed(diagnosis),
            (Condemned::TooLate, _) => Ending::TooLate,
            _ => return Ok(()),
        };
        self.telling().of(item, &ending, Actor::Validate).await
    }
}
