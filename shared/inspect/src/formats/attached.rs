//! Files that a document carries: judged by what they are. Data is what documents are given for company; a program is not.

use super::{executable, runnable};
use crate::claim::Claim;
use crate::findings::HazardKind;
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::{Depth, Source};
use std::io::{self, Cursor};

/// Documents in documents in documents: deeper ones are not looked at.
const LEVELS_CAP: u8 = 3;

/// A file that a document carries.
pub(super) struct Attached<'a> {
    /// Its name as the document gives it; empty where it gives none.
    pub(super) name: &'a str,
    /// Its bytes, unpacked.
    pub(super) bytes: Vec<u8>,
    /// Whether these are all of its bytes.
    pub(super) whole: bool,
}

/// Adds what an attached file is to what is seen of the document `outer`.
pub(super) fn judge(outer: &mut Source<'_>, file: Attached<'_>, seen: &mut Seen) -> io::Result<()> {
    by_name(file.name, seen);
    if executable::is_program(&file.bytes) {
        seen.add_hazard(
            HazardKind::EmbeddedExecutable,
            "an attached file that is a program",
        );
        return Ok(());
    }
    if outer.level() >= LEVELS_CAP {
        let deep = format!("more than {LEVELS_CAP} documents in each other");
        seen.add_hazard(HazardKind::EmbeddedUnknown, deep);
        return Ok(());
    }
    let claim = Claim {
        declared: None,
        file_name: Some(file.name),
    };
    let depth = if file.whole { Depth::Deep } else { Depth::Type };
    let mut cursor = Cursor::new(file.bytes);
    let mut source = Source::open(&mut cursor, depth)?.carried_by(outer);
    let inner = crate::survey(&mut source, &claim)?;
    let spent = outer.unpacking() - source.unpacking();
    outer.unpacked(spent);
    by_kind(inner.kind, file.whole, seen);
    for hazard in inner.hazards {
        let kind = match hazard.kind {
            HazardKind::Executable | HazardKind::Script | HazardKind::ExecutableInside => {
                HazardKind::EmbeddedExecutable
            }
            kind => kind,
        };
        seen.add_hazard(kind, format!("{}, in an attached file", hazard.evidence));
    }
    Ok(())
}

/// Adds what the name alone gives away.
pub(super) fn by_name(name: &str, seen: &mut Seen) {
    if let Some(extension) = runnable::extension(name) {
        let runs = format!("an attached file that ends with .{extension}");
        seen.add_hazard(HazardKind::EmbeddedExecutable, runs);
    }
}

fn by_kind(kind: FileType, whole: bool, seen: &mut Seen) {
    let data = match kind.family() {
        Family::Image | Family::Audio | Family::Video | Family::Text => true,
        // Only all of a document tells what is in it.
        Family::Document => whole,
        Family::Markup => whole && kind != FileType::Html,
        // They have a flag of their own.
        Family::Executable | Family::Script => return,
        Family::Archive | Family::Other | Family::Unknown => false,
    };
    if !data {
        let what = format!("an attached file that is no plain data: {}", kind.label());
        seen.add_hazard(HazardKind::EmbeddedUnknown, what);
    }
}
