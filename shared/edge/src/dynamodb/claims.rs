//! The `claims` table: what was seen and is kept rather than carried, how often a sender came, and what a platform's name
//! for a message of ours, or for bytes it was given, means. Four kinds of row, each with a key that begins in its own way:
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | `<endpoint>/<message id>[/<status>]`, `tries/<media id>`, `name/<connection>/<message>` (ours) or `said/…` (theirs), `held/<connection>/<digest>/<type>` (the key) |
//! | `endpoint` | S | the endpoint an event came to |
//! | `why` | S | why an event was kept, as its word |
//! | `slice` | B | the event's own slice of the webhook, JSON text, compressed |
//! | `at` | N | when the event came, milliseconds |
//! | `settled_at` | N | when the event was taken in again, milliseconds; absent until it is |
//! | `reason` | S | why it was, in a person's words; absent without any |
//! | `tries` | N | how often the sender came |
//! | `media` | S | media id of the item that is named |
//! | `called` | S | the platform's id for bytes that it holds |
//! | `expires_at` | N | time-to-live, seconds |

use std::io;

use async_trait::async_trait;
use attache_domain::event::KeptBecause;
use attache_domain::ids::{EndpointId, MediaId};
use attache_domain::time::Timestamp;
use attache_flow::intake::LARGEST_BODY;
use attache_flow::ports::{Answer, Claims, KeptEvent, KeptPage, Outage, Settled, Wanted};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};

use super::row::{Columns, Row, Undecodable, instant, number, packed, text};
use super::{put_refused, update_refused};
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

    fn event(&self, row: &Row) -> Result<KeptEvent, Undecodable> {
        let columns = Columns::new(&self.table, row);
        let why = columns.text("why")?;
        let because = KeptBecause::ALL.into_iter().find(|b| b.as_str() == why);
        let expires_at: u64 = columns.number("expires_at")?;
        Ok(KeptEvent {
            id: columns.text("id")?.to_owned(),
            endpoint: EndpointId::new(columns.text("endpoint")?),
            because: because.ok_or_else(|| columns.wrong("why", "is no reason of ours"))?,
            slice: columns.unpacked("slice", LARGEST_BODY)?,
            at: columns.instant("at")?,
            expires_at: Timestamp::from_seconds(expires_at),
        })
    }

    fn page(&self, rows: &[Row], last: Option<&Row>) -> Result<KeptPage, Undecodable> {
        let events = rows.iter().map(|row| self.event(row));
        let next = last.map(|key| Columns::new(&self.table, key).text("id"));
        Ok(KeptPage {
            events: events.collect::<Result<_, _>>()?,
            next: next.transpose()?.map(str::to_owned),
        })
    }

    fn item(&self, row: &Row) -> Result<MediaId, Undecodable> {
        let columns = Columns::new(&self.table, row);
        let id = columns.text("media")?.parse();
        id.map_err(|e| columns.wrong("media", format!("is {e}")))
    }
}

