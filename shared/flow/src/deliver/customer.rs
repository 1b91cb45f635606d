//! Towards a customer over WhatsApp: is the window open → hand the bytes over → write the intent down → one call.

use attache_domain::bundle;
use attache_domain::channels::Kind;
use attache_domain::connection::{Account, Connection, Directory};
use attache_domain::conversation::{ConversationId, WINDOW, Window};
use attache_domain::diagnosis::rules::ours;
use attache_domain::diagnosis::{Diagnosis, Failure, Step};
use attache_domain::event::Content;
use attache_domain::job::TypingJob;
use attache_domain::journey::{Item, Stage};
use attache_domain::platforms::whatsapp::{self, Outgoing};
use attache_domain::time::Timestamp;
use attache_domain::token::Purpose;
use attache_domain::verdict::{Delivery, Plan};

use super::send::{Accepted, too_late, unplanned};
use super::{Deliver, UPLOAD_PATIENCE};
use crate::bearer::Bearer;
use crate::ports::{Answer, Credential, Saved};

/// After this long nobody needs to see any more that the agent was writing.
const TYPING_LIFE: std::time::Duration = std::time::Duration::from_secs(10);

impl Deliver<'_> {
    pub(super) async fn tell_customer(
        &self,
        item: &mut Item,
        connection: &Connection,
    ) -> Answer<()> {
        if self.file_was_not_sent(item).await? {
            let evidence = "the file these words belong to was not delivered";
            let diagnosis = ours::FILE_NOT_SENT.diagnosis(evidence);
            return self.give_up(item, diagnosis).await;
        }
        if let Some(closed) = self.window_closed(item, connection).await? {
            return self.give_up(item, closed).await;
        }
        if item.gate.stage == Stage::Uploading && !self.hand_over(item, connection).await? {
            return Ok(());
        }
        self.say(item, connection).await
    }

    /// Whether the item is the caption of a file that did not go out.
    async fn file_was_not_sent(&self, item: &Item) -> Answer<bool> {
        if !bundle::is_caption(item) {
            return Ok(false);
        }
        let Some(before) = item.origin.predecessor() else {
            return Ok(false);
        };
        let file = self.items.load(before).await?;
        Ok(file.is_some_and(|file| {
            matches!(
                file.gate.stage,
                Stage::Failed | Stage::Rejected | Stage::Lost | Stage::Undelivered
            )
        }))
    }

    /// Why nothing may be said now, if the service window is closed. The customer is invited to write by the configured
    /// template, once a day.
    async fn window_closed(
        &self,
        item: &Item,
        connection: &Connection,
    ) -> Answer<Option<Diagnosis>> {
        let id = ConversationId::new(&connection.id, &item.origin.customer);
        let conversation = self.conversations.load(&id).await?;
        let now = self.clock.now();
        if conversation.window(now) == Window::Open {
            return Ok(None);
        }
        let Account::WhatsApp {
            window_template: Some(template),
            ..
        } = &connection.account
        else {
            return Ok(Some(closed("no template is configured")));
        };
        let since = Timestamp::from_millis(
            now.as_millis()
                .saturating_sub(WINDOW.as_secs().saturating_mul(1000)),
        );
        if !self.conversations.invite(&id, now, since).await? {
            return Ok(Some(closed("the customer was invited by template already")));
        }
        let bearer = self
            .desk
            .bearer(connection, Purpose::Messages, item.record.token_floor)
            .await?;
        let Some(bearer) = bearer else {
            return Ok(Some(closed("there was no token to send the template with")));
        };
        let what = Outgoing::Template(template);
        let invited = match whatsapp::send(
            connection,
            &item.origin.customer,
            &what,
            None,
            self.patience,
        ) {
            Ok(request) => self
                .call(&request, &bearer, connection)
                .await
                .and_then(|response| whatsapp::read_accepted(&response, now)),
            Err(failure) => Err(failure),
        };
        Ok(Some(match invited {
            Ok(_) => closed(&format!(
                "the customer was invited by template {}",
                template.name
            )),
            Err(failure) => closed(&format!("the template was refused: {failure}")),
        }))
    }

    /// Hands the bytes over and turns the claim into an intent. `false`: the item is put off, given up or somebody else's.
    async fn hand_over(&self, item: &mut Item, connection: &Connection) -> Answer<bool> {
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
        let now = self.clock.now();
        item.begin_send(uploaded, now + self.patience, now);
        let saved = self.items.save(item).await?;
        if saved == Saved::Overtaken {
            tracing::info!(media.id = %item.id, "uploaded, but somebody else took it over; nothing was sent");
        }
        Ok(saved == Saved::Done)
    }

    async fn upload(
        &self,
        item: &Item,
        connection: &Connection,
        bearer: &Bearer,
    ) -> Answer<Result<String, Failure>> {
        let Some((Delivery { mime, name, .. }, object)) = item.outgoing() else {
            return Ok(Err(unplanned()));
        };
        let objects = self.bytes_of(item)?;
        let Some(bytes) = objects.stream(&item.id, &object.etag).await? else {
            return Ok(Err(unplanned()));
        };
        let size = (object.size_bytes, object.digest);
        let request = match whatsapp::upload(connection, (mime, name), size, UPLOAD_PATIENCE) {
            Ok(request) => request,
            Err(failure) => return Ok(Err(failure)),
        };
        let credential = Credential::Bearer(bearer.token.clone());
        let answer = self.http.upload(&request, &credential, bytes).await;
        let now = self.clock.now();
        Ok(self
            .answered(answer, Step::Upload, connection)
            .and_then(|response| whatsapp::read_uploaded(&response, now)))
    }

    /// The one call.
    async fn say(&self, item: &mut Item, connection: &Connection) -> Answer<()> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Messages).await? else {
            return Ok(());
        };
        let Some(patience) = self.patience_left(item) else {
            return self.after(item, (too_late(), bearer.version)).await;
        };
        let in_place = match self.words_in_place(item).await {
            Ok(words) => words,
            Err(failure) => return self.after(item, (failure, bearer.version)).await,
        };
        let what = match outgoing(item, in_place.as_deref()) {
            Ok(what) => what,
            Err(failure) => return self.after(item, (failure, bearer.version)).await,
        };
        let to = &item.origin.customer;
        let request = match whatsapp::send(connection, to, &what, Some(&item.id), patience) {
            Ok(request) => request,
            Err(failure) => return self.after(item, (failure, bearer.version)).await,
        };
        let answer = self.call(&request, &bearer, connection).await;
        let now = self.clock.now();
        match answer.and_then(|response| whatsapp::read_accepted(&response, now)) {
            Ok(accepted) => {
                let accepted = Accepted {
                    message: Some(accepted.message),
                    conversation: None,
                };
                self.record(item, accepted).await
            }
            Err(failure) => self.after(item, (failure, bearer.version)).await,
        }
    }

    /// Shows the customer that the agent is writing, if that is still true. Nothing depends on it: it is tried once.
    pub(super) async fn typing(&self, job: &TypingJob, directory: &Directory) -> Answer<()> {
        let now = self.clock.now();
        let stale = now >= Timestamp::from_millis(job.at) + TYPING_LIFE;
        let Some(connection) = directory.connection(&job.typing).filter(|_| !stale) else {
            return Ok(());
        };
        let id = ConversationId::new(&connection.id, &job.customer);
        let Some(heard) = self.conversations.load(&id).await?.heard else {
            return Ok(());
        };
        let bearer = self.desk.bearer(connection, Purpose::Messages, 0).await?;
        let request = whatsapp::typing(connection, &heard.message, self.patience);
        let (Some(bearer), Ok(request)) = (bearer, request) else {
            return Ok(());
        };
        match self.call(&request, &bearer, connection).await {
            Ok(response) if response.status == 200 => {}
            Ok(response) => {
                let failure = whatsapp::failure(Step::Send, &response, now);
                tracing::info!(connection.id = %connection.id, failure.code = %failure.diagnosis.code, evidence = %failure.diagnosis.evidence, "typing not shown");
            }
            Err(failure) => {
                tracing::info!(connection.id = %connection.id, failure.code = %failure.diagnosis.code, "typing not shown");
            }
        }
        Ok(())
    }
}

/// What is said, where these words go `in_place` of the item's file, if there are some.
fn outgoing<'a>(item: &'a Item, in_place: Option<&'a str>) -> Result<Outgoing<'a>, Failure> {
    if let Some(words) = in_place {
        return Ok(Outgoing::Text(words));
    }
    let delivery = item.record.plan.as_ref().and_then(Plan::delivery);
    match (&item.origin.content, delivery, &item.record.uploaded) {
        (Content::Words(words), _, _) => Ok(Outgoing::Text(&words.text)),
        (
            Content::File(file),
            Some(Delivery {
                name,
                kind,
                caption_apart,
                ..
            }),
            Some(id),
        ) => Ok(Outgoing::File {
            id,
            kind: kind.unwrap_or(Kind::Document),
            file_name: name,
            caption: file.caption.as_deref().filter(|_| !caption_apart),
        }),
        _ => Err(unplanned()),
    }
}

fn closed(what_was_done: &str) -> Diagnosis {
    ours::WINDOW_CLOSED.diagnosis(format!("service window closed; {what_was_done}"))
}
