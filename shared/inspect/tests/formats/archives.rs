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
fn what_is_inside_is_judged_as_it_would_be_alone() {
    let launch = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/OpenAction<</S/Launch/F(a)>>>>\nendobj\ntrailer <</Root 1 0 R>>\nstartxref\n9\n%%EOF";
    let page = b"<html><body><script>alert(1)</script></body></html>";
    let batch = b"@echo off\r\ngoto end\r\n:end\r\n";
    let locked = b"7z\xBC\xAF\x27\x1C\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let many: Vec<(String, Vec<u8>)> = (0..80)
        .map(|n| {
            (
                format!("{n}.txt"),
                if n == 79 {
                    program()
                } else {
                    b"words".to_vec()
                },
            )
        })
        .collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    // What does not pack, so that the inner archive is large.
    let noise: Vec<u8> = (0..700_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let large = zip(&[("noise", &noise), ("setup.exe", &program())]);
    assert!(large.len() > 2 << 20);
    let mail = |part: &str| {
        [b"From: a@b\r\nTo: c@d\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n", part.as_bytes(), b"\r\n--x--\r\n"].concat()
    };
    let tars = [tar("a.txt", b"words"), tar("b.txt", &program())];
    let tars = [&tars[0][..1024], &tars[1][..]].concat();
    let rows: [(&str, Vec<u8>, Option<HazardKind>); 22] = [
        (
            "the 80th entry",
            zip(&many),
            Some(HazardKind::ExecutableInside),
        ),
        (
            "a large archive inside",
            zip(&[("inner.zip", &large)]),
            Some(HazardKind::ExecutableInside),
        ),
        (
            "a document that starts something",
            zip(&[("a.pdf", launch)]),
            Some(HazardKind::PdfLaunch),
        ),
        (
            "a page that runs",
            zip(&[("a.html", page)]),
            Some(HazardKind::MarkupScript),
        ),
        (
            "a page that does not",
            zip(&[("a.html", b"<html><body>a</body></html>")]),
            None,
        ),
        (
            "a script without a name of one",
            zip(&[("notes", batch)]),
            Some(HazardKind::ExecutableInside),
        ),
        (
            "data of nobody's",
            zip(&[("a.dat", &[0, 1, 2, 200, 3])]),
            None,
        ),
        (
            "an archive that is not opened",
            zip(&[("a.7z", locked)]),
            Some(HazardKind::UnseenInside),
        ),
        (
            "packed drawing that runs",
            gzip(b"<svg xmlns='http://www.w3.org/2000/svg'><script>a()</script></svg>"),
            Some(HazardKind::MarkupScript),
        ),
        (
            "packed scanner test",
            gzip(&scanner_test()),
            Some(HazardKind::Eicar),
        ),
        (
            "the second entry of a packed tar",
            gzip(&tars),
            Some(HazardKind::ExecutableInside),
        ),
        (
            "the scanner test in a tar",
            tar("a.txt", &scanner_test()),
            Some(HazardKind::Eicar),
        ),
        (
            "xz",
            b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46\0\0\0\0".to_vec(),
            Some(HazardKind::UnseenInside),
        ),
        ("7z", locked.to_vec(), Some(HazardKind::UnseenInside)),
        (
            "attached program",
            mail(
                "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=invoice.pdf\r\n\r\nf0VMRgIBAQAAAAAAAAAAAA==",
            ),
            Some(HazardKind::ExecutableInside),
        ),
        (
            "name in escapes",
            mail("Content-Disposition: attachment; filename*=UTF-8''invoice.%65xe\r\n\r\nx"),
            Some(HazardKind::ExecutableInside),
        ),
        (
            "name in pieces",
            mail(
                "Content-Disposition: attachment; filename*0=invoice.e;\r\n filename*1=xe\r\n\r\nx",
            ),
            Some(HazardKind::ExecutableInside),
        ),
        (
            "attached page",
            mail(
                "Content-Type: text/html\r\nContent-Disposition: attachment; filename=a.html\r\n\r\n<html><script>a()</script></html>",
            ),
            Some(HazardKind::MarkupScript),
        ),
        (
            "quoted page",
            mail(
                "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><scr=\r\nipt>a=28)</script></html>",
            ),
            Some(HazardKind::MarkupScript),
        ),
        (
            "attached scanner test in an archive",
            mail(&format!(
                "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.zip\r\n\r\n{}",
                base64(&zip(&[("a", &scanner_test())]))
            )),
            Some(HazardKind::Eicar),
        ),
        (
            "attached picture",
            mail(
                "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.gif\r\n\r\nR0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=",
            ),
            None,
        ),
        ("words", mail("Content-Type: text/plain\r\n\r\nhello"), None),
    ];
    for (name, bytes, expected) in rows {
        let findings = look(&bytes);
        let found = findings.hazards.first().map(|hazard| hazard.kind);
        assert_eq!(found, expected, "{name}: {:?}", findings.hazards);
    }
}

fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(letters[(bits & 63) as usize]);
    bytes
        .chunks(3)
        .map(|three| {
            let bits = three.iter().fold(0, |bits, &b| bits << 8 | u32::from(b))
                << (8 * (3 - three.len()));
            let all = [18, 12, 6, 0].map(|by| letter(bits >> by));
            let kept: String = all[..=three.len()].iter().collect();
            format!("{kept:=<4}")
        })
        .collect()
}

/// An archive whose entry holds more than it states, at both places where it does.
fn understated(bytes: &[u8], stated: u32) -> Vec<u8> {
    let mut archive = zip(&[("a.txt", bytes)]);
    for (mark, field) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let at = archive.windows(4).position(|four| four == mark).unwrap() + field;
        archive[at..at + 4].copy_from_slice(&stated.to_le_bytes());
    }
    archive
}

#[test]
fn entries_that_are_not_what_they_state() {
    let lying = look(&understated(&[b'a'; 300_000], 1000));
    assert!(
        matches!(lying.integrity, Integrity::Damaged { .. }),
        "{lying:?}"
    );
    let mut damaged = zip(&[
        ("a.txt", b"some words that are packed, more or less"),
        ("b.txt", b"x"),
    ]);
    damaged[45] ^= 0x55;
    let damaged = look(&damaged);
    assert!(
        matches!(damaged.integrity, Integrity::Damaged { .. }),
        "{damaged:?}"
    );
}

#[test]
fn bombs() {
    // Harmless on each level.
    let flat = zip(&[("zeros", &vec![0; 1 << 20])]);
    let ten = |inner: &[u8]| {
        let names: Vec<String> = (0..10).map(|n| format!("{n}.zip")).collect();
        let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), inner)).collect();
        zip(&entries)
    };
    let wide = ten(&ten(&flat));
    assert!(!look(&ten(&flat)).has(HazardKind::Bomb));
    let found = look(&wide);
    assert!(found.has(HazardKind::Bomb), "{found:?}");
    assert!(!look(&gzip(&gzip(&[7; 50_000]))).has(HazardKind::Bomb));
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
