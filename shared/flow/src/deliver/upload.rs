//! Bytes before the message: what the target does not hold yet is handed over. What it was given before, of whatever message,
//! is sent by the id it has there, as long as that lives.
//!
//! An id may die early. A target that refuses a message with it has sent nothing: the bytes are handed over once more, and
//! the message is sent with their new id.

use attache_domain::channels::Kind;
use attache_domain::connection::Connection;
use attache_domain::delivery::held_key;
use attache_domain::diagnosis::{Disposition, Failure, Step};
use attache_domain::ids::ConnectionId;
use attache_domain::journey::Item;
use attache_domain::platforms::agent::{self, Uploaded};
use attache_domain::platforms::channel::{self, Handed};
use attache_domain::token::Purpose;
use attache_domain::verdict::Delivery;
use attache_domain::wire::Response;

use super::send::unplanned;
use super::{Deliver, UPLOAD_PATIENCE};
use crate::bearer::Bearer;
use crate::ports::{Answer, Credential, Saved};

/// Since when the target holds the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// They were handed over a moment ago.
    Now,
    /// They were handed over before: by another try, or for another message.
    Before,
}

/// Whether a message was refused perhaps because the bytes it names are gone. Nothing was sent then.
pub(super) fn may_be_gone(item: &Item, failure: &Failure) -> bool {
    let refused = matches!(
        failure.disposition,
        Disposition::Rejected | Disposition::Unfit(_)
    );
    refused && item.record.uploaded.is_some() && channel::may_be_gone(&failure.diagnosis.code)
}

/// As what the item's bytes are known at `connection`'s platform.
pub(crate) fn key(item: &Item, connection: &ConnectionId) -> Option<String> {
    let (delivery, object) = item.outgoing()?;
    Some(held_key(connection, &object.digest, &delivery.mime))
}

/// The same, where another message may name what was handed over.
pub(super) fn reusable(item: &Item, connection: &Connection) -> Option<String> {
    channel::upload_life(connection).and_then(|_| key(item, &connection.id))
}

impl Deliver<'_> {
    /// Sees to it that the target has the bytes, and turns the claim into an intent. `None`: the item is put off, given up or
    /// somebody else's.
    pub(super) async fn hand_over(
        &self,
        item: &mut Item,
        connection: &Connection,
    ) -> Answer<Option<Bytes>> {
        let now = self.clock.now();
        let held = match reusable(item, connection) {
            Some(key) => self.claims.handed_over(&key, now).await?,
            None => None,
        };
        let Some(held) = held else {
            let handed = self.hand_over_now(item, connection).await?;
            return Ok(handed.then_some(Bytes::Now));
        };
        tracing::info!(media.id = %item.id, "the target holds these bytes already");
        let begun = self.begin_send(item, held).await?;
        Ok(begun.then_some(Bytes::Before))
    }

    /// Hands over what was handed over before, for a message that was refused with it. `false`: as for [`Self::hand_over`].
    pub(super) async fn hand_over_anew(
        &self,
        item: &mut Item,
        connection: &Connection,
    ) -> Answer<bool> {
        tracing::warn!(media.id = %item.id, "refused with bytes handed over before; they are handed over again");
        item.hand_over_again(self.clock.now() + UPLOAD_PATIENCE);
        match self.items.save(item).await? {
            Saved::Done => self.hand_over_now(item, connection).await,
            Saved::Overtaken => Ok(false),
        }
    }

    async fn hand_over_now(&self, item: &mut Item, connection: &Connection) -> Answer<bool> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Media).await? else {
            return Ok(false);
        };
        let uploaded = match self.upload(item, connection, &bearer).await? {
            Ok(uploaded) => uploaded,
            Err(failure) => {
                self.after(item, (failure, bearer.version)).await?;
                return Ok(false);
            }
        };
        if let Some((key, life)) = reusable(item, connection).zip(channel::upload_life(connection))
        {
            let until = self.clock.now() + life;
            self.claims.hand_over(&key, &uploaded.name, until).await?;
        }
        self.begin_send(item, uploaded.name).await
    }

    pub(super) async fn begin_send(&self, item: &mut Item, uploaded: String) -> Answer<bool> {
        let now = self.clock.now();
        item.begin_send(uploaded, now + self.patience, now);
        let saved = self.items.save(item).await?;
        if saved == Saved::Overtaken {
            tracing::info!(media.id = %item.id, "handed over, but somebody else took it over; nothing was sent");
        }
        Ok(saved == Saved::Done)
    }

    /// Hands the bytes over, over a connection of either side.
    pub(super) async fn upload(
        &self,
        item: &Item,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Answer<Result<Uploaded, Failure>> {
        let Some((
            Delivery {
                mime, name, kind, ..
            },
            object,
        )) = item.outgoing()
        else {
            return Ok(Err(unplanned()));
        };
        let objects = self.bytes_of(item)?;
        let Some(bytes) = objects.stream(&item.id, &object.etag).await? else {
            return Ok(Err(unplanned()));
        };
        let file = Handed {
            mime,
            file_name: name,
            kind: kind.unwrap_or(Kind::Document),
            size_bytes: object.size_bytes,
            digest: object.digest,
        };
        let request = match connection.tenant() {
            Some(_) => agent::upload(connection, bearer.api.as_ref(), file, UPLOAD_PATIENCE),
            None => channel::upload(connection, file, UPLOAD_PATIENCE),
        };
        let request = match request {
            Ok(request) => request,
            Err(failure) => return Ok(Err(failure)),
        };
        let credential = Credential::of(connection, &bearer.token);
        let answer = self.http.upload(&request, &credential, bytes).await;
        let now = self.clock.now();
        Ok(self
            .answered(answer, Step::Upload, connection)
            .and_then(|response| {
                let read = |it: &Response| match connection.tenant() {
                    Some(_) => agent::read_uploaded(connection, it, now),
                    None => channel::read_uploaded(connection, it, file, now)
                        .map(|name| Uploaded { name, link: None }),
                };
                self.read((&request, &response), read)
            }))
    }
}
