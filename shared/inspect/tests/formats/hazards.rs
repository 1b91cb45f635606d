//! Which hazards, and which not.

use crate::build::{media, office, ole2, zip};
use crate::look;
use attache_inspect::{Claim, FileType, HazardKind, Integrity, inspect};
use std::io::Cursor;

#[test]
fn a_macro_shows_under_any_main_type() {
    let plain = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    for part in [
        "word/vbaProject.bin",
        "word/VBAPROJECT.BIN",
        "odd\\vbaProject.bin",
        "xl/macrosheets/sheet1.xml",
    ] {
        let findings = look(&office(plain, &[(part, b"x")]));
        assert!(findings.has(HazardKind::Macro), "{part}");
    }
    let legacy = look(&ole2(None, &["WordDocument", "Macros/VBA/_VBA_PROJECT"]));
    assert!(
        legacy.kind == FileType::Doc && legacy.has(HazardKind::Macro),
        "{legacy:?}"
    );
}

#[test]
fn executables_in_any_disguise() {
    let pe = [
        &b"MZ"[..],
        &[0; 58],
        &0x40u32.to_le_bytes(),
        b"PE\0\0",
        &[0; 20],
    ]
    .concat();
    let rows: [(&[u8], FileType); 12] = [
        (&pe, FileType::Pe),
        (b"MZ\x90\0\x03\0\0\0", FileType::DosExecutable),
        (b"\x7FELF\x02\x01\x01\0", FileType::Elf),
        (b"\xCF\xFA\xED\xFE\x07\0\0\x01", FileType::MachO),
        (b"\xCA\xFE\xBA\xBE\0\0\0\x02", FileType::MachO),
        (b"\xCA\xFE\xBA\xBE\0\0\0\x3D", FileType::JavaClass),
        (
            b"\x4C\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0\x46\x9B",
            FileType::WindowsShortcut,
        ),
        (b"\0asm\x01\0\0\0", FileType::Wasm),
        (b"dex\n035\0", FileType::Dex),
        (b"#!/bin/sh\necho hi\n", FileType::ShellScript),
        (b"@ECHO OFF\r\ndir\r\n", FileType::BatchScript),
        (b"<?php echo 1;", FileType::PhpScript),
    ];
    for (bytes, kind) in rows {
        let findings = look(bytes);
        assert_eq!(findings.kind, kind);
        assert!(
            findings.has(HazardKind::Executable) || findings.has(HazardKind::Script),
            "{kind:?}"
        );
    }
}

#[test]
fn names_that_run_text() {
    let rows = [
        ("a.js", true),
        ("a.PS1", true),
        ("a.vbs. ", true),
        ("a.txt", false),
        ("js", false),
    ];
    for (name, script) in rows {
        let claim = Claim {
            declared: None,
            file_name: Some(name),
        };
        let findings = inspect(&mut Cursor::new(b"one line\n"), &claim).unwrap();
        assert_eq!(findings.has(HazardKind::Script), script, "{name}");
        assert_eq!(findings.kind, FileType::Text);
    }
}

#[test]
fn what_hides_behind_a_picture() {
    let gif = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let clean = look(gif);
    assert_eq!(
        (clean.kind, clean.integrity, clean.hazards),
        (FileType::Gif, Integrity::Whole, Vec::new())
    );
    let archive = zip(&[("a.txt", b"x")]);
    let rows: [(&str, &[u8], Option<HazardKind>); 10] = [
        ("archive", &archive, Some(HazardKind::Polyglot)),
        ("program", b"MZ\x90\0", Some(HazardKind::TrailingExecutable)),
        (
            "script",
            b"\n#!/bin/sh\n",
            Some(HazardKind::TrailingExecutable),
        ),
        (
            "page",
            b"<script>alert(1)</script>",
            Some(HazardKind::Polyglot),
        ),
        ("picture", b"\x89PNG\r\n\x1A\n", Some(HazardKind::Polyglot)),
        ("rar", b"Rar!\x1A\x07\x01\0", Some(HazardKind::Polyglot)),
        ("pdf", b"%PDF-1.4\n", Some(HazardKind::Polyglot)),
        ("notes", b"some notes", Some(HazardKind::TrailingData)),
        ("padding", &[0; 100], None),
        ("a clip", b"\0\0\0\x18ftypmp42", None),
    ];
    for (name, behind, hazard) in rows {
        let findings = look(&[gif, behind].concat());
        assert_eq!(findings.kind, FileType::Gif, "{name}");
        assert_eq!(
            findings.integrity,
            Integrity::Trailing {
                bytes: behind.len() as u64
            },
            "{name}"
        );
        assert_eq!(
            findings.hazards.first().map(|found| found.kind),
            hazard,
            "{name}"
        );
    }
    let padded_archive = [&gif[..], &[7; 5000], &archive].concat();
    assert!(look(&padded_archive).has(HazardKind::Polyglot));
}

