//! Files that another carries: judged by what they are. Data is what documents are given for company; a program is not.
//! Archives and messages are there to carry files: in them only what would be dangerous by itself counts.

use super::{eicar, executable, runnable};
use crate::allowance::Allowance;
use crate::claim::Claim;
use crate::findings::HazardKind;
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::{Depth, Source};
use std::io::{self, Cursor};

/// Files in files in files: deeper ones are not looked at.
const LEVELS_CAP: u8 = 3;
/// How much of a file is enough to tell its sort.
pub(super) const HEAD: u64 = 4096;
/// The most that is unpacked of one file, of a text, and of what nothing is known of.
const FILE_CAP: usize = 8 << 20;
const TEXT_CAP: usize = 1 << 20;
const UNKNOWN_CAP: usize = 64 << 10;

/// What carries a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// A document to which it is attached.
    Document,
    /// An office document of which it is a part.
    Package,
    /// An archive.
    Archive,
    /// An e-mail.
    Message,
}

impl Carrier {
    /// What it is to carry a program: archives are for files, documents are not.
    fn runs(self) -> HazardKind {
        match self {
            Self::Document | Self::Package => HazardKind::EmbeddedExecutable,
            Self::Archive | Self::Message => HazardKind::ExecutableInside,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Document => "an attached file",
            Self::Package => "a part",
            Self::Archive => "an entry",
            Self::Message => "an attachment",
        }
    }
}

/// A file that another carries.
pub(super) struct Attached<'a> {
    /// Its name as the carrier gives it; empty where it gives none.
    pub(super) name: &'a str,
    /// Its bytes, unpacked.
    pub(super) bytes: Vec<u8>,
    /// Whether these are all of its bytes.
    pub(super) whole: bool,
}

/// Adds what a file is whose `head` was unpacked. Of what can do no harm by itself no more than that is unpacked; of the
/// rest `unpack` gives as many bytes as it is asked for, or all there are.
pub(super) fn enter(
    (allowance, carrier): (&mut Allowance, Carrier),
    (name, head): (&str, &[u8]),
    unpack: impl FnOnce(usize) -> io::Result<Vec<u8>>,
    seen: &mut Seen,
) -> io::Result<()> {
    allowance.looked_into();
    by_head(carrier, head, seen);
    let kind = sort(name, head)?;
    // What runs by its name is flagged for that: an archive of sources is not read source by source.
    let told = carrier == Carrier::Archive && runnable::extension(name).is_some();
    if told || executable::is_program(head) || is_passed_over(carrier, kind) {
        return Ok(());
    }
    let in_full = matches!(
        kind.family(),
        Family::Archive | Family::Document | Family::Markup
    );
    let cap = match kind.family() {
        _ if in_full => FILE_CAP,
        Family::Unknown | Family::Other => UNKNOWN_CAP,
        _ => TEXT_CAP,
    };
    let cap = cap.min(allowance.unpacking());
    let bytes = if cap == 0 { Vec::new() } else { unpack(cap)? };
    allowance.unpacked(bytes.len());
    let whole = bytes.len() < cap;
    if cap == 0 || in_full && !whole {
        let long = format!("{} that is longer than is looked at", carrier.what());
        seen.add_hazard(HazardKind::BeyondLimits, long);
    }
    judge(allowance, carrier, Attached { name, bytes, whole }, seen)
}

/// Adds what the first bytes of a file give away, whatever carries it.
pub(super) fn by_head(carrier: Carrier, head: &[u8], seen: &mut Seen) {
    if executable::is_program(head) {
        seen.add_hazard(
            carrier.runs(),
            format!("{} that is a program", carrier.what()),
        );
    }
    if eicar::is_in(head) {
        let test = format!("the scanner test in {}", carrier.what());
        seen.add_hazard(HazardKind::Eicar, test);
    }
}

/// The type by the beginning.
fn sort(name: &str, head: &[u8]) -> io::Result<FileType> {
    let claim = Claim {
        declared: None,
        file_name: Some(name),
    };
    let mut cursor = Cursor::new(head);
    let mut source = Source::open(&mut cursor, Depth::Type)?;
    Ok(super::recognise(&mut source, &claim)?.kind)
}

/// Pictures and recordings run nothing. Office documents have parts of their own making, which are no known type.
fn is_passed_over(carrier: Carrier, kind: FileType) -> bool {
    match kind.family() {
        Family::Image | Family::Audio | Family::Video => true,
        Family::Unknown | Family::Other => carrier == Carrier::Package,
        _ => false,
    }
}

/// Adds what a file is to what is seen of that which carries it.
pub(super) fn judge(
    allowance: &mut Allowance,
    carrier: Carrier,
    file: Attached<'_>,
    seen: &mut Seen,
) -> io::Result<()> {
    by_name(carrier, file.name, seen);
    by_head(carrier, &file.bytes, seen);
    if executable::is_program(&file.bytes) {
        return Ok(());
    }
    if allowance.level() >= LEVELS_CAP {
        return too_deep(carrier, &file, seen);
    }
    let claim = Claim {
        declared: None,
        file_name: Some(file.name),
    };
    let deep = file.whole || carrier != Carrier::Document;
    let depth = if deep { Depth::Deep } else { Depth::Type };
    let mut cursor = Cursor::new(file.bytes);
    let mut source = Source::open(&mut cursor, depth)?.with_allowance(allowance.inside());
    let inner = crate::survey(&mut source, &claim)?;
    allowance.after(source.allowance());
    if carrier == Carrier::Document {
        by_kind(inner.kind, file.whole, seen);
    }
    for hazard in inner.hazards {
        let kind = match hazard.kind {
            HazardKind::Executable | HazardKind::Script => carrier.runs(),
            HazardKind::ExecutableInside if carrier.runs() == HazardKind::EmbeddedExecutable => {
                carrier.runs()
            }
            kind => kind,
        };
        seen.add_hazard(kind, format!("{}, in {}", hazard.evidence, carrier.what()));
    }
    Ok(())
}

/// Adds what is to be said of a file in so many others that it is not looked into.
fn too_deep(carrier: Carrier, file: &Attached<'_>, seen: &mut Seen) -> io::Result<()> {
    let (files, kind) = (LEVELS_CAP + 1, sort(file.name, &file.bytes)?);
    if carrier == Carrier::Document {
        let deep = format!("more than {LEVELS_CAP} documents in each other");
        seen.add_hazard(HazardKind::EmbeddedUnknown, deep);
    } else if kind.family() == Family::Archive {
        // Archives in archives in archives are made to trap.
        let deep = format!("more than {files} archives in each other");
        seen.add_hazard(HazardKind::Bomb, deep);
    } else if matches!(kind.family(), Family::Document | Family::Markup) {
        let deep = format!("more than {files} files in each other");
        seen.add_hazard(HazardKind::BeyondLimits, deep);
    }
    Ok(())
}

/// Adds what the name alone gives away.
pub(super) fn by_name(carrier: Carrier, name: &str, seen: &mut Seen) {
    if let Some(extension) = runnable::extension(name) {
        let runs = format!("{} that ends with .{extension}", carrier.what());
        seen.add_hazard(carrier.runs(), runs);
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
