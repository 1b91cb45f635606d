//! What follows a format's own end.

use super::beginning::{has_arj, opening};
use super::{FOREIGN, is_media};
use crate::findings::HazardKind;
use crate::formats::{executable, find, sounds_like_frames};
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// How much of what follows a format's end is looked at.
const BEHIND: u64 = 4096;

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
    if executable::is_program(behind) || behind.starts_with(b"MZ") || behind.starts_with(b"#!/") {
        seen.add_hazard(HazardKind::TrailingExecutable, "a program after the end");
    } else if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| behind.starts_with(magic)) {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    } else if let Some(what) =
        opening(behind).filter(|_| !matches!(seen.kind.family(), Family::Text | Family::Markup))
    {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    } else if has_arj(behind) {
        seen.add_hazard(HazardKind::Polyglot, "an ARJ archive after the end");
    } else if is_phones(behind) || source.tail()?.1.ends_with(b"SEFT") {
        return Ok(false);
    } else if is_media(seen.kind) && sounds_like_frames(&bytes) {
        seen.add_hazard(HazardKind::Polyglot, "sound after the end");
    } else {
        return Ok(filled < bytes.len() - start);
    }
    Ok(false)
}

/// Adds what begins right where a format's known structure ends, which may not be all of it.
pub(super) fn begins_at(source: &mut Source<'_>, seen: &mut Seen, from: u64) -> io::Result<()> {
    let sound = matches!(seen.kind, FileType::Mp3 | FileType::Mp2 | FileType::Aac);
    let behind = source.at(from, BEHIND)?.trim_ascii_start();
    if executable::is_program(behind) || behind.starts_with(b"#!/") {
        seen.add_hazard(HazardKind::TrailingExecutable, "a program after the end");
    } else if let Some((_, what)) = FOREIGN
        .iter()
        .find(|(magic, _)| behind.starts_with(magic))
        // Sound may have its tag at the end.
        .filter(|(magic, _)| !(sound && *magic == b"ID3"))
    {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    } else if let Some(what) =
        opening(&behind[..behind.len().min(64)]).filter(|_| behind.starts_with(b"<"))
    {
        seen.add_hazard(HazardKind::Polyglot, format!("{what} after the end"));
    }
    Ok(())
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
