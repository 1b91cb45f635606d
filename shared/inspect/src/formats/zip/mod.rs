//! ZIP: the directory at the end, what the archive really is, and what is dangerous in it.
//!
//! The end record is found here (for integrity, polyglots and the caps before anything is parsed); the directory itself
//! is read by the `zip` crate behind a read cap. Names of entries are the sender's text: they are compared, never quoted.
//! Source: PKWARE APPNOTE 6.3.10 §4.3.

mod contents;
pub(crate) mod directory;

use crate::findings::{HazardKind, Integrity};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use directory::{Directory, EndRecord};
use std::io;

/// More entries than this are a bomb.
const ENTRIES_CAP: u64 = 10_000;
/// What reading the directory and a few small entries may cost.
const READ_ALLOWED: u64 = 4 << 20;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    // A local header, an empty archive, or the marker of a (once) split one.
    if !matches!(
        source.head(),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..]
    ) {
        return Ok(None);
    }
    let Some(end) = directory::end_record(source)? else {
        let cut = Integrity::truncated("no end of central directory");
        return Ok(Some(Seen::likely(FileType::Zip).with_integrity(cut)));
    };
    if end.entries > ENTRIES_CAP {
        let bomb = format!("{} entries", end.entries);
        return Ok(Some(
            Seen::likely(FileType::Zip).with_hazard(HazardKind::Bomb, bomb),
        ));
    }
    source.allow(READ_ALLOWED);
    let length = source.len();
    let Ok(mut archive) = ::zip::ZipArchive::new(&mut *source) else {
        let damaged = Integrity::damaged("the central directory cannot be read");
        return Ok(Some(Seen::likely(FileType::Zip).with_integrity(damaged)));
    };
    let directory = Directory::read(&archive);
    let kind = contents::kind(&mut archive, &directory);
    let mut seen = Seen::certain(kind).with_integrity(integrity(&end, &directory, length));
    contents::flag(&mut seen, &directory);
    Ok(Some(seen))
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
