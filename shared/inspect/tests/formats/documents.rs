//! What documents would start, load or carry: office packages, compound files, PDF, RTF, mail.

use crate::build::{office, ole2, zip};
use crate::look;
use attache_inspect::{FileType, HazardKind, Policy, Verdict};

const WORD: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";

fn link(kind: &str, target: &str) -> Vec<u8> {
    format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"a\" \
         Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\" \
         TargetMode=\"External\"/></Relationships>"
    )
    .into_bytes()
}

#[test]
fn office_packages() {
    let field = b"<w:document><w:r><w:instrText>DDE</w:instrText></w:r><w:r><w:instrText>AUTO cmd</w:instrText></w:r></w:document>";
    let package = [&[9, 0, 0, 0][..], b"\x02\0run.exe\0C:\\run.exe\0"].concat();
    let object = ole2(None, &["/x"]);
    let packed = {
        let mut file = cfb::CompoundFile::open(std::io::Cursor::new(object)).unwrap();
        std::io::Write::write_all(
            &mut file.create_stream("/\u{1}Ole10Native").unwrap(),
            &package,
        )
        .unwrap();
        file.into_inner().into_inner()
    };
    let settings = "word/_rels/settings.xml.rels";
    type Row<'a> = (&'a str, &'a str, &'a str, Vec<u8>, Option<HazardKind>);
    let rows: [Row; 17] = [
        (
            "plain",
            WORD,
            "word/document.xml",
            b"<w:t>DDEAUTO</w:t>".to_vec(),
            None,
        ),
        (
            "field",
            WORD,
            "word/document.xml",
            field.to_vec(),
            Some(HazardKind::Dde),
        ),
        (
            "field in a footer",
            WORD,
            "word/footer1.xml",
            field.to_vec(),
            Some(HazardKind::Dde),
        ),
        (
            "link",
            SHEET,
            "xl/externalLinks/externalLink1.xml",
            b"<externalLink><ddeLink ddeService='cmd'/></externalLink>".to_vec(),
            Some(HazardKind::Dde),
        ),
        (
            "binary link",
            SHEET,
            "xl/externalLinks/externalLink1.bin",
            vec![0xE8, 0x02, 8, 1, 0, 0, 0, 0],
            Some(HazardKind::Dde),
        ),
        (
            "workbook link",
            SHEET,
            "xl/externalLinks/externalLink1.xml",
            b"<externalLink><externalBook/></externalLink>".to_vec(),
            None,
        ),
        (
            "template",
            WORD,
            settings,
            link("attachedTemplate", "http://a.example/t.dotm"),
            Some(HazardKind::ExternalTemplate),
        ),
        (
            "hidden template",
            WORD,
            settings,
            link("attachedTemplate", "&#104;ttp://a.example/t"),
            Some(HazardKind::ExternalTemplate),
        ),
        (
            "own template",
            WORD,
            settings,
            link("attachedTemplate", "file:///C:\\Normal.dotm"),
            None,
        ),
        (
            "object elsewhere",
            WORD,
            "word/_rels/document.xml.rels",
            link("oleObject", "mhtml:http://a.example"),
            Some(HazardKind::ExternalObject),
        ),
        (
            "picture from the web",
            WORD,
            "word/_rels/document.xml.rels",
            link("image", "https://a.example/logo.png"),
            Some(HazardKind::ExternalMedia),
        ),
        (
            "picture from a share",
            WORD,
            "word/_rels/document.xml.rels",
            link("image", "file://server/share/logo.png"),
            Some(HazardKind::ExternalObject),
        ),
        (
            "program as a part",
            WORD,
            "word/embeddings/a.bin",
            b"\x7FELF\x02\x01\x01\0".to_vec(),
            Some(HazardKind::EmbeddedExecutable),
        ),
        (
            "address",
            WORD,
            "word/_rels/document.xml.rels",
            link("hyperlink", "http://a.example"),
            None,
        ),
        (
            "packed file",
            WORD,
            "word/embeddings/oleObject1.bin",
            packed,
            Some(HazardKind::OlePackage),
        ),
        (
            "macros inside",
            WORD,
            "word/embeddings/book.xlsm",
            office(SHEET, &[("xl/vbaProject.bin", b"x")]),
            Some(HazardKind::Macro),
        ),
        (
            "empty part",
            WORD,
            "word/embeddings/oleObject1.bin",
            Vec::new(),
            None,
        ),
    ];
    for (name, main, part, bytes, expected) in rows {
        let findings = look(&office(main, &[(part, &bytes)]));
        let found = findings.hazards.first().map(|hazard| hazard.kind);
        assert_eq!(found, expected, "{name}: {:?}", findings.hazards);
    }
}

