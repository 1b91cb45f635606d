//! Beginnings of other formats anywhere in a stretch of bytes, and programs written as text in it.
//!
//! Some bytes of a signature occur by chance in megabytes of picture data: each find is followed until chance is out of
//! the question. All signatures are looked for in one pass.

use super::beginning::opening;
use crate::formats::archives::tar;
use crate::formats::script_in;
use aho_corasick::AhoCorasick;
use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::LazyLock;

/// The shortest text that is looked at as a program.
const TEXT_LEAST: usize = 48;
/// How far behind its first two letters a Windows program has its second header, at most.
const PE_WITHIN: usize = 1024;
/// Where a tar header has its mark.
const TAR_MARK_AT: usize = 257;
/// How many gzip headers are followed into what they pack. Bytes that have more of them have them by intention.
const MOST_UNPACKED: u32 = 64;
/// What a gzip archive begins with.
const GZIP: &[u8] = b"\x1F\x8B\x08";
/// What a ZIP archive is called.
pub(super) const ZIP: &str = "a ZIP archive";
/// Ways of packing an entry of a ZIP archive that programs know (APPNOTE 6.3.10 §4.4.5).
const ZIP_METHODS: [u16; 10] = [0, 1, 6, 8, 9, 12, 14, 93, 95, 99];

/// What a find is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Machine code or bytecode.
    Program,
    /// An archive or a document whose signature no text has.
    Binary,
    /// A document that begins with letters.
    Lettered,
    /// Text that something runs.
    Script,
}

/// The beginning of another format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it begins in the bytes searched.
    pub(super) at: usize,
    /// What it is called.
    pub(super) what: &'static str,
    pub(super) sort: Sort,
}

/// Where the format begins whose signature stands at a place; `None` where it is chance.
type Follow = fn(&[u8], usize) -> Option<usize>;

struct Signature {
    bytes: &'static [u8],
    what: &'static str,
    sort: Sort,
    follow: Follow,
}

const fn signature(
    bytes: &'static [u8],
    what: &'static str,
    sort: Sort,
    follow: Follow,
) -> Signature {
    Signature {
        bytes,
        what,
        sort,
        follow,
    }
}

static SIGNATURES: [Signature; 22] = [
    signature(b"PK\x03\x04", ZIP, Sort::Binary, zip),
    signature(b"Rar!\x1A\x07", "a RAR archive", Sort::Binary, rar),
    signature(
        b"7z\xBC\xAF\x27\x1C\0",
        "a 7-Zip archive",
        Sort::Binary,
        itself,
    ),
    signature(GZIP, "a gzip archive", Sort::Binary, gzip),
    signature(b"1AY&SY", "a bzip2 archive", Sort::Binary, bzip2),
    signature(b"\xFD7zXZ\0", "an xz archive", Sort::Binary, xz),
    signature(b"MSCF\0\0\0\0", "a cabinet", Sort::Binary, itself),
    signature(b"ustar", "a tar archive", Sort::Binary, in_tar),
    signature(
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "an OLE2 document",
        Sort::Binary,
        itself,
    ),
    signature(b"%PDF-", "a PDF document", Sort::Lettered, pdf),
    signature(b"{\\rtf", "an RTF document", Sort::Lettered, rtf),
    signature(b"PE\0\0", "a Windows program", Sort::Program, windows),
    signature(b"\x7FELF", "a program", Sort::Program, elf),
    signature(
        b"\xCA\xFE\xBA\xBE\0\0\0",
        "a Java class",
        Sort::Program,
        class,
    ),
    signature(b"dex\n0", "Android bytecode", Sort::Program, dex),
    signature(
        b"\x4C\0\0\0\x01\x14\x02\0\0\0\0\0\xC0",
        "a Windows shortcut",
        Sort::Program,
        itself,
    ),
    signature(b"<?php", "PHP", Sort::Script, php),
    signature(b"__HALT_COMPILER", "a PHP archive", Sort::Script, itself),
    signature(b"#!/bin/", "a shell script", Sort::Script, itself),
    signature(b"#!/usr/bin/", "a shell script", Sort::Script, itself),
    signature(b"#! /bin/", "a shell script", Sort::Script, itself),
    signature(b"#! /usr/bin/", "a shell script", Sort::Script, itself),
];

/// `None` cannot come: the patterns are constants, few and short. Then nothing is found, which the tests would see.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(SIGNATURES.iter().map(|one| one.bytes)).ok());

/// Every beginning of another format in these bytes, in their order.
pub(super) fn beginnings(bytes: &[u8]) -> impl Iterator<Item = Found> + '_ {
    let places = SEARCH.iter().flat_map(move |all| all.find_iter(bytes));
    let mut unpacked = 0;
    places.filter_map(move |place| {
        let signature = SIGNATURES.get(place.pattern().as_usize())?;
        let at = (signature.follow)(bytes, place.start())?;
        if signature.bytes == GZIP {
            unpacked += 1;
            if unpacked <= MOST_UNPACKED && !unpacks(&bytes[at..]) {
                return None;
            }
        }
        Some(Found {
            at,
            what: signature.what,
            sort: signature.sort,
        })
    })
}

