//! Genesys Cloud: Open Messaging and client-credentials tokens (platform API as of SDK 257/259; developer pages read 2026),
//! and the media events that the source documents describe.

mod completion;
mod download;
mod error;
mod event;
mod message;
mod receipt;
mod supported_content;
mod token;
mod webhook;
mod words;

pub use completion::{Completion, Transport, completion};
pub use download::{Hop, first_hop, read_hop};
pub use error::failure;
pub use event::parse as parse_media_event;
pub use message::{Accepted, Inbound, LinkedFile, inbound, read_accepted};
pub use receipt::receipt;
pub use supported_content::{
    integration_request, read_integration, read_supported_content, supported_content_request,
};
pub use token::{Granted, read_token, token_request};
pub use webhook::parse;
