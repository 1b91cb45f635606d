//! What hides behind another format: an archive or a program after its end, a page or a second header inside it.
//!
//! ZIP is read from its end, PDF from anywhere in its first KiB, RAR and 7-Zip from wherever their signature stands, tar,
//! DICOM and disc images from fixed places, pages from their first tag: so one file can be a picture to one program and
//! an archive to another. Formats that hold whole files by their nature (archives, mail, office documents) are only
//! searched where a held file cannot explain what is found.

mod beginning;
mod behind;

use crate::findings::{HazardKind, Integrity};
use crate::formats::zip::directory;
use crate::formats::{archives, eicar, find};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use beginning::{archives_within, near_the_beginning, runnable_text};
use behind::{begins_at, trailing};
use std::io;

/// Where the end of a PDF must stand for readers to find it.
const PDF_END_WITHIN: usize = 1024;
/// Files up to this size are searched whole where their end cannot be told.
const HOLD: u64 = 1 << 20;
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
/// Adds what the rooms, each looking only for its own structure, cannot see.
pub(crate) fn look_behind(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    if eicar::is_in(source.head()) || eicar::is_in(source.tail()?.1) {
        seen.add_hazard(HazardKind::Eicar, "the scanner test");
    }
    let unexplained = match seen.integrity {
        Integrity::Trailing { bytes } => trailing(source, seen, source.len() - bytes)?,
        _ => false,
    };
    if let Some(reach) = seen.reach {
        begins_at(source, seen, reach)?;
    }
    if is_zip(seen.kind) {
        comment(source, seen)?;
    }
    if !is_zip(seen.kind) && has_archive_at_end(source, seen)? {
        seen.add_hazard(
            HazardKind::Polyglot,
            "a ZIP directory near the end of the file",
        );
    }
    fixed_places(source, seen)?;
    let compound = seen.kind == FileType::Ole2 || seen.kind.is_a() == Some(FileType::Ole2);
    let open = matches!(seen.kind, FileType::Pdf | FileType::Rtf) || compound;
    if is_media(seen.kind) || open {
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

/// Adds what stands in the comment that ends an archive.
fn comment(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let Some(end) = directory::end_record(source)?.filter(|end| end.comment > 0) else {
        return Ok(());
    };
    let comment = source.at(end.after - end.comment, end.comment)?;
    if find(comment, b"%PDF-").is_some()
        || FOREIGN.iter().any(|(magic, _)| comment.starts_with(magic))
    {
        seen.add_hazard(
            HazardKind::Polyglot,
            "another format in the comment of an archive",
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
    if is_media(seen.kind) {
        archives_within(source.tail()?.1, seen);
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
    let joined = begun(source.head()).or(begun(source.tail()?.1));
    let searched = is_media(seen.kind) && seen.kind != FileType::Tiff || seen.kind == FileType::Rtf;
    if let Some(what) = joined.filter(|_| searched) {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} within the file"));
    }
    Ok(())
}

/// What begins somewhere in these bytes, of the formats whose signature is too long for chance.
fn begun(bytes: &[u8]) -> Option<&'static str> {
    let elf = || {
        memchr::memmem::find_iter(bytes, b"\x7FELF")
            .any(|at| matches!(bytes.get(at + 4..at + 7), Some([1 | 2, 1 | 2, 1])))
    };
    let wave = || {
        memchr::memmem::find_iter(bytes.get(1..).unwrap_or_default(), b"RIFF")
            .any(|at| bytes.get(at + 9..at + 13) == Some(b"WAVE"))
    };
    if elf() {
        Some("a program")
    } else if find(bytes, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1").is_some() {
        Some("an OLE2 document")
    } else if find(bytes, b"MSCF\0\0\0\0").is_some() {
        Some("a cabinet")
    } else {
        wave().then_some("a WAV sound")
    }
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

/// Whether an end record stands near the end and a directory where it says. Formats that hold files may end with one
/// that is inside them: for those it must close the file.
fn has_archive_at_end(source: &mut Source<'_>, seen: &Seen) -> io::Result<bool> {
    let kind = seen.kind;
    let Some(end) = directory::end_record(source)?.filter(|end| end.entries > 0) else {
        return Ok(false);
    };
    let Some(at) = end
        .directory_at
        .filter(|_| end.after == source.len() || !holds_files(kind))
    else {
        return Ok(false);
    };
    // One that a document openly carries was judged there.
    let open = seen
        .carried
        .iter()
        .any(|place| place.contains(&at) && end.after <= place.end);
    Ok(!open && source.at(at, 4)? == b"PK\x01\x02")
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
