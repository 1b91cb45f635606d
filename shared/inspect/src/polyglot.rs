//! What hides behind another format: an archive or a program after its end, a page or a second header inside it.
//!
//! ZIP is read from its end, PDF from anywhere in its first KiB, RAR and 7-Zip from wherever their signature stands, tar,
//! DICOM and disc images from fixed places, pages from their first tag: so one file can be a picture to one program and
//! an archive to another. Formats that hold whole files by their nature (archives, mail, office documents) are only
//! searched where a held file cannot explain what is found.

use crate::findings::{HazardKind, Integrity};
use crate::formats::zip::directory;
use crate::formats::{archives, eicar, executable, find, sounds_like_frames};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Where PDF readers look for a header.
const PDF_HEADER_WITHIN: usize = 1024;
/// Where the end of a PDF must stand for readers to find it.
const PDF_END_WITHIN: usize = 1024;
/// Files up to this size are searched whole where their end cannot be told.
const HOLD: u64 = 1 << 20;
/// How much of a document a browser looks at to tell what it is, and some more.
const SNIFFED: usize = 4096;
/// How much of what follows a format's end is looked at.
const BEHIND: u64 = 4096;

/// Signatures that begin other formats, and what they are called. What phones append to photos is not among them.
const FOREIGN: [(&[u8], &str); 20] = [
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"),
    (b"%PDF-", "a PDF document"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an OLE2 document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1F\x8B\x08", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xFD7zXZ\0", "an xz archive"),
    (b"\x28\xB5\x2F\xFD", "a Zstandard archive"),
    (b"MSCF\0\0\0\0", "a cabinet"),
    (b"GIF8", "a GIF picture"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"RIFF", "a RIFF file"),
    (b"OggS\0", "an Ogg stream"),
    (b"fLaC\0", "a FLAC sound"),
    (b"ID3", "an MP3 sound"),
    (b"\x1A\x45\xDF\xA3", "a Matroska file"),
    (b"%!PS", "a PostScript document"),
    (b"FLV\x01", "a Flash video"),
];
/// Signatures of archives that their programs look for anywhere near the beginning.
const ANYWHERE: [(&[u8], &str); 2] = [
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"7z\xBC\xAF\x27\x1C\0", "a 7-Zip archive"),
];
/// Beginnings of formats that give way to a PDF header within the first KiB, besides the foreign ones.
const BEFORE_PDF: [&[u8]; 8] = [
    b"BM",
    b"8BPS",
    b"fLaC",
    b"MThd",
    b"II*\0",
    b"MM\0*",
    b"<",
    b"\0\0\x01\0",
];
/// Openings of markup that a web server or a sniffing browser would run; a space, a sign or an end follows.
const RUNNABLE_TEXT: [(&[u8], &str); 6] = [
    (b"<?php", "PHP"),
    (b"<script", "script markup"),
    (b"<html", "a page"),
    (b"<!doctype html", "a page"),
    (b"<svg", "an SVG picture"),
    (b"<iframe", "a page"),
];

/// Adds what the rooms, each looking only for its own structure, cannot see.
pub(crate) fn look_behind(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    if eicar::is_in(source.head()) || eicar::is_in(source.tail()?.1) {
        seen.add_hazard(HazardKind::Eicar, "the scanner test");
    }
    let unexplained = match seen.integrity {
        Integrity::Trailing { bytes } => trailing(source, seen, source.len() - bytes)?,
        _ => false,
    };
    if !is_zip(seen.kind) && has_archive_at_end(source, seen.kind)? {
        seen.add_hazard(
            HazardKind::Polyglot,
            "a ZIP directory near the end of the file",
        );
    }
    fixed_places(source, seen)?;
    if is_media(seen.kind) || seen.kind == FileType::Pdf {
        endless(source, seen)?;
    }
    if !holds_files(seen.kind) {
        near_the_beginning(source, seen);
        runnable_text(source, seen)?;
    }
    let explained = [HazardKind::Polyglot, HazardKind::TrailingExecutable];
    if unexplained && !seen.hazards.iter().any(|one| explained.contains(&one.kind)) {
        seen.add_hazard(
            HazardKind::TrailingData,
            "bytes after the end that are no padding",
        );
    }
    Ok(())
}

fn is_zip(kind: FileType) -> bool {
    kind == FileType::Zip || kind.is_a() == Some(FileType::Zip)
}

fn is_media(kind: FileType) -> bool {
    matches!(kind.family(), Family::Image | Family::Audio | Family::Video)
}

/// Whether whole other files inside are what the format is for.
fn holds_files(kind: FileType) -> bool {
    let family = kind.family();
    matches!(
        family,
        Family::Archive | Family::Executable | Family::Text | Family::Markup | Family::Script
    ) || matches!(family, Family::Unknown | Family::Other)
        || is_zip(kind)
        || kind.is_a() == Some(FileType::Ole2)
}

