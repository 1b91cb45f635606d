//! A customer whose window is closed is invited to write, by the configured template, once a day.
//!
//! The invitation is written down before the call, so that nobody makes a second one, whatever becomes of this process. If the call
//! certainly came to nothing, it is taken back: the next attempt invites.

use attache_domain::connection::{Connection, Template};
use attache_domain::conversation::{ConversationId, Invitation, WINDOW};
use attache_domain::diagnosis::{Disposition, Failure};
use attache_domain::journey::Item;
use attache_domain::pacing::backoff::Backoff;
use attache_domain::platforms::channel::{self, Message, Outgoing};
use attache_domain::time::Timestamp;
use attache_domain::token::Purpose;

use super::Deliver;
use super::customer::{Leave, refused};
use crate::bearer::Bearer;
use crate::ports::Answer;

/// Whether the call certainly had no effect, and the same again may have one.
fn may_be_repeated(failure: &Failure) -> bool {
    matches!(
        failure.disposition,
        Disposition::Throttled { .. }
            | Disposition::Down { .. }
            | Disposition::Unavailable
            | Disposition::Unauthorised
    )
}

impl Deliver<'_> {
    /// Invites the customer, unless that was done within a day. Nothing else may be said to the customer now.
    pub(super) async fn invite(
        &self,
        item: &mut Item,
        (connection, id): (&Connection, &ConversationId),
        template: &Template,
    ) -> Answer<Leave> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Messages).await? else {
            return Ok(Leave::Later);
        };
        let now = self.clock.now();
        let a_day_ago = now.as_millis().saturating_sub(WINDOW.as_secs() * 1000);
        let a_day_ago = Timestamp::from_millis(a_day_ago);
        let by = item.id.clone();
        let invitation = Invitation { at: now, by };
        if !self
            .conversations
            .invite(id, &invitation, a_day_ago)
            .await?
        {
            return Ok(refused("the customer was invited by template already"));
        }
        let failure = match self
            .call_template(item, (connection, &bearer), template)
            .await
        {
            Ok(()) => {
                self.succeeded(item).await?;
                let done = format!("the customer was invited by template {}", template.name);
                return Ok(refused(&done));
            }
            Err(failure) => failure,
        };
        if !may_be_repeated(&failure) {
            self.failed(item, &failure).await?;
            return Ok(refused(&format!("the template was refused: {failure}")));
        }
        let taken_back = Invitation {
            at: a_day_ago,
            ..invitation
        };
        self.conversations.invite(id, &taken_back, now).await?;
        let attempts = u32::from(Backoff::default().attempts());
        if item.record.attempts + 1 >= attempts {
            self.failed(item, &failure).await?;
            let done = format!("the template was refused {attempts} times: {failure}");
            return Ok(refused(&done));
        }
        self.after(item, (failure, bearer.version)).await?;
        Ok(Leave::Later)
    }

    async fn call_template(
        &self,
        item: &Item,
        (connection, bearer): (&Connection, &Bearer),
        template: &Template,
    ) -> Result<(), Failure> {
        let message = Message {
            to: &item.origin.customer,
            address: &item.origin.address,
            what: Outgoing::Template(template),
            opaque: None,
            late: false,
        };
        let request = channel::send(connection, &message, self.patience)?;
        let response = self.call(&request, bearer, connection).await?;
        channel::read_accepted(connection, &response, self.clock.now()).map(drop)
    }
}
