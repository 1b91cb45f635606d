//! Which type, and whether whole.

use crate::build::{media, office, ole2, zip};
use crate::look;
use attache_inspect::{FileType, Integrity};

#[test]
fn office_documents_are_told_by_their_content_types() {
    let word = "application/vnd.openxmlformats-officedocument.wordprocessingml";
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let slides = "application/vnd.openxmlformats-officedocument.presentationml";
    let rows = [
        (format!("{word}.document.main+xml"), FileType::Docx),
        (format!("{word}.template.main+xml"), FileType::Dotx),
        (
            "application/vnd.ms-word.document.macroEnabled.main+xml".to_owned(),
            FileType::Docm,
        ),
        (format!("{sheet}.sheet.main+xml"), FileType::Xlsx),
        (
            "application/vnd.ms-excel.sheet.macroEnabled.main+xml".to_owned(),
            FileType::Xlsm,
        ),
        (
            "application/vnd.ms-excel.sheet.binary.macroEnabled.main".to_owned(),
            FileType::Xlsb,
        ),
        (format!("{slides}.presentation.main+xml"), FileType::Pptx),
        (format!("{slides}.slideshow.main+xml"), FileType::Ppsx),
        (
            "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml".to_owned(),
            FileType::Pptm,
        ),
        ("application/x-unheard-of".to_owned(), FileType::Zip),
    ];
    for (main, kind) in rows {
        let findings = look(&office(&main, &[]));
        assert_eq!(
            (findings.kind, findings.integrity),
            (kind, Integrity::Whole),
            "{main}"
        );
        assert!(findings.hazards.is_empty(), "{main}");
    }
}

#[test]
fn containers() {
    let installer = 0x000c_1084_0000_0000_c000_0000_0000_0046;
    let rows: [(&str, Vec<u8>, FileType); 15] = [
        (
            "jar",
            zip(&[("META-INF/MANIFEST.MF", b"x"), ("a/Main.class", b"x")]),
            FileType::Jar,
        ),
        (
            "apk",
            zip(&[("AndroidManifest.xml", b"x"), ("classes.dex", b"x")]),
            FileType::Apk,
        ),
        (
            "odt",
            zip(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", b"x"),
            ]),
            FileType::Odt,
        ),
        (
            "epub",
            zip(&[("mimetype", b"application/epub+zip")]),
            FileType::Epub,
        ),
        ("zip", zip(&[("notes.txt", b"x")]), FileType::Zip),
        (
            "doc",
            ole2(None, &["WordDocument", "1Table"]),
            FileType::Doc,
        ),
        ("xls", ole2(None, &["Workbook"]), FileType::Xls),
        ("ppt", ole2(None, &["PowerPoint Document"]), FileType::Ppt),
        (
            "msg",
            ole2(None, &["__properties_version1.0"]),
            FileType::OutlookMessage,
        ),
        ("msi", ole2(Some(installer), &["Tables"]), FileType::Msi),
        (
            "locked",
            ole2(None, &["EncryptedPackage", "EncryptionInfo"]),
            FileType::OfficeEncrypted,
        ),
        ("ole2", ole2(None, &["Else"]), FileType::Ole2),
        (
            "opus",
            [&b"OggS"[..], &[0; 22], b"\x01\x13OpusHead", &[0; 11]].concat(),
            FileType::OggOpus,
        ),
        (
            "vorbis",
            [&b"OggS"[..], &[0; 22], b"\x01\x07\x01vorbis"].concat(),
            FileType::OggVorbis,
        ),
        ("wav", [&b"RIFF\x04\0\0\0WAVE"[..]].concat(), FileType::Wav),
    ];
    for (name, bytes, kind) in rows {
        assert_eq!(look(&bytes).kind, kind, "{name}");
    }
}

#[test]
fn brands() {
    let rows = [
        (
            media(b"isom", b"isomiso2avc1mp41", &[b"vide", b"soun"]),
            FileType::Mp4,
        ),
        (media(b"mp42", b"mp42isom", &[b"soun"]), FileType::M4a),
        (media(b"M4A ", b"M4A mp42isom", &[b"soun"]), FileType::M4a),
        (media(b"3gp4", b"3gp4", &[b"vide"]), FileType::ThreeGp),
        (media(b"3g2a", b"3g2a", &[b"vide"]), FileType::ThreeGp2),
        (media(b"qt  ", b"qt  ", &[b"vide"]), FileType::QuickTime),
        (media(b"mif1", b"mif1heic", &[]), FileType::Heic),
        (media(b"mif1", b"mif1avif", &[]), FileType::Avif),
        (media(b"heic", b"mif1heic", &[]), FileType::Heic),
        (media(b"mif1", b"mif1", &[]), FileType::Heif),
    ];
    for (bytes, kind) in rows {
        let findings = look(&bytes);
        assert_eq!(
            (findings.kind, &findings.integrity),
            (kind, &Integrity::Whole),
            "{findings:?}"
        );
        let cut = look(&bytes[..bytes.len() - 9]);
        assert_eq!(cut.kind, kind);
        assert!(
            matches!(cut.integrity, Integrity::Truncated { .. }),
            "{cut:?}"
        );
    }
}

#[test]
fn prose_is_text_whatever_it_begins_with() {
    let rows: [&[u8]; 7] = [
        b"MZ is how it begins, and it is long enough to hold an offset at byte sixty, is it not?",
        b"BM or BMW, that is the question",
        b"PK fire",
        b"ID3 is a tag format",
        b"RIFFs and songs",
        b"%PDF-1.4 is the first line of a PDF",
        b"#!important: call me",
    ];
    for bytes in rows {
        let findings = look(bytes);
        assert_eq!(
            findings.kind,
            FileType::Text,
            "{}",
            String::from_utf8_lossy(bytes)
        );
        assert!(findings.hazards.is_empty());
    }
}

#[test]
fn pdf_ends() {
    let body = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nxref\n0 1\n0000000000 65535 f \ntrailer\n<<>>\nstartxref\n30\n%%EOF\n";
    type Row<'a> = (&'a str, Vec<u8>, fn(&Integrity) -> bool);
    let rows: [Row; 6] = [
        ("whole", body.to_vec(), |end| *end == Integrity::Whole),
        ("late header", [b"\n\n", &body[..]].concat(), |end| {
            *end == Integrity::Whole
        }),
        ("cut", body[..body.len() - 8].to_vec(), |end| {
            matches!(end, Integrity::Truncated { .. })
        }),
        (
            "next revision cut",
            [&body[..], b"2 0 obj\n<<"].concat(),
            |end| matches!(end, Integrity::Truncated { .. }),
        ),
        ("padding", [&body[..], &[0; 50]].concat(), |end| {
            *end == Integrity::Trailing { bytes: 50 }
        }),
        (
            "offset past the end",
            body.to_vec()
                .split_at(body.len() - 9)
                .0
                .iter()
                .copied()
                .chain(*b"99999\n%%EOF")
                .collect(),
            |end| matches!(end, Integrity::Damaged { .. }),
        ),
    ];
    for (name, bytes, expected) in rows {
        let findings = look(&bytes);
        assert_eq!(findings.kind, FileType::Pdf, "{name}");
        assert!(
            expected(&findings.integrity),
            "{name}: {:?}",
            findings.integrity
        );
    }
}

#[test]
fn an_empty_file_is_damaged() {
    let findings = look(b"");
    assert_eq!(findings.kind, FileType::Unknown);
    assert!(matches!(findings.integrity, Integrity::Damaged { .. }));
}
