//! Text: decoded first, then told apart: mail, markup however it is dressed, JSON, contacts, calendars, tables, scripts.
//!
//! Text is text when it decodes and carries no control characters. Plain text has no magic, so the policy is explicit:
//! UTF-8, UTF-16 or UTF-32 is text; a legacy encoding is guessed and said to be a guess.

mod active;
mod encoding;
pub(super) mod entities;
mod mail;
mod markup;
mod mime;
mod script;
mod shape;

use super::zip::flag_open_document;
use super::{fields, find, runnable};
use crate::claim::Claim;
use crate::findings::{Confidence, HazardKind, Integrity};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use active::Active;
use encoding::Decoded;
pub(super) use encoding::unicode;
use std::io;

/// How much of a text is looked at.
const TEXT_CAP: u64 = 1 << 20;
/// Longer markup is looked through in pieces, which overlap by more than the longest tag that people write.
const PIECE: u64 = 256 << 10;
const OVERLAP: u64 = 4 << 10;
/// Markup in which scripts could run is looked through up to this length.
const PAGE_CAP: u64 = 8 << 20;
/// Messages are looked through up to this length, for what they attach.
const MESSAGE_CAP: u64 = 12 << 20;
/// How much is enough to tell its type.
const SNIFFED: u64 = 16 << 10;
/// The namespace of Excel 2003's XML.
const SHEET: &str = "urn:schemas-microsoft-com:office:spreadsheet";

/// The script that letters are which stand where none are expected.
pub(crate) fn script_in(letters: &str) -> Option<FileType> {
    script::kind(letters, None).or_else(|| script::out_of_place(letters))
}

pub(super) fn read(source: &mut Source<'_>, claim: &Claim<'_>) -> io::Result<Option<Seen>> {
    if !encoding::may_be_text(source.head()) {
        return Ok(None);
    }
    let (length, deep, allowed) = (source.len(), source.is_deep(), *source.allowance());
    let bytes = source.prefix(if deep { TEXT_CAP } else { SNIFFED })?;
    let whole = bytes.len() as u64 == length;
    let Some(decoded) = encoding::decode(&bytes, whole, is_called_text(claim)) else {
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
    let narrow = !decoded.wide;
    if claim
        .extension()
        .is_some_and(|extension| runnable::is_script(&extension))
    {
        seen.add_hazard(HazardKind::Script, "text under a name that runs it");
    }
    let mut active = Active::new(seen.kind);
    let called = claim.extension();
    // Their markup is shown as it is written, and some of it is HTML.
    let documents_code = called
        .as_deref()
        .is_some_and(|extension| matches!(extension, "md" | "markdown" | "rst"));
    let mut allowance = allowed;
    if deep && seen.kind == FileType::Email && decoded.complete {
        mail::flag(text, &mut allowance, &mut seen)?;
    } else if deep {
        flag(text, documents_code, &mut active, &mut seen);
    }
    let complete = decoded.complete;
    source.allowance().after(&allowance);
    if deep && seen.kind == FileType::Email && !complete {
        long_message(source, &mut seen)?;
    }
    if long && !(narrow && rest(source, &mut active, &mut seen)?) {
        let long = format!("markup longer than {TEXT_CAP} bytes");
        seen.add_hazard(HazardKind::BeyondLimits, long);
    }
    Ok(Some(seen))
}

/// Adds what a message attaches that is longer than texts are looked at.
fn long_message(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let (length, mut allowance) = (source.len(), *source.allowance());
    let bytes = source.prefix(MESSAGE_CAP)?;
    let text = String::from_utf8_lossy(&bytes);
    mail::flag(&text, &mut allowance, seen)?;
    if length > MESSAGE_CAP {
        let long = format!("a message longer than {MESSAGE_CAP} bytes");
        seen.add_hazard(HazardKind::BeyondLimits, long);
    }
    source.allowance().after(&allowance);
    Ok(())
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
        flag(&text, false, &mut Active::new(kind), &mut seen);
    }
    Ok(Some(seen))
}

/// Whether the name or the declared type says that this is a text or a table.
fn is_called_text(claim: &Claim<'_>) -> bool {
    let extension = claim.extension();
    let essence = claim.essence();
    [FileType::Text, FileType::Csv].into_iter().any(|kind| {
        extension
            .as_deref()
            .is_some_and(|it| kind.goes_by_extension(it))
            || essence.as_deref().is_some_and(|it| kind.goes_by_mime(it))
    })
}