fn encode(event: &KeptEvent) -> io::Result<Row> {
    Ok(Row::from(
        [
            ("id", text(&event.id)),
            ("endpoint", text(event.endpoint.as_str())),
            ("why", text(event.because.as_str())),
            ("slice", packed(&event.slice)?),
            ("at", instant(event.at)),
            ("expires_at", number(event.expires_at.as_seconds())),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    ))
}

/// The columns of a settled row that say so.
fn settling(settled: &Settled) -> (AttributeValue, Option<AttributeValue>) {
    (instant(settled.at), settled.reason.as_ref().map(text))
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

    async fn kept(&self, wanted: &Wanted, page: Option<&str>) -> Answer<KeptPage> {
        let doing = "reading kept events";
        let [unknown, routeless] = [KeptBecause::UnknownBusiness, KeptBecause::NoRoute];
        let of_endpoint = wanted
            .endpoint
            .as_ref()
            .map(|_| " AND endpoint = :endpoint");
        let filter = format!(
            "why IN (:unknown, :routeless) AND attribute_not_exists(settled_at) AND expires_at > :now \
             AND #at >= :since AND #at < :until{}",
            of_endpoint.unwrap_or_default()
        );
        let mut scan = self.client.scan().table_name(&self.table);
        if let Some(endpoint) = &wanted.endpoint {
            scan = scan.expression_attribute_values(":endpoint", text(endpoint.as_str()));
        }
        if let Some(page) = page {
            scan = scan.exclusive_start_key("id", text(page));
        }
        let scanned = scan
            .consistent_read(true)
            .filter_expression(filter)
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":unknown", text(unknown.as_str()))
            .expression_attribute_values(":routeless", text(routeless.as_str()))
            .expression_attribute_values(":now", number(wanted.now.as_seconds()))
            .expression_attribute_values(":since", instant(wanted.since))
            .expression_attribute_values(":until", instant(wanted.until))
            .send()
            .await
            .map_err(|e| outage(doing, e))?;
        let read = self.page(scanned.items(), scanned.last_evaluated_key());
        read.map_err(|e| Outage::new(doing, e))
    }

    async fn settle(&self, id: &str, settled: &Settled) -> Answer<bool> {
        let (at, reason) = settling(settled);
        let mut update = self.client.update_item().table_name(&self.table);
        let mut set = "SET settled_at = :settled_at".to_owned();
        if let Some(reason) = reason.clone() {
            set.push_str(", reason = :reason");
            update = update.expression_attribute_values(":reason", reason);
        }
        let done = update
            .key("id", text(id))
            .update_expression(set)
            .condition_expression("attribute_exists(why) AND attribute_not_exists(settled_at)")
            .expression_attribute_values(":settled_at", at.clone())
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match done {
            Ok(_) => Ok(true),
            // The very same columns are our own write, repeated by the SDK because its answer was lost.
            Err(error) => Ok(
                update_refused(format!("settling event {id}"), error)?.is_some_and(|row| {
                    row.get("settled_at") == Some(&at) && row.get("reason") == reason.as_ref()
                }),
            ),
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

    async fn name(
        &self,
        alias: &str,
        item: &MediaId,
        expires_at: Timestamp,
    ) -> Answer<Option<MediaId>> {
        let doing = || format!("naming {item}");
        let put = self.client.put_item().table_name(&self.table);
        let named = put
            .item("id", text(alias))
            .item("media", text(item.as_str()))
            .item("expires_at", number(expires_at.as_seconds()))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        let Err(error) = named else {
            return Ok(None);
        };
        let holder = put_refused(doing(), error)?;
        let holder = holder.as_ref().map(|row| self.item(row)).transpose();
        holder.map_err(|e| Outage::new(doing(), e))
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

    async fn handed_over(&self, key: &str, now: Timestamp) -> Answer<Option<String>> {
        let doing = || format!("looking up {key}");
        let get = self.client.get_item().table_name(&self.table);
        // Not consistently: what was handed over a moment ago may be handed over once more.
        let found = get.key("id", text(key)).send().await;
        let found = found.map_err(|e| outage(doing(), e))?;
        let Some(row) = found.item() else {
            return Ok(None);
        };
        let columns = Columns::new(&self.table, row);
        let read = || {
            let until = Timestamp::from_seconds(columns.number("expires_at")?);
            let called = columns.text("called")?;
            Ok::<_, Undecodable>((until > now).then(|| called.to_owned()))
        };
        read().map_err(|e| Outage::new(doing(), e))
    }

    async fn hand_over(&self, key: &str, called: &str, until: Timestamp) -> Answer<()> {
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .item("id", text(key))
            .item("called", text(called))
            .item("expires_at", number(until.as_seconds()));
        let written = put.send().await;
        written.map_err(|e| outage(format!("writing down {key}"), e))?;
        Ok(())
    }
}
