//! Foreign bytes never panic, never fail, and never cost more than the cap: random, mutated, cut and joined files.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which may fail loudly"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the crate opens no file, its tests open the samples"
)]

use attache_inspect::{Claim, FileType, Policy, READ_CAP, inspect, sniff};
use proptest::prelude::*;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

/// Sample media, and beginnings of formats they do not cover.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let names = [
        "photo.jpg",
        "screenshot.png",
        "Rechnung März (1).pdf",
        "brief.docx",
        "voice.ogg",
        "clip.mp4",
        "animation.webp",
        "anim.gif",
        "notes.txt",
        "invoice.png",
    ];
    let media = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/media");
    let mut seeds: Vec<Vec<u8>> = names
        .iter()
        .map(|name| std::fs::read(media.join(name)).unwrap())
        .collect();
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    compound.create_stream("WordDocument").unwrap();
    compound.create_storage("Macros").unwrap();
    seeds.push(compound.into_inner().into_inner());
    let beginnings: [&[u8]; 14] = [
        b"%PDF-1.7\n1 0 obj\n<</Type/ObjStm/N 1/First 4/Length 20>>\nstream\n7 0 <</S/Launch>>xx\nendstream\nendobj\ntrailer<</Encrypt 3 0 R>>\nstartxref\n9\n%%EOF",
        b"{\\rtf1{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata 01050000020000000800}}{\\*\\template http://a}}",
        b"Rar!\x1A\x07\x01\0\x33\x92\xB5\xE5\x0A\x01\x05\x06\0\x05\x01\x01\x80\x80\0",
        b"\x1A\x45\xDF\xA3\x87\x42\x82\x84webm\x18\x53\x80\x67\x81x",
        b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x09\0\0\0\x11\x01\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0",
        b"\x1F\x8B\x08\x08\0\0\0\0\0\x03a.txt\0\x4B\x04\0\x43\xBE\xB7\xE8\x01\0\0\0",
        b"ID3\x04\0\0\0\0\0\x05abcde\xFF\xFB\x90\0",
        b"\xFF\xF1\x50\x80\x17\x3F\xFC",
        b"\xFF\xFEh\0i\0",
        b"\0\0\0\x01ftypisom\0\0\0\0\0\0\0\x10",
        b"<?xml version='1.0'?><!-- x --><svg onload=''>&#x41;</svg>",
        b"a,b\n1,2\n3,4\n",
        b"{\"a\": [1]}",
        b"MZ\0\0",
    ];
    seeds.extend(beginnings.iter().map(|bytes| bytes.to_vec()));
    seeds
});

fn kind(bytes: &[u8]) -> FileType {
    inspect(&mut Cursor::new(bytes), &Claim::default())
        .unwrap()
        .kind
}

fn survives(bytes: &[u8], declared: Option<&str>, file_name: Option<&str>) {
    let findings = inspect(
        &mut Cursor::new(bytes),
        &Claim {
            declared,
            file_name,
        },
    )
    .unwrap();
    assert!(findings.bytes_read <= READ_CAP);
    let judgement = Policy::default().judge(&findings);
    assert!(
        judgement
            .reasons
            .iter()
            .all(|reason| reason.verdict <= judgement.verdict)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2048), seed in 0..SEEDS.len(), keep in 0_usize..64) {
        let start = &SEEDS[seed][..SEEDS[seed].len().min(keep)];
        survives(&[start, &bytes].concat(), None, None);
    }

    #[test]
    fn mutated_files(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..40),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = SEEDS[seed].clone();
        let length = bytes.len();
        for (at, value, near_an_edge) in edits {
            // Structure lives at the edges: half of the edits go there.
            let at = if near_an_edge { let at = at.index(512); if at < 256 { at } else { (length + 256).saturating_sub(at) } } else { at.index(length) };
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        if cuts {
            bytes.truncate(cut.index(length));
        }
        survives(&bytes, None, None);
    }

    #[test]
    fn cut_files_keep_their_type_or_lose_it(seed in 0..SEEDS.len(), cut in any::<prop::sample::Index>()) {
        let whole = kind(&SEEDS[seed]);
        let at = cut.index(SEEDS[seed].len());
        let left = kind(&SEEDS[seed][..at]);
        // A few letters are text, whatever they were to become; data in a text format stays text.
        let known = [whole, FileType::Unknown, FileType::Text];
        let general = [left.is_a(), Some(left)].contains(&whole.is_a()) && whole.is_a().is_some();
        let elder = whole == FileType::Svg && left == FileType::Xml;
        // The second header of a Windows program comes late.
        let program = whole == FileType::Pe && left == FileType::DosExecutable;
        // Whether a picture moves, and what a stream is coded with, is said behind the signature.
        let same = left.goes_by_mime(&whole.mime().to_ascii_lowercase());
        prop_assert!(known.contains(&left) || general || elder || program || same, "{whole:?} cut at {at} is {left:?}");
    }

    #[test]
    fn sniffing_agrees_with_inspecting(seed in 0..SEEDS.len()) {
        let claim = Claim::default();
        let sniffed = sniff(&mut Cursor::new(&SEEDS[seed]), &claim).unwrap();
        prop_assert_eq!(sniffed.kind, kind(&SEEDS[seed]));
    }

    #[test]
    fn joined_files(first in 0..SEEDS.len(), second in 0..SEEDS.len(), at in any::<prop::sample::Index>()) {
        let cut = at.index(SEEDS[first].len() + 1);
        survives(&[&SEEDS[first][..cut], &SEEDS[second]].concat(), None, None);
    }

    #[test]
    fn foreign_claims(declared in ".{0,40}", name in ".{0,40}", seed in 0..SEEDS.len()) {
        survives(&SEEDS[seed], Some(&declared), Some(&name));
    }

    #[test]
    fn foreign_text(text in "[<>&#x;/:=a-zA-Z'\" \n!?\\-éß]{0,200}") {
        survives(text.as_bytes(), None, Some("a.html"));
    }
}
