//! The direct upload test: the bytes in one form, and an event of what became of them. No message names them, and there is nothing
//! to ask. The platform names the file in its answer, so an event that is faster than the answer finds no item: the wait for
//! another ends, and the bytes are handed over again.

use attache_domain::connection::Connection;
use attache_domain::diagnosis::{Failure, Step};
use attache_domain::journey::{Item, Stage};
use attache_domain::platforms::genesys::media_upload::{self, Accepted};
use attache_domain::platforms::uploads::Given;
use attache_domain::processing::{self, ASK_EVERY, Next, Told, Transport};
use attache_domain::time::Timestamp;

use super::Deliver;
use super::send::unplanned;
use super::two_steps::{TRANSFER, sent};
use crate::bearer::Bearer;
use crate::ports::{Answer, Credential};

impl Deliver<'_> {
    /// Hands the bytes over. That they are accepted is no more than a handshake.
    pub(super) async fn hand_over_in_one_form(
        &self,
        item: &mut Item,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Answer<()> {
        let accepted = match self.form(item, connection, bearer).await? {
            Ok(accepted) => accepted,
            Err(failure) => return self.after(item, (failure, bearer.version)).await,
        };
        let (file, edge) = (accepted.file, accepted.edge);
        tracing::info!(media.id = %item.id, upload.file = %file, edge.node = edge.node.as_deref().unwrap_or("not told"), request.id = edge.request_id.as_deref().unwrap_or("not told"), "accepted, which is not delivered yet");
        if !self.write_down(item, connection, &file).await? {
            tracing::info!(media.id = %item.id, "handed over, but somebody else took it over");
            return Ok(());
        }
        item.accepted(self.clock.now());
        self.ask_again(item, ASK_EVERY).await?;
        self.succeeded(item).await
    }

    async fn form(
        &self,
        item: &Item,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Answer<Result<Accepted, Failure>> {
        let (Some(file), Some((_, object))) = (sent(item), item.outgoing()) else {
            return Ok(Err(unplanned()));
        };
        let request = match media_upload::upload(connection, (file, object.digest), TRANSFER) {
            Ok(request) => request,
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(bytes) = self.bytes_of(item)?.stream(&item.id, &object.etag).await? else {
            return Ok(Err(unplanned()));
        };
        let credential = Credential::Bearer(bearer.token.clone());
        let answer = self.http.upload(&request, &credential, bytes).await;
        let now = self.clock.now();
        Ok(self
            .answered(answer, Step::Upload, connection)
            .and_then(|response| media_upload::read_upload(&response, now)))
    }

    /// What follows while nothing was told, or once it was: an event had the item sent on.
    pub(super) fn wait_for_event(&self, item: &Item, since: Timestamp) -> (Next, Given) {
        let transport = match item.gate.stage {
            Stage::Sending => Transport::Arrived,
            _ => Transport::Working("no event yet".to_owned()),
        };
        let told = Told {
            transport,
            scanned: None,
        };
        let waited = self.clock.now().saturating_since(since);
        (processing::next(waited, Ok(told)), Given::Done)
    }
}