/// The first stretch of plain letters that reads as a program, and in which language.
pub(super) fn script(bytes: &[u8]) -> Option<Found> {
    let letter = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7E);
    let mut at = 0;
    // What is no letter at the end of a window rules out every stretch that begins in it before that.
    while let Some(window) = bytes.get(at..at + TEXT_LEAST) {
        if let Some(other) = window.iter().rposition(|b| !letter(b)) {
            at += other + 1;
            continue;
        }
        let rest = &bytes[at..];
        let length = rest.iter().position(|b| !letter(b)).unwrap_or(rest.len());
        let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        if let Some(kind) = script_in(text) {
            return Some(Found {
                at,
                what: kind.label(),
                sort: Sort::Script,
            });
        }
        at += length;
    }
    None
}

fn itself(_: &[u8], at: usize) -> Option<usize> {
    Some(at)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([pair[0], pair[1]]))
}

/// A local header: a version there is, a way of packing there is, and a name without control characters.
fn zip(bytes: &[u8], at: usize) -> Option<usize> {
    let header = bytes.get(at..at + 30)?;
    let length = usize::from(half(header, 26)?);
    let name = bytes.get(at + 30..at + 30 + length)?;
    let real = header[4] <= 63
        && ZIP_METHODS.contains(&half(header, 8)?)
        && !name.is_empty()
        && name.iter().all(|&b| b >= 0x20 && b != 0x7F);
    real.then_some(at)
}

fn rar(bytes: &[u8], at: usize) -> Option<usize> {
    matches!(bytes.get(at + 6)?, 0 | 1).then_some(at)
}

/// A header without reserved flags (RFC 1952 §2.3).
fn gzip(bytes: &[u8], at: usize) -> Option<usize> {
    let [_, _, _, flags, _, _, _, _, extra, system, ..] = *bytes.get(at..)? else {
        return None;
    };
    let possible =
        flags & 0xE0 == 0 && matches!(extra, 0 | 2 | 4) && matches!(system, 0..=13 | 255);
    possible.then_some(at)
}

/// Whether something stands behind a gzip header that unpacks.
fn unpacks(bytes: &[u8]) -> bool {
    let mut one = [0; 1];
    matches!(GzDecoder::new(bytes).read(&mut one), Ok(1))
}

/// The mark of the first block stands behind the signature and the block size.
fn bzip2(bytes: &[u8], at: usize) -> Option<usize> {
    let begin = at.checked_sub(4)?;
    matches!(bytes.get(begin..at)?, [b'B', b'Z', b'h', b'1'..=b'9']).then_some(begin)
}

/// The stream's flags have a checksum of their own (The .xz File Format §2.1.1).
fn xz(bytes: &[u8], at: usize) -> Option<usize> {
    let (flags, stated) = (bytes.get(at + 6..at + 8)?, bytes.get(at + 8..at + 12)?);
    let mut sum = flate2::Crc::new();
    sum.update(flags);
    (sum.sum().to_le_bytes() == stated).then_some(at)
}

fn in_tar(bytes: &[u8], at: usize) -> Option<usize> {
    let begin = at.checked_sub(TAR_MARK_AT)?;
    tar::begins(bytes.get(begin..)?).then_some(begin)
}

fn pdf(bytes: &[u8], at: usize) -> Option<usize> {
    matches!(bytes.get(at + 5..at + 8)?, [b'1' | b'2', b'.', b'0'..=b'9']).then_some(at)
}

fn rtf(bytes: &[u8], at: usize) -> Option<usize> {
    matches!(bytes.get(at + 5)?, b'0'..=b'9' | b'\\').then_some(at)
}

/// Three digits say the version.
fn dex(bytes: &[u8], at: usize) -> Option<usize> {
    matches!(
        bytes.get(at + 4..at + 8)?,
        [b'0', b'0'..=b'9', b'0'..=b'9', 0]
    )
    .then_some(at)
}

/// The first header says where the second stands.
fn windows(bytes: &[u8], at: usize) -> Option<usize> {
    let first = at.saturating_sub(PE_WITHIN);
    let before = bytes.get(first..at.checked_sub(0x40)? + 2)?;
    let mut begins = memchr::memmem::find_iter(before, b"MZ").map(|begin| first + begin);
    begins.find(|&begin| {
        bytes.get(begin + 0x3C..begin + 0x40)
            == Some(&u32::try_from(at - begin).unwrap_or(0).to_le_bytes()[..])
    })
}

/// Class, byte order and version there are, and a sort of object there is (gABI, ELF header).
fn elf(bytes: &[u8], at: usize) -> Option<usize> {
    let [1 | 2, order @ (1 | 2), 1] = *bytes.get(at + 4..at + 7)? else {
        return None;
    };
    let sort = half(bytes, at + 16)?;
    let sort = if order == 1 { sort } else { sort.swap_bytes() };
    (1..=4).contains(&sort).then_some(at)
}

/// The version is that of a Java there is.
fn class(bytes: &[u8], at: usize) -> Option<usize> {
    (45..=80).contains(bytes.get(at + 7)?).then_some(at)
}

