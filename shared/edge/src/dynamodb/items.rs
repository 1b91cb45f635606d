//! The `media` table. How an item lies in its row is told in `item_row`.

use async_trait::async_trait;
use attache_domain::claim::Terms;
use attache_domain::ids::MediaId;
use attache_domain::journey::{DUE_SHARDS, Item};
use attache_domain::time::Timestamp;
use attache_domain::verdict::Verdict;
use attache_flow::ports::{Announced, Answer, Claimed, Items, Outage, Saved};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use futures_util::future::try_join_all;

use super::item_row;
use super::row::{Columns, Row, instant, number, text};
use super::{put_refused, update_refused};
use crate::outage::outage;

/// The `media` table.
#[derive(Clone, Debug)]
pub struct ItemsTable {
    client: Client,
    table: String,
}

impl ItemsTable {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    fn decode(&self, row: &Row) -> Answer<Item> {
        item_row::decode(&self.table, row).map_err(|e| Outage::new("reading a media row", e))
    }

    /// One shard of the sweep index: at most `limit` entries due by `now`, oldest first, with their due times.
    async fn overdue_in(
        &self,
        shard: u32,
        now: Timestamp,
        limit: i32,
    ) -> Answer<Vec<(Timestamp, MediaId)>> {
        let query = self.client.query().table_name(&self.table);
        let found = query
            .index_name("due")
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(shard.to_string()))
            .expression_attribute_values(":now", instant(now))
            .limit(limit)
            .send()
            .await
            .map_err(|e| outage(format!("looking for overdue items in shard {shard}"), e))?;
        found.items().iter().map(|row| self.entry(row)).collect()
    }

    fn entry(&self, row: &Row) -> Answer<(Timestamp, MediaId)> {
        let columns = Columns::new(&self.table, row);
        let read = || {
            let id = columns.text("id")?.parse();
            let id = id.map_err(|e| columns.wrong("id", format!("is {e}")))?;
            Ok((columns.instant("due_at")?, id))
        };
        read().map_err(|e: super::Undecodable| Outage::new("reading the sweep index", e))
    }
}

#[async_trait(?Send)]
impl Items for ItemsTable {
    async fn announce(&self, item: &Item) -> Answer<Announced> {
        let doing = || format!("announcing {}", item.id);
        let row = item_row::encode(item).map_err(|e| Outage::new(doing(), e))?;
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .set_item(Some(row.clone()))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = put.send().await else {
            return Ok(Announced::New);
        };
        match put_refused(doing(), error)? {
            // Our own write, repeated by the SDK because its answer was lost.
            Some(old) if old == row => Ok(Announced::New),
            Some(old) => Ok(Announced::Known(Box::new(self.decode(&old)?))),
            None => Err(Outage::new(doing(), "refused without showing the old row")),
        }
    }

    async fn claim(&self, id: &MediaId, terms: &Terms) -> Answer<Claimed> {
        let doing = || format!("claiming {id}");
        let update = self.client.update_item().table_name(&self.table);
        let updated = update
            .key("id", text(id.as_str()))
            .condition_expression(condition(terms))
            .update_expression(grant(terms))
            .set_expression_attribute_values(Some(claim_values(terms)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match updated {
            Ok(updated) => match updated.attributes() {
                Some(row) => Ok(Claimed::Granted(Box::new(self.decode(row)?))),
                None => Err(Outage::new(doing(), "granted without showing the row")),
            },
            Err(error) => match update_refused(doing(), error)? {
                None => Ok(Claimed::Missing),
                Some(row) => {
                    let item = Box::new(self.decode(&row)?);
                    let ours = terms.already_granted(&item);
                    Ok(if ours {
                        Claimed::Granted(item)
                    } else {
                        Claimed::Refused(item)
                    })
                }
            },
        }
    }

    async fn load(&self, id: &MediaId) -> Answer<Option<Item>> {
        let get = self.client.get_item().table_name(&self.table);
        let found = get
            .key("id", text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| outage(format!("loading {id}"), e))?;
        found.item().map(|row| self.decode(row)).transpose()
    }

    async fn save(&self, item: &mut Item) -> Answer<Saved> {
        let doing = || format!("saving {}", item.id);
        let mut next = item.clone();
        next.gate.revision += 1;
        let row = item_row::encode(&next).map_err(|e| Outage::new(doing(), e))?;
        let put = self.client.put_item().table_name(&self.table);
        let saved = put
            .set_item(Some(row.clone()))
            .condition_expression("rv = :based_on")
            .expression_attribute_values(":based_on", number(item.gate.revision))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        let refused = match saved {
            Ok(_) => None,
            Err(error) => Some(put_refused(doing(), error)?),
        };
        match refused {
            Some(old) if old.as_ref() != Some(&row) => Ok(Saved::Overtaken),
            // Written, or found written: the SDK repeated a call whose answer was lost.
            Some(_) | None => {
                *item = next;
                Ok(Saved::Done)
            }
        }
    }

    async fn overdue(&self, now: Timestamp, limit: usize) -> Answer<Vec<MediaId>> {
        let per_shard = i32::try_from(limit).unwrap_or(i32::MAX).max(1);
        let shards = (0..DUE_SHARDS).map(|shard| self.overdue_in(shard, now, per_shard));
        let mut due: Vec<_> = try_join_all(shards).await?.into_iter().flatten().collect();
        due.sort();
        due.truncate(limit);
        Ok(due.into_iter().map(|(_, id)| id).collect())
    }
}

/// [`Terms::refusal`] as a condition: it holds exactly where there is no refusal. (A missing row fails it as well.)
fn condition(terms: &Terms) -> String {
    let work = if terms.work.needs_clean() {
        " AND attribute_not_exists(iu) AND vd = :clean"
    } else {
        ""
    };
    format!(
        "ep = :ep AND sq <= :sq AND st BETWEEN :first AND :last \
         AND (attribute_not_exists(lu) OR lu <= :now){work}"
    )
}

/// [`Terms::grant`] as an update.
fn grant(terms: &Terms) -> String {
    let intent = if terms.work.intent_until().is_some() {
        ", iu = :iu"
    } else {
        ""
    };
    format!(
        "SET rv = rv + :one, fn = fn + :one, sq = :sq, st = :st, lh = :lh, ls = :ls, lu = :lu{intent}"
    )
}

fn claim_values(terms: &Terms) -> Row {
    let [first, last] = terms.work.from_stages();
    let mut values = Row::from(
        [
            (":ep", number(terms.epoch)),
            (":sq", number(terms.sequence)),
            (":first", item_row::stage(first)),
            (":last", item_row::stage(last)),
            (":now", instant(terms.now)),
            (":one", number(1_u64)),
            (":st", item_row::stage(terms.work.stage())),
            (":lh", item_row::holder(terms.lease.holder)),
            (":ls", instant(terms.lease.since)),
            (":lu", instant(terms.lease.until)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if terms.work.needs_clean() {
        values.insert(":clean".to_owned(), item_row::verdict(Verdict::Clean));
    }
    if let Some(until) = terms.work.intent_until() {
        values.insert(":iu".to_owned(), instant(until));
    }
    values
}
