//! The `conversations` table: what is known of a customer and one connection together.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | `<connection>/<customer>` (the key) |
//! | `ha` | N | when the customer wrote last, milliseconds |
//! | `hm` | S | which message that was |
//! | `hn` | S | the customer's name, if it was told with it |
//! | `ag` | S | what the agent's platform calls the conversation |
//! | `iv` | N | when the customer was last invited to write, milliseconds |
//! | `ib` | S | the media id of the item in whose place that was |
//! | `sn` | L of S | what was sent and not seen yet: `<milliseconds>/<media id>`, in the order in which it was taken |
//! | `expires_at` | N | time-to-live, seconds: moved on by every write |
//!
//! The key holds the customer's address: no error's text names it.

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::conversation::{
    Conversation, ConversationId, Heard, Invitation, MOST_SENT, SentItem,
};
use attache_domain::ids::MessageId;
use attache_domain::journey::RETENTION;
use attache_domain::time::Timestamp;
use attache_flow::ports::{Answer, Conversations, Outage};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};

use super::row::{Columns, Row, Undecodable, instant, number, text};
use super::update_refused;
use crate::clock;
use crate::outage::outage;

/// How long a conversation without a word is remembered: as long as its items.
const KEPT: Duration = RETENTION;

/// The `conversations` table.
#[derive(Clone, Debug)]
pub struct ConversationsTable {
    client: Client,
    table: String,
}

impl ConversationsTable {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// An update of the row by `changes`, which every one of them keeps alive.
    fn update(&self, id: &ConversationId, changes: &str) -> UpdateItemFluentBuilder {
        let kept = (clock::now() + KEPT).as_seconds();
        let update = self.client.update_item().table_name(&self.table);
        update
            .key("id", text(id.as_str()))
            .update_expression(format!("SET expires_at = :kept, {changes}"))
            .expression_attribute_values(":kept", number(kept))
    }

    /// Takes entries out of what was sent, which is `known` as far as anybody has read it: more may stand behind. Where it begins
    /// otherwise meanwhile, somebody else has taken some out, and the next to come takes the rest.
    async fn forget(
        &self,
        id: &ConversationId,
        known: &[SentItem],
        gone: impl Fn(usize, &SentItem) -> bool,
    ) -> Answer<()> {
        // The last first: DynamoDB counts places before anything is taken out, and engines that count after each come to the same.
        let numbered = known.iter().enumerate().rev();
        let places: Vec<String> = { numbered }
            .filter(|(position, it)| gone(*position, it))
            .map(|(position, _)| format!("sn[{position}]"))
            .collect();
        let (Some(first), false) = (known.first(), places.is_empty()) else {
            return Ok(());
        };
        let last = known.len() - 1;
        let removed = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .update_expression(format!("REMOVE {}", places.join(", ")))
            .condition_expression(format!("sn[0] = :first AND sn[{last}] = :last"))
            .expression_attribute_values(":first", text(written(first)))
            .expression_attribute_values(":last", text(written(known.last().unwrap_or(first))))
            .send()
            .await;
        match removed {
            Ok(_) => Ok(()),
            Err(error) => update_refused("forgetting what was seen", error).map(drop),
        }
    }

