//! The project's sample media, judged as they stand: type, integrity, verdict, and how little was read.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which may fail loudly"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the crate opens no file, its tests open the samples"
)]

use attache_inspect::{
    Agreement, Claim, FileType, Findings, Integrity, Judgement, Policy, Verdict, inspect,
};
use std::fs::File;
use std::path::PathBuf;

fn look(name: &str, declared: Option<&str>) -> (Findings, Judgement) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/media")
        .join(name);
    let mut file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let findings = inspect(
        &mut file,
        &Claim {
            declared,
            file_name: Some(name),
        },
    )
    .unwrap();
    let judgement = Policy::default().judge(&findings);
    (findings, judgement)
}

#[test]
fn every_sample_is_what_it_is() {
    let rows = [
        ("photo.jpg", "image/jpeg", FileType::Jpeg),
        ("photo-1mb.jpg", "image/jpeg", FileType::Jpeg),
        ("screenshot.png", "image/png", FileType::Png),
        ("Rechnung März (1).pdf", "application/pdf", FileType::Pdf),
        ("brief.docx", FileType::Docx.mime(), FileType::Docx),
        ("voice.ogg", "audio/ogg; codecs=opus", FileType::OggOpus),
        ("clip.mp4", "video/mp4", FileType::Mp4),
        ("animation.webp", "image/webp", FileType::WebpAnimated),
        ("sticker.webp", "image/webp", FileType::Webp),
        ("anim.gif", "image/gif", FileType::Gif),
        ("notes.txt", "text/plain", FileType::Text),
    ];
    for (name, declared, kind) in rows {
        let (findings, judgement) = look(name, Some(declared));
        assert_eq!(findings.kind, kind, "{name}");
        assert_eq!(findings.integrity, Integrity::Whole, "{name}");
        assert_eq!(
            (&findings.declared, &findings.extension),
            (&Agreement::Agrees, &Agreement::Agrees),
            "{name}"
        );
        assert!(
            findings.hazards.is_empty(),
            "{name}: {:?}",
            findings.hazards
        );
        assert_eq!(
            judgement,
            Judgement {
                verdict: Verdict::Clean,
                reasons: Vec::new()
            },
            "{name}"
        );
        assert!(
            findings.bytes_read <= 160 << 10,
            "{name}: {} bytes read",
            findings.bytes_read
        );
    }
}

#[test]
fn the_executable_is_quarantined_under_any_name() {
    for declared in [
        None,
        Some("image/png"),
        Some("application/vnd.microsoft.portable-executable"),
    ] {
        let (findings, judgement) = look("invoice.png", declared);
        assert_eq!(findings.kind, FileType::Pe);
        assert_eq!(judgement.verdict, Verdict::Quarantined);
        let codes: Vec<_> = judgement
            .reasons
            .iter()
            .map(|reason| reason.code.as_str())
            .collect();
        assert!(
            codes.contains(&"executable") && codes.contains(&"disguised"),
            "{codes:?}"
        );
    }
}

#[test]
fn the_truncated_invoice_is_held() {
    let (findings, judgement) = look("truncated.pdf", Some("application/pdf"));
    assert_eq!(findings.kind, FileType::Pdf);
    assert!(
        matches!(findings.integrity, Integrity::Truncated { .. }),
        "{:?}",
        findings.integrity
    );
    assert_eq!(judgement.verdict, Verdict::Held);
}

#[test]
fn findings_survive_a_row() {
    for name in ["photo.jpg", "invoice.png", "truncated.pdf"] {
        let (findings, judgement) = look(name, Some("text/plain"));
        let row = serde_json::to_string(&(&findings, &judgement)).unwrap();
        assert_eq!(
            serde_json::from_str::<(Findings, Judgement)>(&row).unwrap(),
            (findings, judgement),
            "{name}"
        );
    }
}