#[test]
fn what_begins_where_formats_without_an_end_stop() {
    let mut frame = vec![0; 417];
    frame[..3].copy_from_slice(b"\xFF\xFB\x90");
    // One row of four bytes, its directory behind it.
    let tiff = [
        &b"II*\0\x0C\0\0\0abcd\x02\0"[..],
        b"\x11\x01\x04\0\x01\0\0\0\x08\0\0\0",
        b"\x17\x01\x04\0\x01\0\0\0\x04\0\0\0\0\0\0\0",
    ]
    .concat();
    let hosts = [
        ("sound", FileType::Mp3, frame.repeat(8)),
        ("TIFF", FileType::Tiff, tiff),
        ("Word 97", FileType::Doc, ole2(None, &["WordDocument"])),
        ("film", FileType::Mp4, media(b"isom", b"mp42", &[b"vide"])),
    ];
    let joined: [(&str, &[u8], HazardKind); 5] = [
        (
            "gzip",
            b"\x1F\x8B\x08\0\0\0\0\0\0\x03",
            HazardKind::Polyglot,
        ),
        ("RTF", b"{\\rtf1 x}", HazardKind::Polyglot),
        ("a page", b"<script>x</script>", HazardKind::Polyglot),
        (
            "a program",
            b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
            HazardKind::TrailingExecutable,
        ),
        (
            "a script",
            b"#!/bin/sh\nx\n",
            HazardKind::TrailingExecutable,
        ),
    ];
    for (host, kind, bytes) in hosts {
        let clean = look(&bytes);
        assert_eq!((clean.kind, clean.hazards), (kind, Vec::new()), "{host}");
        for (name, behind, hazard) in &joined {
            let findings = look(&[&bytes, *behind].concat());
            assert_eq!(findings.kind, kind, "{name} behind {host}");
            assert!(findings.has(*hazard), "{name} behind {host}: {findings:?}");
        }
    }
    let tagged = [&frame.repeat(8)[..], b"ID3\x04\0\0\0\0\0\0"].concat();
    assert!(
        look(&tagged).hazards.is_empty(),
        "a tag at the end of sound"
    );
}

#[test]
fn archives_we_cannot_or_will_not_open() {
    let mut locked = zip(&[("a.txt", b"x")]);
    let directory = locked
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    locked[directory + 8] |= 1;
    assert!(look(&locked).has(HazardKind::Encrypted));

    let mut dense = zip(&[("a.txt", b"x")]);
    let directory = dense
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    dense[directory + 24..directory + 28].copy_from_slice(&(2_u32 << 30).to_le_bytes());
    assert!(look(&dense).has(HazardKind::Bomb));

    let mut crowded = zip(&[("a.txt", b"x")]);
    let end = crowded.len() - 22;
    crowded[end + 8..end + 12].copy_from_slice(&[0xFF; 4]);
    assert!(look(&crowded).has(HazardKind::Bomb));

    let whole = zip(&[("a.txt", b"some words"), ("b.exe", b"x")]);
    assert!(look(&whole).has(HazardKind::ExecutableInside));
    for kept in [5, 40, whole.len() - 30, whole.len() - 1] {
        let cut = look(&whole[..kept]);
        assert_eq!(cut.kind, FileType::Zip);
        assert!(
            matches!(cut.integrity, Integrity::Truncated { .. }),
            "{kept}: {cut:?}"
        );
    }
    let trailing = look(&[whole.as_slice(), b"tail"].concat());
    assert_eq!(trailing.integrity, Integrity::Trailing { bytes: 4 });
}

