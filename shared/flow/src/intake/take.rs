//! One announcement: carried, taken into account, shown, or kept.

use attache_domain::audit::Actor;
use attache_domain::channels::Direction;
use attache_domain::connection::{Connection, Directory, Endpoint};
use attache_domain::conversation::{ConversationId, HEARD_PAUSE, Heard};
use attache_domain::diagnosis::excerpt;
use attache_domain::event::{
    Admission, Announcement, Content, FollowUp, KeptBecause, Member, Said, admit,
};
use attache_domain::ids::{AttachmentId, ConnectionId, MediaId, MessageId};
use attache_domain::job::{self, TypingJob};
use attache_domain::journey::Item;
use futures_util::stream::{self, StreamExt};

use super::{AT_ONCE, Call, Intake, KEPT_FOR, KEPT_ROUTELESS, KEPT_UNKNOWN, OTHER_CONTENT, Taken};
use crate::completion;
use crate::deliver::alias;
use crate::erasure::Erasure;
use crate::ports::{Answer, KeptEvent, Outage, Queue};
use crate::status::{self, Whose};
use crate::telling::Telling;

/// So much of a message is quoted before its answer.
const LONGEST_QUOTE: usize = 120;

/// So many conversations are remembered as heard; then all are forgotten, and written down again as they are heard.
const MOST_HEARD: usize = 10_000;