/// Adds what follows a format's own end; answers whether that is neither known nor padding.
fn trailing(source: &mut Source<'_>, seen: &mut Seen, from: u64) -> io::Result<bool> {
    let bytes = source.at(from, BEHIND)?.to_vec();
    let Some(start) = bytes
        .iter()
        .position(|&b| b != 0 && !b.is_ascii_whitespace())
    else {
        return Ok(false);
    };
    let behind = &bytes[start..];
    let filled = behind
        .iter()
        .position(|&b| b != 0xFF)
        .unwrap_or(behind.len());
    let behind = &behind[filled.saturating_sub(1)..];
    if executable::is_program(behind) || behind.starts_with(b"MZ") || behind.starts_with(b"#!/") {
        seen.add_hazard(HazardKind::TrailingExecutable, "a program after the end");
    } else if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| behind.starts_with(magic)) {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    } else if let Some(what) =
        opening(behind).filter(|_| !matches!(seen.kind.family(), Family::Text | Family::Markup))
    {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    } else if has_arj(behind) {
        seen.add_hazard(HazardKind::Polyglot, "an ARJ archive after the end");
    } else if is_phones(behind) || source.tail()?.1.ends_with(b"SEFT") {
        return Ok(false);
    } else if is_media(seen.kind) && sounds_like_frames(&bytes) {
        seen.add_hazard(HazardKind::Polyglot, "sound after the end");
    } else {
        return Ok(filled < bytes.len() - start);
    }
    Ok(false)
}

/// Adds what is joined to sound, film, pictures and pages whose own end cannot be told: then only the other's marks can.
fn endless(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let (_, tail) = source.tail()?;
    let close = &tail[tail.len().saturating_sub(PDF_END_WITHIN)..];
    if seen.kind != FileType::Pdf
        && find(close, b"startxref").is_some()
        && find(close, b"%%EOF").is_some()
    {
        seen.add_hazard(
            HazardKind::Polyglot,
            "the end of a PDF document ends the file",
        );
    }
    let ended = matches!(
        seen.integrity,
        Integrity::Whole | Integrity::Trailing { .. }
    );
    if ended && seen.kind != FileType::Tiff {
        return Ok(());
    }
    source.hold(HOLD)?;
    if has_program(source.head()) || has_program(source.tail()?.1) {
        seen.add_hazard(HazardKind::TrailingExecutable, "a program within the file");
    }
    Ok(())
}

/// Whether a Windows executable begins somewhere: its two letters, and the second header where the first points.
fn has_program(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b"MZ").any(|at| {
        let rest = &bytes[at..];
        let Some(&[a, b, 0, 0]) = rest.get(0x3C..0x40) else {
            return false;
        };
        let header = usize::from(u16::from_le_bytes([a, b]));
        rest.get(header..)
            .is_some_and(|header| header.starts_with(b"PE\0\0"))
    })
}

/// What cameras and phones append: further pictures, clips, and notes about them.
fn is_phones(behind: &[u8]) -> bool {
    behind.starts_with(b"\xFF\xD8\xFF")
        || behind.starts_with(b"MotionPhoto_Data")
        || behind.starts_with(b"SEFH")
        || matches!(
            behind.get(4..8),
            Some(b"ftyp" | b"mpvd" | b"uuid" | b"free")
        )
        || find(&behind[..behind.len().min(64)], b"ftyp").is_some()
}

/// Whether an end record stands near the end and a directory where it says. Formats that hold files may end with one
/// that is inside them: for those it must close the file.
fn has_archive_at_end(source: &mut Source<'_>, kind: FileType) -> io::Result<bool> {
    let Some(end) = directory::end_record(source)?.filter(|end| end.entries > 0) else {
        return Ok(false);
    };
    let Some(at) = end
        .directory_at
        .filter(|_| end.after == source.len() || !holds_files(kind))
    else {
        return Ok(false);
    };
    Ok(source.at(at, 4)? == b"PK\x01\x02")
}

/// Formats whose signature stands at one place, whatever comes before.
fn fixed_places(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let (kind, head) = (seen.kind, source.head());
    if kind == FileType::Unknown {
        return Ok(());
    }
    let tar = kind != FileType::Tar
        && head.get(257..262) == Some(b"ustar")
        && archives::tar::begins(head);
    let dicom = kind != FileType::Dicom && head.get(128..132) == Some(b"DICM");
    if tar {
        seen.add_hazard(HazardKind::Polyglot, "the header of a tar archive");
    }
    if dicom {
        seen.add_hazard(HazardKind::Polyglot, "the mark of a DICOM picture");
    }
    if kind != FileType::Iso && source.len() > 34 << 10 && source.at(32769, 5)? == b"CD001" {
        seen.add_hazard(HazardKind::Polyglot, "the descriptor of a disc image");
    }
    Ok(())
}

