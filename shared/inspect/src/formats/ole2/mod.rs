//! OLE2 compound files: Word, Excel, PowerPoint 97 and their kin, Outlook messages, Windows installers, encrypted Office
//! documents.
//!
//! Told by the names in the root storage (MS-CFB §2.6, MS-DOC, MS-XLS, MS-PPT, MS-OXMSG, MS-OFFCRYPTO) and, for
//! installers, by the root's class. What each application hides inside has a room of its own.

mod excel;
mod message;
pub(super) mod package;
mod reader;
mod slides;
mod word;

use crate::findings::{HazardKind, Integrity};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::{Depth, Source};
use reader::Compound;
use std::io::{self, Cursor};

pub(super) const SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// The bytes after the first of an installer's root class: 000C1084-0000-0000-C000-000000000046.
const INSTALLER: &[u8] = b"\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0\x46";
/// First bytes of that class: packages, patches, transforms.
const INSTALLERS: [u8; 3] = [0x84, 0x86, 0x82];
/// What opening and looking inside may read.
const READ_ALLOWED: u64 = 4 << 20;
/// Files up to this size are read whole.
const HOLD: u64 = 1 << 20;

/// Names in the root and what they make of the file, the telling ones first.
const ROOT_NAMES: [(&str, FileType); 13] = [
    ("/encryptedpackage", FileType::OfficeEncrypted),
    ("/worddocument", FileType::Doc),
    ("/workbook", FileType::Xls),
    ("/book", FileType::Xls),
    ("/powerpoint document", FileType::Ppt),
    ("/pp40", FileType::Ppt),
    ("/__properties_version1.0", FileType::OutlookMessage),
    ("/__nameid_version1.0", FileType::OutlookMessage),
    ("/visiodocument", FileType::Visio),
    ("/quill", FileType::Publisher),
    ("/matost", FileType::Works),
    ("/hwpsummaryinformation", FileType::Hangul),
    ("/\u{5}hwpsummaryinformation", FileType::Hangul),
];

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if !source.head().starts_with(SIGNATURE) {
        return Ok(None);
    }
    source.allow(READ_ALLOWED);
    if source.is_deep() {
        source.hold(HOLD)?;
    }
    let Some(file) = Compound::open(source)? else {
        let end = Integrity::damaged("the compound file's directory cannot be read");
        return Ok(Some(Seen::likely(FileType::Ole2).with_integrity(end)));
    };
    let kind = kind(&file);
    let mut seen = Seen::certain(kind).with_integrity(integrity(&file, source.len()));
    seen.reach = Some(file.used());
    if kind == FileType::OfficeEncrypted {
        let locked = "the document is stored as an encrypted package";
        seen.add_hazard(HazardKind::Encrypted, locked);
    }
    by_names(&file, &mut seen);
    if source.is_deep() {
        match kind {
            FileType::Doc => word::read(source, &file, &mut seen)?,
            FileType::Xls => excel::read(source, &file, &mut seen)?,
            FileType::Ppt => slides::read(source, &file, &mut seen)?,
            FileType::OutlookMessage => message::read(source, &file, &mut seen)?,
            _ => {}
        }
        package::read(source, &file, &mut seen)?;
    }
    Ok(Some(seen))
}

fn kind(file: &Compound) -> FileType {
    let [first, rest @ ..] = &file.root_class;
    if rest == INSTALLER && INSTALLERS.contains(first) {
        return FileType::Msi;
    }
    ROOT_NAMES
        .iter()
        .find(|(name, _)| file.find(name).is_some())
        .map_or_else(|| unnamed(file), |&(_, kind)| kind)
}

/// Project names its storage after its version: three spaces and a number.
fn unnamed(file: &Compound) -> FileType {
    let numbered = |path: &str| {
        path.strip_prefix("/   1")
            .is_some_and(|rest| rest.ends_with("/props"))
    };
    if file.entries.iter().any(|entry| numbered(&entry.path)) {
        FileType::Project
    } else {
        FileType::Ole2
    }
}

/// A file may end within its last sector, but that sector must begin before its end.
fn integrity(file: &Compound, length: u64) -> Integrity {
    if file.last_sector_at >= length && file.last_sector_at > 0 {
        let last = file.last_sector_at;
        return Integrity::truncated(format!(
            "a sector begins at byte {last}, the file ends at {length}"
        ));
    }
    Integrity::Whole
}

/// Hazards that names alone give away.
fn by_names(file: &Compound, seen: &mut Seen) {
    let ends = |suffix: &str| {
        file.entries
            .iter()
            .any(|entry| entry.path.ends_with(suffix))
    };
    if ends("/_vba_project") || ends("/_vba_project_cur") || ends("/vba/dir") {
        seen.add_hazard(HazardKind::Macro, "a VBA project storage");
    }
    if ends("/\u{3}ocxname") || ends("/\u{3}ocxdata") {
        seen.add_hazard(HazardKind::ActiveX, "the data of a control");
    }
}

/// Adds what a compound file held in memory, an object of some document, carries.
pub(super) fn object(bytes: Vec<u8>, seen: &mut Seen) -> io::Result<()> {
    let mut cursor = Cursor::new(bytes);
    let mut source = Source::open(&mut cursor, Depth::Deep)?;
    if let Some(file) = Compound::open(&mut source)? {
        by_names(&file, seen);
        package::read(&mut source, &file, seen)?;
    }
    Ok(())
}
