//! Archives: what they hold whatever it is called, what is nested, what is locked, and what the scanner test looks like.

use crate::build::zip;
use crate::look;
use attache_inspect::{FileType, HazardKind, Integrity};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn program() -> Vec<u8> {
    [
        &b"MZ"[..],
        &[0; 58],
        &0x40u32.to_le_bytes(),
        b"PE\0\0",
        &[0; 200],
    ]
    .concat()
}

/// A tar header of the oldest kind, without a magic.
fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend_from_slice(bytes);
    block.resize(block.len().next_multiple_of(512) + 1024, 0);
    block
}

fn scanner_test() -> Vec<u8> {
    [
        &b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-"[..],
        b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    ]
    .concat()
}

#[test]
fn what_is_inside() {
    let rows: [(&str, Vec<u8>, FileType, Option<HazardKind>); 12] = [
        (
            "pictures",
            zip(&[("a.jpg", b"x"), ("www.example.com/index.txt", b"x")]),
            FileType::Zip,
            None,
        ),
        (
            "program as picture",
            zip(&[("photo.jpg", &program())]),
            FileType::Zip,
            Some(HazardKind::ExecutableInside),
        ),
        (
            "double extension",
            zip(&[("invoice.pdf.js", b"x")]),
            FileType::Zip,
            Some(HazardKind::ExecutableInside),
        ),
        (
            "two deep",
            zip(&[("a.zip", &zip(&[("b.scr", b"x")]))]),
            FileType::Zip,
            Some(HazardKind::ExecutableInside),
        ),
        (
            "scanner test",
            scanner_test(),
            FileType::Text,
            Some(HazardKind::Eicar),
        ),
        (
            "scanner test packed",
            zip(&[("a.txt", &scanner_test())]),
            FileType::Zip,
            Some(HazardKind::Eicar),
        ),
        ("tar", tar("notes.txt", b"hello"), FileType::Tar, None),
        (
            "program in tar",
            tar("notes.txt", &program()),
            FileType::Tar,
            Some(HazardKind::ExecutableInside),
        ),
        (
            "script in tar",
            tar("run.sh", b"x"),
            FileType::Tar,
            Some(HazardKind::ExecutableInside),
        ),
        ("gzip", gzip(b"hello"), FileType::Gzip, None),
        (
            "tar in gzip",
            gzip(&tar("run.exe", b"x")),
            FileType::Gzip,
            Some(HazardKind::ExecutableInside),
        ),
        (
            "locked 7z",
            [
                &b"7z\xBC\xAF\x27\x1C\0\x04\0\0\0\0"[..],
                &[0; 8],
                &[4, 0, 0, 0, 0, 0, 0, 0],
                &[0; 4],
                b"\x06\xF1\x07\x01",
            ]
            .concat(),
            FileType::SevenZip,
            Some(HazardKind::Encrypted),
        ),
    ];
    for (name, bytes, kind, expected) in rows {
        let findings = look(&bytes);
        assert_eq!(findings.kind, kind, "{name}");
        assert_eq!(
            findings.hazards.first().map(|hazard| hazard.kind),
            expected,
            "{name}: {:?}",
            findings.hazards
        );
    }
}

#[test]
fn bombs() {
    let mut deep = zip(&[("a.txt", b"x")]);
    for _ in 0..6 {
        deep = zip(&[("a.zip", &deep)]);
    }
    assert!(look(&deep).has(HazardKind::Bomb));
    assert!(!look(&gzip(&vec![0; 1 << 20])).has(HazardKind::Bomb));
}

#[test]
fn ends_and_gaps() {
    let one = zip(&[("a.txt", b"first")]);
    let two = [one.as_slice(), &zip(&[("b.txt", b"second")])].concat();
    assert!(
        look(&two).has(HazardKind::Polyglot),
        "an archive behind another"
    );
    let twice = [gzip(b"one"), gzip(b"two")].concat();
    assert_eq!(look(&twice).integrity, Integrity::Whole);
    assert_eq!(
        look(&[twice.as_slice(), b"<html>"].concat()).integrity,
        Integrity::Trailing { bytes: 6 }
    );
    let packed = tar("a.txt", &[7; 600]);
    assert!(matches!(
        look(&packed[..1000]).integrity,
        Integrity::Truncated { .. }
    ));
}

/// A stored entry, by its local header alone.
fn stored(name: &str, bytes: &[u8]) -> Vec<u8> {
    let half = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
    let whole = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let size = [whole(bytes.len()), whole(bytes.len())].concat();
    let lengths = [half(name.len()), half(0)].concat();
    let begin = [&b"PK\x03\x04\x14\0\0\0\0\0"[..], &[0; 8]].concat();
    [
        begin,
        size,
        lengths,
        name.as_bytes().to_vec(),
        bytes.to_vec(),
    ]
    .concat()
}

#[test]
fn a_cut_open_document_is_still_one() {
    let text = b"application/vnd.oasis.opendocument.text";
    for (name, file, kind) in [
        (
            "by its first entry",
            stored("mimetype", text),
            FileType::Odt,
        ),
        (
            "of another type",
            stored("mimetype", b"text/plain"),
            FileType::Zip,
        ),
        ("by another name", stored("mime", text), FileType::Zip),
    ] {
        let cut = [file, stored("content.xml", b"<a/>")].concat();
        let seen = look(&cut);
        assert_eq!(seen.kind, kind, "{name}");
        assert!(
            matches!(seen.integrity, Integrity::Truncated { .. }),
            "{name}: {:?}",
            seen.integrity
        );
    }
}