/// Formats that are looked for from the beginning on.
fn near_the_beginning(source: &Source<'_>, seen: &mut Seen) {
    let head = source.head();
    if seen.kind != FileType::Pdf
        && find(&head[..head.len().min(PDF_HEADER_WITHIN)], b"%PDF-").is_some()
    {
        seen.add_hazard(HazardKind::Polyglot, "a PDF header within the first KiB");
    }
    for (magic, what) in ANYWHERE {
        if find(head, magic).is_some() {
            seen.add_hazard(HazardKind::Polyglot, format!("{what} inside"));
        }
    }
    if seen.kind == FileType::Pdf {
        let leading = find(head, b"%PDF").unwrap_or(0);
        let before = head[..leading].trim_ascii_start();
        let other = FOREIGN
            .iter()
            .map(|(magic, _)| *magic)
            .chain(BEFORE_PDF)
            .find(|magic| before.starts_with(magic));
        if other.is_some() {
            seen.add_hazard(HazardKind::Polyglot, "another format before the PDF header");
        }
    }
    if has_arj(head) {
        seen.add_hazard(HazardKind::Polyglot, "an ARJ archive inside");
    }
    if begins_as_script(head) {
        seen.add_hazard(
            HazardKind::Polyglot,
            "a header that is also the beginning of a script",
        );
    }
}

/// Whether a main header of ARJ stands somewhere: two letters are nothing, its checksum settles it (ARJ technote).
fn has_arj(head: &[u8]) -> bool {
    memchr::memmem::find_iter(head, b"\x60\xEA").any(|at| {
        let Some(&[low, high, first, ..]) = head.get(at + 2..) else {
            return false;
        };
        let length = usize::from(u16::from_le_bytes([low, high]));
        if !(30..=2600).contains(&length) || usize::from(first) > length {
            return false;
        }
        let (Some(header), Some(stated)) = (
            head.get(at + 4..at + 4 + length),
            head.get(at + 4 + length..at + 8 + length),
        ) else {
            return false;
        };
        let mut sum = flate2::Crc::new();
        sum.update(header);
        sum.sum().to_le_bytes() == stated
    })
}

/// Whether what follows the letters of a picture's or sound's signature makes it a line of JavaScript.
fn begins_as_script(head: &[u8]) -> bool {
    let opens = |at: usize| {
        let rest = head.get(at..).unwrap_or_default();
        rest.starts_with(b"/*")
            || rest.starts_with(b"=") && rest.get(1).is_some_and(u8::is_ascii_graphic)
    };
    let open = match head {
        [b'G', b'I', b'F', b'8', ..] => opens(6),
        [b'B', b'M', ..] => opens(2),
        [b'R', b'I', b'F', b'F', ..] => opens(4),
        [0xFF, 0xD8, 0xFF, 0xE0 | 0xE1 | 0xFE, ..] => opens(4),
        _ => false,
    };
    open && find(head, b"*/").is_some()
}

/// Text that runs inside what is none. A browser judges a PDF by its first bytes; RTF carries the pages it was made from.
fn runnable_text(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let head = source.head();
    let found = match seen.kind {
        FileType::Rtf | FileType::OneNote => find(head, b"<?php").map(|_| "PHP"),
        FileType::Pdf => {
            opening(&head[..head.len().min(SNIFFED)]).or(find(head, b"<?php").map(|_| "PHP"))
        }
        _ => opening(head).or(opening(source.tail()?.1)),
    };
    if let Some(what) = found {
        seen.add_hazard(
            HazardKind::Polyglot,
            format!("{what} inside a {}", seen.kind.label()),
        );
    }
    Ok(())
}

fn opening(bytes: &[u8]) -> Option<&'static str> {
    memchr::memchr_iter(b'<', bytes).find_map(|at| {
        let rest = &bytes[at..];
        RUNNABLE_TEXT
            .iter()
            .find(|(tag, _)| {
                let ended = rest
                    .get(tag.len())
                    .is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
                ended && rest.len() >= tag.len() && rest[..tag.len()].eq_ignore_ascii_case(tag)
            })
            .map(|&(_, what)| what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_of_pages() {
        let rows: [(&[u8], Option<&str>); 7] = [
            (b"\x01\x02<ScRiPt>x", Some("script markup")),
            (b"<?php echo 1;", Some("PHP")),
            (b"<svg/onload=x>", Some("an SVG picture")),
            (b"<svgx", None),
            (b"<x:xmpmeta><rdf:RDF>", None),
            (b"<script", Some("script markup")),
            (b"a < b", None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(
                opening(bytes),
                expected,
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn headers_that_are_code() {
        let rows: [(&[u8], bool); 6] = [
            (b"GIF89a/*\0\0\0*/=1;alert(1)", true),
            (b"BM/*\0\0\0*/=1", true),
            (b"RIFF=1/*\0*/;", true),
            (b"\xFF\xD8\xFF\xE0/*JFIF*/=1", true),
            (b"GIF89a=\0\x01\0", false),
            (b"GIF89a\x01\0\x01\0*/", false),
        ];
        for (bytes, expected) in rows {
            assert_eq!(begins_as_script(bytes), expected, "{bytes:?}");
        }
    }
}
