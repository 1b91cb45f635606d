//! The tables, by the AWS SDK for DynamoDB: one adapter for each port that keeps rows.
//!
//! Every write is one conditional call. When its condition fails, the old row comes back with the refusal
//! (`ReturnValuesOnConditionCheckFailure`), so that no second call is needed to learn why. The SDK may repeat a call
//! whose answer was lost; each adapter therefore recognises its own write in the old row and reports it as done.
//!
//! **Leaves out** what any of it means: conditions and updates say what [`attache_domain`] says, column by column.

mod claims;
mod connections;
mod conversations;
mod item_row;
mod items;
mod limits;
mod row;
mod tokens;

pub use claims::ClaimsTable;
pub use connections::{Applied, CachedDirectories, ConnectionsTable};
pub use conversations::ConversationsTable;
pub use items::ItemsTable;
pub use limits::LimitsTable;
pub use row::Undecodable;
pub use tokens::TokensTable;

use attache_flow::ports::Outage;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use crate::outage::outage;
use row::Row;

/// The old row of an update whose condition failed (`None`: there is no row); any other error is an outage.
fn update_refused(
    doing: impl Into<String>,
    error: SdkError<UpdateItemError>,
) -> Result<Option<Row>, Outage> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => Ok(refused.item.clone()),
        Some(_) | None => Err(outage(doing, error)),
    }
}

/// The old row of a put whose condition failed (`None`: there is no row); any other error is an outage.
fn put_refused(
    doing: impl Into<String>,
    error: SdkError<PutItemError>,
) -> Result<Option<Row>, Outage> {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(refused)) => Ok(refused.item.clone()),
        Some(_) | None => Err(outage(doing, error)),
    }
}
