//! The rules of bringing bytes in: what a download's headers must agree on, and what follows when it fails.
//!
//! Declared size, header and counted bytes agree; so do the digests, where the platform gives them. What nobody names the
//! length of is taken in parts ([`Checkpoint`]), and so is what broke off before.

mod cache;
mod checkpoint;
mod failure;
mod headers;
mod life;
mod page;
mod rest;

use std::time::Duration;

pub use cache::past_caches;
pub use checkpoint::{Checkpoint, PART_BYTES, Part};
pub use failure::{
    after, changed, error_page, interrupted, looping, no_answer, no_link, not_there_yet,
    other_bytes, parts_gone, pause, paused, refused_host, size_doubted, size_refused, too_slow,
    vanished,
};
pub use headers::{Announced, Said, read_headers};
pub use life::dies_at;
pub use page::begins_like_page;
pub use rest::Rest;

/// How long the download's headers may take.
pub const HEADERS_PATIENCE: Duration = Duration::from_secs(10);

/// The largest file taken in: WhatsApp's documents, 100 MB, read generously.
pub const LARGEST_BYTES: u64 = 100 * 1024 * 1024;