/// Looks through the rest of long markup: pages with pictures in them, statements and invoices with whole files in them.
/// Answers whether all of it could be judged.
fn rest(source: &mut Source<'_>, active: &mut Active, seen: &mut Seen) -> io::Result<bool> {
    let mut at = TEXT_CAP - OVERLAP;
    // XML in which nothing runs is only searched for what would change that.
    let mut runs = seen.kind != FileType::Xml || active.runs();
    let (mut declares, mut refers) = (false, false);
    while at + OVERLAP < source.len() {
        if runs && at > PAGE_CAP {
            return Ok(false);
        }
        let bytes = source.at(at, PIECE)?;
        if bytes.len() as u64 <= OVERLAP {
            // Our own limit, which is told elsewhere.
            return Ok(true);
        }
        let has = |word: &[u8]| find(bytes, word).is_some();
        if bytes.contains(&0) || has(b"<!ENTITY") {
            return Ok(false);
        }
        declares |= has(b"xmlns");
        refers |= has(b"&#");
        runs |= declares && refers
            || active::RUNNING_NAMESPACES
                .iter()
                .any(|namespace| has(namespace.as_bytes()));
        at += bytes.len() as u64 - OVERLAP;
        if runs && !active.exhausted() {
            let text = String::from_utf8_lossy(bytes);
            active.look(&text);
            office_xml(&text, seen);
        }
    }
    if let Some(evidence) = active.evidence() {
        seen.add_hazard(HazardKind::MarkupScript, evidence);
    }
    Ok(!active.exhausted())
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
fn flag(text: &str, documents_code: bool, active: &mut Active, seen: &mut Seen) {
    match seen.kind {
        FileType::Html | FileType::Svg | FileType::Xml => {
            active.look(text);
            if let Some(evidence) = active.evidence() {
                seen.add_hazard(HazardKind::MarkupScript, evidence);
            } else if active.exhausted() {
                let many = "more tags and addresses than are looked at";
                seen.add_hazard(HazardKind::BeyondLimits, many);
            }
            entities::flag(text, seen);
            office_xml(text, seen);
        }
        FileType::Csv | FileType::Tsv if shape::starts_programs(text) => {
            seen.add_hazard(HazardKind::Dde, "a cell that starts a program");
        }
        FileType::Sylk if shape::has_macro(text) => {
            seen.add_hazard(HazardKind::Macro, "a macro that runs on opening");
        }
        FileType::Text if !documents_code && markup::runs_as_page(text) => {
            seen.add_hazard(HazardKind::MarkupScript, "markup that runs in a text");
        }
        _ => {}
    }
}

/// Whether a formula of Excel 2003's XML asks another program: its name, a bar, and an item behind a bang.
fn formula_starts_program(text: &str) -> bool {
    let formulas = memchr::memmem::find_iter(text.as_bytes(), b"Formula=\"=");
    formulas.map(|at| &text[at + 10..]).any(|rest| {
        let formula = rest.split('"').next().unwrap_or_default();
        formula
            .split_once('|')
            .is_some_and(|(_, item)| item.contains('!'))
    })
}

/// Office documents as one flat XML: Word and Excel 2003, flat OpenDocument, flat packages.
fn office_xml(text: &str, seen: &mut Seen) {
    let has = |word: &str| find(text.as_bytes(), word.as_bytes()).is_some();
    let sheet = has(SHEET) && formula_starts_program(text);
    if sheet || has("<DDELink") || has(":DDELink") {
        seen.add_hazard(HazardKind::Dde, "a DDE link");
    }
    fields::flag(text, seen);
    let code = [
        "name=\"editdata.mso\"",
        "/vbaProject.bin\"",
        "ms-office.vbaProject\"",
    ];
    let page = has("Edit-Time-Data") && has("editdata.mso");
    if page || code.into_iter().any(has) {
        seen.add_hazard(HazardKind::Macro, "a part with the code of a document");
    }
    if has("oledata.mso") || has("o:OLEObject") {
        seen.add_hazard(HazardKind::OlePackage, "an object in the document");
    }
    if has("office:document") {
        flag_open_document(text, seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_that_start_programs() {
        let rows = [
            ("<Cell ss:Formula=\"=cmd|'/c calc'!A1\">", true),
            ("<Cell ss:Formula=\"=Sheet2!R1C1\"><Data>a|b!</Data>", false),
            ("<Cell ss:Formula=\"=SUM(R[-1]C)\">", false),
            ("<Cell ss:Formula=\"=", false),
        ];
        for (cell, expected) in rows {
            let mut seen = Seen::certain(FileType::Xml);
            office_xml(&format!("<Workbook xmlns='{SHEET}'>{cell}"), &mut seen);
            let found = seen.hazards.iter().any(|one| one.kind == HazardKind::Dde);
            assert_eq!(found, expected, "{cell}");
        }
    }
}
