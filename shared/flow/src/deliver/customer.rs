//! Towards a customer: is the window open → hand the bytes over → write the intent down → one call.

use attache_domain::bundle;
use attache_domain::channels::Kind;
use attache_domain::connection::{Account, Connection, Directory};
use attache_domain::conversation::{Conversation, ConversationId, SentItem, Window};
use attache_domain::diagnosis::rules::ours;
use attache_domain::diagnosis::{Diagnosis, Failure, Outcome, Seen, Step, judge};
use attache_domain::event::Content;
use attache_domain::job::TypingJob;
use attache_domain::journey::{Item, Stage};
use attache_domain::platforms::channel::{self, Message, Outgoing};
use attache_domain::time::Timestamp;
use attache_domain::token::Purpose;
use attache_domain::verdict::{Delivery, Plan};

use super::Deliver;
use super::send::{Accepted, Failed, too_late, unplanned};
use super::upload::{self, Bytes};
use crate::ports::Answer;

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
        let late = match self.leave(item, connection).await? {
            Leave::Given { late } => late,
            Leave::Refused(closed) => return self.give_up(item, closed).await,
            Leave::Later => return Ok(()),
        };
        let mut bytes = Bytes::Before;
        if item.gate.stage == Stage::Uploading {
            match self.hand_over(item, connection).await? {
                Some(handed) => bytes = handed,
                None => return Ok(()),
            }
        }
        let Err((mut failure, mut version)) = self.say(item, (connection, late)).await? else {
            return Ok(());
        };
        if bytes == Bytes::Before && upload::may_be_gone(item, &failure) {
            if !self.hand_over_anew(item, connection).await? {
                return Ok(());
            }
            match self.say(item, (connection, late)).await? {
                Ok(()) => return Ok(()),
                Err(failed) => (failure, version) = failed,
            }
        }
        self.after(item, (failure, version)).await
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

    /// Whether something may be said to the customer now.
    async fn leave(&self, item: &mut Item, connection: &Connection) -> Answer<Leave> {
        if matches!(connection.account, Account::GenesysAgent { .. }) {
            // Which windows there are is between Genesys and the channel behind it.
            return Ok(Leave::Given { late: false });
        }
        let id = ConversationId::new(&connection.id, &item.origin.customer);
        let conversation = self.conversations.load(&id).await?;
        let now = self.clock.now();
        if conversation.window(now) == Window::Open {
            return Ok(Leave::Given { late: false });
        }
        match &connection.account {
            Account::WhatsApp {
                window_template: Some(template),
                ..
            } => self.invite(item, (connection, &id), template).await,
            Account::Messenger { page } | Account::Instagram { page, .. } => {
                Ok(to_a_person(page.human_agent, &conversation, now))
            }
            Account::WhatsApp { .. }
            | Account::GenesysOpenMessaging { .. }
            | Account::GenesysMessageMedia { .. }
            | Account::GenesysWebChat { .. }
            | Account::GenesysMediaUpload { .. }
            | Account::GenesysAgent { .. }
            | Account::GenesysWebMessaging { .. }
            | Account::CxoneByoc { .. }
            | Account::CxoneConversations { .. } => Ok(refused("no template is configured")),
        }
    }

    /// The one call. `Ok(Ok(()))`: it is recorded, or there was no token for it.
    async fn say(
        &self,
        item: &mut Item,
        (connection, late): (&Connection, bool),
    ) -> Answer<Result<(), Failed>> {
        let Some(bearer) = self.bearer(item, connection, Purpose::Messages).await? else {
            return Ok(Ok(()));
        };
        let failed = |failure: Failure| Ok(Err((failure, bearer.version)));
        let Some(patience) = self.patience_left(item) else {
            return failed(too_late());
        };
        let in_place = match self.words_in_place(item).await {
            Ok(words) => words,
            Err(failure) => return failed(failure),
        };
        let what = match outgoing(item, in_place.as_deref()) {
            Ok(what) => what,
            Err(failure) => return failed(failure),
        };
        let address = self.address(item, connection).await?;
        let message = Message {
            to: &item.origin.customer,
            address: &address,
            what,
            opaque: Some(&item.id),
            late,
        };
        let request = match channel::send(connection, &message, patience) {
            Ok(request) => request,
            Err(failure) => return failed(failure),
        };
        let began = self.clock.now();
        let answer = self.call(&request, &bearer, connection).await;
        let now = self.clock.now();
        match answer.and_then(|response| channel::read_accepted(connection, &response, now)) {
            Ok(accepted) => {
                let accepted = Accepted {
                    message: Some(accepted.message),
                    conversation: None,
                };
                // Noted first: who sees that the item is sent may tell at once that it was read. An outage of the note is told
                // once the row knows that the message is out.
                let noted = self.note_sent(item, connection, began).await;
                self.record(item, accepted).await?;
                self.remember_address(item, connection, &address).await?;
                noted.map(Ok)
            }
            Err(failure) => failed(failure),
        }
    }

    /// Notes that the item was sent, where the platform tells what became of messages by a moment alone.
    async fn note_sent(
        &self,
        item: &Item,
        connection: &Connection,
        began: Timestamp,
    ) -> Answer<()> {
        if !connection.profile().tells_by_moments() {
            return Ok(());
        }
        let id = ConversationId::new(&connection.id, &item.origin.customer);
        let sent = SentItem {
            at: began,
            media: item.id.clone(),
        };
        self.conversations.sent(&id, &sent).await
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
        let request = channel::typing(connection, (&job.customer, &heard), self.patience);
        let (Some(bearer), Ok(request)) = (bearer, request) else {
            return Ok(());
        };
        match self.call(&request, &bearer, connection).await {
            Ok(response) if response.status == 200 => {}
            Ok(response) => {
                let seen = Seen {
                    platform: connection.profile().platform(),
                    step: Step::Send,
                    outcome: Outcome::Answer(&response),
                };
                let failure = judge(&seen, now);
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

/// Whether something may be said now.
pub(super) enum Leave {
    /// It may; `late`: as a person's answer, behind the service window.
    Given {
        late: bool,
    },
    Refused(Diagnosis),
    /// That is not settled: the item was put off.
    Later,
}

/// Behind the service window a page may answer for a person alone, and only if Meta allows it that.
fn to_a_person(allowed: bool, conversation: &Conversation, now: Timestamp) -> Leave {
    let why = if !allowed {
        "human_agent is not set for the connection"
    } else if conversation.human_agent_window(now) == Window::Open {
        return Leave::Given { late: true };
    } else {
        "so is the window for a person's answers, seven days"
    };
    let evidence = format!("service window closed; {why}");
    Leave::Refused(ours::PAGE_WINDOW_CLOSED.diagnosis(evidence))
}

pub(super) fn refused(what_was_done: &str) -> Leave {
    let evidence = format!("service window closed; {what_was_done}");
    Leave::Refused(ours::WINDOW_CLOSED.diagnosis(evidence))
}