impl Intake<'_> {
    /// Takes one announcement in.
    pub(crate) async fn take(
        &self,
        directory: &Directory,
        endpoint: &Endpoint,
        announcement: &Announcement,
        call: Call,
    ) -> Answer<Taken> {
        let announcement = &*announcement.dated(call.came_at);
        match admit(announcement, endpoint, directory) {
            Admission::Carry(mut members) => {
                if call.marked {
                    mark(&mut members, directory);
                }
                self.note_heard(directory, announcement, &members).await?;
                if self
                    .is_taken_back(directory, announcement, &members)
                    .await?
                {
                    return Ok(Taken::Durable);
                }
                self.carry(announcement, members, call).await
            }
            Admission::Status(status, connection) => {
                let telling = self.telling();
                let about = (&connection, &announcement.message);
                let connection = directory.connection(&connection);
                let by_name = connection.is_some_and(|it| it.profile().tells_by_name());
                let learnt = status::learn(&telling, self.claims, about, (status, by_name));
                let whose = learnt.await?;
                if whose == Whose::NotOurs {
                    self.keep(endpoint, announcement, KeptBecause::NotOurs)
                        .await?;
                }
                Ok(Taken::Durable)
            }
            Admission::Reached(reached, connection) => {
                let customer = (&connection, announcement.customer.as_str());
                let (telling, conversations) = (self.telling(), self.conversations);
                status::learn_up_to(&telling, self.claims, conversations, customer, reached)
                    .await?;
                Ok(Taken::Durable)
            }
            Admission::Completion(completion, connection) => {
                let telling = self.telling();
                let whose =
                    completion::learn(&telling, self.claims, &connection, completion).await?;
                if whose == Whose::NotOurs {
                    self.keep(endpoint, announcement, KeptBecause::NotOurs)
                        .await?;
                }
                Ok(Taken::Durable)
            }
            Admission::Typing { from, target } => {
                self.show_typing(&from, target, announcement).await?;
                Ok(Taken::Durable)
            }
            Admission::Keep(because) => {
                self.keep(endpoint, announcement, because).await?;
                Ok(Taken::Durable)
            }
            Admission::Drop => Ok(Taken::Durable),
        }
    }

    pub(super) fn telling(&self) -> Telling<'_> {
        Telling {
            items: self.items,
            jobs: self.jobs,
            clock: self.clock,
        }
    }

    /// Writes down that the customer wrote, where somebody may answer over the same connection.
    async fn note_heard(
        &self,
        directory: &Directory,
        announcement: &Announcement,
        members: &[Member],
    ) -> Answer<()> {
        let Some(origin) = members.first().map(|member| &member.origin) else {
            return Ok(());
        };
        let answered = directory.is_answered(&origin.connection);
        if origin.direction != Direction::ToAgent || origin.shadow || !answered {
            return Ok(());
        }
        let id = ConversationId::new(&origin.connection, &origin.customer);
        let written = self.heard.0.borrow().get(&id).copied();
        if written.is_some_and(|at| origin.sent_at < at + HEARD_PAUSE) {
            return Ok(());
        }
        let heard = Heard {
            at: origin.sent_at,
            message: announcement.message.clone(),
            name: announcement.customer_name.clone(),
        };
        self.conversations.heard(&id, &heard).await?;
        let mut known = self.heard.0.borrow_mut();
        if known.len() >= MOST_HEARD {
            known.clear();
        }
        known.insert(id, origin.sent_at);
        Ok(())
    }

    /// Where what customers take back is removed: notes the message, so that it can be, and takes back what this one takes
    /// back. Whether the message itself was taken back before it came: then there is nothing to be carried.
    async fn is_taken_back(
        &self,
        directory: &Directory,
        announcement: &Announcement,
        members: &[Member],
    ) -> Answer<bool> {
        let (Some(first), Said::Message(message)) = (members.first(), &announcement.said) else {
            return Ok(false);
        };
        let connection = &first.origin.connection;
        let honours = |it: &Connection| it.retention.honours_unsend();
        if !directory.connection(connection).is_some_and(honours) {
            return Ok(false);
        }
        let erasure = Erasure {
            items: self.items,
            claims: self.claims,
            jobs: self.jobs,
            clock: self.clock,
        };
        if let Some(taken_back) = &message.takes_back {
            erasure.take_back(connection, taken_back).await?;
        }
        let id = first.origin.media_id();
        erasure.note((connection, &announcement.message), &id).await
    }

    async fn carry(
        &self,
        announcement: &Announcement,
        mut members: Vec<Member>,
        call: Call,
    ) -> Answer<Taken> {
        let answers = match &announcement.said {
            Said::Message(message) => message.answers.as_ref(),
            Said::Status(_)
            | Said::Reached(_)
            | Said::Completion(_)
            | Said::Typing
            | Said::Notice(_) => None,
        };
        if let Some((first, answers)) = members.first_mut().zip(answers) {
            first.origin.quote = Some(self.quote(&first.origin.connection, answers).await?);
        }
        let outcomes: Vec<Answer<Taken>> = stream::iter(members)
            .map(|member| async move {
                if member.origin.file().is_some() {
                    return self.carry_file(member, call).await;
                }
                let id = member.origin.media_id();
                if !self
                    .telling()
                    .announce(member.origin, Actor::Intake)
                    .await?
                {
                    other_content(&id);
                }
                Ok(Taken::Durable)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut taken = Taken::Durable;
        for outcome in outcomes {
            if outcome? == Taken::NotYet {
                taken = Taken::NotYet;
            }
        }
        Ok(taken)
    }

    /// The beginning of the message that is answered: one of ours by the platform's name for it, or the customer's own words.
    async fn quote(&self, connection: &ConnectionId, answers: &MessageId) -> Answer<String> {
        let ours = self
            .claims
            .named(&alias(connection, answers.as_str()))
            .await?;
        let words = FollowUp::Words.part(&AttachmentId::new(""));
        let id = ours.unwrap_or_else(|| MediaId::derive(connection, answers, &words));
        let item = self.items.load(&id).await?;
        // Another tenant's message is never quoted, whatever it is called.
        let item = item.filter(|item| {
            item.origin.connection == *connection || item.origin.target.as_ref() == Some(connection)
        });
        Ok(item
            .as_ref()
            .map_or_else(|| "an earlier message".to_owned(), quotation))
    }

    /// Typing is worth something for seconds: a job, and no row.
    async fn show_typing(
        &self,
        from: &ConnectionId,
        target: ConnectionId,
        announcement: &Announcement,
    ) -> Answer<()> {
        let job = TypingJob {
            v: job::VERSION,
            typing: target,
            customer: announcement.customer.clone(),
            at: self.clock.now().as_millis(),
        };
        let body = serde_json::to_string(&job).map_err(|e| Outage::new("writing a job", e))?;
        self.jobs
            .send(Queue::Text, body, std::time::Duration::ZERO, from.as_str())
            .await
    }

    pub(super) async fn keep(
        &self,
        endpoint: &Endpoint,
        announcement: &Announcement,
        because: KeptBecause,
    ) -> Answer<()> {
        let now = self.clock.now();
        let suffix = match &announcement.said {
            Said::Status(status) => format!("/{}", status.fate.as_str()),
            Said::Reached(reached) => format!("/{}", reached.fate.as_str()),
            Said::Message(_) | Said::Completion(_) | Said::Typing | Said::Notice(_) => {
                String::new()
            }
        };
        let event = KeptEvent {
            id: format!("{}/{}{suffix}", endpoint.id, announcement.message),
            endpoint: endpoint.id.clone(),
            because,
            slice: announcement.slice.clone(),
            at: now,
            expires_at: now + KEPT_FOR,
        };
        if self.claims.keep(&event).await? {
            match because {
                KeptBecause::UnknownBusiness => {
                    tracing::error!(endpoint.id = %endpoint.id, event.id = %event.id, "{KEPT_UNKNOWN}");
                }
                KeptBecause::NoRoute => {
                    tracing::error!(endpoint.id = %endpoint.id, event.id = %event.id, "{KEPT_ROUTELESS}");
                }
                KeptBecause::NotCarried | KeptBecause::NotOurs => {
                    tracing::info!(endpoint.id = %endpoint.id, event.id = %event.id, reason = ?because, "kept, not carried");
                }
            }
        }
        Ok(())
    }
}

/// Marks the items as a test, if they come over a connection of tests; else somebody would only have to say so to hide from
/// every alarm.
fn mark(members: &mut [Member], directory: &Directory) {
    for Member { origin, .. } in members {
        let connection = directory.connection(&origin.connection);
        origin.synthetic = connection.is_some_and(|it| it.synthetic);
        if !origin.synthetic {
            tracing::warn!(connection.id = %origin.connection, message.id = %origin.message, "marked as synthetic, but its connection is none of tests: counted as real");
        }
    }
}

fn quotation(item: &Item) -> String {
    match &item.origin.content {
        Content::Words(words) => format!("“{}”", excerpt(&words.text, LONGEST_QUOTE)),
        Content::File(file) => match file.caption.as_ref().or(file.file_name.as_ref()) {
            Some(text) => format!(
                "“{}” ({})",
                excerpt(text, LONGEST_QUOTE),
                file.kind.as_str()
            ),
            None => format!("a file ({})", file.kind.as_str()),
        },
        Content::Receipt(_) => "an earlier message".to_owned(),
    }
}

pub(super) fn other_content(id: &MediaId) {
    tracing::error!(media.id = %id, "{OTHER_CONTENT}");
}
