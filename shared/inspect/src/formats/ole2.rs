//! OLE2 compound files: Word, Excel, PowerPoint 97, Outlook messages, Windows installers, encrypted Office documents.
//!
//! Told by the names in the root storage (MS-CFB §2.6, MS-DOC, MS-XLS, MS-PPT, MS-OXMSG, MS-OFFCRYPTO) and, for
//! installers, by the root's class. Reading is done by the `cfb` crate behind the source's cap.

use crate::findings::{HazardKind, Integrity};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

const SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// Class of a Windows installer package's root (000C1084-0000-0000-C000-000000000046), its patches and transforms.
const INSTALLERS: [&str; 3] = [
    "000c1084-0000-0000-c000-000000000046",
    "000c1086-0000-0000-c000-000000000046",
    "000c1082-0000-0000-c000-000000000046",
];
/// What opening may read: allocation tables and directory of files up to several hundred MiB.
const DIRECTORY_CAP: u64 = 4 << 20;
/// Entries looked at.
const ENTRIES_CAP: usize = 2048;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if !source.head().starts_with(SIGNATURE) {
        return Ok(None);
    }
    source.allow(DIRECTORY_CAP);
    let Ok(file) = cfb::CompoundFile::open(&mut *source) else {
        let damaged = Integrity::damaged("the compound file's directory cannot be read");
        return Ok(Some(Seen::likely(FileType::Ole2).with_integrity(damaged)));
    };
    let installer = INSTALLERS.contains(&file.root_entry().clsid().to_string().as_str());
    let names: Vec<String> = file
        .walk()
        .take(ENTRIES_CAP)
        .map(|entry| entry.path().to_string_lossy().to_lowercase())
        .collect();
    let has = |name: &str| names.iter().any(|one| one == name);
    let kind = if installer {
        FileType::Msi
    } else {
        by_streams(&has)
    };
    let mut seen = Seen::certain(kind);
    if kind == FileType::OfficeEncrypted {
        seen.add_hazard(
            HazardKind::Encrypted,
            "the document is stored as an encrypted package",
        );
    }
    if names
        .iter()
        .any(|name| name.ends_with("/_vba_project") || name.ends_with("/_vba_project_cur"))
    {
        seen.add_hazard(HazardKind::Macro, "a VBA project storage");
    }
    Ok(Some(seen))
}

fn by_streams(has: &impl Fn(&str) -> bool) -> FileType {
    if has("/encryptedpackage") {
        FileType::OfficeEncrypted
    } else if has("/worddocument") {
        FileType::Doc
    } else if has("/workbook") || has("/book") {
        FileType::Xls
    } else if has("/powerpoint document") {
        FileType::Ppt
    } else if has("/__properties_version1.0") {
        FileType::OutlookMessage
    } else {
        FileType::Ole2
    }
}
