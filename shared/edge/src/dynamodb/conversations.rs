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
//! | `expires_at` | N | time-to-live, seconds: moved on by every write |
//!
//! The key holds the customer's address: no error's text names it.

use std::time::Duration;

use async_trait::async_trait;
use attache_domain::conversation::{Conversation, ConversationId, Heard};
use attache_domain::ids::MessageId;
use attache_domain::journey::RETENTION;
use attache_domain::time::Timestamp;
use attache_flow::ports::{Answer, Conversations, Outage};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure as OnFailure;

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
        Ok(Conversation {
            heard,
            agent_side: columns.text_if("ag")?.map(ToOwned::to_owned),
            invited_at: columns.instant_if("iv")?,
        })
    }
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

    async fn invite(&self, id: &ConversationId, now: Timestamp, since: Timestamp) -> Answer<bool> {
        let doing = || "noting an invitation";
        let invited = self
            .update(id, "iv = :now")
            .expression_attribute_values(":now", instant(now))
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
            .invited_at;
        // The very same moment is our own write, repeated by the SDK because its answer was lost.
        Ok(known == Some(now))
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
