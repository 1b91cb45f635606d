//! Windows icons and cursors: a directory of pictures, each a PNG or a headless bitmap (Win32 `ICONDIR`, `ICONDIRENTRY`).

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// The directory's own bytes, and those of an entry.
const HEADER: u64 = 6;
const ENTRY: u64 = 16;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let [0, 0, 1 | 2, 0, count, 0, ..] = *source.head() else {
        return Ok(None);
    };
    let (count, length) = (u64::from(count), source.len());
    if count == 0 || length < HEADER + ENTRY {
        return Ok(None);
    }
    let mut end = HEADER + ENTRY * count;
    for index in 0..count {
        let Some(entry) = source.exactly::<16>(HEADER + ENTRY * index)? else {
            break;
        };
        let size = u64::from(u32::from_le_bytes([
            entry[8], entry[9], entry[10], entry[11],
        ]));
        let at = u64::from(u32::from_le_bytes([
            entry[12], entry[13], entry[14], entry[15],
        ]));
        if size < 40 || at < HEADER + ENTRY * count {
            return Ok(None);
        }
        if index == 0
            && at + 4 <= length
            && !matches!(
                source.at(at, 4)?,
                [40, 0, 0, 0] | [0x89, b'P', b'N', b'G'] | [12, 0, 0, 0]
            )
        {
            return Ok(None);
        }
        end = end.max(at + size);
    }
    Ok(Some(
        Seen::certain(FileType::Ico).with_integrity(Integrity::ending_at(end, length)),
    ))
}