#[test]
fn code_under_another_name() {
    let types = "<Types><Override PartName='/word/document.xml' ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/>\
                 <Override PartName='/word/data.dat' ContentType='application/vnd.ms-office.vbaProject'/></Types>";
    let renamed = look(&zip(&[
        ("word/data.dat", b"x"),
        ("[Content_Types].xml", types.as_bytes()),
    ]));
    assert!(
        renamed.kind == FileType::Docx && renamed.has(HazardKind::Macro),
        "{renamed:?}"
    );
}

#[test]
fn open_documents() {
    let document = |part: &str, xml: &str| {
        let manifest = ("META-INF/manifest.xml", &b"<manifest:manifest/>"[..]);
        let mime = ("mimetype", &b"application/vnd.oasis.opendocument.text"[..]);
        zip(&[mime, manifest, (part, xml.as_bytes())])
    };
    let rows = [
        (document("content.xml", "<office:scripts/>"), None),
        (
            document("Basic/Standard/Module1.xml", "<x/>"),
            Some(HazardKind::Macro),
        ),
        (
            document("content.xml", "<x><table:dde-link/></x>"),
            Some(HazardKind::Dde),
        ),
        (
            document(
                "meta.xml",
                "<m><meta:template xlink:href='http://a.example/t'/></m>",
            ),
            Some(HazardKind::ExternalTemplate),
        ),
        (
            document(
                "content.xml",
                "<x><script:event-listener xlink:href='vnd.sun.star.script:a'/></x>",
            ),
            Some(HazardKind::Macro),
        ),
    ];
    for (bytes, expected) in rows {
        let findings = look(&bytes);
        assert_eq!(findings.kind, FileType::Odt);
        assert_eq!(findings.hazards.first().map(|hazard| hazard.kind), expected);
    }
}

/// A whole PDF of these objects.
fn pdf(objects: impl AsRef<[u8]>) -> Vec<u8> {
    let first = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n";
    let body = [&first[..], objects.as_ref()].concat();
    let end = format!(
        "xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R>>\nstartxref\n{}\n%%EOF\n",
        body.len()
    );
    [body, end.into_bytes()].concat()
}

#[test]
fn pdf_objects() {
    let hexadecimal: String = b"7 0 << /S /Launch /F (a) >>"
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // As qpdf locks with 40 bits and an empty password.
    let restricted = "4 0 obj\n<</Filter/Standard/V 1/R 2/Length 40/P -12\
        /O<d8a81f2f756b03f0e776376607dc67c098531ac3e51f6e5cf0fc1473b1ce0975>\
        /U<5fcef3dc7b5c6f0be57878ae43f171252ad7c082c319c0fe00dd79061e924a64>>>\nendobj\n\
        trailer <</Encrypt 4 0 R/ID[<31415926535897932384626433832795>]>>\n";
    let rows = [
        ("plain", "3 0 obj\n<</A<</S/URI/URI(http://a)>>>>\nendobj\n".to_owned(), None),
        ("script", "3 0 obj\n<</S/JavaScript/JS 4 0 R>>\nendobj\n".to_owned(), Some(HazardKind::PdfJavascript)),
        ("escaped", "3 0 obj <</#53/J#61vaScript/JS(x)>> endobj\n".to_owned(), Some(HazardKind::PdfJavascript)),
        ("said, not done", "3 0 obj\n(/S /JavaScript /JS)\nendobj\n".to_owned(), None),
        ("in a stream", "3 0 obj\n<</Length 24>>\nstream\n9 0 obj <</S/Launch>> xxx\nendstream\nendobj\n".to_owned(), None),
        ("wrong length", "3 0 obj\n<</Length 9>>\nstream\nabc\nendstream\nendobj\n4 0 obj\n<</S/Launch/F(a)>>\nendobj\n".to_owned(), Some(HazardKind::PdfLaunch)),
        ("object stream", format!("3 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/ASCIIHexDecode/Length {}>>\nstream\n{hexadecimal}\nendstream\nendobj\n", hexadecimal.len()), Some(HazardKind::PdfLaunch)),
        ("script elsewhere", "3 0 obj\n<</S/JavaScript/JS 4 0 R>>\nendobj\n4 0 obj\n(app.beep\\(\\))\nendobj\n".to_owned(), Some(HazardKind::PdfJavascript)),
        ("sum elsewhere", "3 0 obj\n<</S/JavaScript/JS 4 0 R>>\nendobj\n4 0 obj\n<</Length 12>>\nstream\nprint(true);\nendstream\nendobj\n".to_owned(), Some(HazardKind::PdfFormScript)),
        ("sum replaced", "3 0 obj\n<</S/JavaScript/JS 4 0 R>>\nendobj\n4 0 obj\n(print\\(\\))\nendobj\n4 0 obj\n(app.beep\\(\\))\nendobj\n".to_owned(), Some(HazardKind::PdfJavascript)),
        ("locked", "trailer <</Encrypt 4 0 R>>\n".to_owned(), Some(HazardKind::Encrypted)),
        ("restricted", restricted.to_owned(), Some(HazardKind::Restricted)),
        ("two locks", format!("{restricted}trailer <</Encrypt 9 0 R>>\n"), Some(HazardKind::Encrypted)),
        ("form", "3 0 obj\n<</XFA[(a) 4 0 R]>>\nendobj\n4 0 obj\n<</Length 11>>\nstream\n<template/>\nendstream\nendobj\n".to_owned(), Some(HazardKind::Xfa)),
    ];
    for (name, objects, expected) in rows {
        let findings = look(&pdf(objects));
        assert_eq!(findings.kind, FileType::Pdf, "{name}");
        assert_eq!(
            findings.hazards.first().map(|hazard| hazard.kind),
            expected,
            "{name}: {:?}",
            findings.hazards
        );
    }
}

