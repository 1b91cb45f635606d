//! The `claims` table: what was seen and is kept rather than carried.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | `<endpoint>/<message id>[/<status>]` (the key) |
//! | `why` | S | why it was kept, as its word |
//! | `slice` | S | the message's own slice of the webhook, JSON text |
//! | `at` | N | when it came, milliseconds |
//! | `expires_at` | N | time-to-live, seconds |

use async_trait::async_trait;
use attache_flow::ports::{Answer, Claims, KeptEvent, Outage};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure as OnFailure;

use super::put_refused;
use super::row::{Row, instant, number, text};

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
}
