//! Archives by their local headers: where the directory is not readable, and where a look at the first entry will do.
//!
//! A cut office document is still one: its content types usually come first. Entries are followed by the lengths in
//! their headers; where those come only after the data, the walk ends.

use super::{contents, office};
use crate::findings::HazardKind;
use crate::formats::{runnable, text::unicode};
use crate::inflate;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Entries followed.
const ENTRIES_CAP: usize = 256;
const HEADER: u64 = 30;
/// The most that is read and unpacked of the content types.
const TYPES_CAP: u64 = 64 << 10;

/// The type, if the first entry settles it alone: content types with one document in them, or a `mimetype`.
pub(super) fn first_entry(source: &mut Source<'_>) -> io::Result<Option<FileType>> {
    let Some(header) = source.exactly::<30>(0)? else {
        return Ok(None);
    };
    let half = |offset: usize| u64::from(u16::from_le_bytes([header[offset], header[offset + 1]]));
    let (flags, method, packed) = (half(6), half(8), half(18) | half(20) << 16);
    let (name, data) = (half(26), HEADER + half(26) + half(28));
    let stated = flags & 9 == 0 && packed <= TYPES_CAP;
    Ok(match source.at(HEADER, name)? {
        b"[Content_Types].xml" if stated && method == 8 => {
            let types = inflate::deflate(source.at(data, packed)?, 1 << 20);
            office::only_type(&types)
        }
        b"mimetype" if stated && method == 0 => std::str::from_utf8(source.at(data, packed)?)
            .ok()
            .and_then(contents::by_mimetype),
        _ => None,
    })
}

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Seen> {
    let mut seen = Seen::likely(FileType::Zip);
    let mut at = if source.head().get(4..8) == Some(b"PK\x03\x04") {
        4
    } else {
        0
    };
    for _ in 0..ENTRIES_CAP {
        let Some(header) = source
            .exactly::<30>(at)?
            .filter(|header| header.starts_with(b"PK\x03\x04"))
        else {
            break;
        };
        let half =
            |offset: usize| u64::from(u16::from_le_bytes([header[offset], header[offset + 1]]));
        let (flags, method) = (half(6), half(8));
        let packed = half(18) | half(20) << 16;
        let data = at + HEADER + half(26) + half(28);
        let name = String::from_utf8_lossy(source.at(at + HEADER, half(26))?).to_lowercase();
        if flags & 1 != 0 {
            seen.add_hazard(HazardKind::Encrypted, "entries are encrypted");
        }
        let open_ended = flags & 8 != 0 && packed == 0;
        if name == "[content_types].xml" && flags & 1 == 0 {
            let length = if open_ended {
                TYPES_CAP
            } else {
                packed.min(TYPES_CAP)
            };
            let raw = source.at(data, length)?;
            let types = if method == 8 {
                inflate::deflate(raw, 1 << 20)
            } else {
                raw.to_vec()
            };
            if let Some(kind) = office::by_types(&unicode(&types), None) {
                seen.kind = kind;
            }
        }
        if name == "mimetype" && flags & 1 == 0 && method == 0 && seen.kind == FileType::Zip {
            let stated = source.at(data, packed.min(TYPES_CAP))?;
            let stated = std::str::from_utf8(stated).ok();
            if let Some(kind) = stated.and_then(contents::by_mimetype) {
                seen.kind = kind;
            }
        }
        if name.ends_with("vbaproject.bin") {
            seen.add_hazard(HazardKind::Macro, "a VBA project part");
        }
        if seen.kind == FileType::Zip
            && let Some(extension) = runnable::extension(&name)
        {
            let inside = format!("an entry that ends with .{extension}");
            seen.add_hazard(HazardKind::ExecutableInside, inside);
        }
        if open_ended {
            break;
        }
        at = data.saturating_add(packed);
    }
    Ok(seen)
}
