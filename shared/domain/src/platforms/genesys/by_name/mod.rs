//! The source documents' surfaces where a file is handed over in one form and a message names it by its id: web chat (`S2`) and
//! message media (`S1`). Genesys publishes neither. What differs is data: paths, the form's field, what the id is called.
//!
//! | field | web chat | message media |
//! |---|---|---|
//! | `conversationId` | whoever sends by hand; after that, the conversation's row | – |
//! | `from.id` | the customer | the customer |
//! | `to.id` | `to` of whoever sends by hand, else the connection's `agent_id` | the same |

mod note;
mod send;
mod upload;

pub use note::{attributes, note};
pub use send::{Accepted, File, Naming, read_accepted, send};
pub use upload::{read_uploaded, upload};

use url::Url;

use crate::connection::{Account, Connection, Org};
use crate::diagnosis::Failure;

/// What messages of web chat are addressed by.
pub const WEB_CHAT_ADDRESSED_BY: &[&str] = &["conversationId", "to"];

/// What messages of message media are addressed by.
pub const MESSAGE_MEDIA_ADDRESSED_BY: &[&str] = &["to"];

/// One of the surfaces.
struct Surface<'a> {
    org: &'a Org,
    /// Whom messages are for, where nobody says otherwise.
    agent_id: Option<&'a str>,
    /// Where files go, and under which name of the form.
    upload: (&'static [&'static str], &'static str),
    /// What a file's id may be called.
    id: &'static [&'static str],
}

fn surface(connection: &Connection) -> Result<Surface<'_>, Failure> {
    match &connection.account {
        Account::GenesysWebChat { agent_id, org, .. } => Ok(Surface {
            org,
            agent_id: agent_id.as_deref(),
            upload: (&["attachments", "upload"], "file"),
            id: &["id"],
        }),
        Account::GenesysMessageMedia { agent_id, org, .. } => Ok(Surface {
            org,
            agent_id: agent_id.as_deref(),
            upload: (&["message", "mediadata"], "mediaFile"),
            // "a media identifier": the document writes media_id, and mediaId where it is used.
            id: &["media_id", "mediaId", "id"],
        }),
        _ => Err(Failure::misconfigured(
            "the connection has no files that messages name by an id",
        )),
    }
}

/// `{api}/api/v2/{rest}`.
fn api_url(org: &Org, rest: &[&str]) -> Result<Url, Failure> {
    let mut url = org.api_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("api_url takes no path"))?
        .pop_if_empty()
        .extend(["api", "v2"])
        .extend(rest);
    Ok(url)
}
