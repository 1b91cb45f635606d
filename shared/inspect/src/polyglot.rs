//! What hides behind another format: an archive or a program after its end, a page or a second header before it.
//!
//! ZIP is read from its end and PDF from anywhere in its first KiB, so one file can be a picture to one program and an
//! archive to another. Trailing bytes alone are no crime (phones append clips to photos); what they begin with may be.

use crate::findings::{HazardKind, Integrity};
use crate::formats::find;
use crate::formats::zip::directory;
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Where PDF readers look for a header.
const PDF_HEADER_WITHIN: usize = 1024;

/// Signatures of programs, worth a name of their own behind another format's end.
const PROGRAMS: [(&[u8], &str); 4] = [
    (b"MZ", "a Windows executable"),
    (b"\x7FELF", "a Linux executable"),
    (b"#!/", "a script"),
    (b"dex\n", "Android bytecode"),
];
/// Signatures of other formats that have no business there. JPEG, MP4 and the like are what phones append.
const FOREIGN: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"),
    (b"%PDF-", "a PDF document"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an OLE2 document"),
];
/// Markup in a picture that a web server or a sniffing browser would run.
const RUNNABLE_TEXT: [(&[u8], &str); 3] = [
    (b"<?php", "PHP"),
    (b"<script", "script markup"),
    (b"<SCRIPT", "script markup"),
];

/// Adds what the rooms, each looking only for its own structure, cannot see.
pub(crate) fn look_behind(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    if let Integrity::Trailing { bytes } = seen.integrity {
        let from = source.len() - bytes;
        trailing(source, seen, from)?;
    }
    if !is_zip(seen.kind) && ends_with_archive(source)? {
        seen.add_hazard(HazardKind::Polyglot, "a ZIP directory ends the file");
    }
    if matches!(
        seen.kind.family(),
        Family::Image | Family::Audio | Family::Video
    ) {
        let head = source.head();
        if find(&head[..head.len().min(PDF_HEADER_WITHIN)], b"%PDF-").is_some() {
            seen.add_hazard(HazardKind::Polyglot, "a PDF header within the first KiB");
        }
    }
    if seen.kind.family() == Family::Image {
        runnable_text(source, seen)?;
    }
    Ok(())
}

fn trailing(source: &mut Source<'_>, seen: &mut Seen, from: u64) -> io::Result<()> {
    let behind = source.at(from, 512)?.trim_ascii_start();
    if let Some((_, what)) = PROGRAMS.iter().find(|(magic, _)| behind.starts_with(magic)) {
        seen.add_hazard(
            HazardKind::TrailingExecutable,
            format!("{what} after the end"),
        );
    }
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| behind.starts_with(magic)) {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    }
    Ok(())
}

fn is_zip(kind: FileType) -> bool {
    kind == FileType::Zip || kind.is_a() == Some(FileType::Zip)
}

/// Whether an end record closes the file and a directory stands where it says.
fn ends_with_archive(source: &mut Source<'_>) -> io::Result<bool> {
    let Some(end) =
        directory::end_record(source)?.filter(|end| end.after == source.len() && end.entries > 0)
    else {
        return Ok(false);
    };
    let Some(at) = end.directory_at else {
        return Ok(false);
    };
    Ok(source.at(at, 4)? == b"PK\x01\x02")
}

fn runnable_text(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    for (needle, what) in RUNNABLE_TEXT {
        if find(source.head(), needle).is_some() || find(source.tail()?.1, needle).is_some() {
            seen.add_hazard(HazardKind::Polyglot, format!("{what} inside a picture"));
        }
    }
    Ok(())
}
