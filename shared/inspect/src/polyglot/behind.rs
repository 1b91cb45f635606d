//! What follows a format's own end.

use super::beginning::{self, has_arj, opening};
use super::foreign::{Sort, beginnings, script};
use super::{FOREIGN, is_media};
use crate::findings::HazardKind;
use crate::formats::{executable, find, sounds_like_frames};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// How much of what follows a format's end is looked at.
const BEHIND: u64 = 64 << 10;
/// How far behind the end a page may begin.
const PAGE_WITHIN: usize = 4096;

/// Adds what follows a format's own end; answers whether that is neither known nor padding.
pub(super) fn trailing(source: &mut Source<'_>, seen: &mut Seen, from: u64) -> io::Result<bool> {
    let bytes = source.at(from, BEHIND)?.to_vec();
    let Some(start) = bytes
        .iter()
        .position(|&b| b != 0 && !b.is_ascii_whitespace())
    else {
        return Ok(false);
    };
    let behind = &bytes[start..];
    let filled = behind
        .iter()
        .position(|&b| b != 0xFF)
        .unwrap_or(behind.len());
    let behind = &behind[filled.saturating_sub(1)..];
    let text = matches!(seen.kind.family(), Family::Text | Family::Markup);
    let page = || opening(&behind[..behind.len().min(PAGE_WITHIN)]);
    if let Some((kind, evidence)) = begins(behind, seen.kind) {
        seen.add_hazard(kind, evidence);
    } else if behind.starts_with(b"MZ") {
        seen.add_hazard(HazardKind::TrailingExecutable, "a program after the end");
    } else if let Some(what) = page().filter(|_| !text) {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    } else if is_phones(behind) || source.tail()?.1.ends_with(b"SEFT") {
        return Ok(false);
    } else if let Some(found) = beginnings(behind).next().or_else(|| script(behind)) {
        let what = found.what;
        seen.add_hazard(hazard(found.sort), format!("{what} after the end"));
    } else if is_media(seen.kind) && sounds_like_frames(&behind[..behind.len().min(PAGE_WITHIN)]) {
        seen.add_hazard(HazardKind::Polyglot, "sound after the end");
    } else {
        return Ok(filled < bytes.len() - start);
    }
    Ok(false)
}

/// Adds what begins right where a format's known structure ends, which may not be all of it.
pub(super) fn begins_at(source: &mut Source<'_>, seen: &mut Seen, from: u64) -> io::Result<()> {
    let bytes = source.at(from, BEHIND)?;
    let start = bytes
        .iter()
        .position(|&b| b != 0 && !b.is_ascii_whitespace());
    let Some(behind) = start.map(|start| &bytes[start..]) else {
        return Ok(());
    };
    if let Some((kind, evidence)) = begins(behind, seen.kind) {
        seen.add_hazard(kind, evidence);
    } else if let Some(found) = script(behind).filter(|one| one.at == 0) {
        let what = found.what;
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    }
    Ok(())
}

/// What begins with these very bytes, and how bad it is that something of `host`'s kind stands before it.
fn begins(behind: &[u8], host: FileType) -> Option<(HazardKind, String)> {
    let sound = matches!(host, FileType::Mp3 | FileType::Mp2 | FileType::Aac);
    let line = behind.strip_prefix(b"#!").map(<[u8]>::trim_ascii_start);
    if executable::is_program(behind) || line.is_some_and(|line| line.starts_with(b"/")) {
        let program = "a program after the end".to_owned();
        return Some((HazardKind::TrailingExecutable, program));
    }
    let signed = FOREIGN
        .iter()
        .find(|(magic, _)| behind.starts_with(magic))
        // Sound may have its tag at the end.
        .filter(|(magic, _)| !(sound && *magic == b"ID3"))
        .map(|&(_, what)| (HazardKind::Polyglot, what));
    let followed = || {
        let first = beginnings(behind).next().filter(|one| one.at == 0)?;
        Some((hazard(first.sort), first.what))
    };
    let page = || {
        let (_, what) = beginning::page(&behind[..behind.len().min(64)])?;
        let text = matches!(host.family(), Family::Text | Family::Markup);
        (behind.starts_with(b"<") && !text).then_some((HazardKind::Polyglot, what))
    };
    let arj = || {
        has_arj(&behind[..behind.len().min(PAGE_WITHIN)])
            .then_some((HazardKind::Polyglot, "an ARJ archive"))
    };
    let (kind, what) = signed.or_else(followed).or_else(page).or_else(arj)?;
    Some((kind, format!("{what} after the end")))
}

/// What it is that something stands where it should not.
pub(super) fn hazard(sort: Sort) -> HazardKind {
    match sort {
        Sort::Program => HazardKind::TrailingExecutable,
        Sort::Binary | Sort::Lettered | Sort::Script => HazardKind::Polyglot,
    }
}

/// What cameras and phones append: further pictures, clips, and notes about them.
fn is_phones(behind: &[u8]) -> bool {
    behind.starts_with(b"\xFF\xD8\xFF")
        || behind.starts_with(b"MotionPhoto_Data")
        || behind.starts_with(b"SEFH")
        || matches!(
            behind.get(4..8),
            Some(b"ftyp" | b"mpvd" | b"uuid" | b"free")
        )
        || find(&behind[..behind.len().min(64)], b"ftyp").is_some()
}
