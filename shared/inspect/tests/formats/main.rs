//! Types, ends and hazards of files built here, one row each: what the sample media do not cover.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which may fail loudly"
)]

mod archives;
mod build;
mod documents;
mod hazards;
mod types;

use attache_inspect::{Claim, Findings, inspect};
use std::io::Cursor;

fn look(bytes: &[u8]) -> Findings {
    inspect(&mut Cursor::new(bytes), &Claim::default()).unwrap()
}
