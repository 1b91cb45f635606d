//! What a file is, whether it is whole, and what is dangerous about it: read from its bytes.
//!
//! [`inspect`] reads as little of a file as settles the question (its head, its tail, and the places its own structure
//! points to) and answers with [`Findings`]: the type, how sure we are, whether the sender's declared type and the
//! file's name agree, whether the structure reaches its end, and hazards with evidence. [`Policy::judge`] turns
//! findings into a verdict.
//!
//! **Promises.** Pure: no clock, no environment, no threads, no I/O but the reader handed in. Reads are bounded
//! ([`READ_CAP`]), decompression is capped, and foreign bytes never panic. Evidence never contains text of the sender's:
//! only our own words, numbers, and names fixed by a format. The type always comes from the bytes; where plain text
//! could be several things (a list of lines may be CSV), the name and the declared type may break the tie, never more.
//!
//! **Leaves to others.** Which channel accepts what, conversion, malware scanning, moving anything anywhere.
//!
//! Rooms: [`mod@claim`] the two voices that are not the bytes, [`mod@kind`] the table of types, `formats/` one room per
//! family of formats, `polyglot` what hides behind another format, [`mod@policy`] flags to verdict, [`mod@report`] all of
//! it as one flat record. [`sniff`] stops at the type.

mod allowance;
pub mod claim;
pub mod findings;
mod formats;
mod inflate;
pub mod judgement;
pub mod kind;
pub mod policy;
mod polyglot;
pub mod report;
mod seen;
mod source;
mod work;

pub use claim::{Agreement, Claim};
pub use findings::{Confidence, Findings, Hazard, HazardKind, Integrity};
pub use judgement::{Judgement, Notice, Reason, ReasonCode, Verdict};
pub use kind::{Family, FileType};
pub use policy::{Policy, PolicyError};
pub use report::Report;
pub use source::READ_CAP;

use source::Depth;
use std::io::{self, Read, Seek};

/// Inspects one file: its type, whether it is whole, and what is dangerous in it.
///
/// `source` is read from wherever its structure leads, in any order; its position afterwards is unspecified. A source
/// that is dear to seek in (ranged reads over a network) should cache blocks: most files need their first 64 KiB and
/// their last 68 KiB; files up to 128 KiB, and up to 1 MiB documents, containers and whatever has no structure to
/// follow, are read once and whole.
///
/// # Errors
/// Only what `source` itself returns from reading or seeking. Malformed bytes are findings, never errors.
pub fn inspect<R: Read + Seek>(source: &mut R, claim: &Claim<'_>) -> io::Result<Findings> {
    look(source, claim, Depth::Deep)
}

/// Tells the type of one file, and only those hazards that show on the way to it.
///
/// What [`inspect`] would look for inside (macros behind their names, links, scripts in a PDF, what hides behind a
/// picture) is not looked for: the answer is a type, never a clearance.
///
/// # Errors
/// As [`inspect`].
pub fn sniff<R: Read + Seek>(source: &mut R, claim: &Claim<'_>) -> io::Result<Findings> {
    look(source, claim, Depth::Type)
}

fn look<R: Read + Seek>(source: &mut R, claim: &Claim<'_>, depth: Depth) -> io::Result<Findings> {
    let mut source = source::Source::open(source, depth)?;
    let seen = survey(&mut source, claim)?;
    Ok(Findings {
        declared: claim.declared_agreement(seen.kind),
        extension: claim.extension_agreement(seen.kind),
        kind: seen.kind,
        confidence: seen.confidence,
        integrity: seen.integrity,
        hazards: seen.hazards,
        bytes_read: source.bytes_read(),
    })
}

/// Everything that can be seen in one file, also in one that another carries.
fn survey(source: &mut source::Source<'_>, claim: &Claim<'_>) -> io::Result<seen::Seen> {
    let mut seen = formats::recognise(source, claim)?;
    if source.is_deep() {
        formats::archives::flag_unseen(&mut seen);
        polyglot::look_behind(source, &mut seen)?;
    }
    if source.exhausted() {
        // What looked like the file's end may only have been our own limit.
        seen.integrity = Integrity::NotChecked;
        seen.add_hazard(
            HazardKind::BeyondLimits,
            format!("{} bytes read and not at the end", source.bytes_read()),
        );
    }
    Ok(seen)
}
