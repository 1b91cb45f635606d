//! Messenger and Instagram Direct: one API over a Facebook page, two surfaces (Graph v23.0 and later; meta.md §3, §4).
//!
//! | | Messenger | Instagram |
//! |---|---|---|
//! | webhooks name | the page | the professional account |
//! | calls name | the page | the page, with `platform=instagram` for files |
//! | what becomes of messages | `delivery`, `read` up to a moment; the echo of one that carries our id | `read`, of one message |

mod error;
mod send;
mod upload;
mod webhook;
mod words;

pub use error::failure;
pub use send::{read_accepted, send, typing};
pub use upload::{UPLOAD_LIFE, read_uploaded, upload};
pub use webhook::parse;
