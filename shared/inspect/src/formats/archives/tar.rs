//! tar: headers are told by their checksum, so that also the oldest kind without a magic is recognised (POSIX pax).

use crate::findings::{HazardKind, Integrity};
use crate::formats::attached::{self, Carrier, HEAD};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

const BLOCK: usize = 512;
/// Entries looked at.
const ENTRIES_CAP: usize = 2048;

/// Whether these bytes begin with a header whose checksum is right.
pub(crate) fn begins(head: &[u8]) -> bool {
    let Some(block) = head.get(..BLOCK).filter(|block| block[0] != 0) else {
        return false;
    };
    let Some(stated) = octal(&block[148..156]) else {
        return false;
    };
    let sum = |byte: fn(u8) -> i64| -> i64 {
        block
            .iter()
            .enumerate()
            .map(|(at, &b)| {
                if (148..156).contains(&at) {
                    32
                } else {
                    byte(b)
                }
            })
            .sum()
    };
    // Some writers summed signed bytes.
    let (plain, signed) = (sum(i64::from), sum(|b| i64::from(b as i8)));
    i64::try_from(stated).is_ok_and(|stated| stated == plain || stated == signed)
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = field.split(|&b| b == 0).next()?.trim_ascii();
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()
}

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Seen> {
    let mut seen = Seen::certain(FileType::Tar);
    let (mut at, length) = (0, source.len());
    for _ in 0..ENTRIES_CAP {
        if at == length {
            // Writers pad with zeros; without any the archive just ends.
            return Ok(seen.with_integrity(Integrity::Whole));
        }
        let Some(block) = source.exactly::<BLOCK>(at)? else {
            return Ok(seen.with_integrity(Integrity::truncated("the file ends within a header")));
        };
        if block.iter().all(|&b| b == 0) {
            return Ok(seen.with_integrity(Integrity::Whole));
        }
        let Some(size) = octal(&block[124..136]).filter(|_| begins(&block)) else {
            return Ok(seen.with_integrity(Integrity::damaged(format!("no header at byte {at}"))));
        };
        let name =
            String::from_utf8_lossy(block[..100].split(|&b| b == 0).next().unwrap_or_default())
                .into_owned();
        attached::by_name(Carrier::Archive, &name, &mut seen);
        if size > 0 && source.is_deep() {
            entry(source, (&name, at + BLOCK as u64, size), &mut seen)?;
        }
        at = at
            .saturating_add(BLOCK as u64)
            .saturating_add(size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64));
        if at > length {
            return Ok(seen.with_integrity(Integrity::ending_at(at, length)));
        }
    }
    let many = format!("more than {ENTRIES_CAP} entries");
    Ok(seen.with_hazard(HazardKind::BeyondLimits, many))
}

/// Adds what an entry of `size` bytes at a place is.
fn entry(
    source: &mut Source<'_>,
    (name, at, size): (&str, u64, u64),
    seen: &mut Seen,
) -> io::Result<()> {
    let head = source.at(at, size.min(HEAD))?.to_vec();
    let mut allowance = *source.allowance();
    let unpack = |cap: usize| Ok(source.at(at, size.min(cap as u64))?.to_vec());
    attached::enter(
        (&mut allowance, Carrier::Archive),
        (name, &head),
        unpack,
        seen,
    )?;
    source.allowance().after(&allowance);
    Ok(())
}
