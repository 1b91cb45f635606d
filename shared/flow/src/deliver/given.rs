//! Towards an agent where the platform takes the bytes first, and has them at once: hand them over → write the intent down → one call
//! that names them.
//!
//! What names them may be a link that whoever has it can follow: it lives in no row and no job, and is good for one message. Is the
//! message sent again, the bytes are handed over again.

use attache_domain::connection::Connection;
use attache_domain::journey::{Item, Stage};
use attache_domain::platforms::agent::{self, Uploaded};
use attache_domain::platforms::channel;
use attache_domain::token::Purpose;
use url::Url;

use super::upload::reusable;
use super::{Deliver, UPLOAD_PATIENCE};
use crate::ports::{Answer, Saved};

impl Deliver<'_> {
    /// Takes a claimed item as far as it comes.
    pub(super) async fn given_first(&self, item: &mut Item, connection: &Connection) -> Answer<()> {
        if item.gate.stage != Stage::Uploading {
            // Words need no upload, and neither does what goes in the place of a file.
            let named = item.record.uploaded.is_some() && agent::names_by_link(connection);
            if !named {
                return self.tell_agent(item, connection).await;
            }
            item.hand_over_again(self.clock.now() + UPLOAD_PATIENCE);
            if self.items.save(item).await? == Saved::Overtaken {
                return Ok(());
            }
        }
        match self.give(item, connection).await? {
            Some(link) => self.call_agent(item, connection, link.as_ref()).await,
            None => Ok(()),
        }
    }

    /// Sees to it that the platform has the bytes, and turns the claim into an intent; the link that names them, if one does. `None`:
    /// the item is put off, given up or somebody else's.
    async fn give(&self, item: &mut Item, connection: &Connection) -> Answer<Option<Option<Url>>> {
        let key = reusable(item, connection).zip(channel::upload_life(connection));
        if let Some((key, _)) = &key
            && let Some(held) = self.claims.handed_over(key, self.clock.now()).await?
        {
            tracing::info!(media.id = %item.id, "the platform holds these bytes already");
            let begun = self.begin_send(item, held).await?;
            return Ok(begun.then_some(None));
        }
        let Some(bearer) = self.bearer(item, connection, Purpose::Media).await? else {
            return Ok(None);
        };
        let Uploaded { name, link } = match self.upload(item, connection, &bearer).await? {
            Ok(uploaded) => uploaded,
            Err(failure) => {
                self.after(item, (failure, bearer.version)).await?;
                return Ok(None);
            }
        };
        if let Some((key, life)) = &key {
            let until = self.clock.now() + *life;
            self.claims.hand_over(key, &name, until).await?;
        }
        let begun = self.begin_send(item, name).await?;
        Ok(begun.then_some(link))
    }
}
