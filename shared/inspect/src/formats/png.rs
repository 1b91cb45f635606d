//! PNG: chunks up to IEND (PNG specification, third edition, §5).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";
/// An IEND chunk: no data, its name, its checksum.
const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";
/// Above this size a file that ends with IEND is not walked.
const WALK_WHOLE: u64 = 256 << 10;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if !source.head().starts_with(SIGNATURE) {
        return Ok(None);
    }
    let seen = Seen::certain(FileType::Png).with_integrity(integrity(source)?);
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
