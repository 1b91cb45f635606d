//! Ogg: the codec by the first packet, the end by the last page (RFC 3533 §6; RFC 7845 for Opus).

use super::rfind;
use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

const PAGE: &[u8] = b"OggS";
/// Where the segment table begins in a page.
const TABLE: usize = 27;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let head = source.head();
    if !head.starts_with(PAGE) {
        return Ok(None);
    }
    let segments = head.get(26).map_or(0, |&count| usize::from(count));
    let kind = match head.get(TABLE + segments..).unwrap_or_default() {
        [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => FileType::OggOpus,
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => FileType::OggVorbis,
        [b'S', b'p', b'e', b'e', b'x', b' ', ..] => FileType::OggSpeex,
        [0x7F, b'F', b'L', b'A', b'C', ..] => FileType::OggFlac,
        [0x80, b't', b'h', b'e', b'o', b'r', b'a', ..] => FileType::OggVideo,
        // Skeleton and foreign codecs: a container, but we cannot say of what.
        _ => FileType::Ogg,
    };
    Ok(Some(Seen::certain(kind).with_integrity(integrity(source)?)))
}

/// Many recorders never set the end-of-stream flag, so a page that ends with the file is taken for the last.
fn integrity(source: &mut Source<'_>) -> io::Result<Integrity> {
    let length = source.len();
    let (tail_at, tail) = source.tail()?;
    let Some(offset) = rfind(tail, PAGE) else {
        return Ok(Integrity::damaged("no page begins near the end"));
    };
    let page = &tail[offset..];
    let table = page
        .get(26)
        .and_then(|&count| page.get(TABLE..TABLE + usize::from(count)));
    let Some(table) = table else {
        return Ok(Integrity::truncated("the last page has no whole header"));
    };
    let size = TABLE as u64
        + table.len() as u64
        + table.iter().map(|&lacing| u64::from(lacing)).sum::<u64>();
    Ok(Integrity::ending_at(tail_at + offset as u64 + size, length))
}
