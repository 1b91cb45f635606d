//! Archives that are not ZIP: what they hold by name where names can be read without unpacking, what is locked, where
//! they end, and whether they are bombs.

mod gzip;
mod rar;
mod seven_zip;
pub(crate) mod tar;

use crate::findings::HazardKind;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    match source.head() {
        [0x1F, 0x8B, 8, ..] => gzip::read(source).map(Some),
        [b'R', b'a', b'r', b'!', 0x1A, 7, ..] => rar::read(source).map(Some),
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => seven_zip::read(source).map(Some),
        head if tar::begins(head) => tar::read(source).map(Some),
        _ => Ok(None),
    }
}

/// Adds that nobody looked at what a container holds: formats that are recognised and not unpacked.
pub(crate) fn flag_unseen(seen: &mut Seen) {
    let closed = matches!(
        seen.kind,
        FileType::SevenZip
            | FileType::Bzip2
            | FileType::Xz
            | FileType::Zstd
            | FileType::Lzip
            | FileType::Lz4
            | FileType::Compress
            | FileType::Cab
            | FileType::Iso
            | FileType::OneNote
    );
    if closed {
        let unseen = format!("nobody looked into the {}", seen.kind.label());
        seen.add_hazard(HazardKind::UnseenInside, unseen);
    }
}
