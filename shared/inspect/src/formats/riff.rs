//! RIFF: WebP (still or animated), WAV, AVI; and its elder kin with the bytes the other way round, AIFF. The file's
//! length is in the header.
//!
//! Sources: Multimedia Programming Interface 1.0 §2; WebP Container Specification (RFC 9649 §2).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;
use std::ops::Range;

/// VP8X flag: the file is animated.
const ANIMATED: u8 = 0x02;
/// Chunks that are looked at for what is no sound, film or picture.
const CHUNKS_CAP: usize = 64;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if let [
        b'F',
        b'O',
        b'R',
        b'M',
        a,
        b,
        c,
        d,
        b'A',
        b'I',
        b'F',
        b'F' | b'C',
        ..,
    ] = *source.head()
    {
        let end = integrity(u32::from_be_bytes([a, b, c, d]), source.len());
        return Ok(Some(Seen::certain(FileType::Aiff).with_integrity(end)));
    }
    // Sound of more than 4 GiB says so in a chunk of its own (EBU Tech 3306).
    if let [
        b'R',
        b'F' | b'W',
        b'6',
        b'4',
        _,
        _,
        _,
        _,
        b'W',
        b'A',
        b'V',
        b'E',
        ..,
    ] = source.head()
    {
        return Ok(Some(Seen::certain(FileType::Wav)));
    }
    let [b'R', b'I', b'F', b'F', a, b, c, d, form @ ..] = source.head() else {
        return Ok(None);
    };
    let size = u32::from_le_bytes([*a, *b, *c, *d]);
    let seen = match form {
        [
            b'W',
            b'E',
            b'B',
            b'P',
            b'V',
            b'P',
            b'8',
            b'X',
            _,
            _,
            _,
            _,
            flags,
            _,
            _,
            _,
            size @ ..,
        ] => {
            let kind = if flags & ANIMATED == 0 {
                FileType::Webp
            } else {
                FileType::WebpAnimated
            };
            match size {
                [w1, w2, w3, h1, h2, h3, ..] => {
                    Seen::certain(kind).with_pixels(side(*w1, *w2, *w3), side(*h1, *h2, *h3))
                }
                _ => Seen::certain(kind),
            }
        }
        [b'W', b'E', b'B', b'P', b'V', b'P', b'8', b' ' | b'L', ..] => {
            Seen::certain(FileType::Webp)
        }
        [b'W', b'E', b'B', b'P', ..] => Seen::likely(FileType::Webp),
        [b'W', b'A', b'V', b'E', ..] => Seen::certain(FileType::Wav),
        [b'A', b'V', b'I', b' ', ..] => Seen::certain(FileType::Avi),
        _ => return Ok(None),
    };
    let mut seen = seen.with_integrity(integrity(size, source.len()));
    if source.is_deep() {
        (seen.asides, seen.mapped) = asides(source)?;
    }
    Ok(Some(seen))
}

fn side(a: u8, b: u8, c: u8) -> u32 {
    u32::from_le_bytes([a, b, c, 0]) + 1
}

/// Where the first chunks stand that hold no samples, frames or pictures, and whether there are no others.
fn asides(source: &mut Source<'_>) -> io::Result<(Vec<Range<u64>>, bool)> {
    let mut asides = Vec::new();
    let mut at = 12;
    for _ in 0..CHUNKS_CAP {
        let Some([name @ .., a, b, c, d]) = source.exactly::<8>(at)? else {
            return Ok((asides, true));
        };
        let size = u64::from(u32::from_le_bytes([a, b, c, d]));
        let main = matches!(&name, b"data" | b"VP8 " | b"VP8L" | b"ANMF" | b"idx1")
            || &name == b"LIST" && source.at(at + 8, 4)? == b"movi";
        if !main {
            asides.push(at + 8..at + 8 + size);
        }
        at += 8 + size + (size & 1);
    }
    Ok((asides, false))
}

fn integrity(size: u32, length: u64) -> Integrity {
    // Recorders that cannot seek back leave the size open.
    if matches!(size, 0 | u32::MAX) {
        return Integrity::NotChecked;
    }
    // Chunks are padded to even lengths; many writers forget the last pad byte.
    let end = 8 + u64::from(size);
    if length == end + (end & 1) {
        Integrity::Whole
    } else {
        Integrity::ending_at(end, length)
    }
}
