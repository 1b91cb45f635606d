//! WhatsApp Cloud API (Graph v23.0 and later; developers.facebook.com, read June 2026).

mod error;
mod media;
mod webhook;

pub use error::failure;
pub use media::{Link, look_up, read_link};
pub use webhook::{Unreadable, parse};

use crate::signature::{Encoding, Verifier};

/// How Meta signs: `X-Hub-Signature-256: sha256=<lower-case hex of HMAC-SHA256(raw body, app secret)>`.
pub const VERIFIER: Verifier = Verifier { header: "x-hub-signature-256", prefix: "sha256=", encoding: Encoding::Hex };
