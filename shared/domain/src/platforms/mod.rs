//! The platforms, without I/O: build requests, parse answers and webhooks, turn vendor errors into a disposition and
//! a diagnosis. Wire facts cite the vendor's page or specification.

mod account;
pub mod agent;
pub mod channel;
pub mod cxone;
pub mod genesys;
mod lenient;
pub mod links;
pub mod messenger;
pub mod subscription;
pub mod uploads;
pub mod whatsapp;

pub use account::{account_request, read_account};
pub use lenient::Unreadable;

use crate::connection::Profile;
use crate::event::Announcement;
use crate::ids::ConnectionId;
use crate::time::Timestamp;

/// Everything one webhook body announces, in its order. Nothing a platform says vanishes: what is no message and no status
/// is announced as a notice.
///
/// # Errors
/// [`Unreadable`] if the body is no JSON object, or of an absurd size.
pub fn parse(profile: Profile, body: &[u8]) -> Result<Vec<Announcement>, Unreadable> {
    match profile {
        Profile::WhatsApp => whatsapp::parse(body),
        Profile::Messenger | Profile::Instagram => messenger::parse(body),
        // Over the last two nothing comes; no endpoint has their profiles.
        Profile::GenesysOpenMessaging | Profile::GenesysWebChat | Profile::GenesysAgent => {
            genesys::parse(body)
        }
        Profile::GenesysMessageMedia => genesys::parse_media_event(body),
        Profile::GenesysWebMessaging | Profile::GenesysMediaUpload => {
            genesys::parse_completion(body)
        }
        Profile::CxoneByoc => cxone::byoc::parse(body),
        Profile::CxoneConversations => cxone::conversations::parse(body),
    }
}

/// What is asked under an endpoint's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To take a webhook in, or to prove that the endpoint is ours.
    Webhook,
    /// For a token that we issue.
    Token,
    /// For something that nothing of ours needs: answered, and left at that.
    Nothing,
}

/// What is asked at `path`, the part behind the endpoint's address; `None`: nobody asks anything there.
#[must_use]
pub fn asked(profile: Profile, path: &str) -> Option<Asked> {
    if !profile.has_paths() {
        return path.is_empty().then_some(Asked::Webhook);
    }
    Some(match cxone::byoc::Address::read(path)? {
        cxone::byoc::Address::Token => Asked::Token,
        cxone::byoc::Address::Message { .. } => Asked::Webhook,
        cxone::byoc::Address::Unused => Asked::Nothing,
    })
}

/// Everything announced by a body that came to `path` at `now`. Where the path says nothing, as [`parse`].
///
/// # Errors
/// [`Unreadable`], as [`parse`].
pub fn parse_at(
    profile: Profile,
    (path, body): (&str, &[u8]),
    now: Timestamp,
) -> Result<Vec<Announcement>, Unreadable> {
    match profile.has_paths() {
        true => cxone::byoc::parse_at(path, body, now),
        false => parse(profile, body),
    }
}

/// What the sender wants to read once its message is durable, as JSON; `None`: nothing. `connection`: the one it came over, or,
/// where nobody configured it, what stands for that.
#[must_use]
pub fn answer(
    profile: Profile,
    path: &str,
    (announcement, connection): (&Announcement, &ConnectionId),
    now: Timestamp,
) -> Option<String> {
    if !profile.has_paths() {
        return None;
    }
    let name = cxone::byoc::message_name(connection, announcement);
    Some(cxone::byoc::answer(path, &announcement.slice, &name, now))
}
