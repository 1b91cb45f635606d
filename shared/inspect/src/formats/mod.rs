//! One room per family of formats. Each answers "mine, and this is what I saw" or `None`.
//!
//! The order matters: exact magic first, executables before all (nothing may hide them), formats with weak signatures
//! after those with strong ones, text before the last resort so that prose beginning with `BM` is not a bitmap.

mod amr;
pub(crate) mod archives;
mod attached;
mod bitmap;
mod ebml;
pub(crate) mod eicar;
pub(crate) mod executable;
mod fields;
mod gif;
mod icon;
mod isobmff;
mod jpeg;
mod jpeg2000;
mod magic;
mod mpeg_audio;
mod ogg;
mod ole2;
mod pdf;
mod png;
mod riff;
mod rtf;
mod runnable;
mod text;
mod tiff;
pub(crate) mod zip;

use crate::claim::Claim;
use crate::findings::{Confidence, Integrity};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

type Room = fn(&mut Source<'_>) -> io::Result<Option<Seen>>;

/// Rooms that need no claim, strongest signature first.
const ROOMS: [Room; 19] = [
    executable::read,
    png::read,
    jpeg::read,
    gif::read,
    tiff::read,
    riff::read,
    isobmff::read,
    jpeg2000::read,
    ogg::read,
    ebml::read,
    zip::read,
    ole2::read,
    archives::read,
    icon::read,
    pdf::read,
    rtf::read,
    bitmap::read,
    amr::read,
    mpeg_audio::read,
];

/// Asks every room in turn.
pub(crate) fn recognise(source: &mut Source<'_>, claim: &Claim<'_>) -> io::Result<Seen> {
    if source.len() == 0 {
        let empty = Seen::new(FileType::Unknown, Confidence::Certain);
        return Ok(empty.with_integrity(Integrity::damaged("the file is empty")));
    }
    for room in ROOMS {
        if let Some(seen) = room(source)? {
            return Ok(seen);
        }
    }
    if let Some(seen) = text::read(source, claim)? {
        return Ok(seen);
    }
    if let Some(seen) = magic::read(source)? {
        return Ok(seen);
    }
    if let Some(seen) = text::beneath_controls(source)? {
        return Ok(seen);
    }
    // Nothing fits the beginning. An archive is read from its end and does not care.
    if zip::directory::end_record(source)?.is_some_and(|end| end.entries > 0) {
        let seen = zip::archive(source)?;
        if seen.confidence == Confidence::Certain {
            return Ok(seen);
        }
    }
    Ok(Seen::new(FileType::Unknown, Confidence::Guess))
}

pub(crate) use mpeg_audio::sounds_like_frames;
pub(crate) use text::script_in;

/// The position of `needle` in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// The last position of `needle` in `haystack`.
pub(crate) fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    // Forwards from the start is several times faster than backwards from the end.
    memchr::memmem::find_iter(haystack, needle).last()
}
