//! 7-Zip: where the archive ends, and whether it is locked (7zFormat.txt of the LZMA SDK).
//!
//! Names are usually packed with LZMA, which is not undone here: what such an archive holds is for a scanner to say.

use crate::findings::{HazardKind, Integrity};
use crate::formats::find;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// The coder of AES-256 with SHA-256, as it stands in a header.
const AES: &[u8] = b"\x06\xF1\x07\x01";
const START: u64 = 32;
/// How much of the end header is looked at.
const HEADER_CAP: u64 = 64 << 10;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Seen> {
    let seen = Seen::certain(FileType::SevenZip);
    let (Some(offset), Some(size)) = (source.exactly::<8>(12)?, source.exactly::<8>(20)?) else {
        return Ok(seen.with_integrity(Integrity::truncated("the file ends within its header")));
    };
    let (offset, size) = (u64::from_le_bytes(offset), u64::from_le_bytes(size));
    let at = START.saturating_add(offset);
    let mut seen = seen.with_integrity(Integrity::ending_at(at.saturating_add(size), source.len()));
    if find(source.at(at, size.min(HEADER_CAP))?, AES).is_some() {
        seen.add_hazard(HazardKind::Encrypted, "entries are encrypted");
    }
    Ok(seen)
}
