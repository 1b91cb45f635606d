//! The source documents' upload surface of web messaging (`S3-6` to `S3-32`), which Genesys does not publish: a request with the
//! file's metadata, the bytes by a signed link, and a file that is looked up until it can be sent (`infra/decisions/0031`).
//!
//! | field | comes from |
//! |---|---|
//! | `channelId` | the connection's `channel_id`, also the integration in the path of the message |
//! | `messageId` | the customer's message, as in the `channel.messageId` of the message that carries the file |
//! | `fileId` | the answer to the metadata request; header `x-genesys-file-id`, look-up, completion event |

mod attachment;
mod upload;

pub use attachment::{cancel, look_up, read_attachment};
pub use upload::{LINK_LIFE, read_place, read_put, request_place};

use url::Url;

use crate::connection::{Account, Connection};
use crate::diagnosis::Failure;

/// `{api}/api/v2/conversations/messaging/{rest}`, and the channel's id.
fn messaging_url<'a>(connection: &'a Connection, rest: &[&str]) -> Result<(Url, &'a str), Failure> {
    let Account::GenesysWebMessaging {
        org, channel_id, ..
    } = &connection.account
    else {
        return Err(Failure::misconfigured(
            "the connection is not one of web messaging",
        ));
    };
    let mut url = org.api_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("api_url takes no path"))?
        .pop_if_empty()
        .extend(["api", "v2", "conversations", "messaging"])
        .extend(rest);
    Ok((url, channel_id))
}
