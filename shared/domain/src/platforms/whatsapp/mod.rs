//! WhatsApp Cloud API (Graph v23.0 and later; developers.facebook.com, read June 2026).

mod error;
mod media;
mod webhook;

pub use error::failure;
pub use media::{Link, look_up, read_link};
pub use webhook::{Unreadable, parse};

use crate::digest::Sha256Digest;

/// A digest as it may come: base64 in the webhook, hexadecimal in the look-up, and the other way round at some
/// resellers. The two cannot be confused: their lengths differ.
fn digest(text: &str) -> Option<Sha256Digest> {
    Sha256Digest::from_base64(text)
        .or_else(|_| Sha256Digest::from_hex(text))
        .ok()
}
