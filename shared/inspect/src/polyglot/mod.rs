//! What hides behind another format: an archive or a program after its end, a page or a second header inside it.
//!
//! ZIP is read from its end, PDF from anywhere in its first KiB, RAR and 7-Zip from wherever their signature stands, tar,
//! DICOM and disc images from fixed places, pages from their first tag: so one file can be a picture to one program and
//! an archive to another. Comments, private chunks, unused room and the gaps between a format's parts hide anything.
//! Formats that hold whole files by their nature (archives, mail, office documents) are only searched where a held file
//! cannot explain what is found.

mod beginning;
mod behind;
mod foreign;
mod inside;

use crate::findings::{HazardKind, Integrity};
use crate::formats::zip::directory;
use crate::formats::{archives, eicar, find, rfind};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use beginning::{near_the_beginning, runnable_text};
use behind::{begins_at, trailing};
use std::io;

/// Where the end of a PDF must stand for readers to find it.
const PDF_END_WITHIN: usize = 1024;
/// Files up to this size are searched whole.
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
    if matches!(seen.integrity, Integrity::Truncated { .. }) {
        early_end(source, seen)?;
    }
    if !is_zip(seen.kind) && has_archive_at_end(source, seen)? {
        seen.add_hazard(
            HazardKind::Polyglot,
            "a ZIP directory near the end of the file",
        );
    }
    fixed_places(source, seen)?;
    ends_as_pdf(source, seen)?;
    inside::look(source, seen)?;
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

/// Notes the comment that ends an archive as a place that belongs to nobody.
fn comment(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    if let Some(end) = directory::end_record(source)?.filter(|end| end.comment > 0) {
        seen.asides.push(end.after - end.comment..end.after);
    }
    Ok(())
}

/// Adds what follows an end that stands so early in the file that it was not found from behind.
fn early_end(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    if !is_zip(seen.kind) && seen.kind != FileType::Pdf {
        return Ok(());
    }
    source.hold(HOLD)?;
    let after = match seen.kind {
        FileType::Pdf => rfind(source.head(), b"%%EOF").map(|at| at + 5),
        _ => directory::end_within(source.head()),
    };
    after.map_or(Ok(()), |after| begins_at(source, seen, after as u64))
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

/// Adds a document at the end of what is none: readers of PDF look for its end first.
fn ends_as_pdf(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let compound = seen.kind == FileType::Ole2 || seen.kind.is_a() == Some(FileType::Ole2);
    if !is_media(seen.kind) && seen.kind != FileType::Rtf && !compound {
        return Ok(());
    }
    let (_, tail) = source.tail()?;
    let close = &tail[tail.len().saturating_sub(PDF_END_WITHIN)..];
    if find(close, b"startxref").is_some() && find(close, b"%%EOF").is_some() {
        seen.add_hazard(
            HazardKind::Polyglot,
            "the end of a PDF document ends the file",
        );
    }
    Ok(())
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
