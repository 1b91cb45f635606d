//! Genesys Cloud: Open Messaging and client-credentials tokens (platform API as of SDK 257/259; developer pages read 2026).

mod error;
mod message;
mod token;

pub use error::failure;
pub use message::{Accepted, Inbound, inbound, read_accepted};
pub use token::{Granted, read_token, token_request};
