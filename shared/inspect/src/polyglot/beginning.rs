//! Headers of other formats at and near the beginning, and text inside that would run.

use super::{FOREIGN, is_media};
use crate::findings::HazardKind;
use crate::formats::{find, sounds_like_frames};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Where PDF readers look for a header.
const PDF_HEADER_WITHIN: usize = 1024;
/// How much of a document a browser looks at to tell what it is, and some more.
const SNIFFED: usize = 4096;
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

/// Tags of a page that stand in no other markup.
const PARTS: [(&[u8], &str); 4] = [
    (b"<head", "a page"),
    (b"<body", "a page"),
    (b"<div", "a part of a page"),
    (b"<table", "a part of a page"),
];

/// Formats that are looked for from the beginning on.
pub(super) fn near_the_beginning(source: &Source<'_>, seen: &mut Seen) {
    let head = source.head();
    if seen.kind != FileType::Pdf
        && find(&head[..head.len().min(PDF_HEADER_WITHIN)], b"%PDF-").is_some()
    {
        seen.add_hazard(HazardKind::Polyglot, "a PDF header within the first KiB");
    }
    if seen.kind == FileType::Pdf {
        let leading = find(head, b"%PDF").unwrap_or(0);
        let before = head[..leading].trim_ascii_start();
        let other = FOREIGN
            .iter()
            .map(|(magic, _)| *magic)
            .chain(BEFORE_PDF)
            .find(|magic| before.starts_with(magic));
        if other.is_some() || sounds_like_frames(before) {
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
pub(super) fn has_arj(head: &[u8]) -> bool {
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
pub(super) fn runnable_text(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let head = source.head();
    let found = match seen.kind {
        FileType::Rtf | FileType::OneNote => find(head, b"<?php").map(|_| "PHP"),
        FileType::Pdf => {
            opening(&head[..head.len().min(SNIFFED)]).or(find(head, b"<?php").map(|_| "PHP"))
        }
        // The rest of pictures, sound and film is searched for more than this.
        _ if is_media(seen.kind) => None,
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

pub(super) fn opening(bytes: &[u8]) -> Option<&'static str> {
    tag(bytes, &RUNNABLE_TEXT).map(|(_, what)| what)
}

/// What a browser takes for a page or a part of one, and where (MIME Sniffing Standard §7.1).
pub(super) fn page(bytes: &[u8]) -> Option<(usize, &'static str)> {
    tag(bytes, &RUNNABLE_TEXT).or_else(|| tag(bytes, &PARTS))
}

fn tag(bytes: &[u8], tags: &[(&[u8], &'static str)]) -> Option<(usize, &'static str)> {
    memchr::memchr_iter(b'<', bytes).find_map(|at| {
        let rest = &bytes[at..];
        tags.iter()
            .find(|(tag, _)| {
                let ended = rest
                    .get(tag.len())
                    .is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
                ended && rest.len() >= tag.len() && rest[..tag.len()].eq_ignore_ascii_case(tag)
            })
            .map(|&(_, what)| (at, what))
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
