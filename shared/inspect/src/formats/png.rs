//! PNG: chunks up to IEND (PNG specification, third edition, §5).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use flate2::Crc;
use std::io;
use std::ops::Range;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";
/// An IEND chunk: no data, its name, its checksum.
const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";
/// Above this size a file that ends with IEND is not walked.
const WALK_WHOLE: u64 = 256 << 10;
/// Chunks that are looked at for what pictures do without.
const CHUNKS_CAP: usize = 64;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if !source.head().starts_with(SIGNATURE) {
        return Ok(None);
    }
    let mut seen = Seen::certain(FileType::Png).with_integrity(integrity(source)?);
    if source.is_deep() {
        (seen.asides, seen.mapped) = asides(source)?;
    }
    let size = source
        .exactly::<8>(16)?
        .filter(|_| source.head().get(12..16) == Some(b"IHDR"));
    Ok(Some(match size {
        Some([a, b, c, d, e, f, g, h]) => seen.with_pixels(
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        ),
        None => seen,
    }))
}

/// Where the first chunks stand that pictures do without, and whether there are no others.
fn asides(source: &mut Source<'_>) -> io::Result<(Vec<Range<u64>>, bool)> {
    let mut asides = Vec::new();
    let mut at = SIGNATURE.len() as u64;
    for _ in 0..CHUNKS_CAP {
        let Some([a, b, c, d, name @ ..]) = source.exactly::<8>(at)? else {
            return Ok((asides, true));
        };
        let end = at + 12 + u64::from(u32::from_be_bytes([a, b, c, d]));
        if name[0].is_ascii_lowercase() {
            asides.push(at + 8..end);
        }
        at = end;
    }
    Ok((asides, false))
}

/// Whether the checksum of a chunk fits its name and data, if all of it is at hand. Readers mind it where the chunk is part of
/// the picture (§5.3): its name begins with a capital letter.
fn is_intact(held: &[u8], begin: u64, end: u64) -> bool {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let Some(chunk) = held.get(place(begin)..place(end)) else {
        return true;
    };
    let (content, stated) = chunk.split_at(chunk.len() - 4);
    let mut sum = Crc::new();
    sum.update(&content[4..]);
    sum.sum().to_be_bytes() == *stated
}

fn integrity(source: &mut Source<'_>) -> io::Result<Integrity> {
    if source.len() > WALK_WHOLE && source.tail()?.1.ends_with(END) {
        return Ok(Integrity::Whole);
    }
    let mut at = SIGNATURE.len() as u64;
    while let Some([a, b, c, d, name @ ..]) = source.exactly::<8>(at)? {
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Ok(Integrity::damaged(format!("no chunk begins at byte {at}")));
        }
        let begin = at;
        at += 12 + u64::from(u32::from_be_bytes([a, b, c, d]));
        if name[0].is_ascii_uppercase() && source.is_deep() && !is_intact(source.head(), begin, at)
        {
            return Ok(Integrity::damaged(format!(
                "the checksum of the chunk at byte {begin} is of other bytes"
            )));
        }
        if &name == b"IEND" {
            return Ok(Integrity::ending_at(at, source.len()));
        }
    }
    Ok(Integrity::truncated("the file ends before its IEND chunk"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Depth;
    use std::io::Cursor;

    #[test]
    fn checksums_of_what_is_part_of_the_picture() {
        let chunk = |name: &[u8; 4], data: &[u8]| {
            let mut sum = Crc::new();
            sum.update(name);
            sum.update(data);
            let length = u32::try_from(data.len()).unwrap().to_be_bytes();
            [&length[..], name, data, &sum.sum().to_be_bytes()].concat()
        };
        let header = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
        let (data, text) = (chunk(b"IDAT", &[7; 60]), chunk(b"tEXt", b"Comment\0x"));
        let picture = [SIGNATURE, &header, &text, &data, END].concat();
        let at = |name: &[u8]| memchr::memmem::find(&picture, name).unwrap();
        for (name, place, whole) in [
            ("nothing", None, true),
            ("its data", Some(at(b"IDAT") + 20), false),
            ("its sides", Some(at(b"IHDR") + 6), false),
            ("a comment", Some(at(b"tEXt") + 6), true),
        ] {
            let mut bytes = picture.clone();
            if let Some(place) = place {
                bytes[place] ^= 1;
            }
            let mut cursor = Cursor::new(bytes);
            let mut source = Source::open(&mut cursor, Depth::Deep).unwrap();
            let seen = read(&mut source).unwrap().unwrap();
            assert_eq!(seen.integrity == Integrity::Whole, whole, "{name}");
        }
    }
}
