//! A target refused a file that everything known said it takes: its limits have drifted from what is published.
//!
//! What was refused is written down for all who plan, and the file is judged and planned once more, in another form or not at
//! all. It is never sent again as it was, and it happens to an item once: refused in its second form, it is given up.

use attache_domain::channels::{Kind, Objection, Refused};
use attache_domain::diagnosis::rules::ours;
use attache_domain::diagnosis::{Diagnosis, Failure};
use attache_domain::journey::Item;
use std::time::Duration;

use super::Deliver;
use crate::ports::{Answer, Queue, Saved};
use crate::{retry, taken};

/// Logged once for each refusal that nobody foresaw. A filter in `template.yaml` makes a metric and an alarm of it.
pub const LIMIT_DRIFT: &str = "limit drift";

impl Deliver<'_> {
    /// The target objects to the file. What has none (words, a receipt) is given up.
    pub(super) async fn refused(
        &self,
        item: &mut Item,
        objection: Objection,
        failure: Failure,
    ) -> Answer<()> {
        let Some(refused) = self.what_was_refused(item, objection).await? else {
            return self.give_up(item, *failure.diagnosis).await;
        };
        let Some(target) = item.origin.target.clone() else {
            return self.give_up(item, *failure.diagnosis).await;
        };
        taken::refused_by(&target, &refused, (self.limits, self.clock)).await?;
        tracing::error!(media.id = %item.id, connection.id = %target, refused.kind = ?refused.kind, refused.mime = %refused.mime, refused.bytes = refused.bytes, refused.within = refused.within, objection = objection.as_str(), failure.code = %failure.diagnosis.code, synthetic = item.origin.synthetic, "{LIMIT_DRIFT}");
        let again = item.record.refused.is_some();
        let why = diagnosis(&refused, &failure, (!again).then_some(ONCE));
        if again {
            return self.give_up(item, why).await;
        }
        item.plan_anew(refused, why, self.actor(), self.clock.now());
        if self.items.save(item).await? == Saved::Overtaken {
            tracing::warn!(media.id = %item.id, "refused, but somebody else took it over");
            return Ok(());
        }
        let job = item.job(&item.origin.connection);
        retry::send(self.jobs, Queue::Judge, &job, Duration::ZERO).await
    }

    /// The file as it was sent, if it was sent as one.
    async fn what_was_refused(&self, item: &Item, objection: Objection) -> Answer<Option<Refused>> {
        let (Some((delivery, object)), Some(target)) = (item.outgoing(), &item.origin.target)
        else {
            return Ok(None);
        };
        let directory = self.directories.knowing(target).await?;
        let sent = (
            delivery.kind.unwrap_or(Kind::Any),
            delivery.mime.as_str(),
            object.size_bytes,
        );
        Ok(directory.connection(target).map(|connection| {
            let direction = item.origin.direction;
            Refused::by(connection, direction, sent, objection, self.clock.now())
        }))
    }
}

/// `remedy`: instead of the rule's own.
fn diagnosis(refused: &Refused, failure: &Failure, remedy: Option<&str>) -> Diagnosis {
    let Refused {
        mime,
        bytes,
        within,
        objection,
        ..
    } = refused;
    let (code, evidence) = (&failure.diagnosis.code, &failure.diagnosis.evidence);
    let objection = objection.as_str();
    let evidence = format!(
        "{mime} of {bytes} bytes was refused as {objection}, within the published {within} bytes ({code}: {evidence})"
    );
    let mut diagnosis = ours::LIMIT_DRIFT.diagnosis(evidence);
    if let Some(remedy) = remedy {
        remedy.clone_into(&mut diagnosis.remedy);
    }
    diagnosis
}

const ONCE: &str =
    "Nothing to do for this file: it was planned anew. See the runbook limit-drift for the others.";
