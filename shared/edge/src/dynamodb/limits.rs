//! The `limits` table: one row for each limiter key, one conditional write for each reservation.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | the limiter key (the key) |
//! | `tat` | N | theoretical arrival time, milliseconds |
//! | `known` | S | what is known beside the reservations: JSON, the domain's; shown by each reservation |
//! | `expires_at` | N | time-to-live, seconds: a day after the last write's end, when the row says nothing any more |
//!
//! If the SDK repeats a reservation whose answer was lost, slots are reserved twice and the first ones are lost: the
//! limiter errs on the slow side, as [`attache_domain::pacing::gcra`] promises.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::pacing::attempt::{Attempt, Branch, Condition, Write};
use attache_domain::pacing::gcra::{self, Next};
use attache_domain::time::Timestamp;
use attache_flow::ports::{Answer, Limits, Outage, Reservation, Reserved};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};

use super::row::{Columns, Row, instant, number, text};
use super::update_refused;
use crate::outage::outage;

/// How long a rested row is kept.
const KEPT: Duration = Duration::from_secs(86_400);

/// A lone caller needs two writes; each one more means that a rival came in between. So many rivals in a row are not
/// a race but a fault.
const MOST_WRITES: usize = 8;

/// Branches are remembered for so many keys; then all are forgotten, which costs each key at most one more write.
const REMEMBERED: usize = 4096;

/// The `limits` table, and the branch each key's last reservation took in this process.
#[derive(Debug)]
pub struct LimitsTable {
    client: Client,
    table: String,
    branches: RefCell<HashMap<String, Branch>>,
}

impl LimitsTable {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
            branches: RefCell::default(),
        }
    }

    fn remember(&self, key: &str, branch: Branch) {
        let mut branches = self.branches.borrow_mut();
        if branches.len() >= REMEMBERED {
            branches.clear();
        }
        branches.insert(key.to_owned(), branch);
    }

    fn tat(&self, row: Option<&Row>) -> Answer<Option<Timestamp>> {
        let read = |row| Columns::new(&self.table, row).instant_if("tat");
        let tat = row.map(read).transpose();
        let tat = tat.map_err(|e| Outage::new("reading a limiter", e))?;
        Ok(tat.flatten())
    }

    fn known_in(&self, row: Option<&Row>) -> Answer<Option<String>> {
        let read = |row| Columns::new(&self.table, row).text_if("known");
        let known = row.map(read).transpose();
        let known = known.map_err(|e| Outage::new("reading a limiter", e))?;
        Ok(known.flatten().map(ToOwned::to_owned))
    }

    /// Makes one write: the `tat` it left, or the one that refused it; with what is known of the key, which costs nothing more.
    async fn write(&self, key: &str, attempt: Attempt) -> Answer<(Written, Option<String>)> {
        let doing = || format!("reserving under {key}");
        let Phrase {
            condition,
            update,
            values,
        } = phrase(attempt);
        let call = self.client.update_item().table_name(&self.table);
        let written = call
            .key("id", text(key))
            .condition_expression(condition)
            .update_expression(update)
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match written {
            Ok(written) => {
                let row = written.attributes();
                match self.tat(row)? {
                    Some(tat) => Ok((Ok(tat), self.known_in(row)?)),
                    None => Err(Outage::new(doing(), "written without showing the row")),
                }
            }
            Err(error) => {
                let row = update_refused(doing(), error)?;
                let row = row.as_ref();
                Ok((Err(self.tat(row)?), self.known_in(row)?))
            }
        }
    }
}

/// The `tat` a write left, or the one that refused it.
type Written = Result<Timestamp, Option<Timestamp>>;

/// An [`Attempt`] in DynamoDB's words.
struct Phrase {
    condition: &'static str,
    update: &'static str,
    values: HashMap<String, AttributeValue>,
}

fn phrase(attempt: Attempt) -> Phrase {
    let (condition, bounds, latest) = match attempt.condition {
        Condition::Between { low, high } => {
            let bounds = vec![(":low", instant(low)), (":high", instant(high))];
            ("tat BETWEEN :low AND :high", bounds, high)
        }
        Condition::AbsentOrBefore(now) => {
            let bounds = vec![(":low", instant(now))];
            ("attribute_not_exists(tat) OR tat < :low", bounds, now)
        }
    };
    let (update, by, latest) = match attempt.write {
        Write::Add(span) => {
            let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            (
                "SET tat = tat + :by, expires_at = :kept",
                number(span_ms),
                latest + span,
            )
        }
        Write::Set(tat) => ("SET tat = :by, expires_at = :kept", instant(tat), tat),
    };
    let kept = number((latest + KEPT).as_seconds());
    let values = bounds.into_iter().chain([(":by", by), (":kept", kept)]);
    Phrase {
        condition,
        update,
        values: values
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

#[async_trait(?Send)]
impl Limits for LimitsTable {
    async fn reserve(&self, key: &str, request: &gcra::Request) -> Answer<Reservation> {
        let mut branch = self.branches.borrow().get(key).copied().unwrap_or_default();
        for _ in 0..MOST_WRITES {
            let (written, known) = self.write(key, request.attempt(branch)).await?;
            let reserved = match written {
                Ok(tat) => {
                    self.remember(key, branch);
                    Reserved::Slots(request.granted(tat).slots().collect())
                }
                Err(found) => match request.refused(found) {
                    Next::Full { retry_at } => Reserved::Full { retry_at },
                    Next::Try(other) => {
                        branch = other;
                        continue;
                    }
                },
            };
            return Ok(Reservation { reserved, known });
        }
        let doing = format!("reserving under {key}");
        Err(Outage::new(
            doing,
            format!("{MOST_WRITES} writes in a row were overtaken"),
        ))
    }

    async fn known(&self, key: &str) -> Answer<Option<String>> {
        let doing = || format!("reading what is known of {key}");
        let call = self.client.get_item().table_name(&self.table);
        let read = call.key("id", text(key)).consistent_read(true).send().await;
        let read = read.map_err(|e| outage(doing(), e))?;
        self.known_in(read.item())
    }

    async fn learn(
        &self,
        key: &str,
        (from, to): (Option<&str>, &str),
        restart: Option<Timestamp>,
        now: Timestamp,
    ) -> Answer<Result<(), Option<String>>> {
        let call = self.client.update_item().table_name(&self.table);
        let call = match restart {
            None => call.update_expression("SET known = :to, expires_at = :kept"),
            Some(at) => call
                .update_expression("SET known = :to, expires_at = :kept, tat = :tat")
                .expression_attribute_values(":tat", instant(at)),
        };
        let call = call
            .key("id", text(key))
            .expression_attribute_values(":to", text(to))
            .expression_attribute_values(":kept", number((now + KEPT).as_seconds()))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let written = match from {
            None => call.condition_expression("attribute_not_exists(known)"),
            Some(from) => call
                .condition_expression("known = :from")
                .expression_attribute_values(":from", text(from)),
        };
        let Err(error) = written.send().await else {
            return Ok(Ok(()));
        };
        let row = update_refused(format!("learning of {key}"), error)?;
        let found = self.known_in(row.as_ref())?;
        Ok(if found.as_deref() == Some(to) {
            Ok(())
        } else {
            Err(found)
        })
    }
}
