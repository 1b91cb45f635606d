//! What entries really are, whatever they are called: programs, packed objects, archives in archives, documents and pages
//! with something in them, the test virus.

use super::directory::{Directory, Entry};
use super::parts::Parts;
use super::{office, open_document};
use crate::findings::{HazardKind, Integrity};
use crate::formats::attached::{self, Carrier, HEAD};
use crate::formats::ole2;
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use std::io::{self, Read, Seek};

/// Entries whose first bytes are looked at.
const ENTRIES_CAP: usize = 1024;
/// The most an object may be unpacked to be opened.
const OBJECT_CAP: u64 = 4 << 20;

/// Adds what is inside.
pub(super) fn look<R: Read + Seek>(parts: &mut Parts<R>, seen: &mut Seen) -> io::Result<()> {
    if seen.kind.family() == Family::Executable {
        // Programs are made of programs.
        return Ok(());
    }
    let mut chunks = Vec::new();
    if parts.directory.has("[content_types].xml") {
        chunks = office::flag(parts, seen);
    } else if parts.directory.has("meta-inf/manifest.xml") {
        open_document::flag(parts, seen);
    }
    let entries = candidates(&parts.directory, &chunks);
    if entries.len() > ENTRIES_CAP {
        let many = format!("more than {ENTRIES_CAP} entries to look at");
        seen.add_hazard(HazardKind::BeyondLimits, many);
    }
    for (index, name) in entries.into_iter().take(ENTRIES_CAP) {
        entry(parts, (index, &name), seen)?;
    }
    troubles(parts, seen);
    Ok(())
}

fn entry<R: Read + Seek>(
    parts: &mut Parts<R>,
    (index, name): (usize, &str),
    seen: &mut Seen,
) -> io::Result<()> {
    let head = parts.bytes(index, HEAD);
    let (office, plain) = (parts.directory.is_office(), seen.kind == FileType::Zip);
    let carrier = match plain && !office {
        true => Carrier::Archive,
        false => Carrier::Package,
    };
    let object = head.starts_with(ole2::SIGNATURE);
    if object && carrier == Carrier::Package {
        attached::by_head(carrier, &head, seen);
        return ole2::object(parts.bytes(index, OBJECT_CAP), seen);
    }
    if !plain && !office && !head.starts_with(b"PK\x03\x04") {
        // Books and the like are made of pages.
        attached::by_head(carrier, &head, seen);
        return Ok(());
    }
    if office {
        attached::by_name(carrier, name, seen);
    }
    let mut allowance = parts.allowance;
    let unpack = |cap: usize| Ok(parts.bytes(index, cap as u64));
    attached::enter((&mut allowance, carrier), (name, &head), unpack, seen)?;
    parts.allowance.after(&allowance);
    Ok(())
}

/// Adds what came up while entries were unpacked.
fn troubles<R: Read + Seek>(parts: &Parts<R>, seen: &mut Seen) {
    let troubles = &parts.troubles;
    if troubles.unread {
        let method = "an entry packed in a way that is not undone here";
        seen.add_hazard(HazardKind::UnseenInside, method);
    }
    if troubles.spent {
        let much = "more to unpack than is looked at";
        seen.add_hazard(HazardKind::BeyondLimits, much);
    }
    if troubles.damaged && seen.integrity == Integrity::Whole {
        seen.integrity = Integrity::damaged("an entry does not unpack to what it states");
    }
}

/// Entries worth a look, objects and archives first: not what office formats are made of, which is XML.
fn candidates(directory: &Directory, chunks: &[String]) -> Vec<(usize, String)> {
    let office = directory.is_office();
    let part = |name: &str| {
        let chunk = chunks.iter().any(|chunk| name.ends_with(chunk.as_str()));
        let xml = [".xml", ".rels", ".vml", ".rdf"];
        (xml.iter().any(|end| name.ends_with(end)) && !chunk)
            || name == "mimetype"
            || name.contains("vbaproject")
    };
    let mut entries: Vec<&Entry> = directory
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
        .map(|entry| (entry.index, entry.name.clone()))
        .collect()
}