#[test]
fn what_a_pdf_brings() {
    let attached = |name: &str, bytes: &[u8]| -> Vec<u8> {
        let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let length = hexadecimal.len();
        pdf(format!(
            "3 0 obj\n<</Type/Filespec/F({name})/EF<</F 4 0 R>>>>\nendobj\n\
             4 0 obj\n<</Filter/ASCIIHexDecode/Length {length}>>\nstream\n{hexadecimal}\nendstream\nendobj\n"
        ))
    };
    let macros = office(SHEET, &[("xl/vbaProject.bin", b"x")]);
    let (archive, inner) = (
        zip(&[("a.txt", b"x")]),
        attached("a.xml", b"<?xml version='1.0'?><a/>"),
    );
    let rows: [(&str, Vec<u8>, Verdict, Option<HazardKind>); 12] = [
        (
            "invoice",
            attached("factur-x.xml", b"<?xml version='1.0'?><a/>"),
            Verdict::Clean,
            None,
        ),
        (
            "table",
            attached("a.csv", b"a;b\n1;2\n3;4\n"),
            Verdict::Clean,
            None,
        ),
        (
            "picture",
            attached(
                "a.gif",
                b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
            ),
            Verdict::Clean,
            None,
        ),
        ("document", attached("a.pdf", &inner), Verdict::Clean, None),
        (
            "workbook",
            attached("a.xlsx", &office(SHEET, &[])),
            Verdict::Clean,
            None,
        ),
        (
            "program",
            attached("a.txt", b"\x7FELF\x02\x01\x01\0"),
            Verdict::Quarantined,
            Some(HazardKind::EmbeddedExecutable),
        ),
        (
            "script",
            attached("a.js", b"one()"),
            Verdict::Quarantined,
            Some(HazardKind::EmbeddedExecutable),
        ),
        (
            "macros",
            attached("a.xlsm", &macros),
            Verdict::Quarantined,
            Some(HazardKind::Macro),
        ),
        (
            "page",
            attached("a.html", b"<!doctype html><p>x"),
            Verdict::Held,
            Some(HazardKind::EmbeddedUnknown),
        ),
        (
            "archive",
            attached("a.zip", &archive),
            Verdict::Held,
            Some(HazardKind::EmbeddedUnknown),
        ),
        (
            "nothing we know",
            attached("a.dat", &[1, 2, 3, 4]),
            Verdict::Held,
            Some(HazardKind::EmbeddedUnknown),
        ),
        (
            "missing",
            pdf("3 0 obj\n<</F(a.xml)/EF 4 0 R>>\nendobj\n"),
            Verdict::Held,
            Some(HazardKind::EmbeddedUnknown),
        ),
    ];
    for (name, bytes, verdict, flag) in rows {
        let findings = look(&bytes);
        assert!(findings.has(HazardKind::EmbeddedFile), "{name}");
        assert!(
            flag.is_none_or(|flag| findings.has(flag)),
            "{name}: {:?}",
            findings.hazards
        );
        assert_eq!(
            Policy::default().judge(&findings).verdict,
            verdict,
            "{name}: {:?}",
            findings.hazards
        );
    }
}

