//! TIFF and the raw pictures built on it: directories give sides, strips and the DNG mark.
//!
//! Sources: TIFF 6.0 §§2, 8; DNG 1.7 (tag 50706); BigTIFF is named without a look at its directory.

use crate::findings::{HazardKind, Integrity};
use crate::kind::FileType;
use crate::seen::{Seen, too_many_pixels};
use crate::source::Source;
use std::io;
use std::ops::RangeInclusive;

/// Pages, directory entries and strips looked at.
const PAGES_CAP: usize = 32;
const ENTRIES_CAP: u16 = 512;
const STRIPS_CAP: u64 = 16384;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const OFFSETS: [u16; 2] = [273, 324];
const LENGTHS: [u16; 2] = [279, 325];
const COMPRESSION: u16 = 259;
/// Strips are xz streams.
const LZMA: u32 = 34925;
const DNG_VERSION: u16 = 50706;
/// What Microsoft Office Document Imaging adds.
const OFFICE: RangeInclusive<u16> = 37679..=37681;

/// Reads numbers in the file's byte order.
#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn half(self, bytes: [u8; 2]) -> u16 {
        if self.0 {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        }
    }

    fn word(self, bytes: [u8; 4]) -> u32 {
        if self.0 {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }
    }
}

/// A directory entry: type, count, and the place and length of its values.
#[derive(Clone, Copy)]
struct Field {
    short: bool,
    count: u64,
    at: u64,
    bytes: u64,
}

/// Bytes of one value by its type, from one on (TIFF 6.0 §2).
const VALUE_BYTES: [u64; 13] = [1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let (order, first) = match *source.head() {
        [b'I', b'I', b'+', 0, 8, 0, ..] | [b'M', b'M', 0, b'+', 0, 8, ..] => {
            return Ok(Some(Seen::certain(FileType::Tiff)));
        }
        // Canon's raw pictures, told by their own mark, are none of ours.
        [b'I', b'I', b'*', 0, _, _, _, _, b'C', b'R', 2, ..] => return Ok(None),
        [b'I', b'I', b'*', 0, a, b, c, d, ..] => (Order(true), u32::from_le_bytes([a, b, c, d])),
        [b'M', b'M', 0, b'*', a, b, c, d, ..] => (Order(false), u32::from_be_bytes([a, b, c, d])),
        _ => return Ok(None),
    };
    let mut seen = Seen::certain(FileType::Tiff);
    let mut at = u64::from(first);
    for page in 0..PAGES_CAP {
        let next = directory(source, order, at, page == 0, &mut seen)?;
        // Directories stand in any order; a loop ends at the cap.
        match next {
            Some(next) if next > 0 && seen.integrity == Integrity::Whole => at = next,
            _ => break,
        }
    }
    Ok(Some(seen))
}

/// Looks at one directory; answers where the next one stands, zero where there is none.
fn directory(
    source: &mut Source<'_>,
    order: Order,
    at: u64,
    first: bool,
    seen: &mut Seen,
) -> io::Result<Option<u64>> {
    let Some(count) = source.exactly::<2>(at)?.map(|bytes| order.half(bytes)) else {
        seen.integrity = Integrity::truncated("the file ends before a directory");
        return Ok(None);
    };
    let (mut sides, mut offsets, mut lengths, mut packing) = ((0, 0), None, None, None);
    for index in 0..count.min(ENTRIES_CAP) {
        let at = at + 2 + 12 * u64::from(index);
        let Some(entry) = source.exactly::<12>(at)? else {
            seen.integrity = Integrity::truncated("the file ends within a directory");
            return Ok(None);
        };
        let field = field(order, &entry, at);
        reach(seen, field.at.saturating_add(field.bytes));
        match order.half([entry[0], entry[1]]) {
            WIDTH => sides.0 = value(source, order, field, 0)?.unwrap_or(0),
            HEIGHT => sides.1 = value(source, order, field, 0)?.unwrap_or(0),
            COMPRESSION => packing = value(source, order, field, 0)?,
            DNG_VERSION if first => seen.kind = FileType::Dng,
            // Office's scanner keeps its properties here, as a compound file of its own.
            tag if OFFICE.contains(&tag) => seen
                .carried
                .push(field.at..field.at.saturating_add(field.bytes)),
            tag if OFFSETS.contains(&tag) => offsets = Some(field),
            tag if LENGTHS.contains(&tag) => lengths = Some(field),
            _ => {}
        }
    }
    if let Some(evidence) = too_many_pixels(sides.0, sides.1) {
        seen.add_hazard(HazardKind::Bomb, evidence);
    }
    if let (Some(offsets), Some(lengths)) = (offsets, lengths) {
        seen.integrity = strips(source, order, (offsets, lengths), packing, seen)?;
    } else if first {
        seen.integrity = Integrity::NotChecked;
    }
    let link = at + 2 + 12 * u64::from(count);
    reach(seen, link + 4);
    let next = source.exactly::<4>(link)?;
    Ok(next.map(|bytes| u64::from(order.word(bytes))))
}

fn field(order: Order, entry: &[u8; 12], at: u64) -> Field {
    let sort = order.half([entry[2], entry[3]]);
    let short = sort == 3;
    let count = u64::from(order.word([entry[4], entry[5], entry[6], entry[7]]));
    let one = VALUE_BYTES.get(usize::from(sort.wrapping_sub(1)));
    let bytes = count * one.copied().unwrap_or(4);
    let inside = bytes <= 4;
    let elsewhere = u64::from(order.word([entry[8], entry[9], entry[10], entry[11]]));
    Field {
        short,
        count,
        bytes,
        at: if inside { at + 8 } else { elsewhere },
    }
}

fn value(
    source: &mut Source<'_>,
    order: Order,
    field: Field,
    index: u64,
) -> io::Result<Option<u32>> {
    Ok(if field.short {
        source
            .exactly::<2>(field.at + 2 * index)?
            .map(|bytes| u32::from(order.half(bytes)))
    } else {
        source
            .exactly::<4>(field.at + 4 * index)?
            .map(|bytes| order.word(bytes))
    })
}

/// Notes that something known ends here.
fn reach(seen: &mut Seen, end: u64) {
    seen.reach = seen.reach.max(Some(end));
}

/// Whether all strips or tiles lie in the file. What else stands where is nobody's rule: there is no end to trail.
fn strips(
    source: &mut Source<'_>,
    order: Order,
    (offsets, lengths): (Field, Field),
    packing: Option<u32>,
    seen: &mut Seen,
) -> io::Result<Integrity> {
    for index in 0..offsets.count.min(lengths.count).min(STRIPS_CAP) {
        let (Some(at), Some(length)) = (
            value(source, order, offsets, index)?,
            value(source, order, lengths, index)?,
        ) else {
            return Ok(Integrity::truncated(
                "the file ends before the list of its strips",
            ));
        };
        let end = u64::from(at) + u64::from(length);
        reach(seen, end);
        if packing == Some(LZMA) {
            seen.carried.push(u64::from(at)..end);
        }
        if end > source.len() {
            return Ok(Integrity::ending_at(end, source.len()));
        }
    }
    Ok(Integrity::Whole)
}
