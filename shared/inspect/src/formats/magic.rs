//! The last resort: signatures at fixed places, for formats that need no closer look; most of them by `infer`.
//!
//! Only signatures long enough to be believed are taken; what `infer` says about text, ZIP, OLE2 and ISO-BMFF is settled
//! by structure before this room is asked.

use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Signatures `infer` does not know, or knows by too little: place, bytes, type.
const OURS: [(usize, &[u8], FileType); 20] = [
    (40, b" EMF", FileType::Emf),
    (0, b"\xD7\xCD\xC6\x9A", FileType::Wmf),
    (0, b"\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D", FileType::OneNote),
    (0, b"LZIP\x01", FileType::Lzip),
    (0, b"\x04\x22\x4D\x18", FileType::Lz4),
    (0, b"\x1F\x9D\x90", FileType::Compress),
    (0, b"wOFF", FileType::Font),
    (0, b"wOF2", FileType::Font),
    (0, b"OTTO\0", FileType::Font),
    (0, b"ttcf\0", FileType::Font),
    (0, b"8BPS\0\x01", FileType::Photoshop),
    (0, b"8BPS\0\x02", FileType::Photoshop),
    (0, b"\xC5\xD0\xD3\xC6", FileType::PostScript),
    (0, b"\xDB\xA5\x2D\0", FileType::Doc),
    (0, b"\xFE\x37\0\x1C", FileType::Doc),
    (0, b"\xFE\x37\0\x23", FileType::Doc),
    (0, b"\x31\xBE\0\0\0\xAB", FileType::Doc),
    (0, b"\x09\0\x04\0", FileType::Xls),
    (0, b"\x09\x02\x06\0", FileType::Xls),
    (0, b"\x09\x04\x06\0", FileType::Xls),
];

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    if is_transport(source.head()) {
        return Ok(Some(Seen::certain(FileType::MpegTs)));
    }
    if let Some(kind) = ours(source.head()).or_else(|| inferred(source.head())) {
        return Ok(Some(Seen::likely(kind)));
    }
    if source.head().get(128..132) == Some(b"DICM") {
        return Ok(Some(Seen::likely(FileType::Dicom)));
    }
    // Disc images keep sixteen empty sectors for themselves (ECMA-119 §6.2.1).
    let disc = source.at(32769, 5)? == b"CD001";
    Ok(disc.then(|| Seen::likely(FileType::Iso)))
}

fn ours(head: &[u8]) -> Option<FileType> {
    OURS.iter()
        .find(|(at, bytes, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)))
        .map(|&(_, _, kind)| kind)
}

/// Packets of 188 bytes, each begun by 0x47; cameras put four bytes of time before each (ISO/IEC 13818-1 §2.4.3).
fn is_transport(head: &[u8]) -> bool {
    [(0, 188), (4, 192)].into_iter().any(|(start, step)| {
        let packets = head.get(start..).unwrap_or_default().chunks(step).take(5);
        packets.len() == 5 && packets.into_iter().all(|packet| packet[0] == 0x47)
    })
}

fn inferred(head: &[u8]) -> Option<FileType> {
    Some(match infer::get(head)?.extension() {
        "jxl" => FileType::JpegXl,
        "midi" => FileType::Midi,
        "flac" => FileType::Flac,
        "mpg" => FileType::MpegVideo,
        "flv" => FileType::FlashVideo,
        "wmv" => FileType::WindowsMedia,
        "bz2" => FileType::Bzip2,
        "xz" => FileType::Xz,
        "zst" => FileType::Zstd,
        "cab" => FileType::Cab,
        "deb" => FileType::DebianPackage,
        "rpm" => FileType::RpmPackage,
        "crx" => FileType::BrowserExtension,
        "swf" => FileType::Flash,
        "ps" => FileType::PostScript,
        "sqlite" => FileType::Sqlite,
        "ttf" => FileType::Font,
        _ => return None,
    })
}
