//! What a ZIP really is, by what it carries: Office Open XML by its content types wherever the entry stands,
//! OpenDocument and EPUB by their `mimetype`, Java, Android and iWork by their usual parts.
//!
//! Sources: ECMA-376 part 2 §7.3 (content types), MS-OFFMACRO2 (macro-enabled types), ODF 1.3 part 2 §3.3, JAR
//! specification.

use super::directory::Directory;
use super::office;
use super::parts::Parts;
use crate::allowance::is_dense;
use crate::findings::HazardKind;
use crate::formats::{find, runnable};
use crate::kind::FileType;
use crate::seen::Seen;
use std::io::{Read, Seek};

/// Longer `mimetype` entries are none.
const MIMETYPE_CAP: u64 = 128;
const OPEN_DOCUMENT: &str = "application/vnd.oasis.opendocument.";

/// The type of the archive.
pub(super) fn kind<R: Read + Seek>(parts: &mut Parts<R>) -> FileType {
    if parts.directory.has("[content_types].xml")
        && let Some(kind) = office::kind(parts)
    {
        return kind;
    }
    let directory = &parts.directory;
    if directory.has("androidmanifest.xml")
        && (directory.has("classes.dex") || directory.has("resources.arsc"))
    {
        return FileType::Apk;
    }
    if let Some(mime) = parts.text("mimetype", MIMETYPE_CAP)
        && let Some(kind) = by_mimetype(mime.trim())
    {
        return kind;
    }
    let directory = &parts.directory;
    if directory.has("meta-inf/manifest.mf") {
        return FileType::Jar;
    }
    iwork(parts).unwrap_or(FileType::Zip)
}

/// The type by the contents of a `mimetype` entry.
pub(super) fn by_mimetype(mime: &str) -> Option<FileType> {
    if mime == "application/epub+zip" {
        return Some(FileType::Epub);
    }
    Some(match mime.strip_prefix(OPEN_DOCUMENT)? {
        "text" | "text-master" | "text-web" => FileType::Odt,
        "spreadsheet" => FileType::Ods,
        "presentation" => FileType::Odp,
        "graphics" | "graphics-template" => FileType::Odg,
        "text-template" => FileType::Ott,
        "spreadsheet-template" => FileType::Ots,
        "presentation-template" => FileType::Otp,
        _ => FileType::OpenDocument,
    })
}

/// Pages, Numbers and Keynote since 2013: archives of objects, alone or in a folder of the document's name. Until then
/// an XML index, whose root names the application.
fn iwork<R: Read + Seek>(parts: &mut Parts<R>) -> Option<FileType> {
    let directory = &parts.directory;
    if directory.has("index.apxl") || directory.has("index.apxl.gz") {
        return Some(FileType::Keynote);
    }
    if directory.has("buildversionhistory.plist") && directory.has("index.xml") {
        let index = parts.text("index.xml", 1024)?;
        let root = |name: &str| index.contains(&format!("<{name}:document"));
        let named = [
            ("sl", FileType::Pages),
            ("ls", FileType::Numbers),
            ("key", FileType::Keynote),
        ];
        return named
            .into_iter()
            .find(|(name, _)| root(name))
            .map(|(_, kind)| kind);
    }
    let folder = |end: &str| {
        directory.names().any(|name| {
            name.split('/')
                .next()
                .is_some_and(|first| first.ends_with(end))
        })
    };
    if directory.names().any(|name| name.ends_with("/index.zip")) {
        let named = [
            (".key", FileType::Keynote),
            (".numbers", FileType::Numbers),
            (".pages", FileType::Pages),
        ];
        return named
            .into_iter()
            .find(|(end, _)| folder(end))
            .map(|(_, kind)| kind);
    }
    if !directory.has("index/document.iwa") {
        return None;
    }
    // Numbers and Pages share nearly all names: only what one of them has settles it.
    let starts = |start: &str| directory.names().any(|name| name.starts_with(start));
    if starts("index/slide") || starts("index/masterslide") || starts("index/templateslide") {
        return Some(FileType::Keynote);
    }
    if starts("index/section") {
        return Some(FileType::Pages);
    }
    let index = directory.find("index/document.iwa")?.index;
    iwork_root(&parts.bytes(index, 64))
}

/// The application by the number of the first object's class, which stands near the beginning of the main part: Snappy
/// leaves it as it is there.
fn iwork_root(archive: &[u8]) -> Option<FileType> {
    let at = find(archive, b"\x08\x01\x12")?;
    match archive.get(at + 4..)? {
        [8, 0x90, 0x4E, ..] => Some(FileType::Pages),
        [8, 1, ..] => Some(FileType::Numbers),
        _ => None,
    }
}

/// Adds the hazards that the directory shows.
pub(super) fn flag(seen: &mut Seen, directory: &Directory) {
    if directory.entries.iter().any(|entry| entry.encrypted) {
        seen.add_hazard(HazardKind::Encrypted, "entries are encrypted");
    }
    let open_document = matches!(
        seen.kind,
        FileType::Odt
            | FileType::Ods
            | FileType::Odp
            | FileType::Odg
            | FileType::Ott
            | FileType::Ots
            | FileType::Otp
    );
    for name in directory.names() {
        if name.is_empty() {
            seen.add_hazard(HazardKind::Polyglot, "an entry without a name");
        }
        if name.ends_with("vbaproject.bin") {
            seen.add_hazard(HazardKind::Macro, "a VBA project part");
        } else if name.starts_with("xl/macrosheets/") {
            seen.add_hazard(HazardKind::Macro, "Excel 4 macro sheets");
        } else if open_document && is_library(name) {
            seen.add_hazard(HazardKind::Macro, "a library of macros");
        }
        if seen.kind == FileType::Zip
            && let Some(extension) = runnable::extension(name)
        {
            let inside = format!("an entry that ends with .{extension}");
            seen.add_hazard(HazardKind::ExecutableInside, inside);
        }
    }
    if let Some(evidence) = bomb(directory) {
        seen.add_hazard(HazardKind::Bomb, evidence);
    }
}

/// A module of a macro library in an OpenDocument file, not the empty list that writers always leave.
fn is_library(name: &str) -> bool {
    (name.starts_with("basic/") && name.matches('/').count() > 1 && !name.ends_with('/'))
        || (name.starts_with("scripts/") && !name.ends_with('/'))
}

fn bomb(directory: &Directory) -> Option<String> {
    if directory.overlaps() {
        return Some("entries overlap".to_owned());
    }
    let (packed, unpacked) = (directory.packed(), directory.unpacked());
    is_dense(packed, unpacked).then(|| format!("{packed} bytes unpack to {unpacked}"))
}
