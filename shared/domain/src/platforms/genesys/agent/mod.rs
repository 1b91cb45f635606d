//! The agent's side of a conversation (genesys.md §6): a place for the bytes, the bytes by a signed link, a medium that is looked
//! up until it is `valid`, and a message that names it. Published; a token with the permission `conversation:message:create`.
//!
//! | field | comes from |
//! |---|---|
//! | `conversationId`, `communicationId` | whoever sends by hand; after that, the conversation's row |
//! | `mediaId` | the answer to the request for a place |
//! | `textBody` | the caption; without one the file's name, since a message must have words |
//!
//! Deprecated, and so not used: `…/messages/media` without a body. `contentMd5` is not sent: how it is written is not confirmed.

mod send;
mod upload;

pub use send::{read_accepted, send};
pub use upload::{look_up, read_attachment, read_place, request_place};

use url::Url;

use crate::address::Address;
use crate::connection::{Account, Connection};
use crate::diagnosis::Failure;

/// What messages are addressed by.
pub const ADDRESSED_BY: &[&str] = &["conversationId", "communicationId"];

/// `{api}/api/v2/conversations/messages/{conversationId}/communications/{communicationId}/messages/{rest}`.
fn messages_url(connection: &Connection, address: &Address, rest: &[&str]) -> Result<Url, Failure> {
    let Account::GenesysAgent { org, .. } = &connection.account else {
        return Err(Failure::misconfigured(
            "the connection is none of an agent's side",
        ));
    };
    let [conversation, communication] =
        ["conversationId", "communicationId"].map(|field| address.need(field));
    let (conversation, communication) = (conversation?, communication?);
    let mut url = org.api_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("api_url takes no path"))?
        .pop_if_empty()
        .extend(["api", "v2", "conversations", "messages", conversation])
        .extend(["communications", communication, "messages"])
        .extend(rest);
    Ok(url)
}
