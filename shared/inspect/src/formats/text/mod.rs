//! Text: decoded first, then told apart: markup however it is dressed, JSON, contacts, calendars, tables, scripts.
//!
//! Text is text when it decodes and carries no control characters. Plain text has no magic, so the policy is explicit:
//! UTF-8, or UTF-16 with a byte order mark, is text; a legacy single-byte encoding is guessed and said to be a guess.

mod encoding;
mod markup;
mod shape;

use crate::claim::Claim;
use crate::findings::{Confidence, HazardKind, Integrity};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use encoding::Decoded;
use std::io;

/// How much of a text is looked at.
const TEXT_CAP: u64 = 1 << 20;

/// Extensions that make plain text run on a double click or by an interpreter.
const SCRIPT_EXTENSIONS: [&str; 33] = [
    "bat",
    "cmd",
    "ps1",
    "psm1",
    "vbs",
    "vbe",
    "js",
    "jse",
    "mjs",
    "wsf",
    "wsh",
    "hta",
    "sh",
    "bash",
    "zsh",
    "command",
    "py",
    "pl",
    "rb",
    "php",
    "phtml",
    "jsp",
    "asp",
    "aspx",
    "scpt",
    "applescript",
    "reg",
    "inf",
    "scf",
    "url",
    "desktop",
    "settingcontent",
    "sct",
];

pub(super) fn read(source: &mut Source<'_>, claim: &Claim<'_>) -> io::Result<Option<Seen>> {
    if !encoding::may_be_text(source.head()) {
        return Ok(None);
    }
    let length = source.len();
    let bytes = source.prefix(TEXT_CAP)?;
    let Some(decoded) = encoding::decode(&bytes, bytes.len() as u64 == length) else {
        return Ok(None);
    };
    let mut seen = classify(&decoded, claim);
    if !decoded.certain {
        seen.confidence = Confidence::Guess;
    }
    seen.integrity = match (decoded.cut, bytes.len() as u64 == length) {
        (true, _) => Integrity::truncated("the last character is incomplete"),
        (false, true) => Integrity::Whole,
        (false, false) => Integrity::NotChecked,
    };
    if seen.kind.family() == Family::Markup && !decoded.complete {
        seen.add_hazard(
            HazardKind::BeyondLimits,
            format!("markup longer than {TEXT_CAP} bytes"),
        );
    }
    let named_script = claim
        .extension()
        .filter(|extension| SCRIPT_EXTENSIONS.contains(&extension.as_str()));
    if named_script.is_some() {
        seen.add_hazard(HazardKind::Script, "text under a name that runs it");
    }
    Ok(Some(seen))
}

fn classify(decoded: &Decoded<'_>, claim: &Claim<'_>) -> Seen {
    let text = decoded.text.as_ref();
    if let Some(kind) = shape::script(text) {
        return Seen::likely(kind);
    }
    if let Some(kind) = markup::kind(text) {
        let seen = Seen::likely(kind);
        return match markup::active_content(kind, text) {
            Some(evidence) => seen.with_hazard(HazardKind::MarkupScript, evidence),
            None => seen,
        };
    }
    match shape::kind(text, decoded.complete, claim) {
        Some(kind) => Seen::likely(kind),
        None => Seen::likely(FileType::Text),
    }
}
