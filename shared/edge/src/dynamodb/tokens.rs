//! The `tokens` table.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `id` | S | `<connection>/<purpose>` (the key) |
//! | `rv` | N | revision |
//! | `vn` | N | version |
//! | `sl` | S | the sealed token; absent until there is one |
//! | `ob` | N | obtained at, milliseconds |
//! | `en` | N | when the token dies, milliseconds; absent if it does not |
//! | `lu` | N | renewal lease until, milliseconds; absent without one |
//!
//! No time-to-live is set: with the row its version would be forgotten, and a version only ever grows. There are as
//! many rows as connections have purposes.

use async_trait::async_trait;
use attache_domain::token::TokenRow;
use attache_flow::ports::{Answer, Outage, Saved, Tokens};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure as OnFailure;

use super::row::{Columns, Row, Undecodable, instant, number, text};
use super::update_refused;
use crate::outage::outage;

/// The `tokens` table.
#[derive(Clone, Debug)]
pub struct TokensTable {
    client: Client,
    table: String,
}

impl TokensTable {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
}

const OPTIONAL: [&str; 3] = ["sl", "en", "lu"];

fn encode(row: &TokenRow) -> Row {
    let columns = [
        ("id", Some(text(&row.id))),
        ("rv", Some(number(row.revision))),
        ("vn", Some(number(row.version))),
        ("sl", row.sealed.as_ref().map(text)),
        ("ob", Some(instant(row.obtained_at))),
        ("en", row.expires_at.map(instant)),
        ("lu", row.lease_until.map(instant)),
    ];
    let present = |(name, value): (&str, Option<_>)| value.map(|value| (name.to_owned(), value));
    columns.into_iter().filter_map(present).collect()
}

fn decode(table: &str, row: &Row) -> Result<TokenRow, Undecodable> {
    let columns = Columns::new(table, row);
    Ok(TokenRow {
        id: columns.text("id")?.to_owned(),
        sealed: columns.text_if("sl")?.map(ToOwned::to_owned),
        obtained_at: columns.instant("ob")?,
        expires_at: columns.instant_if("en")?,
        version: columns.number("vn")?,
        revision: columns.number("rv")?,
        lease_until: columns.instant_if("lu")?,
    })
}

/// The update that turns any row, or none, into this one.
fn rewrite(row: &Row) -> String {
    let absent: Vec<_> = OPTIONAL
        .iter()
        .filter(|name| !row.contains_key(**name))
        .copied()
        .collect();
    let present = OPTIONAL.iter().filter(|name| row.contains_key(**name));
    let set: String = present.map(|name| format!(", {name} = :{name}")).collect();
    let removal = if absent.is_empty() {
        String::new()
    } else {
        format!(" REMOVE {}", absent.join(", "))
    };
    format!("SET rv = :rv, vn = :vn, ob = :ob{set}{removal}")
}

#[async_trait(?Send)]
impl Tokens for TokensTable {
    async fn load(&self, id: &str) -> Answer<Option<TokenRow>> {
        let get = self.client.get_item().table_name(&self.table);
        let found = get
            .key("id", text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| outage(format!("loading token {id}"), e))?;
        let row = found.item().map(|row| decode(&self.table, row)).transpose();
        row.map_err(|e| Outage::new("reading a token row", e))
    }

    async fn save(&self, row: &mut TokenRow) -> Answer<Saved> {
        let next = TokenRow {
            revision: row.revision + 1,
            ..row.clone()
        };
        let new = encode(&next);
        let named = |(name, value): (&String, &_)| (format!(":{name}"), Clone::clone(value));
        let mut values: Row = new
            .iter()
            .filter(|(name, _)| *name != "id")
            .map(named)
            .collect();
        let condition = if row.revision == 0 {
            "attribute_not_exists(id)"
        } else {
            values.insert(":based_on".to_owned(), number(row.revision));
            "rv = :based_on"
        };
        let update = self.client.update_item().table_name(&self.table);
        let saved = update
            .key("id", text(&row.id))
            .condition_expression(condition)
            .update_expression(rewrite(&new))
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        let refused = match saved {
            Ok(_) => None,
            Err(error) => Some(update_refused(format!("saving token {}", row.id), error)?),
        };
        match refused {
            Some(old) if old.as_ref() != Some(&new) => Ok(Saved::Overtaken),
            // Written, or found written: the SDK repeated a call whose answer was lost.
            Some(_) | None => {
                *row = next;
                Ok(Saved::Done)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use attache_domain::time::Timestamp;

    use super::*;

    #[test]
    fn rows_round_trip() {
        let full = TokenRow {
            id: "genesys/messages".to_owned(),
            sealed: Some("c2VhbGVk".to_owned()),
            obtained_at: Timestamp::from_millis(1_001),
            expires_at: Some(Timestamp::from_millis(2_002)),
            version: 7,
            revision: 12,
            lease_until: Some(Timestamp::from_millis(3_003)),
        };
        let bare = TokenRow {
            sealed: None,
            expires_at: None,
            lease_until: None,
            ..full.clone()
        };
        for (row, update) in [
            (
                full,
                "SET rv = :rv, vn = :vn, ob = :ob, sl = :sl, en = :en, lu = :lu",
            ),
            (bare, "SET rv = :rv, vn = :vn, ob = :ob REMOVE sl, en, lu"),
        ] {
            let encoded = encode(&row);
            assert_eq!(rewrite(&encoded), update);
            assert_eq!(decode("tokens", &encoded).unwrap(), row);
        }
    }
}
