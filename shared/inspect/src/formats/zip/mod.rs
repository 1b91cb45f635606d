//! ZIP: the directory at the end, what the archive really is, and what is dangerous in it.
//!
//! The end record is found here (for integrity, polyglots and the caps before anything is parsed); the directory itself
//! is read by the `zip` crate behind a read cap. Names of entries are the sender's text: they are compared, never quoted.
//! Source: PKWARE APPNOTE 6.3.10 §4.3.

mod contents;
pub(crate) mod directory;
mod inside;
mod office;
mod open_document;
mod parts;
mod salvage;

use crate::findings::{HazardKind, Integrity};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use directory::{Directory, EndRecord};
pub(super) use open_document::flag_xml as flag_open_document;
use parts::Parts;
use std::io;

/// More entries than this are a bomb.
const ENTRIES_CAP: u64 = 10_000;
/// What reading the directory and what it leads to may cost.
const READ_ALLOWED: u64 = 12 << 20;
/// Archives up to this size are read whole.
const HOLD: u64 = 1 << 20;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    // A local header, an empty archive, or the marker of a (once) split one.
    if !matches!(
        source.head(),
        [b'P', b'K', 3, 4, ..]
            | [b'P', b'K', 5, 6, ..]
            | [b'P', b'K', 7 | b'0', 8 | b'0', b'P', b'K', 3, 4, ..]
    ) {
        return Ok(None);
    }
    if !source.is_deep()
        && let Some(kind) = salvage::first_entry(source)?
    {
        return Ok(Some(Seen::certain(kind)));
    }
    archive(source).map(Some)
}

/// Reads an archive by its end, whatever it begins with.
pub(super) fn archive(source: &mut Source<'_>) -> io::Result<Seen> {
    let Some(end) = directory::end_record(source)? else {
        let cut = Integrity::truncated("no end of central directory");
        return Ok(salvage::read(source)?.with_integrity(cut));
    };
    if end.entries > ENTRIES_CAP && end.entries < u64::from(u16::MAX) {
        let bomb = format!("{} entries", end.entries);
        return Ok(Seen::likely(FileType::Zip).with_hazard(HazardKind::Bomb, bomb));
    }
    source.allow(READ_ALLOWED);
    if source.is_deep() {
        source.hold(HOLD)?;
    }
    let (length, deep, allowance) = (source.len(), source.is_deep(), *source.allowance());
    let begins = source.head().starts_with(b"PK\x03\x04");
    let archive = match ::zip::ZipArchive::new(&mut *source) {
        Ok(archive) => archive,
        Err(_) if end.entries == u64::from(u16::MAX) => {
            let bomb = format!("{} entries or more", end.entries);
            return Ok(Seen::likely(FileType::Zip).with_hazard(HazardKind::Bomb, bomb));
        }
        Err(_) => {
            let damaged = Integrity::damaged("the central directory cannot be read");
            return Ok(salvage::read(source)?.with_integrity(damaged));
        }
    };
    let leading = archive.offset();
    if leading > 0 && begins && end.after != length {
        // The end of an archive within this one, whose own end is cut off.
        drop(archive);
        let cut = Integrity::truncated("the only directory is that of an inner archive");
        return Ok(salvage::read(source)?.with_integrity(cut));
    }
    let directory_at = archive.central_directory_start();
    let mut parts = Parts::new(archive, allowance);
    let kind = contents::kind(&mut parts);
    let mut seen = Seen::certain(kind).with_integrity(integrity(&end, &parts.directory, length));
    contents::flag(&mut seen, &parts.directory);
    let names = parts.directory.entries.len() as u64;
    if parts.directory.duplicate_names && end.entries > 16 + 2 * names {
        seen.add_hazard(
            HazardKind::Bomb,
            format!("{} entries under {names} names", end.entries),
        );
    }
    // A split archive's mark may stand before the first entry.
    let leading = leading.max(parts.directory.first_at());
    if leading > 4 {
        let before = format!("the archive begins behind {leading} other bytes");
        seen.add_hazard(HazardKind::Polyglot, before);
    }
    if deep {
        seen.asides.extend(parts.directory.gaps(directory_at));
        match parts.allowance.claim(parts.directory.unpacked()) {
            Some(bomb) => seen.add_hazard(HazardKind::Bomb, bomb),
            None => inside::look(&mut parts, &mut seen)?,
        }
    }
    let spent = parts.allowance;
    source.allowance().after(&spent);
    Ok(seen)
}

fn integrity(end: &EndRecord, directory: &Directory, length: u64) -> Integrity {
    if directory.duplicate_names {
        return Integrity::damaged("two entries share one name");
    }
    if directory.past_the_end(length) {
        return Integrity::damaged("an entry lies past the end of the file");
    }
    Integrity::ending_at(end.after, length)
}