    fn decode(&self, row: &Row) -> Result<Conversation, Undecodable> {
        let columns = Columns::new(&self.table, row);
        let heard = match columns.instant_if("ha")? {
            Some(at) => Some(Heard {
                at,
                message: MessageId::new(columns.text("hm")?),
                name: columns.text_if("hn")?.map(ToOwned::to_owned),
            }),
            None => None,
        };
        let invited = match columns.instant_if("iv")? {
            Some(at) => {
                let by = columns.text("ib")?.parse();
                let by = by.map_err(|_| columns.wrong("ib", "is not a media id"))?;
                Some(Invitation { at, by })
            }
            None => None,
        };
        Ok(Conversation {
            heard,
            agent_side: columns.text_if("ag")?.map(ToOwned::to_owned),
            invited,
            sent: columns
                .texts("sn")?
                .map(|entry| read_sent(entry).ok_or_else(|| columns.wrong("sn", "is no sent item")))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn written(sent: &SentItem) -> String {
    format!("{}/{}", sent.at.as_millis(), sent.media)
}

fn read_sent(entry: &str) -> Option<SentItem> {
    let (millis, media) = entry.split_once('/')?;
    Some(SentItem {
        at: Timestamp::from_millis(millis.parse().ok()?),
        media: media.parse().ok()?,
    })
}

#[async_trait(?Send)]
impl Conversations for ConversationsTable {
    async fn heard(&self, id: &ConversationId, heard: &Heard) -> Answer<()> {
        let update = match &heard.name {
            Some(name) => self
                .update(id, "ha = :at, hm = :message, hn = :name")
                .expression_attribute_values(":name", text(name)),
            None => self.update(id, "ha = :at, hm = :message REMOVE hn"),
        };
        let written = update
            .expression_attribute_values(":at", instant(heard.at))
            .expression_attribute_values(":message", text(heard.message.as_str()))
            .condition_expression("attribute_not_exists(ha) OR ha < :at")
            .send()
            .await;
        match written {
            Ok(_) => Ok(()),
            // A later message is known, or this one.
            Err(error) => update_refused("noting a customer's message", error).map(drop),
        }
    }

    async fn link(&self, id: &ConversationId, agent_side: &str) -> Answer<()> {
        let update = self.update(id, "ag = :agent_side");
        let linked = update
            .expression_attribute_values(":agent_side", text(agent_side))
            .send()
            .await;
        linked.map_err(|e| outage("linking a conversation", e))?;
        Ok(())
    }

    async fn invite(
        &self,
        id: &ConversationId,
        invitation: &Invitation,
        since: Timestamp,
    ) -> Answer<bool> {
        let doing = || "noting an invitation";
        let invited = self
            .update(id, "iv = :at, ib = :by")
            .expression_attribute_values(":at", instant(invitation.at))
            .expression_attribute_values(":by", text(invitation.by.as_str()))
            .expression_attribute_values(":since", instant(since))
            .condition_expression("attribute_not_exists(iv) OR iv <= :since")
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        let Err(error) = invited else {
            return Ok(true);
        };
        let row = update_refused(doing(), error)?.unwrap_or_default();
        let known = self
            .decode(&row)
            .map_err(|e| Outage::new(doing(), e))?
            .invited;
        // The very same invitation is our own write, repeated by the SDK because its answer was lost.
        Ok(known.as_ref() == Some(invitation))
    }

    async fn sent(&self, id: &ConversationId, sent: &SentItem) -> Answer<()> {
        let doing = || "noting what was sent";
        let one = AttributeValue::L(vec![text(written(sent))]);
        let noted = self
            .update(id, "sn = list_append(if_not_exists(sn, :none), :one)")
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":one", one)
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|e| outage(doing(), e))?;
        let row = noted.attributes().cloned().unwrap_or_default();
        let known = self.decode(&row).map_err(|e| Outage::new(doing(), e))?;
        let surplus = known.sent.len().saturating_sub(MOST_SENT);
        self.forget(id, &known.sent, |position, _| position < surplus)
            .await
    }

    async fn seen(
        &self,
        id: &ConversationId,
        known: &Conversation,
        until: Timestamp,
    ) -> Answer<()> {
        self.forget(id, &known.sent, |_, it| it.at <= until).await
    }

    async fn load(&self, id: &ConversationId) -> Answer<Conversation> {
        let doing = || "loading a conversation";
        let get = self.client.get_item().table_name(&self.table);
        let found = get
            .key("id", text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| outage(doing(), e))?;
        let known = found.item().map(|row| self.decode(row)).transpose();
        Ok(known
            .map_err(|e| Outage::new(doing(), e))?
            .unwrap_or_default())
    }
}
