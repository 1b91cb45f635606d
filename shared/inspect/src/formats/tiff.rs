//! TIFF and the raw pictures built on it: the first directory gives sides, strips and the DNG mark.
//!
//! Sources: TIFF 6.0 §§2, 8; DNG 1.7 (tag 50706); BigTIFF is named without a look at its directory.

use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Directory entries and strips looked at.
const ENTRIES_CAP: u16 = 512;
const STRIPS_CAP: u64 = 16384;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const OFFSETS: [u16; 2] = [273, 324];
const LENGTHS: [u16; 2] = [279, 325];
const DNG_VERSION: u16 = 50706;

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

/// A directory entry: type, count, and the place of its values.
#[derive(Clone, Copy)]
struct Field {
    short: bool,
    count: u64,
    at: u64,
}

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
    let first = u64::from(first);
    let Some(count) = source.exactly::<2>(first)?.map(|bytes| order.half(bytes)) else {
        let cut = Integrity::truncated("the file ends before its directory");
        return Ok(Some(Seen::likely(FileType::Tiff).with_integrity(cut)));
    };
    let (mut kind, mut sides, mut offsets, mut lengths) = (FileType::Tiff, (0, 0), None, None);
    for index in 0..count.min(ENTRIES_CAP) {
        let at = first + 2 + 12 * u64::from(index);
        let Some(entry) = source.exactly::<12>(at)? else {
            let cut = Integrity::truncated("the file ends within its directory");
            return Ok(Some(Seen::likely(kind).with_integrity(cut)));
        };
        let field = field(order, &entry, at);
        match order.half([entry[0], entry[1]]) {
            WIDTH => sides.0 = value(source, order, field, 0)?.unwrap_or(0),
            HEIGHT => sides.1 = value(source, order, field, 0)?.unwrap_or(0),
            DNG_VERSION => kind = FileType::Dng,
            tag if OFFSETS.contains(&tag) => offsets = Some(field),
            tag if LENGTHS.contains(&tag) => lengths = Some(field),
            _ => {}
        }
    }
    let integrity = match (offsets, lengths) {
        (Some(offsets), Some(lengths)) => strips(source, order, offsets, lengths)?,
        _ => Integrity::NotChecked,
    };
    Ok(Some(
        Seen::certain(kind)
            .with_pixels(sides.0, sides.1)
            .with_integrity(integrity),
    ))
}

fn field(order: Order, entry: &[u8; 12], at: u64) -> Field {
    let short = order.half([entry[2], entry[3]]) == 3;
    let count = u64::from(order.word([entry[4], entry[5], entry[6], entry[7]]));
    let inside = count * if short { 2 } else { 4 } <= 4;
    let elsewhere = u64::from(order.word([entry[8], entry[9], entry[10], entry[11]]));
    Field {
        short,
        count,
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

/// Whether all strips or tiles lie in the file. What else stands where is nobody's rule: there is no end to trail.
fn strips(
    source: &mut Source<'_>,
    order: Order,
    offsets: Field,
    lengths: Field,
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
        if end > source.len() {
            return Ok(Integrity::ending_at(end, source.len()));
        }
    }
    Ok(Integrity::Whole)
}
