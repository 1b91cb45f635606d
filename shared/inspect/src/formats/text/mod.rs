//! Text: decoded first, then told apart: mail, markup however it is dressed, JSON, contacts, calendars, tables, scripts.
//!
//! Text is text when it decodes and carries no control characters. Plain text has no magic, so the policy is explicit:
//! UTF-8, UTF-16 or UTF-32 is text; a legacy encoding is guessed and said to be a guess.

mod encoding;
mod entities;
mod mail;
mod markup;
mod script;
mod shape;

use super::zip::flag_open_document;
use super::{fields, find, runnable};
use crate::claim::Claim;
use crate::findings::{Confidence, HazardKind, Integrity};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use encoding::Decoded;
pub(super) use encoding::unicode;
use std::io;

/// How much of a text is looked at.
const TEXT_CAP: u64 = 1 << 20;
/// Longer XML is looked through in pieces, which overlap by more than the longest word looked for.
const PIECE: u64 = 256 << 10;
const OVERLAP: u64 = 64;
/// How much is enough to tell its type.
const SNIFFED: u64 = 16 << 10;

pub(super) fn read(source: &mut Source<'_>, claim: &Claim<'_>) -> io::Result<Option<Seen>> {
    if !encoding::may_be_text(source.head()) {
        return Ok(None);
    }
    let (length, deep) = (source.len(), source.is_deep());
    let bytes = source.prefix(if deep { TEXT_CAP } else { SNIFFED })?;
    let Some(decoded) = encoding::decode(&bytes, bytes.len() as u64 == length) else {
        return Ok(None);
    };
    let text = decoded.text.as_ref();
    let mut seen = Seen::likely(kind(text, &decoded, claim));
    if !decoded.certain {
        seen.confidence = Confidence::Guess;
    }
    seen.integrity = match (decoded.cut, bytes.len() as u64 == length) {
        (true, _) => Integrity::truncated("the last character is incomplete"),
        (false, true) => Integrity::Whole,
        (false, false) => Integrity::NotChecked,
    };
    let long = deep && seen.kind.family() == Family::Markup && !decoded.complete;
    if claim
        .extension()
        .is_some_and(|extension| runnable::is_script(&extension))
    {
        seen.add_hazard(HazardKind::Script, "text under a name that runs it");
    }
    if deep {
        flag(text, &mut seen);
    }
    if long && !(seen.kind == FileType::Xml && rest_is_data(source)?) {
        let long = format!("markup longer than {TEXT_CAP} bytes");
        seen.add_hazard(HazardKind::BeyondLimits, long);
    }
    Ok(Some(seen))
}

/// A text that begins as only one sort does, with control characters in it: damaged, or dressed so that it is no text.
/// Browsers and address books pass over them.
pub(super) fn beneath_controls(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let (length, deep) = (source.len(), source.is_deep());
    let bytes = source.prefix(if deep { TEXT_CAP } else { SNIFFED })?;
    let complete = bytes.len() as u64 == length;
    let text = encoding::without_controls(&bytes);
    let start = text.trim_start();
    let data = [FileType::VCard, FileType::Calendar];
    let kind = match start.as_bytes().first() {
        Some(b'<') => markup::kind_at_start(start),
        Some(b'B' | b'b') => shape::kind(start, complete, &Claim::default()),
        _ => None,
    };
    let Some(kind) = kind.filter(|kind| kind.family() == Family::Markup || data.contains(kind))
    else {
        return Ok(None);
    };
    let damage = Integrity::damaged("control characters in a text");
    let mut seen = Seen::new(kind, Confidence::Guess).with_integrity(damage);
    if deep {
        flag(&text, &mut seen);
    }
    Ok(Some(seen))
}

/// Whether XML goes on as it began: statements and invoices with whole files in them are long, and nothing in them runs
/// where no namespace is named in which scripts would, nor hidden in references.
fn rest_is_data(source: &mut Source<'_>) -> io::Result<bool> {
    let mut at = TEXT_CAP - OVERLAP;
    let (mut declares, mut refers) = (false, false);
    while at + OVERLAP < source.len() {
        let bytes = source.at(at, PIECE)?;
        if bytes.len() as u64 <= OVERLAP {
            // Our own limit, which is told elsewhere.
            return Ok(true);
        }
        let has = |word: &[u8]| find(bytes, word).is_some();
        if markup::RUNNING_NAMESPACES
            .iter()
            .any(|namespace| has(namespace.as_bytes()))
            || bytes.contains(&0)
        {
            return Ok(false);
        }
        declares |= has(b"xmlns");
        refers |= has(b"&#");
        at += bytes.len() as u64 - OVERLAP;
    }
    Ok(!(declares && refers))
}

fn kind(text: &str, decoded: &Decoded<'_>, claim: &Claim<'_>) -> FileType {
    if mail::is_message(text) {
        return FileType::Email;
    }
    let extension = claim.extension();
    let extension = extension.as_deref();
    script::kind(text, extension)
        .or_else(|| markup::kind_named(text, extension))
        .or_else(|| shape::kind(text, decoded.complete, claim))
        .unwrap_or(FileType::Text)
}

/// Adds what a text of this kind would do.
fn flag(text: &str, seen: &mut Seen) {
    match seen.kind {
        FileType::Html | FileType::Svg | FileType::Xml => {
            if let Some(evidence) = markup::active_content(seen.kind, text) {
                seen.add_hazard(HazardKind::MarkupScript, evidence);
            }
            entities::flag(text, seen);
            office_xml(text, seen);
        }
        FileType::Email => mail::flag(text, seen),
        FileType::Csv | FileType::Tsv if shape::starts_programs(text) => {
            seen.add_hazard(HazardKind::Dde, "a cell that starts a program");
        }
        FileType::Sylk if shape::has_macro(text) => {
            seen.add_hazard(HazardKind::Macro, "a macro that runs on opening");
        }
        FileType::Text if markup::runs_as_page(text) => {
            seen.add_hazard(HazardKind::MarkupScript, "markup that runs in a text");
        }
        _ => {}
    }
}

/// Office documents as one flat XML: Word and Excel 2003, flat OpenDocument, flat packages.
fn office_xml(text: &str, seen: &mut Seen) {
    if fields::has_dde(text) || text.contains("<DDELink") || text.contains(":DDELink") {
        seen.add_hazard(HazardKind::Dde, "a DDE field or link");
    }
    let code = [
        "editdata.mso",
        "/vbaProject.bin\"",
        "ms-office.vbaProject\"",
    ];
    if code.iter().any(|part| text.contains(part)) {
        seen.add_hazard(HazardKind::Macro, "a part with the code of a document");
    }
    if text.contains("oledata.mso") || text.contains("o:OLEObject") {
        seen.add_hazard(HazardKind::OlePackage, "an object in the document");
    }
    if text.contains("office:document") {
        flag_open_document(text, seen);
    }
}
