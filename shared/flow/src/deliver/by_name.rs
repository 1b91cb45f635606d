//! Towards an agent where a file is handed over first and a message names it by its id: the bytes → write the intent down → one
//! call. No platform of this kind tells a repeat as one: after a lost answer the agent may read a message twice, and the row says
//! how often it was sent.

use attache_domain::connection::{Connection, Profile};
use attache_domain::diagnosis::Failure;
use attache_domain::event::Content;
use attache_domain::journey::{Item, Stage, attributes};
use attache_domain::platforms::genesys::by_name::{self, File, Naming};
use attache_domain::token::Purpose;
use attache_domain::wire::Request;

use super::Deliver;
use super::send::{Accepted, quoted, too_late, unplanned};
use crate::bearer::Bearer;
use crate::ports::Answer;

impl Deliver<'_> {
    /// Takes a claimed item as far as it comes.
    pub(super) async fn tell_by_name(
        &self,
        item: &mut Item,
        connection: &Connection,
    ) -> Answer<()> {
        if item.gate.stage == Stage::Uploading && self.hand_over(item, connection).await?.is_none()
        {
            return Ok(());
        }
        let Some(bearer) = self.bearer(item, connection, Purpose::Messages).await? else {
            return Ok(());
        };
        let address = self.address(item, connection).await?;
        let in_place = self.words_in_place(item).await;
        let request = in_place.and_then(|words| {
            let patience = self.patience_left(item).ok_or_else(too_late)?;
            let message = Naming {
                customer: &item.origin.customer,
                address: &address,
                text: None,
                file: None,
                patience,
            };
            request(item, connection, (message, words))
        });
        let request = match request {
            Ok(request) => request,
            Err(failure) => return self.after(item, (failure, bearer.version)).await,
        };
        let answer = self.call(&request, &bearer, connection).await;
        let now = self.clock.now();
        match answer.and_then(|response| by_name::read_accepted(&response, now)) {
            Ok(by_name::Accepted { message }) => {
                let accepted = Accepted {
                    message,
                    conversation: None,
                };
                let message = accepted.message.clone();
                self.record(item, accepted).await?;
                self.remember_address(item, connection, &address).await?;
                match message {
                    Some(message) => self.tell_flows(item, (connection, &message), &bearer).await,
                    None => Ok(()),
                }
            }
            Err(failure) => self.after(item, (failure, bearer.version)).await,
        }
    }

    /// Tells flows what they may branch on, beside the message that went out. Nothing depends on it: it is tried once.
    async fn tell_flows(
        &self,
        item: &Item,
        (connection, message): (&Connection, &str),
        bearer: &Bearer,
    ) -> Answer<()> {
        let given = attributes(item, true);
        if connection.profile() != Profile::GenesysMessageMedia || given.is_empty() {
            return Ok(());
        }
        let request = by_name::attributes(connection, message, &given, self.patience);
        let answer = match request {
            Ok(request) => self.call(&request, bearer, connection).await,
            Err(failure) => Err(failure),
        };
        let now = self.clock.now();
        if let Err(failure) = answer.and_then(|response| by_name::read_accepted(&response, now)) {
            tracing::warn!(media.id = %item.id, failure.code = %failure.diagnosis.code, evidence = %failure.diagnosis.evidence, "sent, but flows were not told of it");
        }
        Ok(())
    }
}

/// The message of an item, whose words go `in_place` of its file if there are some.
fn request(
    item: &Item,
    connection: &Connection,
    (message, in_place): (Naming<'_>, Option<String>),
) -> Result<Request, Failure> {
    let (text, file) = match &item.origin.content {
        Content::Receipt(receipt) => {
            return by_name::note(connection, &item.origin, receipt, message.patience);
        }
        Content::Words(words) => (Some(words.text.clone()), None),
        Content::File(_) if in_place.is_some() => (in_place, None),
        Content::File(file) => {
            let (delivery, _) = item.outgoing().ok_or_else(unplanned)?;
            let id = item.record.uploaded.as_deref().ok_or_else(unplanned)?;
            let named = File {
                id,
                name: &delivery.name,
                mime: &delivery.mime,
            };
            (file.caption.clone(), Some(named))
        }
    };
    let text = quoted(item.origin.quote.as_deref(), text);
    let message = Naming {
        text: text.as_deref(),
        file,
        ..message
    };
    by_name::send(connection, &message)
}
