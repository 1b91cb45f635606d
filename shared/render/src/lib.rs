//! Renditions: what a channel takes in the place of an original it does not take. Bytes in, bytes out.
//!
//! [`picture`] makes JPEG or PNG of JPEG, PNG, GIF, WebP, BMP and TIFF, made smaller until it fits; [`document`] makes a PDF of a
//! text or a table. The original is never changed.
//!
//! **Promises.** Pure: no clock, no environment, no threads, no I/O. Foreign bytes never panic, and cost no more than is stated:
//! [`MOST_PIXELS`], [`LARGEST_PICTURE`], [`LONGEST_TEXT`], [`MOST_PAGES`]. A picture is turned the way its Exif
//! orientation says; everything else that described it (place, camera, time, thumbnail) is left behind, the colour profile excepted.
//! Whatever a rendition lacks of its original is named in [`Rendition::changes`].
//!
//! **Leaves to others.** Whether a rendition is wanted and how large it may be (`attache_domain::channels::plan`), storing it.

mod latin;
mod layout;
mod pdf;
mod picture;
mod text;

use thiserror::Error;

pub use attache_domain::channels::ways::{LARGEST_PICTURE, LONGEST_TEXT};
pub use pdf::MOST_PAGES;
pub use picture::{Format, MOST_PIXELS, Target, picture};
pub use text::{Shape, document};

/// A rendition of an original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its type.
    pub media_type: &'static str,
    /// What it lacks of the original, or has otherwise.
    pub changes: Vec<Change>,
}

/// What is otherwise in a rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has fewer pixels.
    Scaled {
        /// Width and height of the original, turned upright.
        from: (u32, u32),
        /// Width and height of the rendition.
        to: (u32, u32),
    },
    /// What was transparent is white.
    Flattened,
    /// Letters that are spelt otherwise: `ł` as `l`.
    Spelt {
        /// Which, each once, in the order of Unicode.
        letters: Vec<char>,
    },
    /// Characters that no standard font has; `?` stands in their place.
    Missing {
        /// Which, each once, in the order of Unicode.
        letters: Vec<char>,
        /// How many places.
        count: usize,
    },
}

/// Why there is no rendition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unconvertible {
    /// More bytes than are read.
    #[error("{bytes} bytes are more than the {limit} that are converted")]
    TooLong {
        /// So many.
        bytes: u64,
        /// The most.
        limit: u64,
    },
    /// None of the formats that are converted.
    #[error("it is of no format that is converted")]
    Format,
    /// More pixels than are decoded.
    #[error("{width} × {height} are more pixels than the {MOST_PIXELS} that are decoded")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// It is damaged, or built to be slow.
    #[error("it cannot be decoded: {0}")]
    Damaged(String),
    /// Even a picture of a few pixels is larger.
    #[error("no picture fits into {limit} bytes")]
    Limit {
        /// The limit.
        limit: u64,
    },
    /// More pages than are made.
    #[error("it would have more than {MOST_PAGES} pages")]
    TooManyPages,
    /// Too much of it would be missing.
    #[error("{missing} of {characters} characters are in no standard font")]
    Unreadable {
        /// So many would be missing.
        missing: usize,
        /// Of so many that are not blank.
        characters: usize,
    },
}
