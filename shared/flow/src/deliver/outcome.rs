//! What follows from an attempt: recorded, tried again, left open, or given up.

use std::time::Duration;

use attache_domain::channels::Direction;
use attache_domain::conversation::ConversationId;
use attache_domain::delivery::{self, Next};
use attache_domain::diagnosis::{Diagnosis, Disposition};
use attache_domain::ids::{ConnectionId, MessageId};
use attache_domain::journey::{Item, RETENTION, Stage};
use attache_domain::pacing::backoff::Backoff;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Deliver;
use super::send::{Accepted, Failed};
use crate::ports::{Answer, Saved};
use crate::retry;
use crate::status;

/// So often a row that changes under our hands is read again.
const TRIES: usize = 8;

/// For how long a platform's name for a message to an agent is remembered: longer than links live, and it is told that one could
/// not be followed.
const NAMED_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// The name under which a channel's platform speaks of a message of ours.
pub(crate) fn alias(connection: &ConnectionId, message: &str) -> String {
    format!("name/{connection}/{message}")
}

impl Deliver<'_> {
    /// The target accepted it.
    pub(super) async fn record(&self, item: &mut Item, accepted: Accepted) -> Answer<()> {
        item.record.delivered_as.clone_from(&accepted.message);
        item.record.diagnosis = None;
        item.record.wait_until = None;
        item.acknowledge_claim(self.actor());
        item.end(Stage::Sent, self.actor(), self.clock.now());
        match self.items.save(item).await? {
            Saved::Done => {
                tracing::info!(media.id = %item.id, repeats = item.record.repeats, "sent");
            }
            Saved::Overtaken => self.merge(item, &accepted).await?,
        }
        self.remember(item, accepted).await?;
        self.succeeded(item).await
    }

    /// Its platform cannot be told: what became of the message stays written here.
    pub(super) async fn keep_receipt(&self, item: &mut Item) -> Answer<()> {
        item.acknowledge_claim(self.actor());
        item.end(Stage::Kept, self.actor(), self.clock.now());
        if self.items.save(item).await? == Saved::Overtaken {
            tracing::info!(media.id = %item.id, "kept by somebody else");
        }
        Ok(())
    }

    /// Somebody wrote in between: a status was faster than the answer, which is then added to what it left.
    async fn merge(&self, item: &mut Item, accepted: &Accepted) -> Answer<()> {
        for _ in 0..TRIES {
            let Some(mut known) = self.items.load(&item.id).await? else {
                break;
            };
            if !matches!(
                known.gate.stage,
                Stage::Sent | Stage::Delivered | Stage::Read | Stage::Undelivered
            ) {
                break;
            }
            if known.record.delivered_as.is_none() {
                known.record.delivered_as.clone_from(&accepted.message);
                if self.items.save(&mut known).await? == Saved::Overtaken {
                    continue;
                }
            }
            *item = known;
            return Ok(());
        }
        tracing::error!(media.id = %item.id, "sent, but the row was taken over before that was written");
        Ok(())
    }

    /// What later messages may refer to: how the platforms name message and conversation.
    async fn remember(&self, item: &Item, accepted: Accepted) -> Answer<()> {
        let origin = &item.origin;
        let Some(target) = &origin.target else {
            return Ok(());
        };
        match (origin.direction, accepted.message, accepted.conversation) {
            (Direction::ToCustomer, Some(message), _) => {
                let expires_at = self.clock.now() + RETENTION;
                self.claims
                    .name(&alias(target, &message), &item.id, expires_at)
                    .await?;
                self.catch_up(item, (target, message)).await
            }
            (Direction::ToAgent, message, conversation) => {
                if let Some(message) = message {
                    self.name_for_reports(item, target, &message).await?;
                }
                match conversation {
                    Some(conversation) if origin.connection != *target => {
                        self.link_conversations(item, conversation).await
                    }
                    Some(_) | None => Ok(()),
                }
            }
            (Direction::ToCustomer, None, _) => Ok(()),
        }
    }

    /// Takes into account what the platform told of the message before it answered, where only the answer has its name.
    async fn catch_up(
        &self,
        item: &Item,
        (target, message): (&ConnectionId, String),
    ) -> Answer<()> {
        let directory = self.directories.knowing(target).await?;
        let connection = directory.connection(target);
        if !connection.is_some_and(|it| it.profile().tells_by_name()) {
            return Ok(());
        }
        let about = (target, &MessageId::new(message));
        status::catch_up(&self.telling(), self.claims, about, &item.id).await
    }

    /// Notes what the platform calls a message whose file it is yet to fetch, where it could tell that it cannot: such a report names
    /// nothing else.
    async fn name_for_reports(
        &self,
        item: &Item,
        target: &ConnectionId,
        message: &str,
    ) -> Answer<()> {
        if item.record.pull.is_none() || item.outgoing().is_none() {
            return Ok(());
        }
        let directory = self.directories.knowing(target).await?;
        let connection = directory.connection(target);
        if connection.is_none_or(|it| it.endpoint().is_none()) {
            return Ok(());
        }
        let expires_at = self.clock.now() + NAMED_FOR;
        let name = alias(target, message);
        self.claims
            .name(&name, &item.id, expires_at)
            .await
            .map(drop)
    }

    async fn link_conversations(&self, item: &Item, conversation: String) -> Answer<()> {
        let origin = &item.origin;
        let id = ConversationId::new(&origin.connection, &origin.customer);
        self.remember_conversation(id, conversation).await
    }

    /// Notes what the agent's platform calls a conversation, unless that was noted a moment ago.
    pub(super) async fn remember_conversation(
        &self,
        id: ConversationId,
        conversation: String,
    ) -> Answer<()> {
        if self.learnt.conversations.borrow().get(&id) == Some(&conversation) {
            return Ok(());
        }
        self.conversations.link(&id, &conversation).await?;
        self.learnt
            .conversations
            .borrow_mut()
            .insert(id, conversation);
        Ok(())
    }

    /// An attempt failed: what follows for the item, and then for everybody who waits in the same line.
    pub(super) async fn after(&self, item: &mut Item, failed: Failed) -> Answer<()> {
        let failure = failed.0.clone();
        self.note_sated(item, &failure);
        self.follow(item, failed).await?;
        self.failed(item, &failure).await
    }

    async fn follow(&self, item: &mut Item, (failure, version): Failed) -> Answer<()> {
        tracing::warn!(media.id = %item.id, failure.code = %failure.diagnosis.code, failure.rule = %failure.diagnosis.rule, failure.confidence = failure.diagnosis.confidence.as_str(), evidence = %failure.diagnosis.evidence, failure.excerpt = %failure.excerpt, "send attempt failed");
        let renewed = item.record.floor(version.purpose) > 0;
        let unauthorised = failure.disposition == Disposition::Unauthorised;
        if let Disposition::Unfit(objection) = failure.disposition {
            return self.refused(item, objection, failure).await;
        }
        item.record.diagnosis = Some((*failure.diagnosis).clone());
        item.record.attempts += 1;
        let open = failure.disposition == Disposition::Unknown;
        if open && item.origin.direction == Direction::ToCustomer {
            return self.leave_open(item).await;
        }
        let mut rng = StdRng::seed_from_u64(self.clock.draw());
        match delivery::after(
            failure,
            item.record.attempts,
            renewed,
            &Backoff::default(),
            &mut rng,
        ) {
            Next::Renew => {
                // The repeat with a newer token is the same attempt.
                item.record.attempts -= 1;
                item.record.refuse_token(version);
                self.put_off(item, delivery::renewal_wait(item.gate.sequence))
                    .await
            }
            Next::Retry { wait, repeat } => {
                item.record.repeats += u32::from(repeat);
                let place = self.place_after_others(item);
                let place = place.map(|at| at.saturating_since(self.clock.now()));
                self.put_off(item, wait.max(place.unwrap_or_default()))
                    .await
            }
            Next::GiveUp(mut diagnosis) => {
                if unauthorised {
                    diagnosis
                        .evidence
                        .push_str("; refused again after a renewal");
                }
                self.give_up(item, *diagnosis).await
            }
        }
    }

    /// The customer may have the message: it is not sent again. The intent stays open for a status to answer it, and `sweep`
    /// comes once deadline and grace have passed.
    async fn leave_open(&self, item: &mut Item) -> Answer<()> {
        item.acknowledge_claim(self.actor());
        item.gate.lease = None;
        item.gate.due_at = item.gate.intent_until;
        match self.items.save(item).await? {
            Saved::Done => {
                tracing::warn!(media.id = %item.id, "outcome open; a status may tell");
            }
            Saved::Overtaken => {
                tracing::info!(media.id = %item.id, "a status was faster than the lost answer");
            }
        }
        Ok(())
    }

    pub(super) async fn put_off(&self, item: &mut Item, wait: Duration) -> Answer<()> {
        let Some(target) = item.origin.target.clone() else {
            return Ok(());
        };
        retry::put_off(
            (self.items, self.jobs),
            item,
            (self.retry_queue(), &target),
            (self.clock.now(), wait),
            retry::Places::default(),
        )
        .await
    }

    pub(super) async fn give_up(&self, item: &mut Item, diagnosis: Diagnosis) -> Answer<()> {
        tracing::error!(media.id = %item.id, failure.code = %diagnosis.code, evidence = %diagnosis.evidence, remedy = %diagnosis.remedy, "delivery failed");
        self.telling()
            .give_up(item, (Stage::Failed, diagnosis), self.actor())
            .await?;
        Ok(())
    }
}
