//! RAR, both generations: names, locks and the end, block by block (RAR 5.0 archive format; technote of RAR 4).

use crate::findings::{HazardKind, Integrity};
use crate::formats::runnable;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Blocks followed.
const BLOCKS_CAP: usize = 1024;
/// A header longer than this is damage.
const HEADER_CAP: u64 = 64 << 10;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Seen> {
    let mut seen = Seen::certain(FileType::Rar);
    seen.integrity = match source.head().get(6..8) {
        Some([1, 0]) => fifth(source, &mut seen)?,
        Some([0, _]) => fourth(source, &mut seen)?,
        _ => Integrity::NotChecked,
    };
    Ok(seen)
}

fn name(bytes: &[u8], seen: &mut Seen) {
    if let Some(extension) = runnable::extension(&String::from_utf8_lossy(
        bytes.split(|&b| b == 0).next().unwrap_or_default(),
    )) {
        seen.add_hazard(
            HazardKind::ExecutableInside,
            format!("an entry that ends with .{extension}"),
        );
    }
}

fn lock(seen: &mut Seen) {
    seen.add_hazard(HazardKind::Encrypted, "entries are encrypted");
}

fn fourth(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<Integrity> {
    let mut at = 7;
    for _ in 0..BLOCKS_CAP {
        let Some([_, _, kind, f1, f2, s1, s2]) = source.exactly::<7>(at)? else {
            break;
        };
        let (flags, size) = (
            u16::from_le_bytes([f1, f2]),
            u64::from(u16::from_le_bytes([s1, s2])),
        );
        let header = source.at(at, size)?;
        let word = |offset: usize| {
            header.get(offset..offset + 4).map_or(0, |w| {
                u64::from(u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
            })
        };
        let data = if flags & 0x8000 != 0 || kind == 0x74 {
            word(7)
        } else {
            0
        };
        match kind {
            0x7B => return Ok(Integrity::ending_at(at + size, source.len())),
            0x73 if flags & 0x80 != 0 => {
                lock(seen);
                return Ok(Integrity::NotChecked);
            }
            0x74 => {
                let length = header
                    .get(26..28)
                    .map_or(0, |two| usize::from(u16::from_le_bytes([two[0], two[1]])));
                let start = if flags & 0x100 != 0 { 40 } else { 32 };
                let bytes = header
                    .get(start..start + length)
                    .unwrap_or_default()
                    .to_vec();
                if flags & 4 != 0 {
                    lock(seen);
                }
                name(&bytes, seen);
            }
            _ => {}
        }
        if size < 7 {
            return Ok(Integrity::damaged(format!(
                "a block at byte {at} has no length"
            )));
        }
        at = at.saturating_add(size).saturating_add(data);
    }
    Ok(match at.cmp(&source.len()) {
        // Old writers leave the end block out.
        std::cmp::Ordering::Equal => Integrity::Whole,
        std::cmp::Ordering::Greater => Integrity::ending_at(at, source.len()),
        std::cmp::Ordering::Less => Integrity::NotChecked,
    })
}

/// A number of seven bits a byte, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take(10).position(|&b| b & 0x80 == 0)? + 1;
    let value = bytes[..length]
        .iter()
        .rev()
        .fold(0_u64, |sum, &b| sum << 7 | u64::from(b & 0x7F));
    Some((value, &bytes[length..]))
}

fn fifth(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<Integrity> {
    let mut at = 8;
    for _ in 0..BLOCKS_CAP {
        let start = source.at(at + 4, 10)?;
        let Some((size, rest)) = number(start) else {
            break;
        };
        let begin = at + 4 + (start.len() - rest.len()) as u64;
        if size == 0 || size > HEADER_CAP {
            return Ok(Integrity::damaged(format!(
                "a block at byte {at} has no possible length"
            )));
        }
        let header = source.at(begin, size)?.to_vec();
        let Some((kind, data)) = block(&header, seen) else {
            break;
        };
        let end = begin.saturating_add(size);
        match kind {
            4 => return Ok(Integrity::NotChecked),
            5 => return Ok(Integrity::ending_at(end, source.len())),
            _ => at = end.saturating_add(data),
        }
    }
    Ok(Integrity::truncated("the file ends before its end block"))
}

/// The type of a block and the length of its data; adds what a file's header says.
fn block(header: &[u8], seen: &mut Seen) -> Option<(u64, u64)> {
    let (kind, rest) = number(header)?;
    let (flags, rest) = number(rest)?;
    let (extra, rest) = if flags & 1 != 0 {
        number(rest)?
    } else {
        (0, rest)
    };
    let (data, rest) = if flags & 2 != 0 {
        number(rest)?
    } else {
        (0, rest)
    };
    if kind == 4 {
        lock(seen);
    }
    if kind == 2 {
        let (file_flags, rest) = number(rest)?;
        let (_, rest) = number(rest)?;
        let (_, rest) = number(rest)?;
        let skip =
            if file_flags & 2 != 0 { 4 } else { 0 } + if file_flags & 4 != 0 { 4 } else { 0 };
        let (_, rest) = number(rest.get(skip..)?)?;
        let (_, rest) = number(rest)?;
        let (length, rest) = number(rest)?;
        name(rest.get(..usize::try_from(length).ok()?)?, seen);
        // The first extra record: its size, then its type; one is encryption.
        let records = header.get(header.len().checked_sub(usize::try_from(extra).ok()?)?..)?;
        if number(records)
            .and_then(|(_, rest)| number(rest))
            .is_some_and(|(kind, _)| kind == 1)
        {
            lock(seen);
        }
    }
    Some((kind, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number(&[5, 9]), Some((5, &[9][..])));
        assert_eq!(number(&[0x85, 1]), Some((133, &[][..])));
        assert_eq!(number(&[0x80; 12]), None);
    }

    #[test]
    fn headers_of_files() {
        // Type 2, flags with data, 3 bytes of data, no file flags, sizes, attributes, method, host, name.
        let plain = [&[2, 2, 3, 0, 4, 0, 0, 0, 5][..], b"a.exe"].concat();
        let mut seen = Seen::certain(FileType::Rar);
        assert_eq!(block(&plain, &mut seen), Some((2, 3)));
        assert_eq!(seen.hazards.len(), 1);
        let locked = [&[2, 1, 2, 0, 4, 0, 0, 0, 5][..], b"a.txt", &[1, 1]].concat();
        let mut seen = Seen::certain(FileType::Rar);
        block(&locked, &mut seen);
        assert_eq!(seen.hazards[0].kind, HazardKind::Encrypted);
    }
}
