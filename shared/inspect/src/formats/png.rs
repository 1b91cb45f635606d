//! PNG: chunks up to IEND (PNG specification, third edition, §5).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
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

fn integrity(source: &mut Source<'_>) -> io::Result<Integrity> {
    if source.len() > WALK_WHOLE && source.tail()?.1.ends_with(END) {
        return Ok(Integrity::Whole);
    }
    let mut at = SIGNATURE.len() as u64;
    while let Some([a, b, c, d, name @ ..]) = source.exactly::<8>(at)? {
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Ok(Integrity::damaged(format!("no chunk begins at byte {at}")));
        }
        at += 12 + u64::from(u32::from_be_bytes([a, b, c, d]));
        if &name == b"IEND" {
            return Ok(Integrity::ending_at(at, source.len()));
        }
    }
    Ok(Integrity::truncated("the file ends before its IEND chunk"))
}
