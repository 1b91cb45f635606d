//! Words in the place of a file. A link is made when the words are sent: it is in no row, no job and no log.

use attache_domain::delivery::LINK_LIFE;
use attache_domain::diagnosis::Failure;
use attache_domain::diagnosis::rules::ours;
use attache_domain::in_place;
use attache_domain::journey::Item;
use attache_domain::pull::Pull;
use attache_domain::verdict::Plan;

use super::Deliver;
use crate::batch::chain;

impl Deliver<'_> {
    /// The words, if the plan says that words go in the place of the item's file. A link that cannot be made is a failed
    /// attempt: nothing was sent.
    pub(super) async fn words_in_place(&self, item: &mut Item) -> Result<Option<String>, Failure> {
        match &item.record.plan {
            Some(Plan::Link { mime, name, .. }) => {
                let objects = self.objects.ok_or_else(|| no_link("no bucket"))?;
                let now = self.clock.now();
                let link = objects.link(&item.id, (mime, name), (now, LINK_LIFE)).await;
                let link = link.map_err(|outage| no_link(&chain(&outage)))?;
                let words = in_place::with_link(item, name, &link.link.0, link.until);
                item.record.pull = Some(Pull::after(item.record.pull.as_ref(), &link, now));
                Ok(Some(words))
            }
            Some(Plan::Summary { text, .. }) => Ok(Some(in_place::with_summary(item, text))),
            Some(_) | None => Ok(None),
        }
    }
}

fn no_link(evidence: &str) -> Failure {
    ours::LINK_NOT_MADE.failure(evidence)
}