#[test]
fn an_archive_that_a_pdf_openly_carries_is_no_second_face() {
    let workbook = office(SHEET, &[]);
    let stored = |dictionary: &str| {
        let head = format!(
            "{dictionary}4 0 obj\n<</Length {}>>\nstream\n",
            workbook.len()
        );
        let tail = b"\nendstream\nendobj\n";
        look(&pdf([head.as_bytes(), &workbook, tail].concat()))
    };
    let open = stored("3 0 obj\n<</F(a.xlsx)/EF<</F 4 0 R>>>>\nendobj\n");
    assert!(open.has(HazardKind::EmbeddedFile), "{open:?}");
    assert_eq!(Policy::default().judge(&open).verdict, Verdict::Clean);
    let hybrid = stored("trailer <</AdditionalStreams[/a 4 0 R]>>\n");
    assert_eq!(Policy::default().judge(&hybrid).verdict, Verdict::Clean);
    assert!(stored("").has(HazardKind::Polyglot));
}

#[test]
fn documents_in_documents_have_an_end() {
    let mut bytes = b"<a/>".to_vec();
    for _ in 0..5 {
        let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let length = hexadecimal.len();
        bytes = pdf(format!(
            "3 0 obj\n<</EF<</F 4 0 R>>>>\nendobj\n4 0 obj\n<</Filter/AHx/Length {length}>>\nstream\n{hexadecimal}\nendstream\nendobj\n"
        ));
    }
    assert!(look(&bytes).has(HazardKind::EmbeddedUnknown));
}

#[test]
fn mail_that_brings_programs() {
    let mail = b"From: a@b\r\nTo: c@d\r\nSubject: x\r\nMIME-Version: 1.0\r\n\r\nContent-Disposition: attachment; filename=\"a.exe\"\r\n";
    let findings = look(mail);
    assert!(
        findings.kind == FileType::Email && findings.has(HazardKind::ExecutableInside),
        "{findings:?}"
    );
    let message = ole2(
        None,
        &[
            "__properties_version1.0",
            "__attach_version1.0_#00000000/__substg1.0_37010102",
        ],
    );
    let findings = look(&message);
    assert!(
        findings.kind == FileType::OutlookMessage && findings.hazards.is_empty(),
        "{findings:?}"
    );
}

#[test]
fn parts_are_judged_by_what_they_are() {
    let main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    let elf: &[u8] = b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0";
    let link = b"<Relationships><Relationship Type='http://a/aFChunk' Target='/word/chunk.xml'/></Relationships>";
    let page: &[u8] = b"<html><script>a()</script></html>";
    let external = b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///a'>]><w:document>&x;</w:document>";
    type Row<'a> = (&'a str, Vec<(&'a str, &'a [u8])>, Option<HazardKind>);
    let rows: [Row<'_>; 8] = [
        (
            "program among pictures",
            vec![("word/media/image1.png", elf)],
            Some(HazardKind::EmbeddedExecutable),
        ),
        (
            "picture",
            vec![("word/media/image1.png", b"\x89PNG\r\n\x1A\n")],
            None,
        ),
        (
            "script as object",
            vec![("word/embeddings/run.js", b"a()")],
            Some(HazardKind::EmbeddedExecutable),
        ),
        (
            "page as part of the text",
            vec![("word/chunk.html", page)],
            Some(HazardKind::MarkupScript),
        ),
        (
            "page called data",
            vec![
                ("word/_rels/document.xml.rels", link),
                ("word/chunk.xml", page),
            ],
            Some(HazardKind::MarkupScript),
        ),
        (
            "printer settings",
            vec![("xl/printerSettings/p1.bin", &[0, 1, 2, 3, 250, 251])],
            None,
        ),
        (
            "entity that fetches",
            vec![("word/document.xml", external)],
            Some(HazardKind::ExternalEntity),
        ),
        (
            "plain text",
            vec![(
                "word/document.xml",
                b"<w:document><w:t>instr=\xC3\xA4</w:t></w:document>",
            )],
            None,
        ),
    ];
    for (name, more, expected) in rows {
        let findings = look(&office(main, &more));
        let found = findings.hazards.first().map(|hazard| hazard.kind);
        assert_eq!(found, expected, "{name}: {:?}", findings.hazards);
    }
}