#[test]
fn pictures_too_large_to_unfold() {
    let png = |side: u32| {
        let sides = side.to_be_bytes();
        let header = [b"IHDR", &sides[..], &sides, &[8, 2, 0, 0, 0]].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&header);
        [
            &b"\x89PNG\r\n\x1A\n\0\0\0\x0D"[..],
            &header,
            &sum.sum().to_be_bytes(),
            b"\0\0\0\0IEND\xAE\x42\x60\x82",
        ]
        .concat()
    };
    assert!(look(&png(100_000)).has(HazardKind::Bomb));
    let frame = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02D\x01\0;";
    assert!(
        look(frame).has(HazardKind::Bomb),
        "a frame larger than its screen"
    );
    assert!(!look(&png(8_000)).has(HazardKind::Bomb));
    assert_eq!(look(&png(8_000)).integrity, Integrity::Whole);
}

#[test]
fn markup_that_runs() {
    let rows: [(&[u8], FileType, bool); 6] = [
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>",
            FileType::Svg,
            true,
        ),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>",
            FileType::Svg,
            false,
        ),
        (
            b"\xEF\xBB\xBF<?xml version='1.0'?><svg onload='x()'/>",
            FileType::Svg,
            true,
        ),
        (b"\xFF\xFE<\0s\0c\0r\0i\0p\0t\0>\0x\0", FileType::Html, true),
        (b"<!doctype html><p>hello", FileType::Html, false),
        (b"Gr\xFC\xDFe\n<script>x</script>", FileType::Text, true),
    ];
    for (bytes, kind, runs) in rows {
        let findings = look(bytes);
        assert_eq!(
            (findings.kind, findings.has(HazardKind::MarkupScript)),
            (kind, runs),
            "{findings:?}"
        );
    }
}

#[test]
fn a_file_that_hides_its_end_is_beyond_limits() {
    // A JPEG whose scan never ends, larger than we are willing to read.
    let mut endless = b"\xFF\xD8\xFF\xDA\0\x02".to_vec();
    endless.resize(20 << 20, 0x55);
    let findings = look(&endless);
    assert!(findings.has(HazardKind::BeyondLimits));
    assert_eq!(findings.integrity, Integrity::NotChecked);
    assert!(findings.bytes_read <= attache_inspect::READ_CAP);
}

#[test]
fn long_pages_are_judged_to_their_end() {
    let page = |padding: usize, end: &str| {
        look(
            &[
                &b"<!doctype html><p>"[..],
                &vec![b' '; padding],
                end.as_bytes(),
            ]
            .concat(),
        )
    };
    let rows = [
        ("nothing", 3 << 20, "<p>the end</p>", None),
        (
            "a script",
            2 << 20,
            "<script>x</script>",
            Some(HazardKind::MarkupScript),
        ),
        (
            "late entities",
            2 << 20,
            "<!ENTITY a 'b'>",
            Some(HazardKind::BeyondLimits),
        ),
        ("too long", 20 << 20, "", Some(HazardKind::BeyondLimits)),
    ];
    for (name, padding, end, expected) in rows {
        let findings = page(padding, end);
        assert_eq!(findings.kind, FileType::Html, "{name}");
        let first = findings.hazards.first().map(|one| one.kind);
        assert_eq!(first, expected, "{name}");
    }
}

#[test]
fn long_data_is_fine_as_long_as_nothing_in_it_could_run() {
    let start = "<?xml version='1.0'?><statement xmlns='urn:a'>";
    let long = |end: &str| {
        let entries = "<entry><amount>1.00</amount></entry>".repeat(60_000);
        look(format!("{start}{entries}{end}</statement>").as_bytes())
    };
    let data = long("");
    assert!(
        data.kind == FileType::Xml && data.hazards.is_empty(),
        "{data:?}"
    );
    for end in [
        "<a xmlns='http://www.w3.org/1999/xhtml'><script/></a>",
        "<a xmlns='http&#58;//www.w3.org/1999/xhtml'><script/></a>",
    ] {
        assert!(long(end).has(HazardKind::MarkupScript), "{end}");
    }
}
