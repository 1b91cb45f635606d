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
//! | `ap` | S | where the API is that it is for; absent where its issuer does not tell |
//!
//! No time-to-live is set: with the row its version would be forgotten, and a version only ever grows. There are as
//! many rows as connections have purposes.

use async_trait::async_trait;
use attache_domain::token::TokenRow;
use attache_flow::ports::{Answer, Outage, Saved, Tokens};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure as OnFailure;
use url::Url;

use super::put_refused;
use super::row::{Columns, Row, Undecodable, instant, number, text};
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

fn encode(row: &TokenRow) -> Row {
    let columns = [
        ("id", Some(text(&row.id))),
        ("rv", Some(number(row.revision))),
        ("vn", Some(number(row.version))),
        ("sl", row.sealed.as_ref().map(text)),
        ("ob", Some(instant(row.obtained_at))),
        ("en", row.expires_at.map(instant)),
        ("lu", row.lease_until.map(instant)),
        ("ap", row.api.as_ref().map(|api| text(api.as_str()))),
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
        api: columns.text_if("ap")?.and_then(|it| Url::parse(it).ok()),
    })
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
        let condition = match row.revision {
            0 => "attribute_not_exists(id)",
            _ => "rv = :based_on",
        };
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .set_item(Some(new.clone()))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let put = match row.revision {
            0 => put,
            // A value that no expression names is refused.
            based_on => put.expression_attribute_values(":based_on", number(based_on)),
        };
        let saved = put.send().await;
        let refused = match saved {
            Ok(_) => None,
            Err(error) => Some(put_refused(format!("saving token {}", row.id), error)?),
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
            api: Url::parse("https://api-de-na1.example.com/").ok(),
        };
        let bare = TokenRow {
            sealed: None,
            expires_at: None,
            lease_until: None,
            api: None,
            ..full.clone()
        };
        for row in [full, bare] {
            assert_eq!(decode("tokens", &encode(&row)).unwrap(), row);
        }
    }
}
