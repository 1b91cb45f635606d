//! What a ZIP really is, by what it carries: Office Open XML by its content types wherever the entry stands,
//! OpenDocument and EPUB by their `mimetype`, Java and Android by their manifests.
//!
//! Sources: ECMA-376 part 2 §7.3 (content types), MS-OFFMACRO2 (macro-enabled types), ODF 1.3 part 2 §3.3, JAR
//! specification.

use super::directory::Directory;
use crate::findings::HazardKind;
use crate::kind::FileType;
use crate::seen::Seen;
use std::io::{Read, Seek};
use zip::ZipArchive;

/// The most that is unpacked of `[Content_Types].xml`; real ones are a few KiB, of large slide decks some tens.
const CONTENT_TYPES_CAP: u64 = 256 << 10;
/// Longer `mimetype` entries are none.
const MIMETYPE_CAP: u64 = 128;
/// More than this unpacked, at more than the ratio, is a bomb.
const UNPACKED_CAP: u64 = 1 << 30;
const RATIO_CAP: u64 = 100;
/// No honest archive of this density exists below the size cap either: deflate reaches 1032 : 1 on nothing but zeros.
const SMALL_UNPACKED_CAP: u64 = 64 << 20;
const SMALL_RATIO_CAP: u64 = 900;

/// Main parts by content type; the macro twins differ here and nowhere else.
const MAIN_PARTS: [(&str, FileType); 17] = [
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        FileType::Docx,
    ),
    (
        "application/vnd.ms-word.document.macroenabled.main+xml",
        FileType::Docm,
    ),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
        FileType::Dotx,
    ),
    (
        "application/vnd.ms-word.template.macroenabledtemplate.main+xml",
        FileType::Dotm,
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        FileType::Xlsx,
    ),
    (
        "application/vnd.ms-excel.sheet.macroenabled.main+xml",
        FileType::Xlsm,
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml",
        FileType::Xltx,
    ),
    (
        "application/vnd.ms-excel.template.macroenabled.main+xml",
        FileType::Xltm,
    ),
    (
        "application/vnd.ms-excel.sheet.binary.macroenabled.main",
        FileType::Xlsb,
    ),
    (
        "application/vnd.ms-excel.addin.macroenabled.main+xml",
        FileType::Xlam,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
        FileType::Pptx,
    ),
    (
        "application/vnd.ms-powerpoint.presentation.macroenabled.main+xml",
        FileType::Pptm,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
        FileType::Ppsx,
    ),
    (
        "application/vnd.ms-powerpoint.slideshow.macroenabled.main+xml",
        FileType::Ppsm,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.template.main+xml",
        FileType::Potx,
    ),
    (
        "application/vnd.ms-powerpoint.template.macroenabled.main+xml",
        FileType::Potm,
    ),
    ("application/vnd.ms-visio.drawing.main+xml", FileType::Vsdx),
];

/// Extensions of entries that run when opened.
const RUNNABLE: [&str; 19] = [
    "exe", "dll", "scr", "com", "pif", "cpl", "msi", "bat", "cmd", "ps1", "vbs", "vbe", "js",
    "jse", "wsf", "hta", "lnk", "jar", "apk",
];

/// The type of the archive.
pub(super) fn kind<R: Read + Seek>(archive: &mut ZipArchive<R>, directory: &Directory) -> FileType {
    let office = || directory.has("[content_types].xml");
    if office()
        && let Some(kind) = unpack(archive, "[content_types].xml", CONTENT_TYPES_CAP)
            .and_then(|types| main_part(&types))
    {
        return kind;
    }
    if directory.has("androidmanifest.xml")
        && (directory.has("classes.dex") || directory.has("resources.arsc"))
    {
        return FileType::Apk;
    }
    if directory.has("meta-inf/manifest.mf")
        && directory.names.iter().any(|name| name.ends_with(".class"))
    {
        return FileType::Jar;
    }
    let declared = if directory.has("mimetype") {
        unpack(archive, "mimetype", MIMETYPE_CAP)
    } else {
        None
    };
    match declared.as_deref().map(str::trim) {
        Some(mime) if mime.starts_with("application/vnd.oasis.opendocument.text") => FileType::Odt,
        Some(mime) if mime.starts_with("application/vnd.oasis.opendocument.spreadsheet") => {
            FileType::Ods
        }
        Some(mime) if mime.starts_with("application/vnd.oasis.opendocument.presentation") => {
            FileType::Odp
        }
        Some("application/epub+zip") => FileType::Epub,
        _ => FileType::Zip,
    }
}

/// The type named by a content-types part, already in lower case.
fn main_part(types: &str) -> Option<FileType> {
    let named = |mime: &str| {
        let quoted = |quote: char| types.contains(&format!("{quote}{mime}{quote}"));
        quoted('"') || quoted('\'')
    };
    MAIN_PARTS
        .iter()
        .find(|(mime, _)| named(mime))
        .map(|&(_, kind)| kind)
}

/// Unpacks an entry by its name in lower case, as lower-case text, up to a cap.
fn unpack<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str, cap: u64) -> Option<String> {
    let index = (0..archive.len()).find(|&index| {
        archive
            .by_index_data(index)
            .is_ok_and(|entry| entry.name_raw().eq_ignore_ascii_case(name.as_bytes()))
    })?;
    let mut bytes = Vec::new();
    archive
        .by_index(index)
        .ok()?
        .take(cap)
        .read_to_end(&mut bytes)
        .ok()?;
    let text = match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Some(text.to_lowercase())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    char::decode_utf16(bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Adds the hazards that the directory shows.
pub(super) fn flag(seen: &mut Seen, directory: &Directory) {
    if directory.encrypted {
        seen.add_hazard(HazardKind::Encrypted, "entries are encrypted");
    }
    let carries = |suffix: &str| directory.names.iter().any(|name| name.ends_with(suffix));
    if carries("vbaproject.bin") {
        seen.add_hazard(HazardKind::Macro, "a VBA project part");
    }
    if directory
        .names
        .iter()
        .any(|name| name.starts_with("xl/macrosheets/"))
    {
        seen.add_hazard(HazardKind::Macro, "Excel 4 macro sheets");
    }
    if matches!(seen.kind, FileType::Odt | FileType::Ods | FileType::Odp)
        && directory
            .names
            .iter()
            .any(|name| name.starts_with("basic/") && name.matches('/').count() > 1)
    {
        seen.add_hazard(HazardKind::Macro, "a Basic library");
    }
    if seen.kind == FileType::Zip
        && let Some(extension) = RUNNABLE
            .iter()
            .find(|extension| carries(&format!(".{extension}")))
    {
        seen.add_hazard(
            HazardKind::ExecutableInside,
            format!("an entry that ends with .{extension}"),
        );
    }
    if let Some(evidence) = bomb(directory) {
        seen.add_hazard(HazardKind::Bomb, evidence);
    }
}

fn bomb(directory: &Directory) -> Option<String> {
    if directory.overlaps() {
        return Some("entries overlap".to_owned());
    }
    let ratio = directory.unpacked_bytes / directory.packed_bytes.max(1);
    let dense = (directory.unpacked_bytes > UNPACKED_CAP && ratio > RATIO_CAP)
        || (directory.unpacked_bytes > SMALL_UNPACKED_CAP && ratio > SMALL_RATIO_CAP);
    dense.then(|| {
        format!(
            "{} bytes unpack to {}",
            directory.packed_bytes, directory.unpacked_bytes
        )
    })
}
