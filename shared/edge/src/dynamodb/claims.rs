//! The `claims` table: what was seen and is kept rather than carried, how often a sender came, and what a platform's name
//! for a message of ours means. Three kinds of row, each with a key that begins in its own way:
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | `<endpoint>/<message id>[/<status>]`, `tries/<media id>` or `name/<connection>/<message>` (the key) |
//! | `why` | S | why an event was kept, as its word |
//! | `slice` | S | the event's own slice of the webhook, JSON text |
//! | `at` | N | when the event came, milliseconds |
//! | `tries` | N | how often the sender came |
//! | `media` | S | media id of the item that is named |
//! | `expires_at` | N | time-to-live, seconds |

use async_trait::async_trait;
use attache_domain::ids::MediaId;
use attache_domain::time::Timestamp;
use attache_flow::ports::{Answer, Claims, KeptEvent, Outage};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};

use super::put_refused;
use super::row::{Columns, Row, Undecodable, instant, number, text};
use crate::outage::outage;

/// The `claims` table.
#[derive(Clone, Debug)]
pub struct ClaimsTable {
    client: Client,
    table: String,
}

impl ClaimsTable {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    fn item(&self, row: &Row) -> Result<MediaId, Undecodable> {
        let columns = Columns::new(&self.table, row);
        let id = columns.text("media")?.parse();
        id.map_err(|e| columns.wrong("media", format!("is {e}")))
    }
}

fn encode(event: &KeptEvent) -> Result<Row, serde_json::Error> {
    let why = serde_json::to_value(event.because)?;
    Ok(Row::from(
        [
            ("id", text(&event.id)),
            ("why", text(why.as_str().unwrap_or_default())),
            ("slice", text(&event.slice)),
            ("at", instant(event.at)),
            ("expires_at", number(event.expires_at.as_seconds())),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    ))
}

#[async_trait(?Send)]
impl Claims for ClaimsTable {
    async fn keep(&self, event: &KeptEvent) -> Answer<bool> {
        let doing = || format!("keeping event {}", event.id);
        let row = encode(event).map_err(|e| Outage::new(doing(), e))?;
        let put = self.client.put_item().table_name(&self.table);
        let kept = put
            .set_item(Some(row.clone()))
            // Expired rows count as gone: they are deleted days late.
            .condition_expression("attribute_not_exists(id) OR expires_at <= :now")
            .expression_attribute_values(":now", number(event.at.as_seconds()))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match kept {
            Ok(_) => Ok(true),
            // The very same row is our own write, repeated by the SDK because its answer was lost.
            Err(error) => Ok(put_refused(doing(), error)? == Some(row)),
        }
    }

    /// A count that the SDK repeats because its answer was lost counts twice: the sender is believed to be nearer to its
    /// last try than it is, and the last try is the one that is safe.
    async fn count_try(&self, key: &str, expires_at: Timestamp) -> Answer<u32> {
        let doing = || format!("counting {key}");
        let update = self.client.update_item().table_name(&self.table);
        let counted = update
            .key("id", text(key))
            .update_expression("SET expires_at = :expires_at ADD tries :one")
            .expression_attribute_values(":expires_at", number(expires_at.as_seconds()))
            .expression_attribute_values(":one", number(1_u64))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|e| outage(doing(), e))?;
        let row = counted
            .attributes()
            .ok_or_else(|| Outage::new(doing(), "counted without showing the row"))?;
        let tries = Columns::new(&self.table, row).number("tries");
        tries.map_err(|e| Outage::new(doing(), e))
    }

    async fn name(&self, alias: &str, item: &MediaId, expires_at: Timestamp) -> Answer<()> {
        let put = self.client.put_item().table_name(&self.table);
        let named = put
            .item("id", text(alias))
            .item("media", text(item.as_str()))
            .item("expires_at", number(expires_at.as_seconds()))
            .condition_expression("attribute_not_exists(id)")
            .send()
            .await;
        match named {
            Ok(_) => Ok(()),
            // The first stays; our own, most likely.
            Err(error) => put_refused(format!("naming {item}"), error).map(drop),
        }
    }

    async fn named(&self, alias: &str) -> Answer<Option<MediaId>> {
        let doing = || format!("looking up {alias}");
        let get = self.client.get_item().table_name(&self.table);
        let found = get
            .key("id", text(alias))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| outage(doing(), e))?;
        let item = found.item().map(|row| self.item(row)).transpose();
        item.map_err(|e| Outage::new(doing(), e))
    }
}
