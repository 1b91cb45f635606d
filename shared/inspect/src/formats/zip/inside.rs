//! What entries really are, whatever they are called: programs, packed objects, archives in archives, the test virus.

use super::contents;
use super::directory::Directory;
use super::parts::Parts;
use super::{office, open_document};
use crate::findings::HazardKind;
use crate::formats::{eicar, executable, ole2};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use std::io::{self, Cursor, Read, Seek};
use zip::ZipArchive;

/// Entries whose first bytes are looked at.
const ENTRIES_CAP: usize = 64;
/// How many of their bytes.
const HEAD: u64 = 1024;
/// Archives in archives in archives: deeper ones are made to trap.
const DEPTH_CAP: usize = 4;
/// The most an inner archive or object may be packed and unpacked to be opened.
const INNER_PACKED_CAP: u64 = 1 << 20;
const INNER_CAP: u64 = 4 << 20;

/// Adds what is inside. `depth` counts the archives around this one.
pub(super) fn look<R: Read + Seek>(
    parts: &mut Parts<R>,
    seen: &mut Seen,
    depth: usize,
) -> io::Result<()> {
    if parts.directory.has("[content_types].xml") {
        office::flag(parts, seen);
    } else if parts.directory.has("meta-inf/manifest.xml") {
        open_document::flag(parts, seen);
    }
    for (index, packed, unpacked) in candidates(&parts.directory) {
        let head = parts.bytes(index, HEAD);
        if executable::is_program(&head) && !matches!(seen.kind, FileType::Jar | FileType::Apk) {
            seen.add_hazard(carrying(seen), "an entry that is a program");
        }
        if eicar::is_in(&head) {
            seen.add_hazard(HazardKind::Eicar, "the scanner test inside an archive");
        }
        let archive = head.starts_with(b"PK\x03\x04");
        if !archive && !head.starts_with(ole2::SIGNATURE) {
            continue;
        }
        if archive && depth + 1 >= DEPTH_CAP {
            seen.add_hazard(
                HazardKind::Bomb,
                format!("more than {DEPTH_CAP} archives in each other"),
            );
        } else if packed <= INNER_PACKED_CAP && unpacked <= INNER_CAP {
            let inner = parts.bytes(index, INNER_CAP);
            if archive {
                nested(inner, seen, depth + 1, packed)?;
            } else {
                ole2::object(inner, seen)?;
            }
        } else if archive && unpacked / packed.max(1) > 8 {
            // Archives do not shrink unless they repeat themselves.
            seen.add_hazard(
                HazardKind::Bomb,
                format!("an archive of {unpacked} bytes packed to {packed}"),
            );
        }
    }
    Ok(())
}

/// What it is to carry a program: archives are for files, documents are not.
fn carrying(seen: &Seen) -> HazardKind {
    match seen.kind.family() {
        Family::Document => HazardKind::EmbeddedExecutable,
        _ => HazardKind::ExecutableInside,
    }
}

/// Entries worth a look, objects and archives first: not what office formats are made of, XML and the pictures in it.
fn candidates(directory: &Directory) -> Vec<(usize, u64, u64)> {
    let office = directory.has("[content_types].xml") || directory.has("meta-inf/manifest.xml");
    let part = |name: &str| {
        name.ends_with(".xml")
            || name.ends_with(".rels")
            || name == "mimetype"
            || name.contains("media/")
            || name.starts_with("pictures/")
            || name.starts_with("docprops/")
            || name.contains("vbaproject")
    };
    let mut entries: Vec<_> = directory
        .entries
        .iter()
        .filter(|entry| !entry.encrypted && entry.unpacked > 0 && !(office && part(&entry.name)))
        .collect();
    let object = |name: &str| {
        name.contains("embeddings/") || name.starts_with("object ") || name.ends_with(".zip")
    };
    entries.sort_by_key(|entry| !object(&entry.name));
    entries
        .into_iter()
        .take(ENTRIES_CAP)
        .map(|entry| (entry.index, entry.packed, entry.unpacked))
        .collect()
}

/// Adds what an archive inside an archive carries, and whether all of it together is a bomb.
fn nested(bytes: Vec<u8>, seen: &mut Seen, depth: usize, packed: u64) -> io::Result<()> {
    let Ok(archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return Ok(());
    };
    let mut parts = Parts::new(archive);
    if contents::is_dense(packed, parts.directory.unpacked()) {
        let all = format!(
            "{packed} bytes unpack to {} in an inner archive",
            parts.directory.unpacked()
        );
        seen.add_hazard(HazardKind::Bomb, all);
        return Ok(());
    }
    let kind = contents::kind(&mut parts);
    let mut inner = Seen::likely(kind);
    contents::flag(&mut inner, &parts.directory);
    look(&mut parts, &mut inner, depth)?;
    for hazard in inner.hazards {
        let kind = match hazard.kind {
            HazardKind::Executable | HazardKind::Script => carrying(seen),
            kind => kind,
        };
        seen.add_hazard(kind, format!("{}, in a file inside", hazard.evidence));
    }
    Ok(())
}
