//! WhatsApp Cloud API (Graph v23.0 and later; developers.facebook.com, read June 2026).

mod error;
mod media;
mod send;
mod upload;
mod webhook;
mod words;

pub use error::failure;
pub use media::{LookedUp, look_up, read_link};
pub use send::{read_accepted, send, typing};
pub use upload::{UPLOAD_LIFE, read_uploaded, upload};
pub use webhook::parse;
