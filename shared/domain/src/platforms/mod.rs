//! The platforms, without I/O: build requests, parse answers and webhooks, turn vendor errors into a disposition and
//! a diagnosis. Wire facts cite the vendor's page or specification.

mod account;
pub mod channel;
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
    }
}