fn php(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at + 5)?.is_ascii_whitespace().then_some(at)
}

/// The first stream of a PDF that is written as it is and begins as a script, a page or a document made of letters.
pub(super) fn letters_in_stream(bytes: &[u8]) -> Option<Found> {
    let content = |at: usize| {
        let rest = &bytes[at + 6..];
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        let content = rest.strip_prefix(b"\n")?.trim_ascii_start();
        (!bytes[..at].ends_with(b"end")).then_some(&content[..content.len().min(64)])
    };
    memchr::memmem::find_iter(bytes, b"stream").find_map(|at| {
        let content = content(at)?;
        let signed = || {
            let first = beginnings(content).next();
            let letters = [Sort::Script, Sort::Lettered];
            first.filter(|one| one.at == 0 && letters.contains(&one.sort))
        };
        let page = || {
            let what = opening(content).filter(|_| content.starts_with(b"<"))?;
            let sort = Sort::Script;
            Some(Found { at, what, sort })
        };
        signed().map(|one| Found { at, ..one }).or_else(page)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn packed() -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"some words").unwrap();
        encoder.finish().unwrap()
    }

    fn program(second_at: u32) -> Vec<u8> {
        let first = [&b"MZ"[..], &[0; 58], &second_at.to_le_bytes()].concat();
        [&first[..], b"PE\0\0"].concat()
    }

    #[test]
    fn signatures_are_followed() {
        let rows: [(&str, Vec<u8>, Option<&str>); 19] = [
            (
                "an entry",
                b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a".to_vec(),
                Some(ZIP),
            ),
            (
                "no way of packing",
                b"PK\x03\x04\x14\0\0\0\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a".to_vec(),
                None,
            ),
            ("RAR", b"Rar!\x1A\x07\x01\0".to_vec(), Some("a RAR archive")),
            ("no RAR", b"Rar!\x1A\x07\x09".to_vec(), None),
            ("gzip", packed(), Some("a gzip archive")),
            (
                "reserved flags",
                b"\x1F\x8B\x08\xE0\0\0\0\0\0\x03xxxx".to_vec(),
                None,
            ),
            ("bzip2", b"BZh91AY&SY".to_vec(), Some("a bzip2 archive")),
            ("a block alone", b"----1AY&SY".to_vec(), None),
            (
                "xz",
                b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46".to_vec(),
                Some("an xz archive"),
            ),
            (
                "a wrong sum",
                b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x47".to_vec(),
                None,
            ),
            ("PDF", b"%PDF-1.7".to_vec(), Some("a PDF document")),
            ("its name", b"%PDF-files".to_vec(), None),
            ("RTF", b"{\\rtf\\ansi".to_vec(), Some("an RTF document")),
            ("Windows", program(0x40), Some("a Windows program")),
            ("elsewhere", program(0x48), None),
            ("four letters", b"\x7FELF\x09".to_vec(), None),
            (
                "a class",
                b"\xCA\xFE\xBA\xBE\0\0\0\x34".to_vec(),
                Some("a Java class"),
            ),
            (
                "a universal binary's count",
                b"\xCA\xFE\xBA\xBE\0\0\0\x02".to_vec(),
                None,
            ),
            ("a word", b"dex\n0 pages".to_vec(), None),
        ];
        for (name, bytes, expected) in rows {
            for before in [&b""[..], &[0xA5; 700]] {
                let bytes = [before, &bytes].concat();
                let found = beginnings(&bytes).next();
                assert_eq!(found.map(|one| one.what), expected, "{name}");
                let at = found.map_or(before.len(), |one| one.at);
                assert_eq!(at, before.len(), "{name}");
            }
        }
    }

    #[test]
    fn what_has_headers_by_the_hundred_has_them_by_intention() {
        let header = b"\x1F\x8B\x08\0\0\0\0\0\0\x03\x07";
        let most = MOST_UNPACKED as usize;
        assert_eq!(beginnings(&header.repeat(most)).next(), None);
        let found = beginnings(&header.repeat(most + 1)).next();
        assert_eq!(found.map(|one| one.at), Some(most * header.len()));
        assert_eq!(beginnings(&b"MZPE\0\0".repeat(500)).next(), None);
    }

    #[test]
    fn streams_that_begin_as_something_else() {
        let rows: [(&[u8], bool); 6] = [
            (b"stream\r\n#! /bin/sh\n", true),
            (b"stream\n{\\rtf1 x}", true),
            (b"stream\n <html>", true),
            (b"endstream\n<html>", false),
            (b"stream\nBT (<html>) Tj ET", false),
            (b"stream", false),
        ];
        for (bytes, expected) in rows {
            assert_eq!(letters_in_stream(bytes).is_some(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn programs_stand_out_of_other_bytes() {
        let code = b"var a = document.write(unescape('%41'));\neval(a);\n";
        let hidden = [&[0, 200, 7, b'x', 0], &code[..], &[0; 9]].concat();
        assert_eq!(script(&hidden).map(|one| one.at), Some(5));
        assert_eq!(script(&code[..40]), None, "too short");
        assert_eq!(script(&[b'a'; 4096]), None);
        assert_eq!(script(b""), None);
    }
}
