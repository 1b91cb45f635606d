//! Files: what makes one durable, by the patience of its sender.

use std::time::Duration;

use attache_domain::audit::Actor;
use attache_domain::connection::Patience;
use attache_domain::event::{Link, Member};
use attache_domain::ids::MediaId;
use attache_domain::journey::{Item, RETENTION, Stage};
use attache_domain::signature::Secret;
use attache_domain::time::Timestamp;
use attache_domain::transfer;

use super::take::other_content;
use super::{Call, Intake, KEPT_FOR, Taken};
use crate::batch::Trouble;
use crate::fetch::{Brought, LINK_SEALED_AS};
use crate::ports::{Announced, Answer, Outage, Queue, Saved};
use crate::reopening::Reopening;
use crate::retry;

impl Intake<'_> {
    pub(super) async fn carry_file(
        &self,
        member: Member,
        Call {
            patience, deadline, ..
        }: Call,
    ) -> Answer<Taken> {
        let spans = (self.due_in, RETENTION);
        let mut item = Item::announce(member.origin, Actor::Intake, self.clock.now(), spans);
        if let Some(link) = &member.link {
            item.record.link = Some(self.seal(&item.id, link).await?);
            item.record.link_dies_at = transfer::dies_at(&link.0, self.clock.now());
        }
        let (item, tries) = match self.items.announce(&item).await? {
            Announced::New => (item, 1),
            Announced::Known(known) if known.gate.stage == Stage::Erased => {
                tracing::info!(media.id = %item.id, "duplicate webhook of what was erased");
                return Ok(Taken::Durable);
            }
            Announced::Known(known) if !known.origin.same_content(&item.origin) => {
                other_content(&item.id);
                return Ok(Taken::Durable);
            }
            Announced::Known(known) if known.gate.stage == Stage::Lost => {
                match self.take_up(*known, (item, &member.link)).await? {
                    Some(item) => (item, 1),
                    None => return Ok(Taken::Durable),
                }
            }
            Announced::Known(known) if known.gate.stage > Stage::Fetching => {
                tracing::info!(media.id = %item.id, media.stage = known.gate.stage.as_str(), "duplicate webhook");
                return Ok(Taken::Durable);
            }
            Announced::Known(known) => self.again(*known, item, patience).await?,
        };
        match patience {
            Patience::ClaimFirst => {
                if item.gate.stage == Stage::Announced {
                    self.begin(&item).await?;
                }
                Ok(Taken::Durable)
            }
            Patience::BytesFirst { tries: most, .. } => {
                self.bring(&item, tries >= most, deadline).await
            }
        }
    }

    async fn seal(&self, id: &MediaId, link: &Link) -> Answer<String> {
        let secret = Secret::new(link.0.as_str())
            .map_err(|e| Outage::new(format!("sealing the link of {id}"), e))?;
        self.vault.seal(LINK_SEALED_AS, id.as_str(), &secret).await
    }

    /// The sender came again before the bytes were in: a fresher link replaces the stored one, and the try is counted where
    /// tries are limited.
    async fn again(&self, mut known: Item, item: Item, patience: Patience) -> Answer<(Item, u32)> {
        let Patience::BytesFirst { .. } = patience else {
            return Ok((known, 1));
        };
        let expires_at = self.clock.now() + KEPT_FOR;
        let before = self
            .claims
            .count_try(&format!("tries/{}", item.id), expires_at)
            .await?;
        if item.record.link.is_some() && known.gate.lease.is_none() {
            known.record.link = item.record.link;
            known.record.link_dies_at = item.record.link_dies_at;
            if self.items.save(&mut known).await? == Saved::Overtaken {
                tracing::info!(media.id = %known.id, "somebody is at work on it already");
            }
        }
        Ok((known, before + 1))
    }

    /// The sender came again after the file was lost, by then perhaps with a link that works: failed work is no duplicate. `None`:
    /// with the very link by which it was lost, or none.
    async fn take_up(
        &self,
        mut known: Item,
        (item, link): (Item, &Option<Link>),
    ) -> Answer<Option<Item>> {
        let digest = link.as_ref().map(Link::digest);
        if !digest.is_some_and(|digest| known.take_up(digest, self.clock.now())) {
            tracing::info!(media.id = %known.id, "duplicate webhook of what was lost");
            return Ok(None);
        }
        known.record.link = item.record.link;
        known.record.link_dies_at = item.record.link_dies_at;
        if self.items.save(&mut known).await? == Saved::Overtaken {
            return Err(Outage::new(
                format!("taking {} up again", known.id),
                "its row changed meanwhile",
            ));
        }
        self.reopening()
            .words_of(&known, "its file was repeated under another link")
            .await?;
        tracing::info!(media.id = %known.id, "lost, and announced again under another link");
        Ok(Some(known))
    }

    fn reopening(&self) -> Reopening<'_> {
        Reopening {
            items: self.items,
            objects: self.fetch.objects,
            jobs: self.jobs,
            clock: self.clock,
            directories: self.fetch.directories,
        }
    }

    pub(super) async fn begin(&self, item: &Item) -> Answer<()> {
        let job = item.job(&item.origin.connection);
        retry::send(self.jobs, Queue::Fetch, &job, Duration::ZERO).await?;
        tracing::info!(media.id = %item.id, connection.id = %item.origin.connection, "announced");
        Ok(())
    }

    /// Brings the bytes in while the sender waits. Its last try is acknowledged once row, link and job are durable: refused
    /// to the end it would tell its agent so, who would send the file again.
    async fn bring(&self, item: &Item, last: bool, deadline: Timestamp) -> Answer<Taken> {
        let brought = match self.fetch.within(item, deadline).await {
            Ok(brought) => brought,
            Err(Trouble::Outage(outage)) => return Err(outage),
            Err(trouble) => return Err(Outage::new("bringing a file in", trouble)),
        };
        match brought {
            Brought::Stored | Brought::Lost => Ok(Taken::Durable),
            Brought::Later | Brought::Busy if last => {
                // Whoever was at work may have died since: this job carries on then.
                self.begin(item).await?;
                tracing::warn!(media.id = %item.id, "the sender's last try: acknowledged before the bytes are in");
                Ok(Taken::Durable)
            }
            Brought::Later | Brought::Busy => Ok(Taken::NotYet),
        }
    }
}
