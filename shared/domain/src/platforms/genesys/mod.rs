//! Genesys Cloud: Open Messaging and client-credentials tokens (platform API as of SDK 257/259; developer pages read 2026),
//! and the media events and the upload surface that the source documents describe.

pub mod agent;
pub mod by_name;
mod completion;
mod error;
mod event;
pub mod media_upload;
mod message;
mod receipt;
mod supported_content;
mod token;
pub mod web_messaging;
mod webhook;
mod words;

pub use completion::parse_completion;
pub use error::failure;
pub use event::parse as parse_media_event;
pub use message::{inbound, read_accepted};
pub use receipt::receipt;
pub use supported_content::{
    Question, integration_request, limits_question, read_integration, read_limits,
    read_supported_content, supported_content_request,
};
pub use token::{Granted, read_token, token_request};
pub use webhook::{could_not_fetch, parse};
